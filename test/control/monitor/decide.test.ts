import t from 'tap';
import { NO_ENGINE } from '../../../control/model/engines.ts';
import type { HostObservation, ObservedReplica } from '../../../control/model/observation.ts';
import { decide, type Situation } from '../../../control/monitor/decide.ts';
import {
  database,
  host,
  NOW_MS,
  orphan,
  replica,
  SILENCE_MS,
  silent,
  volume,
} from '../../support/control-records.ts';

function situation(hosts: readonly HostObservation[], change: Partial<Situation> = {}): Situation {
  const record = change.record ?? volume;
  return {
    record,
    database,
    hosts: new Map(hosts.map((one) => [one.host, withViewOf(record, one)])),
    silenceMs: SILENCE_MS,
    controlUpSinceMs: 0,
    nowMs: NOW_MS,
    ...change,
  };
}

/** Two hosts that report one generation report one view. */
function withViewOf(
  { generation, primary, inSync }: Situation['record'],
  one: HostObservation,
): HostObservation {
  const replicas = [...one.replicas].map(([name, its]) => {
    const view = its.generation === generation ? { primary, inSync } : {};
    return [name, { ...its, ...view }] as const;
  });
  return { ...one, replicas: new Map(replicas) };
}

const primary = host('a1', replica('SERVING'));
const secondary = host('b1', replica('SECONDARY'));
const goneA = host('a1', replica('SERVING'), silent);
const lost = situation([goneA, host('b1', orphan())]);

t.test('a database that is served with both copies is left alone', async (t) => {
  t.match(decide(situation([primary, secondary])), { kind: 'none', isWell: true });
});

t.test('a primary that nobody hears is failed over from, as of when it was last heard', async (t) => {
  t.match(decide(lost), { kind: 'failover', to: 'b1', detectedFromMs: NOW_MS - 2000 });
});

t.test('no failover while any one of its rules is broken', async (t) => {
  const withB = (change: Parameters<typeof orphan>[0], its: Partial<HostObservation> = {}): Situation =>
    situation([goneA, host('b1', orphan(change), its)]);
  const cases: readonly [rule: string, broken: Situation, why: RegExp][] = [
    ['control hears the primary', situation([primary, host('b1', orphan())]), /well/],
    ['control has not been up for long enough', { ...lost, controlUpSinceMs: NOW_MS - SILENCE_MS + 1 }, /.*/],
    [
      'the secondary hears the primary',
      withB({ peerConnected: true, peerSilenceMs: 100, disconnectedSinceMs: undefined }),
      /more lately/,
    ],
    [
      'the secondary lost it a moment ago',
      withB({ peerSilenceMs: 300, disconnectedSinceMs: NOW_MS - 300 }),
      /more lately/,
    ],
    [
      'the secondary is not in the set',
      situation([goneA, host('b1', orphan())], { record: { ...volume, inSync: ['a1'] } }),
      /alone holds every write/,
    ],
    ['the secondary is stale', withB({ state: 'STALE' }), /is STALE/],
    ['the secondary stands at an older generation', withB({ generation: 6 }), /generation 6/],
    ['the secondary stands at a newer generation', withB({ generation: 8 }), /generation 8/],
    [
      'the secondary joins for another generation',
      withB({ state: 'JOINING', candidateFor: 6 }),
      /is JOINING/,
    ],
    ["the secondary's machine was restarted", withB({ hostRebooted: true }), /restarted and may lack/],
    ['the secondary cannot be reached either', withB({}, silent), /cannot be reached either/],
    ['the secondary reports no replica', situation([goneA, host('b1', undefined)]), /reports no replica/],
    ['the secondary was never heard', situation([goneA]), /cannot be reached/],
    [
      'another workflow holds the database',
      { ...lost, database: { ...database, busyWith: 'reseed-1' } },
      /reseed-1 holds/,
    ],
    [
      'the database is being created',
      { ...lost, database: { ...database, lifecycle: 'creating' } },
      /creating/,
    ],
    [
      'the database is being deleted',
      { ...lost, database: { ...database, lifecycle: 'deleting' } },
      /deleting/,
    ],
  ];
  for (const [rule, broken, why] of cases) t.match(decide(broken), { kind: 'none', why }, rule);
});

