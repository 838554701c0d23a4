/** When a copy is given up, who gets the next one, and what a missing second copy leads to. */
import t from 'tap';
import type { HostObservation } from '../../../control/model/observation.ts';
import { decide, type Situation } from '../../../control/monitor/decide.ts';
import type { CopyPlans } from '../../../control/monitor/replace.ts';
import { database, host, NOW_MS, replica, SILENCE_MS, volume } from '../../support/control-records.ts';

const room = (
  name: string,
  change: Partial<CopyPlans['rooms'][number]> = {},
): CopyPlans['rooms'][number] => ({
  host: name,
  zone: name.slice(0, 1),
  reachable: true,
  cordoned: false,
  roomBytes: 2 ** 40,
  ...change,
});
const plans = (change: Partial<CopyPlans> = {}): CopyPlans => ({
  rooms: [room('a1'), room('b1', { reachable: false }), room('c1')],
  droppedFrom: [],
  replaceAfterMs: 10_000,
  ...change,
});

const solo = { inSync: ['a1'] };
const primary = host('a1', replica('SOLO', solo));
const away = (forMs: number): HostObservation =>
  host('b1', replica('SECONDARY', { generation: 6 }), { lastHeardMs: NOW_MS - forMs });

function situation(hosts: readonly HostObservation[], change: Partial<Situation> = {}): Situation {
  return {
    record: { ...volume, ...solo },
    database,
    hosts: new Map(hosts.map((one) => [one.host, one])),
    silenceMs: SILENCE_MS,
    controlUpSinceMs: 0,
    nowMs: NOW_MS,
    plans: plans(),
    ...change,
  };
}

t.test('a copy outside of the set is given up once its host was silent for long enough', async (t) => {
  t.match(decide(situation([primary, away(10_000)])), { kind: 'replace', old: 'b1', to: 'c1' });
  t.match(decide(situation([primary, away(9000)])), {
    kind: 'none',
    recheckInMs: 1000,
    why: /b1 cannot be reached; c1 gets the copy of b1 in 1.0 s/,
  });
});

t.test('a control that has just started waits as long as if the host had fallen silent then', async (t) => {
  const young = { controlUpSinceMs: NOW_MS - 4000 };
  t.match(decide(situation([primary, away(60_000)], young)), { kind: 'none', recheckInMs: 6000 });
});

t.test('a copy whose host is back is brought up to date instead, however long it was away', async (t) => {
  const back = host('b1', replica('STALE', { generation: 6 }));
  t.match(decide(situation([primary, back])), { kind: 'reseed', target: 'b1' });
});

t.test('no copy is given up while', async (t) => {
  const cases: readonly (readonly [string, Situation, RegExp])[] = [
    [
      'no host in another zone has room',
      situation([primary, away(20_000)], { plans: plans({ rooms: [room('a1'), room('a2')] }) }),
      /no other host can take the copy of b1: 1024 MiB are needed/,
    ],
    [
      'the only other host is cordoned',
      situation([primary, away(20_000)], {
        plans: plans({ rooms: [room('a1'), room('c1', { cordoned: true })] }),
      }),
      /cordoned/,
    ],
    [
      'the only other host still has an older copy of it',
      situation([primary, away(20_000)], { plans: plans({ droppedFrom: ['c1'] }) }),
      /has or had a copy/,
    ],
    [
      'a workflow holds the database',
      situation([primary, away(20_000)], { database: { ...database, busyWith: 'convert-1' } }),
      /convert-1 holds it/,
    ],
    [
      'the primary does not serve',
      situation([host('a1', replica('HOLDING', solo)), away(20_000)]),
      /a1 is heard, and its replica is HOLDING/,
    ],
    [
      'nobody told where copies could go',
      bare([primary, away(20_000)]),
      /one copy only: b1 cannot be reached$/,
    ],
  ];
  for (const [what, given, why] of cases) t.match(decide(given), { kind: 'none', why }, what);
});

function bare(hosts: readonly HostObservation[]): Situation {
  const { plans: _none, ...rest } = situation(hosts);
  return rest;
}

