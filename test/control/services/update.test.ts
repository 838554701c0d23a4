/** UpdateDatabase: what its mask means, what is refused, and what the records say afterwards. */
import t from 'tap';
import { LockstepError } from '../../../daemon/sys/errors.ts';
import type { Operation } from '../../../proto/gen/google/longrunning/operations.ts';
import {
  Database,
  DatabaseServiceService as service,
} from '../../../proto/gen/lockstep/v1/database_service.ts';
import { VolumeServiceService } from '../../../proto/gen/lockstep/v1/volume_service.ts';
import { ControlHarness, MIB, refusal } from '../../support/control-harness.ts';

const UUID = '123e4567-e89b-42d3-a456-426614174002';
const name = 'databases/orders';
const OLD = BigInt(256 * MIB);
const NEW = BigInt(512 * MIB);

const update = (
  harness: ControlHarness,
  database: Partial<Database>,
  updateMask?: string[],
  more: { readonly requestId?: string; readonly validateOnly?: boolean } = {},
): Promise<Operation> =>
  harness.call(service.updateDatabase, {
    database: Database.fromPartial({ name, ...database }),
    updateMask,
    ...more,
  });

async function updated(...args: Parameters<typeof update>): Promise<Database> {
  const done = await args[0].finished(await update(...args));
  if (done.error !== undefined) throw new Error(done.error.message);
  return Database.decode(done.response?.value ?? new Uint8Array());
}

const sizesOn = (...hosts: readonly ControlHarness['a'][]): readonly bigint[] =>
  hosts.flatMap(({ replicas }) => [...replicas.values()].map(({ sizeBytes }) => sizeBytes));

t.test('the mask says what changes: whole maps, single entries, and what is set back', async (t) => {
  const harness = await ControlHarness.open(t);
  await harness.createOrders();
  const tags = async (given: Record<string, string>, mask?: string[]) =>
    (await updated(harness, { tags: given }, mask)).tags;
  t.same(await tags({ team: 'shop', tier: '1' }), { team: 'shop', tier: '1' }, 'no mask: what has a value');
  t.same(await tags({ tier: '2', other: 'x' }, ['tags.tier']), { team: 'shop', tier: '2' });
  t.same(await tags({}, ['tags.team']), { tier: '2' }, 'an entry without a value is taken out');
  t.same(await tags({ a: '1' }, ['tags.`a`', 'tags.tier']), { a: '1' });
  t.same(await tags({}, ['tags']), {}, 'set back');
  t.equal((await updated(harness, { deletionProtection: true })).deletionProtection, true);
  t.equal((await updated(harness, {}, ['deletion_protection'])).deletionProtection, false);
  t.match(await harness.get(), { sizeBytes: OLD, parameters: {} });
  t.notOk(harness.a.calls.includes('configureEngine'));
});

t.test('what only the record says is said in an operation that is done', async (t) => {
  const harness = await ControlHarness.open(t);
  await harness.createOrders();
  const operation = await update(harness, { tags: { a: '1' } }, undefined, { requestId: UUID });
  t.match(operation, { done: true, error: undefined, name: /^operations\/update-orders/ });
  await updated(harness, { tags: { a: '2' } });
  const again = await update(harness, { tags: { a: '1' } }, undefined, { requestId: UUID });
  t.equal(again.name, operation.name, 'the same request changes nothing again');
  t.same((await harness.get()).tags, { a: '2' });
});