t.test('a joining replica that made the proposal of this generation durable may be promoted', async (t) => {
  const candidate = orphan({ state: 'JOINING', generation: 6, candidateFor: 7 });
  t.match(decide(situation([goneA, host('b1', candidate)])), { kind: 'failover', to: 'b1' });
});

t.test('a link that is down stays silent while the report of it ages', async (t) => {
  const aged = host('b1', orphan({ peerSilenceMs: 1400, disconnectedSinceMs: NOW_MS - 900 }));
  t.match(decide(situation([goneA, aged])), { kind: 'failover' }, 'reported 100 ms ago');
});

t.test('a rule that time alone will meet says when to look again', async (t) => {
  const b = host('b1', orphan({ peerConnected: true, disconnectedSinceMs: undefined, peerSilenceMs: 1200 }));
  t.match(decide(situation([goneA, b])), { kind: 'none', recheckInMs: 300 });
});

t.test(
  'a primary that was never heard counts as silent once control has listened for long enough',
  async (t) => {
    t.match(decide(situation([host('b1', orphan())])), { kind: 'failover', to: 'b1', detectedFromMs: 0 });
    t.match(decide(situation([host('b1', orphan())], { controlUpSinceMs: NOW_MS - 100 })), { kind: 'none' });
  },
);

t.test(
  'a restarted machine that recovers for too long loses the role to the secondary that was not',
  async (t) => {
    const recovering = (sinceMs: number): HostObservation =>
      host('a1', replica('RECOVERING', { hostRebooted: true, stateSinceMs: NOW_MS - sinceMs }));
    t.match(decide(situation([recovering(2000), secondary])), { kind: 'failover', to: 'b1' });
    t.match(decide(situation([recovering(1000), secondary])), { kind: 'none', recheckInMs: 500 });
    const rebooted = host('b1', replica('SECONDARY', { hostRebooted: true }));
    t.match(decide(situation([recovering(2000), rebooted])), { kind: 'none' }, 'both restarted');
    const restarted = host('a1', replica('RECOVERING', { stateSinceMs: 0 }));
    t.match(decide(situation([restarted, secondary])), { kind: 'none' }, 'only its process restarted');
  },
);

t.test('a primary that gave up in its own generation is failed over from at once', async (t) => {
  for (const state of ['FENCED', 'STALE', 'UNREADABLE']) {
    const gaveUp = (change: Partial<ObservedReplica> = {}): HostObservation =>
      host('a1', replica(state, { stateSinceMs: NOW_MS - 50, reason: 'its disk failed', ...change }));
    const decided = decide(situation([gaveUp(), secondary]));
    t.match(
      decided,
      { kind: 'failover', to: 'b1', why: /its disk failed/, detectedFromMs: NOW_MS - 50 },
      state,
    );
    t.match(
      decide(situation([gaveUp({ generation: 6 }), secondary])),
      { kind: 'none' },
      'of another generation',
    );
    const alone = { ...volume, inSync: ['a1'] };
    t.match(decide(situation([gaveUp(), secondary], { record: alone })), {
      kind: 'none',
      why: /nobody else/,
    });
    t.match(decide(situation([gaveUp(), host('b1', replica('STALE'))])), {
      kind: 'none',
      why: /b1 is STALE/,
    });
  }
});

t.test('a primary that stepped down and was forgotten is replaced, or told to serve again', async (t) => {
  const stepped = (sinceMs: number): HostObservation =>
    host('a1', replica('STEPPED_DOWN', { stateSinceMs: NOW_MS - sinceMs }));
  t.match(decide(situation([stepped(2000), secondary])), { kind: 'failover', to: 'b1' });
  t.match(decide(situation([stepped(1000), secondary])), { kind: 'none', recheckInMs: 500 });
  const record = { ...volume, inSync: ['a1'] };
  t.match(decide(situation([stepped(2000)], { record })), { kind: 'recover-primary', why: /STEPPED_DOWN/ });
  t.match(decide(situation([stepped(1000)], { record })), { kind: 'none' }, 'a report that may be old');
});

