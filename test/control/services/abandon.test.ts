/** AbandonWorkflow over real gRPC: what the monitor does with a database whose workflow was ended half done. */
import t, { type Test } from 'tap';
import type { Operation } from '../../../proto/gen/google/longrunning/operations.ts';
import { DatabaseServiceService as databases } from '../../../proto/gen/lockstep/v1/database_service.ts';
import { WorkflowServiceService as workflows } from '../../../proto/gen/lockstep/v1/workflow_service.ts';
import { refusal } from '../../support/control-harness.ts';
import { openRetention, type Retained } from '../../support/retention-harness.ts';

const NAME = 'databases/orders';
const [ACTIVE, STOPPED] = [2, 7];

/** Control halts such a workflow once this step is done. */
const haltingAfter = (t: Test, type: string, step: string): Promise<Retained> =>
  openRetention(t, {
    afterLog(entry, workflow) {
      if (workflow.type === type && entry.kind === 'step-done' && entry.step === step)
        throw new Error('the log cannot be written');
    },
  });

async function abandonHalted({ harness }: Retained, operation: Operation): Promise<void> {
  const name = operation.name.replace('operations/', 'workflows/');
  for (;;) {
    const found = await harness.call(workflows.getWorkflow, { name });
    if (/cannot be written/.test(found.reason)) break;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  await harness.call(workflows.abandonWorkflow, { name, acceptHalfDone: true });
}

t.test('a database whose soft delete is ended half done is served again, and can be deleted', async (t) => {
  const run = await haltingAfter(t, 'delete-database', 'release-hosts');
  const { volume } = await run.harness.get();
  await abandonHalted(run, await run.harness.call(databases.deleteDatabase, { name: NAME }));
  const back = await run.harness.until(({ state }) => state === ACTIVE);
  t.match(back, { reason: /./, deleteTime: undefined, expireTime: undefined, finalSnapshot: '' });
  t.equal(run.harness.a.engines.get(volume.replace('volumes/', '')), 'RUNNING');
  await run.harness.stopControl();
  await run.harness.startControl();
  await run.harness.hostsHeard();
  t.equal((await run.done(databases.deleteDatabase, { name: NAME })).error, undefined);
});

t.test('a database whose undelete is ended half done is served again, and is not purged', async (t) => {
  const run = await haltingAfter(t, 'undelete-database', 'attach-and-mount');
  t.equal((await run.done(databases.deleteDatabase, { name: NAME })).error, undefined);
  await abandonHalted(run, await run.harness.call(databases.undeleteDatabase, { name: NAME }));
  const back = await run.harness.until(({ state }) => state === ACTIVE);
  t.match(back, { deleteTime: undefined, expireTime: undefined, finalSnapshot: '' });
  t.match(await refusal(run.harness.call(databases.undeleteDatabase, { name: NAME })), {
    reason: 'NOT_DELETED',
  });
});

t.test('a stopped database whose rename is ended half done stays stopped', async (t) => {
  const run = await haltingAfter(t, 'rename-database', 'move-records');
  const { volume } = await run.harness.get();
  t.equal((await run.done(databases.stopDatabase, { name: NAME })).error, undefined);
  const rename = { name: NAME, newDatabaseId: 'shop' };
  await abandonHalted(run, await run.harness.call(databases.renameDatabase, rename));
  // More than the monitor takes to bring up what has failed.
  await new Promise((resolve) => setTimeout(resolve, 1000));
  t.match(await run.harness.get('databases/shop'), { state: STOPPED, busyWith: '' });
  t.not(run.harness.a.engines.get(volume.replace('volumes/', '')), 'RUNNING');
});