t.test('what cannot be is refused by field, value and what is allowed', async (t) => {
  const harness = await ControlHarness.open(t);
  await harness.createOrders();
  const cases: readonly [database: Partial<Database>, mask: string[] | undefined, field: string][] = [
    [{}, undefined, 'update_mask'],
    [{}, ['engine'], 'update_mask'],
    [{}, ['tags.'], 'update_mask'],
    [{ tags: { 'a b': '1' } }, undefined, 'tags'],
    [{ tags: { a: 'x'.repeat(257) } }, undefined, 'tags.a'],
    [{ parameters: { fsync: 'off' } }, undefined, 'parameters.fsync'],
    [{ parameters: { max_connections: '1' } }, ['parameters.max_connections'], 'parameters.max_connections'],
    [{ sizeBytes: NEW + 1n }, undefined, 'size_bytes'],
    [{}, ['size_bytes'], 'size_bytes'],
    [{ sizeBytes: 2n ** 63n }, undefined, 'size_bytes'],
  ];
  for (const [database, mask, field] of cases)
    t.match(await refusal(update(harness, database, mask)), {
      code: 'INVALID_ARGUMENT',
      violations: [{ field }],
    });
  t.match(await refusal(update(harness, {}, ['engine'])), { message: /parameters\.\{name\}/ });
  t.match(await refusal(update(harness, { sizeBytes: OLD - 65_536n })), {
    code: 'FAILED_PRECONDITION',
    reason: 'LARGER_ALREADY',
  });
  t.match(await refusal(update(harness, { sizeBytes: BigInt(64 * 1024 * MIB) })), {
    code: 'FAILED_PRECONDITION',
    reason: 'NO_ROOM',
    message: /host-a has \d+, host-b has \d+/,
  });
  t.match(await refusal(update(harness, { etag: 'old', tags: { a: '1' } })), { reason: 'ETAG_MISMATCH' });
  t.match(await harness.get(), { tags: {}, parameters: {}, sizeBytes: OLD, busyWith: '' });
});

t.test('a database grows while it is used: copies, device, file system, records', async (t) => {
  const harness = await ControlHarness.open(t);
  await harness.createOrders();
  t.match(await refusal(harness.call(VolumeServiceService.growVolume, { name, sizeBytes: NEW })), {
    reason: 'HAS_ENGINE',
    metadata: { next: /UpdateDatabase/ },
  });
  t.match(await update(harness, { sizeBytes: NEW }, undefined, { validateOnly: true }), { done: true });
  t.same(sizesOn(harness.a, harness.b), [OLD, OLD]);
  t.match(await updated(harness, { sizeBytes: NEW }), { sizeBytes: NEW, state: 2, redundancy: 3 });
  t.same(sizesOn(harness.a, harness.b), [NEW, NEW]);
  t.same([...harness.enginesOfA.fileSystemBytes.values()], [NEW]);
  t.match(await harness.call(VolumeServiceService.getVolume, { name }), { sizeBytes: NEW });
  t.match(await updated(harness, { sizeBytes: NEW }), { sizeBytes: NEW }, 'asked for again');
  t.same((await harness.events()).map(({ reason }) => reason).slice(0, 3), [
    'UPDATED',
    'UPDATED',
    'VOLUME_RESIZED',
  ]);
});

t.test(
  'growth that fails at any call leaves records that tell the truth, and is asked for again',
  async (t) => {
    const failures = [
      ['b', 'growReplica', 'grow-secondaries', OLD, [OLD, NEW]],
      ['a', 'growReplica', 'grow-primary', OLD, [NEW, NEW]],
      ['a', 'growFileSystem', 'grow-file-system', NEW, [NEW, NEW]],
    ] as const;
    for (const [host, method, step, volumeBytes, sizes] of failures) {
      const harness = await ControlHarness.open(t);
      await harness.createOrders();
      harness[host].injectOnce(method, new LockstepError('FAILED_PRECONDITION', 'no', { reason: 'FIRE' }));
      const done = await harness.finished(await update(harness, { sizeBytes: NEW, tags: { a: '1' } }));
      t.match(done.error, { message: `step ${step} failed: host host-${host}: no` });
      t.match(await harness.active(), { state: 2, sizeBytes: OLD, redundancy: 3, tags: {} });
      t.match(await harness.call(VolumeServiceService.getVolume, { name }), { sizeBytes: volumeBytes });
      t.same(sizesOn(harness.a, harness.b), sizes, 'the primary does not run ahead');
      t.match((await harness.events())[0], { reason: 'UPDATE_FAILED', message: /ask again for 512 MiB/ });
      t.match(await updated(harness, { sizeBytes: NEW, tags: { a: '1' } }), {
        sizeBytes: NEW,
        tags: { a: '1' },
      });
    }
  },
);

