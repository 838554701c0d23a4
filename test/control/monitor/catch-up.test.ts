import t from 'tap';
import type { HostObservation, ObservedReplica } from '../../../control/model/observation.ts';
import { isConfirmed, isOwnPast, newestView, whyBehind } from '../../../control/monitor/catch-up.ts';
import { host, replica, volume } from '../../support/control-records.ts';

const observed = (...hosts: HostObservation[]) => new Map(hosts.map((one) => [one.host, one]));
const at = (generation: number, change: Partial<ObservedReplica> = {}): ObservedReplica =>
  replica('SECONDARY', { generation, ...change });
const three = { ...volume, replicas: ['a1', 'b1', 'c1'] };

t.test('a record that no replica contradicts is current', async (t) => {
  const cases: readonly (readonly [string, HostObservation[]])[] = [
    ['nobody was heard', []],
    ['the same view', [host('a1', at(7)), host('b1', at(7))]],
    ['the same set, in another order', [host('b1', at(7, { inSync: ['b1', 'a1'] }))]],
    ['an older view', [host('b1', at(3, { primary: 'b1', inSync: ['b1'] }))]],
    ['one that cannot be opened', [host('b1', at(7, { state: 'UNREADABLE', primary: '', inSync: [] }))]],
    ['a blank replica', [host('b1', at(0, { primary: '', inSync: [] }))]],
    ['a host that is no replica', [host('z1', at(99))]],
    ['another volume', [host('b1', at(99, { volume: 'other' }))]],
  ];
  for (const [what, hosts] of cases)
    t.match(newestView(volume, observed(...hosts)), { kind: 'current' }, what);
});

t.test('the newest view that a replica has persisted is adopted', async (t) => {
  const eight = { generation: 8, primary: 'b1', inSync: ['b1'] };
  const nine = { generation: 9, primary: 'b1', inSync: ['b1', 'a1'] };
  const newest = newestView(volume, observed(host('a1', at(8, eight)), host('b1', at(9, nine))));
  t.match(newest, {
    kind: 'newer',
    host: 'b1',
    next: { ...nine, replicas: ['a1', 'b1'], sizeBytes: 2 ** 30 },
  });
});

t.test('what one store cannot have decided is left to a person', async (t) => {
  const cases: readonly (readonly [string, HostObservation[], RegExp])[] = [
    [
      'two primaries of one newer generation',
      [host('a1', at(8, { inSync: ['a1'] })), host('b1', at(8, { primary: 'b1', inSync: ['b1'] }))],
      /two decisions of generation 8: a1 has a1.*b1 has b1/,
    ],
    [
      'two sets of one newer generation',
      [host('a1', at(8, { inSync: ['a1'] })), host('b1', at(8))],
      /two decisions/,
    ],
    [
      'another set than the record',
      [host('b1', at(7, { primary: 'b1', inSync: ['b1'] }))],
      /the record has a1/,
    ],
    ['a stranger in the set', [host('b1', at(8, { inSync: ['a1', 'z1'] }))], /no replicas/],
    [
      'a newer generation in a replica that cannot be opened',
      [host('b1', at(8, { state: 'UNREADABLE', primary: '', inSync: [] }))],
      /b1 holds a newer generation in a replica that it cannot open/,
    ],
    ['a generation beyond counting', [host('b1', at(2 ** 60))], /no replicas/],
  ];
  for (const [what, hosts, why] of cases) {
    t.match(newestView(volume, observed(...hosts)), { kind: 'unclear', why }, what);
    t.match(whyBehind(volume, observed(...hosts), false), why, what);
  }
  const older = [host('a1', at(9)), host('b1', at(8, { primary: 'b1', inSync: ['b1'] }))];
  t.match(newestView(volume, observed(...older)), { kind: 'newer' }, 'below the newest nobody is asked');
});

t.test('a position is own past as far as its run went', async (t) => {
  const runs = [
    { id: 'x', from: 0 },
    { id: 'y', from: 100 },
    { id: 'z', from: 130 },
  ];
  const known = (run: string, revision: number): boolean => isOwnPast(runs, 150, { run, revision });
  t.ok(known('', 0), 'told nothing yet');
  t.ok(known('x', 100));
  t.notOk(known('x', 101), 'a restored store has passed 101, in another run');
  t.ok(known('y', 130));
  t.notOk(known('y', 140));
  t.ok(known('z', 150));
  t.notOk(known('z', 151), 'its own run, with its last commits lost');
  t.notOk(known('w', 1), 'a run of which it knows nothing');
});

t.test('an unconfirmed record waits for every replica', async (t) => {
  const a = host('a1', at(7, { state: 'STALE' }));
  t.match(whyBehind(three, observed(a, host('b1', at(7))), true), /c1 may know a newer decision/);
  t.equal(whyBehind(three, observed(a, host('b1', at(7))), false), undefined);
  t.equal(whyBehind(three, observed(a, host('b1', undefined), host('c1', at(3))), true), undefined);
});

t.test('or for its set, while its primary serves: a newer one would have stopped it', async (t) => {
  const heard = (state: string, generation = 7): boolean =>
    isConfirmed(three, observed(host('a1', at(7, { state })), host('b1', at(generation))));
  t.ok(heard('SERVING'));
  t.notOk(heard('HOLDING'));
  const copy = { target: 'c1', phase: 'ASKING', mode: 'QUICK', doneBytes: 0, leftBytes: 0, sentBytes: 0 };
  const asking = { ...copy, bytesPerSecond: 0, limitBytesPerSecond: 0, error: '' };
  const asks = host('a1', at(7, { state: 'SERVING', copy: asking }));
  t.notOk(
    isConfirmed(three, observed(asks, host('b1', at(7)))),
    'it may have asked to take in the one that is away',
  );
  t.notOk(heard('RECOVERING'));
  t.notOk(heard('SERVING', 6), 'a member that may have been promoted since');
  t.notOk(
    isConfirmed(three, observed(host('a1', at(7, { state: 'SERVING' })))),
    'a member that was not heard',
  );
});
