import t from 'tap';
import type { HostObservation } from '../../../control/model/observation.ts';
import { forcedRecord, whyNotForce } from '../../../control/monitor/force.ts';
import type { Knowledge } from '../../../control/monitor/successor.ts';
import { host, NOW_MS, replica, SILENCE_MS, silent, volume } from '../../support/control-records.ts';

const alone = { ...volume, inSync: ['a1'] };

function knowing(hosts: readonly HostObservation[], change: Partial<Knowledge> = {}): Knowledge {
  return {
    record: alone,
    hosts: new Map(hosts.map((one) => [one.host, one])),
    silenceMs: SILENCE_MS,
    controlUpSinceMs: 0,
    nowMs: NOW_MS,
    ...change,
  };
}

const goneA = host('a1', replica('SOLO', { inSync: ['a1'] }), silent);
const old = host('b1', replica('STALE', { generation: 5, consistentAt: 5 }));

t.test('an old copy may be chosen once the primary is silent, or has no copy any more', async (t) => {
  t.equal(whyNotForce(knowing([goneA, old]), 'b1'), undefined);
  t.equal(whyNotForce(knowing([old]), 'b1'), undefined, 'never heard');
  t.equal(whyNotForce(knowing([host('a1', undefined), old]), 'b1'), undefined, 'its disk was replaced');
  const unreadable = host('a1', replica('UNREADABLE', { primary: '', inSync: [] }));
  t.equal(whyNotForce(knowing([unreadable, old]), 'b1'), undefined, 'its file is gone');
  const mixed = host('b1', replica('STALE', { generation: 6, consistentAt: 5, mixed: true }));
  t.equal(whyNotForce(knowing([goneA, mixed]), 'b1'), undefined, 'half of a copy: it goes back');
  const rebooted = host('b1', replica('SECONDARY', { hostRebooted: true }));
  t.equal(
    whyNotForce(knowing([goneA, rebooted], { record: volume }), 'b1'),
    undefined,
    'a restarted secondary',
  );
});

t.test('nothing is forced that need not or cannot be', async (t) => {
  const cases: readonly (readonly [string, Knowledge, string, RegExp])[] = [
    ['no replica of the volume', knowing([goneA, old]), 'z1', /no replica of orders-1/],
    ['a silent one', knowing([goneA, { ...old, ...silent }]), 'b1', /cannot be reached/],
    ['one without a copy', knowing([goneA, host('b1', undefined)]), 'b1', /reports no replica/],
    [
      'one that never was complete',
      knowing([goneA, host('b1', replica('JOINING', { consistentAt: 0 }))]),
      'b1',
      /never complete/,
    ],
    ['one that its disk failed', knowing([goneA, host('b1', replica('FENCED'))]), 'b1', /FENCED; restart/],
    [
      'beside a primary that is heard',
      knowing([host('a1', replica('FENCED')), old]),
      'b1',
      /a1 is heard.*FENCED/,
    ],
    ['the primary that serves', knowing([host('a1', replica('SOLO'))]), 'a1', /serves/],
    [
      'right after the start of control',
      knowing([old], { controlUpSinceMs: NOW_MS - 100 }),
      'b1',
      /not listened/,
    ],
    [
      'beside one that holds everything',
      knowing([goneA, host('b1', replica('SECONDARY'))], { record: volume }),
      'b1',
      /takes over by itself/,
    ],
  ];
  for (const [what, knowledge, to, why] of cases) t.match(whyNotForce(knowledge, to), why, what);
});

t.test('a primary that cannot recover without a host that is lost may be chosen itself', async (t) => {
  const stuck = host('a1', replica('RECOVERING', { hostRebooted: true }));
  const record = volume;
  t.equal(
    whyNotForce(knowing([stuck, host('b1', replica('SECONDARY'), silent)], { record }), 'a1'),
    undefined,
  );
  t.match(
    whyNotForce(knowing([stuck, host('b1', replica('SECONDARY'))], { record }), 'a1'),
    /b1 holds every/,
  );
});

t.test('a choice that its host has not heard of may be made again', async (t) => {
  const chosen = { ...volume, generation: 8, primary: 'b1', inSync: ['b1'] };
  t.equal(whyNotForce(knowing([goneA, old], { record: chosen }), 'b1'), undefined);
});

t.test('its generation is above all that any host may have acted in', async (t) => {
  const forced = (hosts: HostObservation[]): number => forcedRecord(knowing(hosts), 'b1').generation;
  t.match(forcedRecord(knowing([goneA, old]), 'b1'), { generation: 8, primary: 'b1', inSync: ['b1'] });
  t.ok(forced([old]) > 1000, 'far above, where a host was not heard since control started');
  const newer = host('a1', replica('SOLO', { generation: 50, inSync: ['a1'] }), silent);
  t.ok(forced([newer, old]) > 50);
});
