/** Every method of every service of the API has its method in the library, which sends what the caller said. */
import t, { type Test } from 'tap';
import { type LockstepClient, Redundancy, RedundancyMode, WorkflowState } from '../../client/lockstep.ts';
import { Host } from '../../proto/gen/lockstep/v1/host_service.ts';
import { type Answers, connect, services, unavailable } from '../support/api-double.ts';
import { healthyDatabase, rawOperation } from './fixtures.ts';

const { REDUNDANCY_MODE_SINGLE } = RedundancyMode;
const UUID = /^[0-9a-f]{8}-[0-9a-f-]{27}$/;
const own = { requestId: 'a-request', validateOnly: true };
const change = { ...own, etag: 'e1' };

interface Row {
  readonly call: (client: LockstepClient) => Promise<unknown> | PromiseLike<unknown>;
  readonly sent: object;
  /** How often it is sent to a server that is never available. */
  readonly attempts: number;
}

const ONCE = 1;
const REPEATED = 5;
const page = { pageToken: '', pageSize: 200 };
const orders = { name: 'databases/orders' };

const operation = rawOperation([]);

const rows: Readonly<Record<string, Row>> = {
  createDatabase: {
    call: (client) =>
      client.databases.create(
        {
          id: 'orders',
          engine: 'mariadb',
          engineVersion: '10.11',
          sizeBytes: 5n,
          zones: ['a', 'b'],
          redundancyMode: REDUNDANCY_MODE_SINGLE,
          tags: { team: 'x' },
          parameters: { p: '1' },
          deletionProtection: true,
        },
        own,
      ),
    sent: {
      ...own,
      databaseId: 'orders',
      engine: 'mariadb',
      engineVersion: '10.11',
      sizeBytes: 5n,
      zones: ['a', 'b'],
      redundancyMode: REDUNDANCY_MODE_SINGLE,
      tags: { team: 'x' },
      parameters: { p: '1' },
      deletionProtection: true,
    },
    attempts: REPEATED,
  },
  getDatabase: {
    call: (client) => client.databases.get('orders'),
    sent: orders,
    attempts: REPEATED,
  },
  listDatabases: {
    call: (client) => client.databases.list({ showDeleted: true }),
    sent: { ...page, showDeleted: true },
    attempts: REPEATED,
  },
  updateDatabase: {
    call: (client) =>
      client.databases.update(
        'orders',
        { sizeBytes: 9n, parameters: { a: '1', b: null }, tags: { t: null }, deletionProtection: false },
        change,
      ),
    sent: {
      ...own,
      database: { ...orders, etag: 'e1', sizeBytes: 9n, parameters: { a: '1' }, tags: {} },
      updateMask: ['size_bytes', 'deletion_protection', 'parameters.a', 'parameters.b', 'tags.t'],
    },
    attempts: REPEATED,
  },
  deleteDatabase: {
    call: (client) =>
      client.databases.delete('orders', { ...change, finalSnapshotId: 'last', skipFinalSnapshot: false }),
    sent: { ...orders, ...change, finalSnapshotId: 'last', skipFinalSnapshot: false },
    attempts: REPEATED,
  },
  undeleteDatabase: changed((client) => client.databases.undelete('orders', change)),
  startDatabase: changed((client) => client.databases.start('orders', change)),
  stopDatabase: changed((client) => client.databases.stop('orders', change)),
  rebootDatabase: changed(
    (client) => client.databases.reboot('orders', { ...change, withSwitchover: true }),
    { withSwitchover: true },
  ),
  failoverDatabase: changed((client) => client.databases.failover('databases/orders', change)),
  switchoverDatabase: changed((client) => client.databases.switchover('orders', change)),
  convertRedundancy: changed(
    (client) =>
      client.databases.convertRedundancy('orders', {
        ...change,
        redundancyMode: REDUNDANCY_MODE_SINGLE,
        place: 'hosts/h',
      }),
    { redundancyMode: REDUNDANCY_MODE_SINGLE, place: 'hosts/h' },
  ),
  reseedDatabase: changed(
    (client) => client.databases.reseed('orders', { ...change, host: 'host-b', anew: true }),
    { host: 'hosts/host-b', anew: true },
  ),
  renameDatabase: changed((client) => client.databases.rename('orders', 'sales', change), {
    newDatabaseId: 'sales',
  }),
  resetPassword: changed((client) => client.databases.resetPassword('orders', change)),
  cloneDatabase: {
    call: (client) =>
      client.databases.clone('orders', { id: 'copy', snapshotId: 'monday', tags: { a: 'b' } }, own),
    sent: { ...orders, ...own, databaseId: 'copy', snapshotId: 'monday', tags: { a: 'b' } },
    attempts: REPEATED,
  },
  getConnectionInfo: {
    call: (client) => client.databases.connectionInfo('orders'),
    sent: orders,
    attempts: REPEATED,
  },
  claimPassword: {
    call: (client) => client.databases.claimPassword('orders'),
    sent: orders,
    attempts: ONCE,
  },
  createSnapshot: {
    call: (client) => client.snapshots.create('orders', 'monday', { host: 'host-b', quiesce: true }),
    sent: { parent: 'volumes/orders', snapshotId: 'monday', host: 'hosts/host-b', quiesce: true },
    attempts: ONCE,
  },
  getSnapshot: {
    call: (client) => client.snapshots.get('orders@monday', { host: 'host-b' }),
    sent: { name: 'volumes/orders/snapshots/monday', host: 'hosts/host-b' },
    attempts: REPEATED,
  },
  listSnapshots: {
    call: (client) => client.snapshots.list(),
    sent: { ...page, parent: '' },
    attempts: REPEATED,
  },
  deleteSnapshot: {
    call: (client) => client.snapshots.delete('orders@monday'),
    sent: { name: 'volumes/orders/snapshots/monday', host: '' },
    attempts: ONCE,
  },
  cloneSnapshot: {
    call: (client) => client.snapshots.clone('orders@monday', 'copy'),
    sent: { name: 'volumes/orders/snapshots/monday', cloneId: 'copy', host: '' },
    attempts: ONCE,
  },
  restoreSnapshot: {
    call: (client) =>
      client.snapshots.restore(
        'orders@monday',
        { id: 'back', host: 'h', redundancyMode: REDUNDANCY_MODE_SINGLE },
        own,
      ),
    sent: {
      ...own,
      name: 'volumes/orders/snapshots/monday',
      databaseId: 'back',
      host: 'hosts/h',
      redundancyMode: REDUNDANCY_MODE_SINGLE,
    },
    attempts: REPEATED,
  },
  revertVolume: {
    call: (client) => client.snapshots.revert('orders@monday', { acceptDataLoss: true }),
    sent: { name: 'volumes/orders/snapshots/monday', acceptDataLoss: true },
    attempts: REPEATED,
  },
  diffSnapshots: {
    call: (client) => client.snapshots.diff('orders@monday', undefined).next(),
    sent: { from: 'volumes/orders/snapshots/monday', to: '', host: '', offset: 0n },
    attempts: REPEATED,
  },
  createVolume: {
    call: (client) => client.volumes.create({ id: 'disk', sizeBytes: 7n, zones: ['a', 'b'] }, own),
    sent: { ...own, volumeId: 'disk', sizeBytes: 7n, zones: ['a', 'b'] },
    attempts: REPEATED,
  },
  deleteVolume: {
    call: (client) => client.volumes.delete('disk', own),
    sent: { ...own, name: 'volumes/disk' },
    attempts: REPEATED,
  },
  getVolume: {
    call: (client) => client.volumes.get('databases/orders'),
    sent: orders,
    attempts: REPEATED,
  },
  listVolumes: {
    call: (client) => client.volumes.list(),
    sent: page,
    attempts: REPEATED,
  },
  forcePrimary: {
    call: (client) => client.volumes.forcePrimary('disk', { host: 'host-b', acceptDataLoss: true }),
    sent: { name: 'volumes/disk', host: 'hosts/host-b', acceptDataLoss: true, validateOnly: false },
    attempts: ONCE,
  },
  growVolume: {
    call: (client) => client.volumes.grow('disk', 9n, { validateOnly: true }),
    sent: { name: 'volumes/disk', sizeBytes: 9n, validateOnly: true },
    attempts: REPEATED,
  },
  shrinkVolume: {
    call: (client) => client.volumes.shrink('disk', 9n, { acceptSmaller: true }),
    sent: { name: 'volumes/disk', sizeBytes: 9n, acceptSmaller: true },
    attempts: REPEATED,
  },
  checkVolume: {
    call: (client) => client.volumes.check('disk', { start: true }),
    sent: { name: 'volumes/disk', start: true },
    attempts: REPEATED,
  },
  scrubVolume: {
    call: (client) => client.volumes.scrub('disk', { anew: true }),
    sent: { name: 'volumes/disk', stop: false, anew: true },
    attempts: ONCE,
  },
  registerHost: {
    call: (client) => client.hosts.register({ id: 'host-c', zone: 'c', address: '10.0.0.3', cordoned: true }),
    sent: { hostId: 'host-c', zone: 'c', address: '10.0.0.3', cordoned: true, validateOnly: false },
    attempts: ONCE,
  },
  getHost: {
    call: (client) => client.hosts.get('host-a'),
    sent: { name: 'hosts/host-a' },
    attempts: REPEATED,
  },
  listHosts: {
    call: (client) => client.hosts.list(),
    sent: page,
    attempts: REPEATED,
  },
  cordonHost: {
    call: (client) => client.hosts.cordon('host-a', { reason: 'new disk' }),
    sent: { name: 'hosts/host-a', etag: '', uncordon: false, reason: 'new disk' },
    attempts: REPEATED,
  },
  drainHost: {
    call: (client) => client.hosts.drain('hosts/host-a', change),
    sent: { ...change, name: 'hosts/host-a' },
    attempts: REPEATED,
  },
  removeHost: {
    call: (client) => client.hosts.remove('host-a', { etag: 'e1', validateOnly: true }),
    sent: { name: 'hosts/host-a', etag: 'e1', validateOnly: true },
    attempts: ONCE,
  },
  listZones: {
    call: (client) => client.zones.list(),
    sent: page,
    attempts: REPEATED,
  },
  listEngineVersions: {
    call: (client) => client.engineVersions.list({ engine: 'mariadb' }),
    sent: { ...page, engine: 'mariadb' },
    attempts: REPEATED,
  },
  listEvents: {
    call: (client) => client.events.list({ parent: 'hosts/-', reasons: ['FENCED'], limit: 7 }),
    sent: { parent: 'hosts/-', reasons: ['FENCED'], pageSize: 7, pageToken: '' },
    attempts: REPEATED,
  },
  getWorkflow: {
    call: (client) => client.workflows.get('w1'),
    sent: { name: 'workflows/w1' },
    attempts: REPEATED,
  },
  listWorkflows: {
    call: (client) =>
      client.workflows.list({
        target: 'databases/orders',
        states: [WorkflowState.WORKFLOW_STATE_STUCK],
      }),
    sent: { ...page, target: 'databases/orders', states: [WorkflowState.WORKFLOW_STATE_STUCK] },
    attempts: REPEATED,
  },
  listWorkflowLog: {
    call: (client) => client.workflows.log('operations/w1'),
    sent: { ...page, parent: 'operations/w1' },
    attempts: REPEATED,
  },
  retryWorkflow: {
    call: (client) => client.workflows.retry('w1'),
    sent: { name: 'workflows/w1' },
    attempts: ONCE,
  },
  abandonWorkflow: {
    call: (client) => client.workflows.abandon('w1', { acceptHalfDone: true }),
    sent: { name: 'workflows/w1', acceptHalfDone: true },
    attempts: ONCE,
  },
  getClusterStatus: { call: (client) => client.cluster.status(), sent: {}, attempts: REPEATED },
  auditCluster: {
    call: (client) => client.cluster.audit(),
    sent: { repair: false },
    attempts: REPEATED,
  },
  getOperation: {
    call: (client) => client.operations.get('w1'),
    sent: { name: 'operations/w1' },
    attempts: REPEATED,
  },
  listOperations: {
    call: (client) => client.operations.list(),
    sent: { name: 'operations', pageToken: '' },
    attempts: REPEATED,
  },
};

