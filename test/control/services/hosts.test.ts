/** Hosts: what people decide about them, and what that means for what they report. */
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { CoordinatorServiceService, HeartbeatRequest } from '../../../proto/gen/lockstep/agent/v1/agent.ts';
import { ClusterServiceService } from '../../../proto/gen/lockstep/v1/cluster_service.ts';
import {
  type Host,
  HostServiceService as service,
  ZoneServiceService,
} from '../../../proto/gen/lockstep/v1/host_service.ts';
import { type EventRecord, keys } from '../../../control/model/records.ts';
import { openLevelStore } from '../../../control/store/level-store.ts';
import { join } from 'node:path';
import { ControlHarness, MIB, refusal } from '../../support/control-harness.ts';

const get = (harness: ControlHarness, host: string): Promise<Host> =>
  harness.call(service.getHost, { name: `hosts/${host}` });

async function until(harness: ControlHarness, host: string, isSo: (host: Host) => boolean): Promise<Host> {
  const endMs = performance.now() + 4000;
  for (;;) {
    const seen = await get(harness, host);
    if (isSo(seen)) return seen;
    if (performance.now() > endMs) throw new Error(`still ${seen.name} reachable ${String(seen.reachable)}`);
    await sleep(5);
  }
}

/** Oldest first, of the control that has been stopped. */
async function eventsOf(harness: ControlHarness, host: string): Promise<readonly string[]> {
  await harness.stopControl();
  const store = await openLevelStore(join(harness.folder, 'control'));
  const entries = await store.list<EventRecord>(keys.hostEvents(host));
  await store.close();
  return entries.map(({ value }) => value.reason);
}

t.test('a host shows what it reports, and the databases that are on it', async (t) => {
  const harness = await ControlHarness.open(t);
  await harness.createOrders();
  t.match(await get(harness, 'host-a'), {
    zone: 'a',
    address: '127.0.0.1',
    roles: ['storage'],
    reachable: true,
    cordoned: false,
    awaited: false,
    primaries: ['databases/orders'],
    secondaries: [],
    placedBytes: BigInt(256 * MIB),
  });
  t.match(await get(harness, 'host-b'), { primaries: [], secondaries: ['databases/orders'] });
  const { hosts } = await harness.call(ClusterServiceService.getClusterStatus, {});
  t.same(
    hosts.map(({ name, primaries }) => [name, primaries]),
    [
      ['hosts/control', []],
      ['hosts/host-a', ['databases/orders']],
      ['hosts/host-b', []],
    ],
  );
  t.match(await refusal(get(harness, 'host-x')), { code: 'NOT_FOUND', reason: 'HOST_NOT_FOUND' });
});

t.test('hosts and zones are listed by name, page by page', async (t) => {
  const harness = await ControlHarness.open(t);
  await harness.addHost('host-c', 'b');
  const first = await harness.call(service.listHosts, { pageSize: 2 });
  t.same(
    first.hosts.map(({ name }) => name),
    ['hosts/control', 'hosts/host-a'],
  );
  const second = await harness.call(service.listHosts, { pageToken: first.nextPageToken });
  t.same(
    second.hosts.map(({ name }) => name),
    ['hosts/host-b', 'hosts/host-c'],
  );
  t.equal(second.nextPageToken, '');
  await harness.createOrders();
  const zones = await harness.call(ZoneServiceService.listZones, { pageSize: 1 });
  t.match(zones.zones, [{ name: 'zones/a', hosts: ['hosts/host-a'], reachableHosts: 1, databases: 1 }]);
  const more = await harness.call(ZoneServiceService.listZones, { pageToken: zones.nextPageToken });
  t.match(more.zones, [
    { name: 'zones/b', hosts: ['hosts/host-b', 'hosts/host-c'], reachableHosts: 2, databases: 1 },
  ]);
  const wrong = harness.call(service.listHosts, { pageToken: zones.nextPageToken });
  t.match(await refusal(wrong), { code: 'INVALID_ARGUMENT', violations: [{ field: 'page_token' }] });
});

t.test('a host is registered before it reports, and is then held to it', async (t) => {
  const harness = await ControlHarness.open(t);
  const request = { hostId: 'host-c', zone: 'c', address: '127.0.0.3', cordoned: true };
  t.match(await harness.call(service.registerHost, { ...request, validateOnly: true }), { awaited: true });
  await t.rejects(get(harness, 'host-c'), { code: 'NOT_FOUND' });
  t.match(await harness.call(service.registerHost, request), {
    name: 'hosts/host-c',
    zone: 'c',
    awaited: true,
    cordoned: true,
    reachable: false,
  });
  t.match(await harness.call(service.registerHost, request), { awaited: true }, 'the same again');
  const other = harness.call(service.registerHost, { ...request, zone: 'b' });
  t.match(await refusal(other), {
    code: 'ALREADY_EXISTS',
    reason: 'HOST_EXISTS',
    metadata: { next: /remove/ },
  });
  const beat = (zone: string, address: string) =>
    harness.call(
      CoordinatorServiceService.heartbeat,
      HeartbeatRequest.fromPartial({ host: 'host-c', zone, address, roles: ['storage'] }),
    );
  t.match(await refusal(beat('b', '127.0.0.3')), {
    reason: 'HOST_ZONE_DIFFERS',
    metadata: { next: /register/ },
  });
  t.match(await refusal(beat('c', '127.0.0.4')), { reason: 'HOST_ADDRESS_DIFFERS' });
  t.match(await get(harness, 'host-c'), { awaited: true, reachable: false });
  await beat('c', '127.0.0.3');
  t.match(await get(harness, 'host-c'), { awaited: false, reachable: true, cordoned: true });
});