t.test('a primary that is heard and does not serve is replaced once its secondary has lost it', async (t) => {
  const idle = ['RECOVERING', 'BLANK'].map((state) => host('a1', replica(state)));
  for (const a of [...idle, host('a1', undefined)]) {
    const said = a.replicas.get('orders-1')?.state ?? 'no replica';
    t.match(decide(situation([a, host('b1', orphan())])), { kind: 'failover', to: 'b1' }, said);
    const lately = orphan({ peerSilenceMs: 300, disconnectedSinceMs: NOW_MS - 300 });
    t.match(decide(situation([a, host('b1', lately)])), { kind: 'none', recheckInMs: 1100 }, said);
    t.match(decide(situation([a, secondary])), { kind: 'none' }, `${said}, and talks to its secondary`);
  }
});

t.test('a primary that holds its writes and is heard is given time to go on alone', async (t) => {
  const holding = host('a1', replica('HOLDING'));
  const lostFor = (ms: number): HostObservation =>
    host('b1', orphan({ peerSilenceMs: ms, disconnectedSinceMs: NOW_MS - ms }));
  t.match(decide(situation([holding, lostFor(3000)])), { kind: 'none', recheckInMs: 650 });
  t.match(decide(situation([holding, lostFor(4000)])), { kind: 'failover', to: 'b1' });
});

t.test('a solo primary has the other host reseeded once it is back', async (t) => {
  const record = { ...volume, inSync: ['a1'] };
  const solo = host('a1', replica('SOLO'));
  for (const state of ['STALE', 'FENCED', 'BLANK', 'JOINING', 'STEPPED_DOWN', 'UNREADABLE'])
    t.match(
      decide(situation([solo, host('b1', replica(state))], { record })),
      { kind: 'reseed', source: 'a1', target: 'b1' },
      state,
    );
  t.match(
    decide(situation([solo, host('b1', undefined)], { record })),
    { kind: 'reseed' },
    'its copy is gone',
  );
  t.match(decide(situation([solo, host('b1', replica('STALE'), silent)], { record })), {
    kind: 'none',
    why: /cannot be reached/,
  });
  t.match(
    decide(situation([solo, host('b1', replica('RECOVERING'))], { record })),
    { kind: 'none' },
    'a state of its own',
  );
  t.match(decide(situation([solo, host('b1', orphan())], { record })), { kind: 'reseed' }, 'long cut off');
  t.match(
    decide(situation([solo, host('b1', replica('SECONDARY'))], { record })),
    { kind: 'none' },
    'just dropped',
  );
  const older = host('a1', replica('SOLO', { generation: 6 }));
  t.match(
    decide(situation([older, host('b1', replica('STALE'))], { record })),
    { kind: 'none' },
    'not at the generation',
  );
});

t.test('a volume without an engine is well when it is served, and fails over as any other', async (t) => {
  const bare = { database: { ...database, engine: NO_ENGINE } };
  const served = host('a1', replica('SERVING'), { engines: [] });
  t.match(decide(situation([served, secondary], bare)), { kind: 'none', isWell: true });
  t.match(decide(situation([served, secondary], { database: { ...bare.database, aliasHost: 'b1' } })), {
    kind: 'recover-primary',
    why: /the alias names b1/,
  });
  t.match(decide(situation([goneA, host('b1', orphan())], bare)), { kind: 'failover', to: 'b1' });
});