t.test('parameters are told to the running engine, and a reboot brings those that wait', async (t) => {
  const harness = await ControlHarness.open(t);
  await harness.createOrders();
  harness.enginesOfA.pendingRestart = ['max_connections'];
  const parameters = { max_connections: '200', work_mem: '8192 kB' };
  t.match(await updated(harness, { parameters }), {
    parameters: { max_connections: '200', work_mem: '8192' },
    parametersPendingRestart: ['max_connections'],
  });
  t.same([...harness.enginesOfA.parameters.values()], [{ max_connections: '200', work_mem: '8192' }]);
  await harness.finished(await harness.call(service.rebootDatabase, { name }));
  t.match(await harness.get(), { parametersPendingRestart: [] });
  harness.enginesOfA.pendingRestart = [];
  t.same((await updated(harness, {}, ['parameters.work_mem'])).parameters, { max_connections: '200' });
});

t.test('an engine that refuses parameters keeps the old ones, and so does the record', async (t) => {
  const harness = await ControlHarness.open(t);
  await harness.createOrders();
  await updated(harness, { parameters: { work_mem: '8192' } });
  harness.a.injectOnce('configureEngine', new LockstepError('FAILED_PRECONDITION', 'too much'));
  const done = await harness.finished(await update(harness, { parameters: { work_mem: '9000' } }));
  t.match(done.error, { message: /step configure-engine failed: host host-a: too much/ });
  t.same([...harness.enginesOfA.parameters.values()], [{ work_mem: '8192' }]);
  t.match(await harness.get(), { parameters: { work_mem: '8192' }, parametersPendingRestart: [] });
});

t.test('what could not be taken back from the engine is shown as waiting for its next start', async (t) => {
  const harness = await ControlHarness.open(t);
  await harness.createOrders();
  harness.a.injectOnce('configureEngine', new LockstepError('FAILED_PRECONDITION', 'no'), 2);
  const done = await harness.finished(await update(harness, { parameters: { work_mem: '9000' } }));
  t.match(done.error, { message: /a person is needed/ });
  t.match(await harness.get(), {
    state: 2,
    parameters: {},
    parametersPendingRestart: ['work_mem'],
    busyWith: '',
  });
});

t.test('a stopped database takes parameters with its next start, and does not grow', async (t) => {
  const harness = await ControlHarness.open(t);
  await harness.createOrders();
  await harness.finished(await harness.call(service.stopDatabase, { name }));
  t.match(await updated(harness, { parameters: { work_mem: '8192' } }), {
    parameters: { work_mem: '8192' },
    parametersPendingRestart: [],
  });
  t.notOk(harness.a.calls.includes('configureEngine'));
  t.match(await refusal(update(harness, { sizeBytes: NEW })), {
    reason: 'DATABASE_STOPPED',
    metadata: { next: /database start orders/ },
  });
});

t.test('a volume without an engine has tags, and is told how it grows', async (t) => {
  const harness = await ControlHarness.open(t);
  const request = { volumeId: 'scratch', sizeBytes: 65_536n };
  await harness.finished(await harness.call(VolumeServiceService.createVolume, request));
  const scratch = { name: 'databases/scratch' };
  t.same((await updated(harness, { ...scratch, tags: { a: '1' } })).tags, { a: '1' });
  t.match(await refusal(update(harness, { ...scratch, sizeBytes: NEW })), {
    reason: 'NO_ENGINE',
    metadata: { next: /volume grow/ },
  });
  t.match(await refusal(update(harness, { ...scratch, parameters: { work_mem: '64' } })), {
    reason: 'NO_ENGINE',
  });
});