function changed(call: Row['call'], more: object = {}): Row {
  return { call, sent: { ...orders, ...change, ...more }, attempts: REPEATED };
}

/** Streams have tests of their own; of operations, control refuses two and `wait` stands for the third. */
const elsewhere = ['watchDatabase', 'watchEvents', 'waitOperation', 'cancelOperation', 'deleteOperation'];

t.test('no method of the API is left out', async (t) => {
  const all = services.flatMap((service) => Object.keys(service));
  t.same([...Object.keys(rows), ...elsewhere].sort(), [...all].sort());
});

for (const [method, { call, sent }] of Object.entries(rows)) {
  t.test(`${method} is sent as it was said`, async (t) => {
    const requests: object[] = [];
    const client = await recorded(t, method, requests, () => emptyAnswer(method));
    await call(client);
    t.equal(requests.length, 1);
    t.match(requests[0], sent);
  });
}

t.test('to a server that is going away each goes again, the same, or once and no more', async (t) => {
  const requests = new Map<string, object[]>(Object.keys(rows).map((method) => [method, []]));
  const client = await connect(
    t,
    Object.fromEntries(
      [...requests].map(([method, sent]) => [
        method,
        (request: object) => {
          sent.push(request);
          throw unavailable;
        },
      ]),
    ),
  );
  await Promise.all(
    Object.entries(rows).map(async ([method, { call, attempts }]) => {
      await t.rejects(Promise.resolve(call(client)), { code: 'UNAVAILABLE' }, method);
      const sent = requests.get(method) ?? [];
      t.equal(sent.length, attempts, method);
      t.equal(new Set(sent.map((request) => JSON.stringify(request, plain))).size, 1, method);
    }),
  );
});