t.test('an engine or an alias that is not where the primary serves is brought back', async (t) => {
  const without = (state: string): HostObservation =>
    host('a1', replica('SERVING'), {
      engines: [{ volume: 'orders-1', database: '', state, version: '', logTail: [] }],
    });
  t.match(decide(situation([without('FAILED'), secondary])), { kind: 'recover-primary', why: /FAILED/ });
  t.match(decide(situation([without('STOPPED'), secondary])), { kind: 'recover-primary' });
  t.match(decide(situation([without('STARTING'), secondary])), { kind: 'none' });
  t.match(decide(situation([without('FROZEN'), secondary])), { kind: 'none', why: /lease/ });
  t.match(decide(situation([host('a1', replica('SERVING'), { engines: [] }), secondary])), {
    kind: 'recover-primary',
  });
  const moved = { ...database, aliasHost: 'b1' };
  t.match(decide(situation([primary, secondary], { database: moved })), {
    kind: 'recover-primary',
    why: /alias/,
  });
  const failed: Situation['database'] = { ...database, lifecycle: 'failed' };
  t.match(decide(situation([primary, secondary], { database: failed })), { kind: 'recover-primary' });
});

/** What hosts say while one way between two of them is cut: who hears whom, on what each reports. */
t.test(
  'of the ways that may be cut only that from the primary to both others causes a failover',
  async (t) => {
    const deaf = orphan({ peerConnected: true, disconnectedSinceMs: undefined });
    const unheard = host('b1', replica('SECONDARY'), silent);
    const cases: readonly (readonly [way: string, hosts: readonly HostObservation[], kind: string])[] = [
      // The primary asks for the lease, and no answer comes: it holds its writes, and asks control.
      ['secondary to primary', [host('a1', replica('HOLDING')), host('b1', orphan())], 'none'],
      ['primary to secondary', [host('a1', replica('HOLDING')), host('b1', deaf)], 'none'],
      ['primary to control', [goneA, secondary], 'none'],
      ['control to primary', [goneA, secondary], 'none'],
      ['secondary to control', [primary, unheard], 'none'],
      ['both to control', [goneA, unheard], 'none'],
      ['primary to both others', [goneA, host('b1', orphan())], 'failover'],
      ['both others to the primary', [goneA, host('b1', deaf)], 'failover'],
    ];
    for (const [way, hosts, kind] of cases) t.match(decide(situation(hosts)), { kind }, way);
  },
);

const three = { ...volume, inSync: ['a1', 'b1', 'c1'], replicas: ['a1', 'b1', 'c1'] };
const withThree = (hosts: readonly HostObservation[], change: Partial<Situation> = {}): Situation =>
  situation(hosts, { record: three, ...change });

t.test('of two secondaries one that may be promoted takes over, whichever is named first', async (t) => {
  const well = (name: string): HostObservation => host(name, orphan());
  const unfit: readonly (readonly [string, (name: string) => HostObservation])[] = [
    ['restarted', (name) => host(name, orphan({ hostRebooted: true }))],
    ['silent', (name) => host(name, orphan(), silent)],
    ['stale', (name) => host(name, replica('STALE'))],
    ['behind', (name) => host(name, orphan({ generation: 6 }))],
    ['without a replica', (name) => host(name, undefined)],
  ];
  for (const [what, of] of unfit) {
    t.match(decide(withThree([goneA, of('b1'), well('c1')])), { kind: 'failover', to: 'c1' }, what);
    t.match(decide(withThree([goneA, well('b1'), of('c1')])), { kind: 'failover', to: 'b1' }, what);
    t.match(
      decide(withThree([goneA, of('b1'), of('c1')])),
      { kind: 'none', why: /b1.*; .*c1/ },
      `both ${what}`,
    );
  }
});

t.test(
  'of two that may be promoted the one that was heard last takes over, then the first by name',
  async (t) => {
    const heard = (name: string, agoMs: number): HostObservation =>
      host(name, orphan(), { lastHeardMs: NOW_MS - agoMs });
    t.match(decide(withThree([goneA, heard('b1', 200), heard('c1', 100)])), { to: 'c1' });
    t.match(decide(withThree([goneA, heard('b1', 100), heard('c1', 200)])), { to: 'b1' });
    t.match(decide(withThree([goneA, heard('c1', 100), heard('b1', 100)])), { to: 'b1' });
  },
);

