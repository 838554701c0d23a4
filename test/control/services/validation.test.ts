import t from 'tap';
import type { LockstepError } from '../../../daemon/sys/errors.ts';
import { EventServiceService } from '../../../proto/gen/lockstep/v1/event_service.ts';
import { OperationsService } from '../../../proto/gen/google/longrunning/operations.ts';
import { ClusterServiceService } from '../../../proto/gen/lockstep/v1/cluster_service.ts';
import { Database, DatabaseServiceService } from '../../../proto/gen/lockstep/v1/database_service.ts';
import { ControlHarness, MIB, refusal } from '../../support/control-harness.ts';

const UUID = '123e4567-e89b-42d3-a456-426614174000';

t.test(
  'what cannot be created is refused by field, value and what is allowed, and leaves nothing',
  async (t) => {
    const harness = await ControlHarness.open(t);
    const cases: readonly [
      overrides: Parameters<ControlHarness['create']>[0],
      field: string,
      value: string,
      allowed: RegExp,
    ][] = [
      [{ databaseId: 'Orders' }, 'database_id', 'Orders', /1 to 40 of a-z/],
      [{ databaseId: '' }, 'database_id', '', /starting with a letter/],
      [{ databaseId: 'a'.repeat(41) }, 'database_id', 'a'.repeat(41), /1 to 40/],
      [{ databaseId: 'ns' }, 'database_id', 'ns', /ns is the name server of the zone/],
      [{ databaseId: 'postgres' }, 'database_id', 'postgres', /not reserved; postgres is a database/],
      [{ databaseId: 'template1' }, 'database_id', 'template1', /not reserved/],
      [{ engine: 'oracle' }, 'engine', 'oracle', /^postgresql, mariadb$/],
      [{ engine: 'mariadb', databaseId: 'mysql' }, 'database_id', 'mysql', /database of every mariadb/],
      [{ engine: 'mariadb', sizeBytes: BigInt(192 * MIB) }, 'size_bytes', String(192 * MIB), /256 MiB/],
      [{ sizeBytes: BigInt(255 * MIB) }, 'size_bytes', String(255 * MIB), /at least 268435456 \(256 MiB\)/],
      [{ sizeBytes: BigInt(256 * MIB + 1) }, 'size_bytes', String(256 * MIB + 1), /multiple of 65536/],
      [{ zones: ['a', 'c'] }, 'zones', 'c', /two different zones of: a, b/],
      [{ zones: ['a'] }, 'zones', 'a', /two different zones/],
      [{ zones: ['a', 'a'] }, 'zones', 'a, a', /two different zones/],
      [{ tags: { 'a b': '1' } }, 'tags', 'a b', /letters, digits/],
      [{ tags: { a: '\n' } }, 'tags.a', '\n', /control characters/],
      [{ parameters: { fsync: 'off' } }, 'parameters.fsync', 'off', /a parameter of PostgreSQL/],
      [{ parameters: { work_mem: '1' } }, 'parameters.work_mem', '1', /from 64 to/],
      [{ engineVersion: 'new' }, 'engine_version', 'new', /a version of postgresql/],
      [{ requestId: 'again' }, 'request_id', 'again', /UUID/],
      [{ requestId: `${UUID} ` }, 'request_id', `${UUID} `, /UUID/],
      [{ requestId: 'é\n' }, 'request_id', 'é\n', /UUID/],
      [{ sizeBytes: 2n ** 64n - 1n }, 'size_bytes', String(2n ** 64n - 1n), /at most/],
    ];
    for (const [overrides, field, value, allowed] of cases) {
      const error = await refusal(harness.create(overrides));
      t.match(
        error,
        { code: 'INVALID_ARGUMENT', violations: [{ field, value, allowed }] },
        `${field} ${value}`,
      );
    }
    const { databases } = await harness.call(DatabaseServiceService.listDatabases, {
      pageSize: 0,
      pageToken: '',
    });
    const { operations } = await harness.call(OperationsService.listOperations, {
      name: '',
      filter: '',
      pageSize: 0,
      pageToken: '',
      returnPartialSuccess: false,
    });
    t.same([databases, operations, harness.a.leftovers()], [[], [], []]);
  },
);

t.test('too few zones with room are refused with what there is', async (t) => {
  const harness = await ControlHarness.open(t);
  harness.b.capacityBytes = BigInt(100 * MIB);
  const full = await refusalOnceHeard(harness);
  t.match(full, { code: 'FAILED_PRECONDITION', reason: 'NOT_ENOUGH_ZONES', message: /host-b, 100 MiB free/ });
});

/** A heartbeat has to tell it first. */
async function refusalOnceHeard(harness: ControlHarness): Promise<LockstepError> {
  for (;;) {
    const [error] = await Promise.allSettled([harness.create({ validateOnly: true })]);
    if (error.status === 'rejected') return error.reason as LockstepError;
  }
}

t.test('no host at all is a shortage, not a crash', async (t) => {
  const harness = await ControlHarness.open(t, { hosts: false });
  const error = await refusal(harness.create({ zones: [] }));
  t.match(error, { code: 'FAILED_PRECONDITION', message: /no host that stores/ });
});

t.test('validate_only answers what would be, and creates nothing', async (t) => {
  const harness = await ControlHarness.open(t);
  const operation = await harness.create({ validateOnly: true });
  t.equal(operation.done, true);
  t.equal(Database.decode(operation.response?.value ?? new Uint8Array()).name, 'databases/orders');
  await t.rejects(harness.get(), { code: 'NOT_FOUND', reason: 'DATABASE_NOT_FOUND' });
});