interface Empty {
  readonly responseDeserialize: (bytes: Buffer) => unknown;
}

/** Of the method, with nothing in it. */
function emptyAnswer(method: string): unknown {
  const entries = services.flatMap((service) => Object.entries<Empty>(service));
  return entries.find(([name]) => name === method)?.[1].responseDeserialize(Buffer.alloc(0));
}

function recorded(
  t: Test,
  method: string,
  requests: object[],
  answer: () => unknown,
): Promise<LockstepClient> {
  const answers: Answers = {
    [method]: (request: object) => {
      requests.push(request);
      return answer();
    },
  };
  return connect(t, answers);
}

const plain = (_key: string, value: unknown): unknown => (typeof value === 'bigint' ? String(value) : value);

t.test('a request id is made where none is given, and none is asked for by a check alone', async (t) => {
  const requests: { readonly requestId: string; readonly validateOnly: boolean }[] = [];
  const client = await connect(t, {
    startDatabase: (request: (typeof requests)[0]) => {
      requests.push(request);
      return operation;
    },
  });
  await client.databases.start('orders');
  t.match(requests[0], { requestId: UUID, validateOnly: false });
});

t.test('a cordon that depends on an etag is sent once: its own effect would have it refused', async (t) => {
  let calls = 0;
  const client = await connect(t, {
    cordonHost: () => {
      calls += 1;
      throw unavailable;
    },
  });
  await t.rejects(client.hosts.cordon('host-a', { etag: 'e1' }));
  t.equal(calls, 1);
});