t.test(
  'one secondary that has lost the primary is enough: it can acknowledge nothing without it',
  async (t) => {
    const hearing = host('b1', replica('SECONDARY'), { lastHeardMs: NOW_MS - 50 });
    t.match(decide(withThree([goneA, hearing, host('c1', orphan())])), { kind: 'failover', to: 'c1' });
    t.match(decide(withThree([goneA, hearing, host('c1', replica('SECONDARY'))])), { kind: 'none' });
  },
);

t.test('a primary of three that gave up, recovers for too long or does not serve is replaced', async (t) => {
  const others = [host('b1', replica('STALE')), host('c1', orphan())];
  const gaveUp = host('a1', replica('FENCED', { stateSinceMs: NOW_MS - 50 }));
  t.match(decide(withThree([gaveUp, ...others])), { kind: 'failover', to: 'c1' });
  const rebooted = host('a1', replica('RECOVERING', { hostRebooted: true }));
  t.match(decide(withThree([rebooted, ...others])), { kind: 'failover', to: 'c1' });
  const long = [host('b1', replica('STALE')), host('c1', orphan({ peerSilenceMs: 4000 }))];
  t.match(decide(withThree([host('a1', replica('HOLDING')), ...long])), { kind: 'failover', to: 'c1' });
});

t.test('each missing one of three is reseeded in its turn, also beside a secondary', async (t) => {
  const missing = (state: string, name: string): HostObservation => host(name, replica(state));
  const alone = { record: { ...three, inSync: ['a1'] } };
  const solo = host('a1', replica('SOLO'));
  const both = [missing('STALE', 'b1'), missing('STALE', 'c1')];
  t.match(decide(withThree([solo, ...both], alone)), { kind: 'reseed', target: 'b1' });
  const [b, c] = both;
  t.match(decide(withThree([solo, host('b1', replica('STALE'), silent), c as HostObservation], alone)), {
    kind: 'reseed',
    target: 'c1',
  });
  const two = { record: { ...three, inSync: ['a1', 'c1'] } };
  t.match(decide(withThree([primary, b as HostObservation, missing('SECONDARY', 'c1')], two)), {
    kind: 'reseed',
    target: 'b1',
  });
  const decided = decide(withThree([primary, missing('SECONDARY', 'c1')], two));
  t.match(decided, { kind: 'none', why: /2 copies only: b1 cannot be reached/ });
  t.notMatch(decided, { isWell: true });
});

t.test('nothing is decided from a record that is known to be behind', async (t) => {
  const newer = orphan({ generation: 8, primary: 'b1', inSync: ['b1'], state: 'SOLO' });
  t.match(decide(situation([goneA, host('b1', newer)])), { kind: 'none', why: /b1 holds generation 8/ });
  const unheard = situation([host('b1', orphan())], { isUnconfirmed: true });
  t.match(decide(unheard), { kind: 'none', why: /a1 may know a newer decision/ });
  t.match(decide(situation([goneA, host('b1', orphan())], { isUnconfirmed: true })), { kind: 'failover' });
});

t.test('a stopped database is left alone, but for its missing copies', async (t) => {
  const stopped = { database: { ...database, lifecycle: 'stopped', aliasHost: '' } } as const;
  const idle = host('a1', replica('SERVING'), { engines: [] });
  t.match(decide(situation([idle, secondary], stopped)), { kind: 'none', isWell: true });
  t.match(decide(situation([goneA, host('b1', orphan())], stopped)), {
    kind: 'none',
    why: /a1 has been silent for 2.0 s; b1 can follow it at a start/,
  });
  for (const state of ['FENCED', 'STEPPED_DOWN', 'RECOVERING', 'HOLDING'])
    t.match(decide(situation([host('a1', replica(state)), host('b1', orphan())], stopped)), { kind: 'none' });
  const alone = { ...stopped, record: { ...volume, inSync: ['a1'] } };
  const solo = host('a1', replica('SOLO'), { engines: [] });
  t.match(decide(situation([solo, host('b1', replica('STALE'))], alone)), { kind: 'reseed', target: 'b1' });
  t.match(decide(situation([goneA, host('b1', replica('STALE'))], alone)), {
    kind: 'none',
    why: /nobody else can follow it/,
  });
});