t.test('a name that exists is refused, the same request again is the same operation', async (t) => {
  const harness = await ControlHarness.open(t);
  const first = await harness.create({ requestId: UUID });
  const again = await harness.create({ requestId: UUID });
  t.equal(again.name, first.name);
  const other = await refusal(harness.create({ requestId: UUID, sizeBytes: BigInt(512 * MIB) }));
  t.match(other, { code: 'INVALID_ARGUMENT', violations: [{ field: 'request_id', value: UUID }] });
  const taken = await refusal(harness.create());
  t.match(taken, {
    code: 'ALREADY_EXISTS',
    reason: 'DATABASE_EXISTS',
    violations: [{ field: 'database_id', value: 'orders' }],
  });
  await harness.finished(first);
});

t.test('two creates of one name at once make one database', async (t) => {
  const harness = await ControlHarness.open(t);
  const results = await Promise.allSettled([harness.create(), harness.create(), harness.create()]);
  t.equal(results.filter((result) => result.status === 'fulfilled').length, 1);
  const codes = results.flatMap((result) =>
    result.status === 'rejected' ? [(result.reason as LockstepError).code] : [],
  );
  t.same(codes, ['ALREADY_EXISTS', 'ALREADY_EXISTS']);
});

t.test('databases on the same hosts get ports of their own', async (t) => {
  const harness = await ControlHarness.open(t);
  const [one, two] = await Promise.all([
    harness.create({ databaseId: 'one' }),
    harness.create({ databaseId: 'two' }),
  ]);
  await Promise.all([harness.finished(one), harness.finished(two)]);
  const ports = await Promise.all(
    ['one', 'two'].map(async (id) => (await harness.get(`databases/${id}`)).endpoint?.port),
  );
  t.same(ports.sort(), [5432, 5433]);
});

t.test('a change on an old etag, or while another operation runs, is aborted', async (t) => {
  const harness = await ControlHarness.open(t);
  const creating = await harness.create();
  const request = { name: 'databases/orders', etag: '', requestId: '' };
  const busy = await refusal(harness.call(DatabaseServiceService.deleteDatabase, request));
  t.match(busy, { code: 'ABORTED', reason: 'DATABASE_BUSY', metadata: { operation: creating.name } });
  await harness.finished(creating);
  const old = await refusal(harness.call(DatabaseServiceService.deleteDatabase, { ...request, etag: 'old' }));
  t.match(old, { code: 'ABORTED', reason: 'ETAG_MISMATCH' });
});

t.test('the request id of a delete and of a failover is checked before anything else', async (t) => {
  const harness = await ControlHarness.open(t, { hosts: false });
  const request = { name: 'databases/none', etag: '', requestId: 'x y' };
  const { deleteDatabase, failoverDatabase } = DatabaseServiceService;
  for (const work of [harness.call(deleteDatabase, request), harness.call(failoverDatabase, request)])
    t.match(await refusal(work), {
      code: 'INVALID_ARGUMENT',
      violations: [{ field: 'request_id', value: 'x y', allowed: /UUID/ }],
    });
});

t.test('a password is not handed over before the database is there', async (t) => {
  const harness = await ControlHarness.open(t);
  const creating = await harness.create();
  const error = await refusal(
    harness.call(DatabaseServiceService.claimPassword, { name: 'databases/orders' }),
  );
  t.match(error, { code: 'FAILED_PRECONDITION', reason: 'NOT_CREATED_YET' });
  await harness.finished(creating);
});

t.test('lists are read page by page, and a token of another list is refused', async (t) => {
  const harness = await ControlHarness.open(t);
  for (const databaseId of ['one', 'two', 'three'])
    await harness.finished(await harness.create({ databaseId }));
  const list = (pageToken: string) =>
    harness.call(DatabaseServiceService.listDatabases, { pageSize: 2, pageToken });
  const first = await list('');
  const second = await list(first.nextPageToken);
  const names = [...first.databases, ...second.databases].map((database) => database.name);
  t.same([names, second.nextPageToken], [['databases/one', 'databases/three', 'databases/two'], '']);
  const forged = (last: unknown): string =>
    Buffer.from(JSON.stringify(['databases/', last])).toString('base64url');
  for (const token of ['nonsense', forged('é'), forged('x'.repeat(600)), forged(7)])
    t.match(await refusal(list(token)), { violations: [{ field: 'page_token', value: token }] });
  const events = (pageToken: string) =>
    harness.call(EventServiceService.listEvents, {
      parent: 'databases/one',
      pageSize: 2,
      pageToken,
    });
  const page = await events('');
  const rest = await events(page.nextPageToken);
  t.same(
    [...page.events, ...rest.events].map((event) => event.reason),
    ['CREATED', 'IN_SYNC', 'CREATE_STARTED'],
  );
  t.match(await refusal(list(page.nextPageToken)), { violations: [{ field: 'page_token' }] });
});

t.test('the whole cluster is shown at once', async (t) => {
  const harness = await ControlHarness.open(t);
  await harness.createOrders();
  const status = await harness.call(ClusterServiceService.getClusterStatus, {});
  t.same(
    status.hosts.map((host) => [host.name, host.zone, host.reachable]),
    [
      ['hosts/control', '', true],
      ['hosts/host-a', 'a', true],
      ['hosts/host-b', 'b', true],
    ],
  );
  t.equal(status.databases.length, 1);
  t.same(status.operations, []);
});