t.test('nothing new is placed on a cordoned host, and what is there stays', async (t) => {
  const harness = await ControlHarness.open(t);
  await harness.createOrders();
  const cordon = { name: 'hosts/host-b', reason: 'its disk is to be exchanged' };
  const cordoned = await harness.call(service.cordonHost, cordon);
  t.match(cordoned, { cordoned: true, cordonReason: 'its disk is to be exchanged' });
  const refused = harness.create({ databaseId: 'second', zones: [] });
  t.match(await refusal(refused), { reason: 'NOT_ENOUGH_ZONES', message: /host-b, cordoned/ });
  t.match(await harness.get(), { redundancy: 3 });
  const stale = harness.call(service.cordonHost, { name: 'hosts/host-b', uncordon: true, etag: '1' });
  t.match(await refusal(stale), {
    code: 'ABORTED',
    reason: 'ETAG_MISMATCH',
    metadata: { etag: cordoned.etag },
  });
  const lifted = { name: 'hosts/host-b', uncordon: true, etag: cordoned.etag };
  t.match(await harness.call(service.cordonHost, lifted), { cordoned: false, cordonReason: '' });
  const done = await harness.finished(await harness.create({ databaseId: 'second', zones: [] }));
  t.equal(done.error, undefined);
  const events = await eventsOf(harness, 'host-b');
  t.same(events, ['HOST_CORDONED', 'HOST_UNCORDONED']);
});

t.test('a host that only takes part in control is no place for copies, and is not removed', async (t) => {
  const harness = await ControlHarness.open(t);
  const name = 'hosts/control';
  t.match(await refusal(harness.call(service.cordonHost, { name })), { reason: 'HOST_STORES_NOTHING' });
  t.match(await refusal(harness.call(service.removeHost, { name })), { reason: 'HOST_STORES_NOTHING' });
});

t.test(
  'a host is removed when it holds nothing, refused from then on, and comes back when registered',
  async (t) => {
    const harness = await ControlHarness.open(t);
    const c = await harness.addHost('host-c', 'c');
    await harness.createOrders();
    const busy = harness.call(service.removeHost, { name: 'hosts/host-b' });
    t.match(await refusal(busy), {
      code: 'FAILED_PRECONDITION',
      reason: 'HOST_HOLDS_COPIES',
      message: /databases\/orders/,
      metadata: { next: 'lockstep host drain host-b' },
    });
    await harness.call(service.removeHost, { name: 'hosts/host-c', validateOnly: true });
    t.match(await get(harness, 'host-c'), { reachable: true });
    await harness.call(service.removeHost, { name: 'hosts/host-c' });
    await sleep(60);
    t.match(await refusal(get(harness, 'host-c')), { code: 'NOT_FOUND' }, 'its heartbeats change nothing');
    const beat = harness.call(
      CoordinatorServiceService.heartbeat,
      HeartbeatRequest.fromPartial({ host: 'host-c', zone: 'c', address: '127.0.0.1' }),
    );
    t.match(await refusal(beat), {
      code: 'FAILED_PRECONDITION',
      reason: 'HOST_REMOVED',
      metadata: { next: /lockstep host register host-c --zone c/ },
    });
    t.ok(c.isAlive);
    await harness.call(service.registerHost, { hostId: 'host-c', zone: 'c' });
    t.match(await until(harness, 'host-c', ({ reachable, awaited }) => reachable && !awaited), { zone: 'c' });
    const events = await eventsOf(harness, 'host-c');
    t.same(events, ['HOST_REMOVED', 'HOST_REGISTERED']);
  },
);

t.test(
  'a host with a volume on its disk that no record names is not removed while it is heard',
  async (t) => {
    const harness = await ControlHarness.open(t);
    await harness.createOrders();
    const c = await harness.addHost('host-c', 'c');
    for (const [volume, replica] of harness.b.replicas)
      c.replicas.set(volume, { ...replica, state: 'STALE' });
    await until(harness, 'host-c', ({ reachable }) => reachable);
    await sleep(60);
    t.match(await refusal(harness.call(service.removeHost, { name: 'hosts/host-c' })), {
      reason: 'HOST_HOLDS_VOLUMES',
    });
  },
);

t.test(
  'that a host is lost and back is written down once each, also over a restart of control',
  async (t) => {
    const harness = await ControlHarness.open(t);
    harness.b.die();
    await until(harness, 'host-b', ({ reachable }) => !reachable);
    await sleep(100);
    await harness.stopControl();
    await harness.startControl();
    await sleep(800);
    await harness.b.start();
    await until(harness, 'host-b', ({ reachable }) => reachable);
    await sleep(100);
    t.same(await eventsOf(harness, 'host-b'), ['HOST_LOST', 'HOST_BACK']);
  },
);