t.test(
  'an audit that repairs is sent once: a second answer would not have what the first removed',
  async (t) => {
    let calls = 0;
    const client = await connect(t, {
      auditCluster: () => {
        calls += 1;
        throw unavailable;
      },
    });
    await t.rejects(client.cluster.audit({ repair: true }));
    t.equal(calls, 1);
  },
);

t.test('what is said to be undefined is as what is not said', async (t) => {
  const seen: { readonly redundancyMode: RedundancyMode }[] = [];
  const client = await connect(t, {
    createDatabase: (request: (typeof seen)[0]) => {
      seen.push(request);
      return operation;
    },
  });
  const database = { id: 'orders', engine: 'postgresql', sizeBytes: 1n, redundancyMode: undefined };
  await client.databases.create(database as unknown as Parameters<typeof client.databases.create>[0]);
  t.equal(seen[0]?.redundancyMode, RedundancyMode.REDUNDANCY_MODE_UNSPECIFIED);
});

t.test('an operation answers whatever it left', async (t) => {
  const host = Host.fromPartial({ name: 'hosts/host-a', cordoned: true });
  const client = await connect(t, {
    getOperation: () =>
      rawOperation([], {
        done: true,
        response: {
          typeUrl: 'type.googleapis.com/lockstep.v1.Host',
          value: Buffer.from(Host.encode(host).finish()),
        },
      }),
  });
  const result = await client.operations.result('w1');
  t.same(result.host, host);
  t.equal(result.database, undefined);
});

t.test('the numbers of the API go by their names', async (t) => {
  t.equal(Redundancy.REDUNDANCY_IN_SYNC, healthyDatabase().redundancy);
});
