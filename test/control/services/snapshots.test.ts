import t, { type Test } from 'tap';
import { LockstepError } from '../../../daemon/sys/errors.ts';
import { DatabaseServiceService as databases } from '../../../proto/gen/lockstep/v1/database_service.ts';
import { SnapshotServiceService as service } from '../../../proto/gen/lockstep/v1/snapshot_service.ts';
import { VolumeServiceService as volumes } from '../../../proto/gen/lockstep/v1/volume_service.ts';
import { ControlHarness, refusal } from '../../support/control-harness.ts';
import type { SnapshotDouble } from '../../support/snapshot-double.ts';

const NAME = 'databases/orders/snapshots/monday';
const [ACTIVE, FAILED] = [2, 6];

interface Run {
  readonly harness: ControlHarness;
  readonly a: SnapshotDouble;
  readonly b: SnapshotDouble;
}

/** The database `orders`, with a snapshot `monday` on its primary. */
async function withSnapshot(t: Test): Promise<Run> {
  const harness = await ControlHarness.open(t);
  const { snapshotsOfA: a, snapshotsOfB: b } = harness;
  await harness.hostsHeard();
  await harness.createOrders();
  a.names.add('monday');
  return { harness, a, b };
}

const revert = ({ harness }: Run, acceptDataLoss = true) =>
  harness.call(service.revertVolume, { name: NAME, acceptDataLoss });
const clone = ({ harness }: Run) =>
  harness.call(service.cloneSnapshot, { name: NAME, cloneId: 'copy', host: '' });

t.test('a revert stops the engine, and the database is active again with it running', async (t) => {
  const run = await withSnapshot(t);
  t.match(await refusal(revert(run, false)), { reason: 'DATA_LOSS_NOT_ACCEPTED' });
  const done = await run.harness.finished(await revert(run));
  t.equal(done.error, undefined);
  const [volume = ''] = run.harness.a.replicas.keys();
  t.equal(run.harness.a.engines.get(volume), 'RUNNING');
  t.equal((await run.harness.until(({ busyWith }) => busyWith === '')).state, ACTIVE);
});

t.test('the same request to revert is one revert, and one that is only tried is none', async (t) => {
  const run = await withSnapshot(t);
  const requestId = '123e4567-e89b-42d3-a456-426614174000';
  const request = { name: NAME, acceptDataLoss: true };
  const tried = await run.harness.call(service.revertVolume, { ...request, validateOnly: true });
  t.same([tried.name, tried.done], ['', true]);
  const first = await run.harness.call(service.revertVolume, { ...request, requestId });
  await run.harness.finished(first);
  await run.harness.until(({ busyWith }) => busyWith === '');
  const again = await run.harness.call(service.revertVolume, { ...request, requestId });
  t.equal(again.name, first.name);
  const reasons = (await run.harness.events()).map(({ reason }) => reason);
  t.equal(reasons.filter((reason) => reason === 'REVERT_STARTED').length, 1);
});

t.test('a revert that stopped on its way holds the database until one has ended', async (t) => {
  const run = await withSnapshot(t);
  run.a.failing = 'midway';
  const stopped = await run.harness.finished(await revert(run));
  t.match(stopped.error?.message, /cut off/);
  const failed = await run.harness.until(({ state }) => state === FAILED);
  t.match(failed.reason, /has not ended/);
  const request = { name: 'databases/orders', requestId: '', etag: '', validateOnly: false };
  const failover = refusal(run.harness.call(databases.failoverDatabase, request));
  t.match(await failover, { reason: 'NOT_SAFE_TO_FAIL_OVER' }, 'of a mixture');
  run.a.failing = undefined;
  t.equal((await run.harness.finished(await revert(run))).error, undefined);
  t.equal((await run.harness.until(({ busyWith }) => busyWith === '')).state, ACTIVE);
});

t.test('a revert that was refused leaves the database as it was', async (t) => {
  const run = await withSnapshot(t);
  run.a.failing = 'before';
  const refused = await run.harness.finished(await revert(run));
  t.match(refused.error?.message, /clients would see it/);
  await run.harness.until(({ busyWith, state }) => busyWith === '' && state === ACTIVE);
});

t.test('a clone has records that control looks after, and one that was refused has none', async (t) => {
  const run = await withSnapshot(t);
  run.a.cloneError = new LockstepError('INTERNAL', 'no room', { reason: 'NO_ROOM' });
  t.match(await refusal(clone(run)), { reason: 'NO_ROOM' });
  t.match(await refusal(run.harness.get('databases/copy')), { code: 'NOT_FOUND' });
  run.a.cloneError = undefined;
  const made = await clone(run);
  t.match(made, { database: 'databases/copy', host: 'hosts/host-a' });
  t.strictSame(run.a.clones, [made.volume.replace('volumes/', '')]);
  t.match(await run.harness.get('databases/copy'), { engine: 'none' });
  t.match(await refusal(clone(run)), { code: 'ALREADY_EXISTS' });
});

t.test('a clone has the size of its snapshot, whatever the volume has grown to since', async (t) => {
  const run = await withSnapshot(t);
  const origin = await run.harness.get();
  run.a.snapshotBytes = origin.sizeBytes / 2n;
  const { volume } = await clone(run);
  t.match(await run.harness.call(volumes.getVolume, { name: volume }), { sizeBytes: run.a.snapshotBytes });
  t.match(await run.harness.get('databases/copy'), { sizeBytes: run.a.snapshotBytes });
});

