/** WorkflowService over real gRPC: what is shown of a workflow, its log without secrets, Retry and Abandon. */
import t from 'tap';
import { LockstepError } from '../../../daemon/sys/errors.ts';
import { DatabaseServiceService as databases } from '../../../proto/gen/lockstep/v1/database_service.ts';
import {
  type Workflow,
  WorkflowServiceService as workflows,
  WorkflowState,
} from '../../../proto/gen/lockstep/v1/workflow_service.ts';
import { viewLogEntry } from '../../../control/model/workflow-view.ts';
import { ControlHarness, refusal } from '../../support/control-harness.ts';

const refusedBy = (what: string): LockstepError => new LockstepError('FAILED_PRECONDITION', what);

/** Its create failed, and so did an undo of it. */
async function stuckCreate(harness: ControlHarness): Promise<Workflow> {
  harness.a.injectOnce('startEngine', refusedBy('no memory'), 9);
  harness.a.injectOnce('deleteReplica', refusedBy('the disk hangs'), 9);
  await harness.finished(await harness.create());
  const { workflows: found } = await harness.call(workflows.listWorkflows, { target: 'databases/orders' });
  const [workflow] = found;
  if (workflow === undefined) throw new Error('there is none');
  harness.a.injections = [];
  return workflow;
}

t.test('a workflow is shown with its tasks, and by its operation', async (t) => {
  const harness = await ControlHarness.open(t);
  const operation = await harness.create();
  const running = await harness.call(workflows.getWorkflow, { name: operation.name });
  t.match(running, { state: WorkflowState.WORKFLOW_STATE_RUNNING, owner: 'hosts/control', reason: '' });
  await harness.finished(operation);
  const name = operation.name.replace('operations/', 'workflows/');
  const done = await harness.call(workflows.getWorkflow, { name });
  t.match(done, {
    name,
    type: 'create-database',
    version: 1,
    target: 'databases/orders',
    state: WorkflowState.WORKFLOW_STATE_DONE,
    nextStep: '',
    owner: '',
  });
  t.ok(done.endTime);
  t.equal(done.tasks[0]?.name, 'choose-hosts');
  t.match(await refusal(harness.call(workflows.getWorkflow, { name: 'workflows/none' })), {
    code: 'NOT_FOUND',
  });
  t.match(await refusal(harness.call(workflows.getWorkflow, { name: 'databases/orders' })), {
    violations: [{ field: 'name' }],
  });
});

t.test('workflows are listed newest first, by page, target and state', async (t) => {
  const harness = await ControlHarness.open(t);
  await harness.createOrders();
  await harness.finished(await harness.create({ databaseId: 'bills' }));
  await harness.finished(await harness.call(databases.deleteDatabase, { name: 'databases/bills' }));
  const list = async (request: Parameters<typeof workflows.listWorkflows.requestSerialize>[0]) =>
    harness.call(workflows.listWorkflows, request);
  const all = { pageSize: 2, pageToken: '', target: '', states: [] };
  const first = await list(all);
  t.same(
    first.workflows.map(({ type, target }) => [type, target]),
    [
      ['delete-database', 'databases/bills'],
      ['create-database', 'databases/bills'],
    ],
  );
  const second = await list({ ...all, pageToken: first.nextPageToken });
  t.same(
    second.workflows.map(({ target }) => target),
    ['databases/orders'],
  );
  t.equal(second.nextPageToken, '');
  t.equal((await list({ ...all, target: 'databases/orders' })).workflows.length, 1);
  const stuck = await list({ ...all, states: [WorkflowState.WORKFLOW_STATE_STUCK] });
  t.same(stuck.workflows, []);
  t.match(await refusal(list({ ...all, target: 'orders' })), { violations: [{ field: 'target' }] });
});

t.test('the log tells each act and what it found out, by page', async (t) => {
  const harness = await ControlHarness.open(t);
  const operation = await harness.create();
  await harness.finished(operation);
  const parent = operation.name;
  const first = await harness.call(workflows.listWorkflowLog, { parent, pageSize: 3 });
  t.match(first.entries, [
    { sequence: 0, kind: 'step-started', step: 'choose-hosts', detail: '' },
    { sequence: 1, kind: 'step-done', step: 'choose-hosts', detail: /"primary":"host-/ },
    { sequence: 2, kind: 'step-started', step: 'create-primary-volume' },
  ]);
  const rest = await harness.call(workflows.listWorkflowLog, { parent, pageToken: first.nextPageToken });
  t.match(rest.entries.at(-1), { kind: 'finished', detail: 'done' });
  const { password } = await harness.call(databases.claimPassword, { name: 'databases/orders' });
  t.ok(password);
  t.notMatch(JSON.stringify([first, rest], plain), password);
});

t.test('what a step found out is shown without secrets', async (t) => {
  const patch = { password: 'hunter2', inner: { apiToken: 'abc' }, port: 5432 };
  const { detail } = viewLogEntry({ kind: 'step-done', step: 'x', timeMs: 1, patch }, 0);
  t.same(JSON.parse(detail), { password: '[hidden]', inner: { apiToken: '[hidden]' }, port: 5432 });
});

t.test('a stuck create says what to do, and goes on when it is told to', async (t) => {
  const harness = await ControlHarness.open(t);
  const stuck = await stuckCreate(harness);
  t.match(stuck, {
    state: WorkflowState.WORKFLOW_STATE_STUCK,
    reason: /undoing step create-primary-volume failed.*the disk hangs/,
    nextStep: /lockstep workflow retry create-orders-.*lockstep workflow abandon/,
  });
  t.match(await harness.call(workflows.retryWorkflow, { name: stuck.name }), { name: stuck.name });
  await harness.finished({ name: stuck.name.replace('workflows/', 'operations/') } as never);
  t.match(await harness.call(workflows.getWorkflow, { name: stuck.name }), {
    state: WorkflowState.WORKFLOW_STATE_UNDONE,
    reason: /start-engine failed/,
    nextStep: '',
  });
  t.same([...harness.a.leftovers(), ...harness.b.leftovers()], []);
  t.match(await refusal(harness.get()), { code: 'NOT_FOUND' });
  t.match(await refusal(harness.call(workflows.retryWorkflow, { name: stuck.name })), {
    reason: 'WORKFLOW_ENDED',
  });
});

t.test('an abandoned create leaves a failed database, which a delete takes over', async (t) => {
  const harness = await ControlHarness.open(t);
  const { name } = await stuckCreate(harness);
  t.match(await refusal(harness.call(workflows.abandonWorkflow, { name })), { code: 'INVALID_ARGUMENT' });
  t.match(await harness.call(workflows.abandonWorkflow, { name, acceptHalfDone: true }), {
    state: WorkflowState.WORKFLOW_STATE_ABANDONED,
    reason: /the disk hangs/,
  });
  t.match(await harness.get(), { reason: /ended half done/ });
  const deleted = await harness.finished(
    await harness.call(databases.deleteDatabase, { name: 'databases/orders' }),
  );
  t.equal(deleted.error, undefined);
  t.same([...harness.a.leftovers(), ...harness.b.leftovers()], []);
});

t.test('one that runs is not abandoned', async (t) => {
  const harness = await ControlHarness.open(t);
  const operation = await harness.create();
  const { name } = operation;
  t.match(await refusal(harness.call(workflows.abandonWorkflow, { name, acceptHalfDone: true })), {
    reason: 'WORKFLOW_RUNS',
  });
  await harness.finished(operation);
});

const plain = (_key: string, value: unknown): unknown =>
  typeof value === 'bigint' ? value.toString() : value;
