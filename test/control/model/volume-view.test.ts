import t from 'tap';
import type { HostObservation, ObservedCopy } from '../../../control/model/observation.ts';
import { type VolumeFacts, viewVolume } from '../../../control/model/volume-view.ts';
import { ResyncMode, VolumeReplicaRole as Role } from '../../../proto/gen/lockstep/v1/volume_service.ts';
import {
  host,
  hostRecord,
  NOW_MS,
  replica,
  SILENCE_MS,
  silent,
  volume,
} from '../../support/control-records.ts';

function facts(hosts: readonly HostObservation[], change: Partial<VolumeFacts> = {}): VolumeFacts {
  return {
    record: volume,
    hostRecords: new Map(['a1', 'b1'].map((name) => [name, hostRecord(name)])),
    observed: new Map(hosts.map((one) => [one.host, one])),
    events: [],
    waitsFor: '',
    busyWith: '',
    silenceMs: SILENCE_MS,
    controlUpSinceMs: 0,
    nowMs: NOW_MS,
    time: new Date(NOW_MS),
    ...change,
  };
}

const alone = { ...volume, inSync: ['a1'] };
const copy: ObservedCopy = {
  target: 'b1',
  phase: 'CATCHING_UP',
  mode: 'QUICK',
  doneBytes: 4_000_000,
  leftBytes: 6_000_000,
  sentBytes: 4_000_000,
  bytesPerSecond: 2_000_000,
  limitBytesPerSecond: 3_000_000,
  error: '',
};

t.test('both in sync: the primary first, with its lease; nobody lacks anything', async (t) => {
  const view = viewVolume(facts([host('b1', replica('SECONDARY')), host('a1', replica('SERVING'))]));
  t.match(view, {
    name: 'volumes/orders-1',
    database: 'databases/orders',
    generation: 7n,
    primary: 'hosts/a1',
  });
  const [a, b] = view.replicas;
  t.match(a, { host: 'hosts/a1', zone: 'a', role: Role.VOLUME_REPLICA_ROLE_PRIMARY, leaseLeftMs: 1500 });
  t.match(b, {
    role: Role.VOLUME_REPLICA_ROLE_SECONDARY,
    mayLackBytes: 0n,
    reachable: true,
    reportAgeMs: 100,
  });
  t.equal(b?.leaseLeftMs, undefined);
  t.equal(b?.consistentUntil, undefined);
});

t.test('a resync has its rate, its limit and the time that is left', async (t) => {
  const dirty = [{ host: 'b1', dirtyBytes: 6_000_000, known: true }];
  const hosts = [
    host('a1', replica('SOLO', { copy, dirty })),
    host('b1', replica('JOINING', { mixed: true })),
  ];
  const [a, b] = viewVolume(facts(hosts, { record: alone })).replicas;
  t.match(a, {
    leaseLeftMs: undefined,
    resync: { mode: ResyncMode.RESYNC_MODE_QUICK, leftMs: 3000n, limitBytesPerSecond: 3_000_000n },
  });
  t.match(b, { role: Role.VOLUME_REPLICA_ROLE_OUT_OF_SYNC, mayLackBytes: 6_000_000n, mixed: true });
  const resting = [host('a1', replica('SOLO', { copy: { ...copy, bytesPerSecond: 0 } }))];
  t.equal(viewVolume(facts(resting, { record: alone })).replicas[0]?.resync?.leftMs, undefined);
});

t.test('what nobody keeps account of is not called nothing', async (t) => {
  const unknown = [{ host: 'b1', dirtyBytes: 0, known: false }];
  for (const dirty of [[], unknown]) {
    const hosts = [host('a1', replica('SOLO', { dirty })), host('b1', replica('STALE'))];
    t.equal(viewVolume(facts(hosts, { record: alone })).replicas[1]?.mayLackBytes, undefined);
  }
});

t.test('an old copy is as of the first event after its last generation in sync', async (t) => {
  const hosts = [host('a1', undefined, silent), host('b1', replica('STALE', { consistentAt: 5 }))];
  const events = [
    { generation: 7, timeMs: 9000 },
    { generation: 5, timeMs: 1000 },
    { generation: 6, timeMs: 4000 },
  ];
  const of = (change: Partial<VolumeFacts>) =>
    viewVolume(facts(hosts, { record: alone, ...change })).replicas[1];
  t.same(of({ events })?.consistentUntil, new Date(4000));
  t.equal(of({ events: [] })?.consistentUntil, undefined, 'forgotten');
});

t.test(
  'a silent host is shown by its last word and how old that is; one never heard by nothing',
  async (t) => {
    const gone = host('a1', replica('SERVING'), silent);
    const [a, b] = viewVolume(facts([gone])).replicas;
    t.match(a, { reachable: false, reportAgeMs: 2000, state: 'SERVING' });
    t.match(b, { reachable: false, reportAgeMs: undefined, state: '' });
  },
);