t.test('a member of the set is not given up: the primary drops it first', async (t) => {
  const three = { ...volume, inSync: ['a1', 'c1'], replicas: ['a1', 'b1', 'c1'] };
  const serving = host('a1', replica('SERVING', { inSync: three.inSync }));
  const other = host('c1', replica('SECONDARY', { inSync: three.inSync }), { lastHeardMs: NOW_MS - 60_000 });
  const rooms = [room('a1'), room('b1'), room('c1'), room('d1')];
  const given = situation([serving, away(60_000), other], { record: three, plans: plans({ rooms }) });
  t.match(decide(given), { kind: 'replace', old: 'b1', to: 'd1' });
});

t.test('of three copies, where two were asked for,', async (t) => {
  const record = { ...volume, replicas: ['a1', 'b1', 'c1'], inSync: ['a1', 'b1', 'c1'] };
  const rooms = [room('a1'), room('b1'), room('c1')];
  const { inSync } = record;
  const primaryOf = (set: string[]) => host('a1', replica('SERVING', { inSync: set }));
  const member = (name: string, set = inSync) => host(name, replica('SECONDARY', { inSync: set }));
  const all = [primaryOf(inSync), member('b1'), member('c1')];
  const dropped = (hosts: readonly HostObservation[], change: Partial<Situation> = {}): unknown => {
    const decision = decide(situation(hosts, { record, rooms, ...change }));
    return decision.kind === 'drop-surplus' ? decision.drops : decision.kind;
  };
  t.same(dropped(all), ['c1'], 'the last one goes');
  const cordoned = [room('a1'), room('b1', { cordoned: true }), room('c1')];
  t.same(dropped(all, { rooms: cordoned }), ['b1'], 'or one on a cordoned host');
  const near = [room('a1'), room('b1', { zone: 'a' }), room('c1', { cordoned: true })];
  t.same(dropped(all, { rooms: near }), ['b1'], 'or one in the zone of the primary');
  const set = ['a1', 'c1'];
  const out = { record: { ...record, inSync: set } };
  const stale = host('b1', replica('STALE', { generation: 6, inSync: set }));
  t.same(dropped([primaryOf(set), stale, member('c1', set)], out), ['b1'], 'or one that is not in sync');
  const silent = host('b1', replica('SECONDARY', { inSync }), { lastHeardMs: NOW_MS - 60_000 });
  t.same(dropped([primaryOf(inSync), silent, member('c1')]), ['b1'], 'or one that is not heard');
  const blank = host('c1', replica('BLANK', { generation: 0, inSync: [] }));
  const alone = { record: { ...record, inSync: ['a1'] } };
  t.equal(dropped([primaryOf(['a1']), stale, blank], alone), 'reseed', 'none before the others are whole');
  t.equal(dropped(all, { database: { ...database, lifecycle: 'stopped' } }) instanceof Array, true);
  t.equal(dropped(all, { database: { ...database, busyWith: 'replace-1' } }), 'none');
});

t.test('a second copy of a single one goes, unless the first is on a host that is cordoned', async (t) => {
  const given = { rooms: [room('a1'), room('b1')], database: { ...database, copies: 1 }, record: volume };
  const inSync = ['a1', 'b1'];
  const both = [host('a1', replica('SERVING', { inSync })), host('b1', replica('SECONDARY', { inSync }))];
  t.match(decide(situation(both, given)), { kind: 'drop-surplus', drops: ['b1'] });
  const leaving = { ...given, rooms: [room('a1', { cordoned: true }), room('b1')] };
  t.match(decide(situation(both, leaving)), { kind: 'none', isWell: true });
});

t.test('two copies that were asked for are made where there is one', async (t) => {
  const record = { ...volume, ...solo, replicas: ['a1'] };
  t.match(decide(situation([primary], { record })), { kind: 'convert', to: 'c1' });
  const full = plans({ rooms: [room('a1')] });
  t.match(decide(situation([primary], { record, plans: full })), {
    kind: 'none',
    why: /there is one: 1024 MiB/,
  });
  const single = { ...database, copies: 1 };
  t.match(decide(situation([primary], { record, database: single })), { kind: 'none', isWell: true });
});
