import t from 'tap';
import { OperationsService } from '../../../proto/gen/google/longrunning/operations.ts';
import { Database, OperationMetadata, TaskState } from '../../../proto/gen/lockstep/v1/database_service.ts';
import { ControlHarness, refusal } from '../../support/control-harness.ts';

t.test('an operation shows its tasks, and answers the database', async (t) => {
  const harness = await ControlHarness.open(t);
  const done = await harness.finished(await harness.create());
  const metadata = OperationMetadata.decode(done.metadata?.value ?? new Uint8Array());
  t.match(metadata, { workflow: 'create-database', target: 'databases/orders' });
  t.ok(metadata.endTime);
  t.equal(metadata.tasks.length, 14);
  t.ok(metadata.tasks.every((task) => task.state === TaskState.TASK_STATE_DONE && task.percent === 100));
  t.equal(
    metadata.tasks.find((task) => task.name === 'seed-secondary')?.title,
    'Seed host-b in zone b from the snapshot',
  );
  t.equal(Database.decode(done.response?.value ?? new Uint8Array()).name, 'databases/orders');
});

t.test('a wait that takes too long answers the operation as it is', async (t) => {
  const harness = await ControlHarness.open(t);
  const operation = await harness.create();
  const timeout = { seconds: 0n, nanos: 1_000_000 };
  const waited = await harness.call(OperationsService.waitOperation, { name: operation.name, timeout });
  t.equal(waited.done, false);
  await harness.finished(operation);
});

t.test('operations are listed newest first, by page and by whether they are done', async (t) => {
  const harness = await ControlHarness.open(t);
  for (const databaseId of ['one', 'two', 'three'])
    await harness.finished(await harness.create({ databaseId }));
  const list = (filter: string, pageToken = '') =>
    harness.call(OperationsService.listOperations, {
      name: 'operations',
      filter,
      pageSize: 2,
      pageToken,
      returnPartialSuccess: false,
    });
  const first = await list('');
  const second = await list('', first.nextPageToken);
  const targets = [...first.operations, ...second.operations].map(
    (operation) => operation.name.split('-')[1],
  );
  t.same([targets, second.nextPageToken], [['three', 'two', 'one'], '']);
  t.same((await list('done=false')).operations, []);
  t.equal((await list('done = true')).operations.length, 2);
  t.match(await refusal(list('state=1')), { violations: [{ field: 'filter', value: 'state=1' }] });
});

t.test('what is not there is not found, and nothing is cancelled or deleted', async (t) => {
  const harness = await ControlHarness.open(t);
  const name = 'operations/create-none-1';
  await t.rejects(harness.call(OperationsService.getOperation, { name }), { code: 'NOT_FOUND' });
  t.match(await refusal(harness.call(OperationsService.getOperation, { name: 'x' })), {
    violations: [{ field: 'name' }],
  });
  await t.rejects(harness.call(OperationsService.cancelOperation, { name }), /UNIMPLEMENTED|not cancelled/);
  await t.rejects(harness.call(OperationsService.deleteOperation, { name }), /UNIMPLEMENTED|kept/);
});
