/** A person's snapshot that has the name of the final one, on a host that could not say so: it is not taken for it. */
import t, { type Test } from 'tap';
import { LockstepError } from '../../../daemon/sys/errors.ts';
import { DatabaseServiceService as databases } from '../../../proto/gen/lockstep/v1/database_service.ts';
import { openRetention, type Retained } from '../../support/retention-harness.ts';

/** host-b has `the-end` for a person, and does not answer when it is asked for its snapshots. */
async function unheard(t: Test): Promise<Retained> {
  const run = await openRetention(t);
  const volume = (await run.harness.get()).volume.replace('volumes/', '');
  run.b.names.add('the-end');
  run.b.volumeOf.set('the-end', volume);
  // The request before the workflow asks as well.
  run.harness.b.injectOnce('listSnapshots', new LockstepError('UNAVAILABLE', 'not now'), 2);
  run.harness.b.calls.length = 0;
  return run;
}

const remove = ({ done }: Retained) =>
  done(databases.deleteDatabase, { name: 'databases/orders', finalSnapshotId: 'the-end' });
const touched = ({ harness }: Retained): readonly string[] =>
  harness.b.calls.filter((method) => method === 'removeSnapshot' || method === 'takeSnapshot');

t.test('the final snapshot is taken beside it, on the primary alone', async (t) => {
  const run = await unheard(t);
  t.equal((await remove(run)).error, undefined);
  t.strictSame([[...run.a.names], [...run.b.names], touched(run)], [['the-end'], ['the-end'], []]);
  t.match((await run.harness.events())[0], { message: 'deleted, with the-end on host-a as final snapshot' });
});

t.test('a delete that is undone leaves it', async (t) => {
  const run = await unheard(t);
  run.harness.a.injectOnce('takeSnapshot', new LockstepError('FAILED_PRECONDITION', 'no'));
  t.not((await remove(run)).error, undefined);
  t.strictSame([[...run.a.names], [...run.b.names], touched(run)], [[], ['the-end'], []]);
});
