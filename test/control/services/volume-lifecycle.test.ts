/** Volumes without an engine: made and removed through VolumeService. */
import t from 'tap';
import { LockstepError } from '../../../daemon/sys/errors.ts';
import type { Operation } from '../../../proto/gen/google/longrunning/operations.ts';
import {
  Database,
  DatabaseServiceService as databases,
  OperationMetadata,
} from '../../../proto/gen/lockstep/v1/database_service.ts';
import {
  type CreateVolumeRequest,
  Volume,
  VolumeServiceService as service,
} from '../../../proto/gen/lockstep/v1/volume_service.ts';
import { ControlHarness, MIB, refusal } from '../../support/control-harness.ts';

const UUID = '123e4567-e89b-42d3-a456-426614174000';
const REGION = 65_536n;

const create = (harness: ControlHarness, change: Partial<CreateVolumeRequest> = {}): Promise<Operation> =>
  harness.call(service.createVolume, {
    volumeId: 'scratch',
    sizeBytes: 16n * REGION,
    zones: ['a', 'b'],
    requestId: '',
    validateOnly: false,
    ...change,
  });

const remove = (harness: ControlHarness, name: string, requestId = ''): Promise<Operation> =>
  harness.call(service.deleteVolume, { name, requestId });

const tasksOf = ({ metadata }: Operation): readonly string[] =>
  OperationMetadata.decode(metadata?.value ?? new Uint8Array()).tasks.map(({ name }) => name);

t.test('a volume is created on two hosts, without a task or a call for an engine', async (t) => {
  const harness = await ControlHarness.open(t);
  const done = await harness.finished(await create(harness));
  t.equal(done.error, undefined);
  const volume = Volume.decode(done.response?.value ?? new Uint8Array());
  t.match(volume, {
    name: /^volumes\/scratch-[0-9a-f]{8}$/,
    database: 'databases/scratch',
    sizeBytes: 16n * REGION,
    primary: 'hosts/host-a',
    inSync: ['hosts/host-a', 'hosts/host-b'],
  });
  t.same(tasksOf(done), [
    'choose-hosts',
    'create-primary-volume',
    'serve-primary',
    'snapshot-primary',
    'create-secondary-volume',
    'seed-secondary',
    'connect-replication',
    'drop-snapshot',
    'publish-alias',
  ]);
  const engineCalls = [...harness.a.calls, ...harness.b.calls].filter((name) =>
    /attach|mount|FileSystem|Engine/i.test(name),
  );
  t.same(engineCalls, []);
  t.match(await harness.get('databases/scratch'), {
    engine: 'none',
    state: 2,
    passwordUnclaimed: false,
    endpoint: { port: 0, user: '' },
  });
});

t.test('a volume tells where each of its hosts serves NBD', async (t) => {
  const harness = await ControlHarness.open(t);
  await harness.finished(await create(harness));
  const { replicas } = await harness.call(service.getVolume, { name: 'volumes/scratch' });
  t.same(
    replicas.map(({ nbd }) => nbd),
    [
      { address: '127.0.0.1:10809', socket: '/run/host-a/nbd.sock', tls: 'off' },
      { address: '127.0.0.1:10809', socket: '/run/host-b/nbd.sock', tls: 'off' },
    ],
  );
});

t.test('volumes without engines do not fight for a port', async (t) => {
  const harness = await ControlHarness.open(t);
  const made = await Promise.all(['one', 'two'].map((volumeId) => create(harness, { volumeId })));
  for (const operation of made) t.equal((await harness.finished(operation)).error, undefined);
  await harness.createOrders();
  t.equal((await harness.get()).endpoint?.port, 5432);
});

t.test('what cannot be created is refused by field, value and what is allowed', async (t) => {
  const harness = await ControlHarness.open(t);
  const cases: readonly [Partial<CreateVolumeRequest>, field: string, value: string, allowed: RegExp][] = [
    [{ volumeId: 'Scratch' }, 'volume_id', 'Scratch', /1 to 40 of a-z/],
    [{ volumeId: 'ns' }, 'volume_id', 'ns', /not reserved/],
    [{ sizeBytes: 0n }, 'size_bytes', '0', /not 0/],
    [{ sizeBytes: REGION + 512n }, 'size_bytes', '66048', /multiple of 65536/],
    [{ sizeBytes: 8n << 40n }, 'size_bytes', '', /^$/],
    [{ sizeBytes: (8n << 40n) + REGION }, 'size_bytes', '8796093087744', /8 TiB/],
    [{ zones: ['a', 'c'] }, 'zones', 'c', /two different zones of: a, b/],
    [{ requestId: 'again' }, 'request_id', 'again', /UUID/],
  ];
  for (const [change, field, value, allowed] of cases) {
    const error = await refusal(create(harness, change));
    // So much is allowed, and these hosts have no room for it.
    if (value === '') t.match(error, { reason: 'NOT_ENOUGH_ZONES' });
    else t.match(error, { code: 'INVALID_ARGUMENT', violations: [{ field, value, allowed }] });
  }
  t.same([...harness.a.leftovers(), ...harness.b.leftovers()], []);
});