t.test(
  'a clone whose answer was lost is made once, and one that nobody answers for is taken away',
  async (t) => {
    const run = await withSnapshot(t);
    const [volume = ''] = run.harness.a.replicas.keys();
    run.harness.a.injectOnce('cloneSnapshot', new LockstepError('UNAVAILABLE', 'the answer was lost'));
    const made = await clone(run);
    t.strictSame([...run.harness.a.replicas.keys()], [volume, made.volume.replace('volumes/', '')]);
    const done = await run.harness.call(volumes.deleteVolume, { name: made.volume });
    t.equal((await run.harness.finished(done)).error, undefined);
    run.harness.a.injectOnce('cloneSnapshot', new LockstepError('UNAVAILABLE', 'the answer was lost'), 10);
    t.match(await refusal(clone(run)), { code: 'UNAVAILABLE', message: /step clone-volume failed/ });
    t.match(await refusal(run.harness.get('databases/copy')), { code: 'NOT_FOUND' });
    t.strictSame([...run.harness.a.replicas.keys()], [volume]);
  },
);

t.test('a clone that cannot be taken away is shown as failed, and a person is told what to do', async (t) => {
  const run = await withSnapshot(t);
  const [volume = ''] = run.harness.a.replicas.keys();
  const gone = new LockstepError('UNAVAILABLE', 'gone', { reason: 'GONE' });
  for (const method of ['cloneSnapshot', 'deleteReplica']) run.harness.a.injectOnce(method, gone, 1000);
  t.match(await refusal(clone(run)), {
    message: /undoing step clone-volume failed/,
    metadata: { next: /lockstep workflow retry/, operation: /^operations\/clone-copy-/ },
  });
  const failed = await run.harness.get('databases/copy');
  t.match(failed, { state: FAILED, reason: /undoing step clone-volume failed/ });
  run.harness.a.injections = [];
  const done = await run.harness.call(volumes.deleteVolume, { name: 'databases/copy' });
  t.equal((await run.harness.finished(done)).error, undefined);
  t.strictSame([...run.harness.a.replicas.keys()], [volume]);
});

t.test('a clone under way is not deleted: it would come to be without a record', async (t) => {
  const run = await withSnapshot(t);
  const { harness } = run;
  const begun = Promise.withResolvers<undefined>();
  const made = Promise.withResolvers<undefined>();
  run.a.beforeClone = () => {
    begun.resolve(undefined);
    return made.promise;
  };
  const cloning = clone(run);
  await begun.promise;
  const busy = {
    code: 'ABORTED',
    reason: 'DATABASE_BUSY',
    metadata: { operation: /^operations\/clone-copy-/ },
  };
  t.match(await refusal(harness.call(volumes.deleteVolume, { name: 'databases/copy' })), busy);
  const ask = { name: 'databases/copy', skipFinalSnapshot: true };
  t.match(await refusal(harness.call(databases.deleteDatabase, ask)), busy);
  made.resolve(undefined);
  const { volume } = await cloning;
  t.match(await harness.call(volumes.getVolume, { name: volume }), { busyWith: '' });
  t.match(await harness.get('databases/copy'), { state: ACTIVE, primary: { host: 'host-a' } });
});

t.test('a clone under way that is asked for again is the same one', async (t) => {
  const run = await withSnapshot(t);
  run.a.names.add('tuesday');
  const [begun, made] = [Promise.withResolvers<undefined>(), Promise.withResolvers<undefined>()];
  run.a.beforeClone = () => {
    begun.resolve(undefined);
    return made.promise;
  };
  const first = clone(run);
  await begun.promise;
  const again = clone(run);
  const name = 'databases/orders/snapshots/tuesday';
  const other = run.harness.call(service.cloneSnapshot, { name, cloneId: 'copy' });
  t.match(await refusal(other), { code: 'ALREADY_EXISTS' }, 'of another snapshot');
  await Promise.race([again, new Promise((resolve) => setTimeout(resolve, 100))]);
  made.resolve(undefined);
  t.strictSame(await again, await first);
  t.equal(run.a.clones.length, 1);
});

t.test('two clones do not count on the same room', async (t) => {
  const run = await withSnapshot(t);
  // Of 256 MiB each, beside the volume itself.
  run.harness.a.capacityBytes = 600n * 1024n * 1024n;
  await new Promise((resolve) => setTimeout(resolve, 100));
  const ask = (cloneId: string) => run.harness.call(service.cloneSnapshot, { name: NAME, cloneId });
  const results = await Promise.allSettled([ask('one'), ask('two')]);
  t.equal(results.filter(({ status }) => status === 'fulfilled').length, 1);
  t.match(
    results.find(({ status }) => status === 'rejected'),
    { reason: { reason: 'NO_ROOM' } },
  );
});

t.test('the room for a clone is judged by the size of its snapshot', async (t) => {
  const run = await withSnapshot(t);
  const { sizeBytes } = await run.harness.get();
  run.harness.a.capacityBytes = (sizeBytes * 7n) / 4n;
  await new Promise((resolve) => setTimeout(resolve, 100));
  t.match(await refusal(clone(run)), { reason: 'NO_ROOM' });
  // The volume has grown since.
  run.a.snapshotBytes = sizeBytes / 2n;
  t.match(await clone(run), { database: 'databases/copy' });
});

t.test('a snapshot that two hosts have is not guessed', async (t) => {
  const run = await withSnapshot(t);
  run.b.names.add('monday');
  const remove = (host: string) => run.harness.call(service.deleteSnapshot, { name: NAME, host });
  t.match(await refusal(remove('')), { reason: 'SNAPSHOT_AMBIGUOUS' });
  await remove('hosts/host-b');
  t.strictSame([[...run.a.names], [...run.b.names]], [['monday'], []]);
});
