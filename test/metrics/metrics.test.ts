import { channel } from 'node:diagnostics_channel';
import { createServer } from 'node:net';
import { once } from 'node:events';
import t, { type Test } from 'tap';
import { MetricsServer, type ReplicaSource } from '../../daemon/metrics/metrics.ts';
import type { ReplicaStatus } from '../../daemon/replication/interface.ts';

const HOST = '127.0.102.1';
const PORT = 17_402;
const identity = { host: 'host-a', zone: 'a', version: '1.2.3' };

const status: ReplicaStatus = {
  state: 'SERVING',
  view: { generation: 7, primary: 'host-a', inSync: ['host-a', 'host-b'] },
  reason: '',
  peerConnected: true,
  peerSilenceMs: 3,
  leaseLeftMs: 1500,
  lagBytes: 12,
  dirty: [
    { host: 'host-c', dirtyBytes: 131_072, isKnown: true },
    { host: 'host-d', dirtyBytes: 0, isKnown: true },
  ],
  consistentAt: 7,
  mixed: false,
  repairedRegions: 0,
  candidateFor: 0,
  hostRebooted: false,
  appliedSequence: 3,
  unstableRegions: 0,
  heldRequests: 4,
  scrub: undefined,
  join: {
    target: 'host-c',
    phase: 'CATCHING_UP',
    mode: 'QUICK',
    doneBytes: 65_536,
    leftBytes: 131_072,
    sentBytes: 65_536,
    bytesPerSecond: 32_768,
    limitBytesPerSecond: 0,
    error: '',
  },
};
const oneReplica: ReplicaSource = { volumes: { all: () => [{ name: 'orders', status }] } };

async function serve(t: Test, source: ReplicaSource | undefined): Promise<void> {
  const server = new MetricsServer(identity, source);
  await server.listen(HOST, PORT);
  t.teardown(() => server.close());
}

const get = (path = '/metrics', method = 'GET'): Promise<Response> =>
  fetch(`http://${HOST}:${String(PORT)}${path}`, { method, headers: { connection: 'close' } });

const named = (_all: string, name: string, labels: string): string =>
  labels === '' ? name : `${name}{${labels}}`;

/** Samples by name and labels; those of every host are left out of the key. */
async function samples(): Promise<Map<string, number>> {
  const text = await (await get()).text();
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => {
      const at = line.lastIndexOf(' ');
      return [
        line
          .slice(0, at)
          .replace(/host="host-a",zone="a"/, '')
          .replace(/^(\w+)\{,?(.*?),?\}$/, named),
        Number(line.slice(at + 1)),
      ];
    }),
  );
}

t.test('the replicas are told of as they are at the moment of the scrape', async (t) => {
  await serve(t, oneReplica);
  const found = await samples();
  const expected = {
    lockstep_replica_generation: 7,
    lockstep_replica_in_sync_members: 2,
    lockstep_replica_peer_connected: 1,
    lockstep_replica_lease_left_seconds: 1.5,
    lockstep_replica_lag_bytes: 12,
    lockstep_replica_held_requests: 4,
    lockstep_replica_copy_left_bytes: 131_072,
    lockstep_replica_copy_bytes_per_second: 32_768,
  };
  for (const [name, value] of Object.entries(expected))
    t.equal(found.get(`${name}{volume="orders"}`), value, name);
  t.equal(found.get('lockstep_replica_state{volume="orders",state="SERVING"}'), 1);
  t.equal(found.get('lockstep_replica_state{volume="orders",state="SOLO"}'), 0);
  t.equal(found.get('lockstep_replica_dirty_bytes{volume="orders",peer="host-c"}'), 131_072);
  t.equal(found.get('lockstep_replica_dirty_bytes{volume="orders",peer="host-d"}'), 0);
  t.equal(found.get('lockstep_build_info{version="1.2.3"}'), 1);
});

t.test('a host that stores nothing has no metrics of replicas', async (t) => {
  await serve(t, undefined);
  const names = [...(await samples()).keys()];
  t.strictSame(
    names.filter((name) => name.startsWith('lockstep_replica_') && !name.includes('transitions')),
    [],
  );
  t.ok(names.some((name) => name.startsWith('lockstep_process_resident_memory_bytes')));
});

