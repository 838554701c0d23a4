import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { AliasView } from '../../../control/dns/view.ts';
import {
  type StoredDatabase,
  type HostRecord,
  keys,
  type VolumeRecord,
} from '../../../control/model/records.ts';
import { openLevelStore } from '../../../control/store/level-store.ts';
import type { ControlStore } from '../../../control/store/store.ts';
import type { Log } from '../../../daemon/sys/log.ts';

const silent: Log = { debug() {}, info() {}, warn() {}, error() {} };

const host = (name: string, address: string): HostRecord => ({
  host: name,
  zone: name,
  address,
  agentPort: 7400,
  replicationPort: 7401,
  metricsPort: 7402,
  roles: ['storage'],
  capacityBytes: 1,
  version: '0.1.0',
});

const volume = (primary: string): VolumeRecord => ({
  volume: 'vol-orders',
  database: 'orders',
  sizeBytes: 1,
  generation: 1,
  primary,
  inSync: [primary],
  replicas: ['a', 'b'],
});

const database = (aliasHost: string): StoredDatabase => ({
  id: 'orders',
  uid: 'u',
  createTimeMs: 1,
  engine: 'postgresql',
  engineVersion: '15',
  sizeBytes: 1,
  lifecycle: 'active',
  failure: '',
  volume: 'vol-orders',
  port: 5432,
  user: 'orders',
  unclaimedPassword: '',
  busyWith: '',
  aliasHost,
  aliasGeneration: 1,
});

const put = (store: ControlStore, key: string, value: unknown) => store.transact([], [{ key, value }]);

async function storeWith(t: Test, aliasHost: string, primary: string): Promise<ControlStore> {
  const folder = await mkdtemp(join(tmpdir(), 'lockstep-alias-view-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const store = await openLevelStore(folder);
  t.teardown(() => store.close());
  await put(store, keys.host('a'), host('a', '127.0.0.11'));
  await put(store, keys.host('b'), host('b', '127.0.0.12'));
  await put(store, keys.volume('vol-orders'), volume(primary));
  await put(store, keys.database('orders'), database(aliasHost));
  return store;
}

async function viewOn(t: Test, store: ControlStore): Promise<AliasView> {
  const view = await AliasView.open({ store, clock: () => 1_700_000_000_000, log: silent });
  t.teardown(() => view.close());
  return view;
}

/** The store with some of its methods replaced. */
function through(store: ControlStore, replaced: Partial<ControlStore>): ControlStore {
  return {
    revision: store.revision,
    get: (key) => store.get(key),
    list: (prefix, options) => store.list(prefix, options),
    transact: (conditions, mutations) => store.transact(conditions, mutations),
    watch: (prefix, listener) => store.watch(prefix, listener),
    close: () => store.close(),
    ...replaced,
  };
}

const inZoneA = { kind: 'address', address: '127.0.0.11' };
const inZoneB = { kind: 'address', address: '127.0.0.12' };
const unknown = { kind: 'unknown-primary' };

t.test('an alias answers the address of its host, and a name that is not there nothing', async (t) => {
  const view = await viewOn(t, await storeWith(t, 'a', 'a'));
  t.strictSame(view.lookup('orders'), inZoneA);
  t.equal(view.lookup('other'), undefined);
  t.equal(view.lookup('__proto__'), undefined);
});

t.test('before its publication an alias has no data', async (t) => {
  const view = await viewOn(t, await storeWith(t, '', 'a'));
  t.strictSame(view.lookup('orders'), { kind: 'no-data' });
});

t.test('a failover takes the old address back before it gives out the new one', async (t) => {
  const store = await storeWith(t, 'a', 'a');
  const view = await viewOn(t, store);
  await put(store, keys.volume('vol-orders'), volume('b'));
  await view.settled();
  t.strictSame(view.lookup('orders'), unknown);
  await put(store, keys.database('orders'), database('b'));
  await view.settled();
  t.strictSame(view.lookup('orders'), inZoneB);
});

t.test('without the record of its host or its volume an alias is not guessed', async (t) => {
  for (const key of [keys.host('a'), keys.volume('vol-orders')]) {
    const store = await storeWith(t, 'a', 'a');
    const view = await viewOn(t, store);
    await store.transact([], [{ key, deleted: true }]);
    await view.settled();
    t.strictSame(view.lookup('orders'), unknown, key);
  }
});

t.test('a database that is deleted has no name any more', async (t) => {
  const store = await storeWith(t, 'a', 'a');
  const view = await viewOn(t, store);
  await store.transact([], [{ key: keys.database('orders'), deleted: true }]);
  await view.settled();
  t.equal(view.lookup('orders'), undefined);
});

t.test('the serial grows with each change of an answer, and only then', async (t) => {
  const store = await storeWith(t, 'a', 'a');
  const view = await viewOn(t, store);
  t.equal(view.serial, 1_700_000_000, 'seconds, so that a restart does not go back');
  await put(store, keys.database('orders'), { ...database('a'), busyWith: 'workflow' });
  await view.settled();
  t.equal(view.serial, 1_700_000_000);
  await put(store, keys.host('a'), host('a', '127.0.0.21'));
  await view.settled();
  t.equal(view.serial, 1_700_000_001);
});

t.test('what changes while the view is opened is not overwritten by what was listed before', async (t) => {
  const store = await storeWith(t, 'a', 'a');
  const gate = Promise.withResolvers<void>();
  const listed = Promise.withResolvers<void>();
  const slow = through(store, {
    async list(prefix) {
      const entries = await store.list(prefix);
      if (prefix === keys.hosts) {
        listed.resolve();
        await gate.promise;
      }
      return entries as never;
    },
  });
  const opening = viewOn(t, slow);
  await listed.promise;
  await put(store, keys.host('a'), host('a', '127.0.0.21'));
  await sleep(20);
  gate.resolve();
  const view = await opening;
  await view.settled();
  t.strictSame(view.lookup('orders'), { kind: 'address', address: '127.0.0.21' });
});

t.test('a store that cannot be read turns every answer into a try-again, until it can', async (t) => {
  const store = await storeWith(t, 'a', 'a');
  let broken = false;
  const flaky = through(store, {
    get: (key) => (broken ? Promise.reject(new Error('a bad disk')) : store.get(key)),
  });
  const view = await viewOn(t, flaky);
  broken = true;
  await put(store, keys.volume('vol-orders'), volume('b'));
  while (view.lookup('orders')?.kind === 'address') await sleep(2);
  t.strictSame(view.lookup('orders'), unknown);
  t.strictSame(view.lookup('other'), unknown);
  await put(store, keys.database('orders'), database('b'));
  broken = false;
  await view.settled();
  t.strictSame(view.lookup('orders'), inZoneB);
});