t.test('validate_only answers what would be, and creates nothing', async (t) => {
  const harness = await ControlHarness.open(t);
  const { done, response } = await create(harness, { validateOnly: true });
  t.equal(done, true);
  t.match(Volume.decode(response?.value ?? new Uint8Array()), { database: 'databases/scratch', primary: '' });
  t.match(await refusal(harness.get('databases/scratch')), { code: 'NOT_FOUND' });
});

t.test('the same request again is the same operation, and another of its name is refused', async (t) => {
  const harness = await ControlHarness.open(t);
  const first = await create(harness, { requestId: UUID });
  t.equal((await create(harness, { requestId: UUID })).name, first.name);
  t.match(await refusal(create(harness, { requestId: UUID, sizeBytes: 32n * REGION })), {
    violations: [{ field: 'request_id' }],
  });
  t.match(await refusal(create(harness)), {
    code: 'ALREADY_EXISTS',
    violations: [{ field: 'volume_id', value: 'scratch' }],
  });
  await harness.finished(first);
});

t.test('a create that fails leaves no record and no replica', async (t) => {
  const harness = await ControlHarness.open(t);
  harness.a.injectOnce('connectReplica', new LockstepError('FAILED_PRECONDITION', 'the disk is on fire'));
  const done = await harness.finished(await create(harness));
  t.match(done.error, { message: /connect-replication failed: .*on fire/ });
  t.same([...harness.a.leftovers(), ...harness.b.leftovers()], []);
  t.match(await refusal(harness.get('databases/scratch')), { code: 'NOT_FOUND' });
  t.equal((await harness.finished(await create(harness))).error, undefined, 'its name is free again');
});

t.test('a volume is deleted with both copies, and the same request again says so again', async (t) => {
  const harness = await ControlHarness.open(t);
  await harness.finished(await create(harness));
  const first = await remove(harness, 'volumes/scratch', UUID);
  t.equal((await harness.finished(first)).error, undefined);
  t.same([...harness.a.leftovers(), ...harness.b.leftovers()], []);
  t.equal((await remove(harness, 'volumes/scratch', UUID)).name, first.name);
  t.match(await refusal(remove(harness, 'volumes/scratch')), { reason: 'VOLUME_NOT_FOUND' });
  t.match(await refusal(remove(harness, 'scratch')), { violations: [{ field: 'name' }] });
});

t.test('a volume is not deleted while it is being created', async (t) => {
  const harness = await ControlHarness.open(t);
  const creating = await create(harness);
  t.match(await refusal(remove(harness, 'databases/scratch')), { code: 'ABORTED', reason: 'DATABASE_BUSY' });
  await harness.finished(creating);
});

t.test('the volume of a database with an engine is not deleted by itself', async (t) => {
  const harness = await ControlHarness.open(t);
  await harness.createOrders();
  t.match(await refusal(remove(harness, 'databases/orders')), {
    code: 'FAILED_PRECONDITION',
    reason: 'HAS_ENGINE',
    metadata: { next: /lockstep database delete orders/ },
  });
  t.equal((await harness.get()).state, 2);
});

t.test('a volume fails over as a database does, and nothing is attached', async (t) => {
  const harness = await ControlHarness.open(t);
  await harness.finished(await create(harness, { sizeBytes: BigInt(MIB) }));
  harness.a.die();
  for (;;) {
    const { primary, state } = await harness.get('databases/scratch');
    if (primary?.host === 'host-b' && state === 2) break;
  }
  t.notOk(harness.b.calls.includes('attachVolume'));
});

t.test('a volume that is protected against a delete is not deleted by its own verb either', async (t) => {
  const harness = await ControlHarness.open(t);
  await harness.finished(await create(harness));
  const database = Database.fromPartial({ name: 'databases/scratch', deletionProtection: true });
  const updated = await harness.call(databases.updateDatabase, {
    database,
    updateMask: ['deletion_protection'],
  });
  t.equal((await harness.finished(updated)).error, undefined);
  t.match(await refusal(remove(harness, 'databases/scratch')), { reason: 'DELETION_PROTECTED' });
});