t.test('requests are counted by command; a failed one moved no bytes', async (t) => {
  await serve(t, oneReplica);
  const requests = channel('lockstep:nbd:request');
  requests.publish({ kind: 'write', length: 4096, durationMs: 2 });
  requests.publish({ kind: 'write', length: 4096, durationMs: 2, failure: 'EIO' });
  channel('lockstep:nbd:connection').publish({ open: true });
  const found = await samples();
  t.equal(found.get('lockstep_nbd_bytes_total{command="write"}'), 4096);
  t.equal(found.get('lockstep_nbd_failures_total{command="write",error="EIO"}'), 1);
  t.equal(found.get('lockstep_nbd_request_duration_seconds_count{command="write"}'), 2);
  t.equal(found.get('lockstep_nbd_request_duration_seconds_sum{command="write"}'), 0.004);
  t.equal(found.get('lockstep_nbd_connections'), 1);
});

t.test('heartbeats are told of with how long they took, apart from those that failed', async (t) => {
  await serve(t, undefined);
  const heartbeats = channel('lockstep:agent:heartbeat');
  heartbeats.publish({ durationMs: 15, answered: true });
  heartbeats.publish({ durationMs: 30, answered: true });
  heartbeats.publish({ durationMs: 1500, answered: false });
  const found = await samples();
  const upTo = (bound: string): number | undefined =>
    found.get(`lockstep_heartbeat_duration_seconds_bucket{le="${bound}",,outcome="answered"}`);
  t.equal(upTo('0.01'), 0);
  t.equal(upTo('0.02'), 1);
  t.equal(upTo('0.05'), 2);
  t.equal(found.get('lockstep_heartbeat_duration_seconds_count{outcome="failed"}'), 1);
});

t.test('the way of a lease there and back is told of by volume', async (t) => {
  await serve(t, oneReplica);
  channel('lockstep:replica:lease').publish({ volume: 'orders', roundTripMs: 2 });
  const found = await samples();
  t.equal(found.get('lockstep_replica_lease_round_trip_seconds_sum{volume="orders"}'), 0.002);
});

t.test('repairs are counted by volume', async (t) => {
  await serve(t, oneReplica);
  for (const volume of ['orders', 'orders', 'users'])
    channel('lockstep:replica:repaired').publish({ volume });
  const found = await samples();
  t.equal(found.get('lockstep_replica_repaired_regions_total{volume="orders"}'), 2);
  t.equal(found.get('lockstep_replica_repaired_regions_total{volume="users"}'), 1);
});

t.test('regions that a scrub cannot repair are counted by volume', async (t) => {
  await serve(t, oneReplica);
  for (const volume of ['orders', 'users', 'users']) channel('lockstep:replica:mismatch').publish({ volume });
  const found = await samples();
  t.equal(found.get('lockstep_replica_mismatched_regions_total{volume="orders"}'), 1);
  t.equal(found.get('lockstep_replica_mismatched_regions_total{volume="users"}'), 2);
});

t.test('a figure that cannot be had is told of, and the daemon goes on', async (t) => {
  let broken = true;
  const all = (): ReturnType<ReplicaSource['volumes']['all']> => {
    if (broken) throw new Error('no figures today');
    return [];
  };
  await serve(t, { volumes: { all } });
  const answer = await get();
  t.equal(answer.status, 500);
  t.match(await answer.text(), /no figures today/);
  broken = false;
  t.equal((await get()).status, 200);
});

t.test('nothing but GET /metrics is answered', async (t) => {
  await serve(t, undefined);
  t.equal((await get('/')).status, 404);
  t.equal((await get('/metrics', 'POST')).status, 404);
});

t.test('a port in use is named', async (t) => {
  const other = createServer();
  other.listen(PORT, HOST);
  await once(other, 'listening');
  t.teardown(() => other.close());
  const listening = new MetricsServer(identity, undefined).listen(HOST, PORT);
  await t.rejects(listening, {
    code: 'FAILED_PRECONDITION',
    reason: 'PORT_IN_USE',
    violations: [{ field: 'ports.metrics', value: `${HOST}:${String(PORT)}` }],
  });
});
