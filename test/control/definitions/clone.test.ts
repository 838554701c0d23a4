/** clone-database: CloneDatabase, and RestoreSnapshot of what is kept. */
import t, { type Test } from 'tap';
import { keys } from '../../../control/model/records.ts';
import { openLevelStore } from '../../../control/store/level-store.ts';
import { LockstepError } from '../../../daemon/sys/errors.ts';
import {
  type CloneDatabaseRequest,
  DatabaseServiceService as databases,
  RedundancyMode,
} from '../../../proto/gen/lockstep/v1/database_service.ts';
import { SnapshotServiceService as snapshots } from '../../../proto/gen/lockstep/v1/snapshot_service.ts';
import { VolumeServiceService as volumes } from '../../../proto/gen/lockstep/v1/volume_service.ts';
import { refusal } from '../../support/control-harness.ts';
import { openRetention, type Retained } from '../../support/retention-harness.ts';
import { twice } from '../../support/twice.ts';

const NAME = 'databases/orders';
const CLONE = 'databases/rehearsal';
const ACTIVE = 2;
const { REDUNDANCY_MODE_REPLICATED: REPLICATED, REDUNDANCY_MODE_SINGLE: SINGLE } = RedundancyMode;
const refused = (): LockstepError =>
  new LockstepError('FAILED_PRECONDITION', 'the disk is on fire', { reason: 'FIRE' });

const clone = ({ done }: Retained, request: Partial<CloneDatabaseRequest> = {}) =>
  done(databases.cloneDatabase, { name: NAME, databaseId: 'rehearsal', ...request });

/** Nothing on the hosts but of `orders`, and no record or port but its own. */
async function checkNoTrace(t: Test, run: Retained): Promise<void> {
  const { harness, a, b } = run;
  const own = (await harness.get()).volume.replace('volumes/', '');
  t.strictSame(run.leftovers([own]), []);
  t.strictSame([[...a.names], [...b.names]], [[], []]);
  await harness.stopControl();
  const store = await openLevelStore(`${harness.folder}/control`);
  try {
    const left = await Promise.all(
      [keys.databases, keys.volumes, 'ports/'].map(async (prefix) => (await store.list(prefix)).length),
    );
    t.strictSame(left, [1, 1, 1]);
    t.strictSame(await store.list('events/rehearsal/'), []);
  } finally {
    await store.close();
  }
}

t.test(
  'a clone is taken from the secondary, and is a database of its own that leaves no snapshot',
  async (t) => {
    const run = await openRetention(t);
    const { harness, a, b } = run;
    harness.a.calls.length = 0;
    const origin = await harness.get();
    t.equal((await clone(run, { tags: { stage: 'test' } })).error, undefined);
    const made = await harness.get(CLONE);
    t.match(made, {
      state: ACTIVE,
      engine: 'postgresql',
      engineVersion: origin.engineVersion,
      primary: { host: 'host-b' },
      redundancyMode: SINGLE,
      tags: { stage: 'test' },
      endpoint: { alias: 'rehearsal.db.lockstep.internal', address: '127.0.0.1' },
      passwordUnclaimed: true,
    });
    t.not(made.endpoint?.port, origin.endpoint?.port);
    const volume = made.volume.replace('volumes/', '');
    t.equal(harness.b.engines.get(volume), 'RUNNING');
    const { password } = await harness.call(databases.claimPassword, { name: CLONE });
    t.equal(harness.b.passwords.get(volume), password);
    t.strictSame([[...a.names], [...b.names]], [[], []]);
    t.notMatch(harness.a.calls, ['takeSnapshot'], 'the primary was not asked for a snapshot');
    t.match(await harness.events(CLONE), [{ reason: 'CLONED' }, { reason: 'CLONE_STARTED' }]);
  },
);

t.test('where the secondary cannot take the snapshot the primary does', async (t) => {
  const run = await openRetention(t);
  run.harness.b.injectOnce('takeSnapshot', refused(), 10);
  t.equal((await clone(run)).error, undefined);
  t.match(await run.harness.get(CLONE), { state: ACTIVE, primary: { host: 'host-a' } });
  t.strictSame([[...run.a.names], [...run.b.names]], [[], []]);
});

const failures: readonly [method: string, step: string][] = [
  ['cloneSnapshot', 'clone-volume'],
  ['setView', 'clone-volume'],
  ['removeSnapshot', 'drop-snapshot'],
  ['attachVolume', 'attach-and-mount'],
  ['mountFileSystem', 'attach-and-mount'],
  ['startEngine', 'start-engine'],
  ['setEnginePassword', 'set-password'],
];

for (const [method, step] of failures)
  t.test(`a clone that fails at ${method} is undone without a trace`, async (t) => {
    const run = await openRetention(t);
    run.harness.b.injectOnce(method, refused());
    const done = await clone(run);
    t.match(done.error?.message, new RegExp(`step ${step} failed: host host-b: the disk is on fire`));
    await checkNoTrace(t, run);
  });

t.test('a clone without room on either host is refused without a trace', async (t) => {
  const run = await openRetention(t);
  for (const host of [run.harness.a, run.harness.b]) host.capacityBytes = 300n * 1024n * 1024n;
  await new Promise((resolve) => setTimeout(resolve, 100));
  t.match((await clone(run)).error?.message, /step take-snapshot failed: 268435456 bytes are needed/);
  await checkNoTrace(t, run);
});

t.test('a clone of a kept snapshot is on its host, and the snapshot stays', async (t) => {
  const run = await openRetention(t);
  const parent = NAME;
  await run.harness.call(snapshots.createSnapshot, { parent, snapshotId: 'monday' });
  t.equal((await clone(run, { snapshotId: 'monday' })).error, undefined);
  t.match(await run.harness.get(CLONE), { state: ACTIVE, primary: { host: 'host-a' } });
  t.strictSame([...run.a.names], ['monday']);
  t.match(await refusal(clone(run, { snapshotId: 'friday', databaseId: 'other' })), { code: 'NOT_FOUND' });
});

t.test('a restored snapshot is a database that is to have two copies, unless one is asked for', async (t) => {
  const run = await openRetention(t);
  await run.harness.call(snapshots.createSnapshot, { parent: NAME, snapshotId: 'monday' });
  const name = `${NAME}/snapshots/monday`;
  const restore = (databaseId: string, mode?: RedundancyMode) =>
    run.done(snapshots.restoreSnapshot, {
      name,
      databaseId,
      ...(mode === undefined ? {} : { redundancyMode: mode }),
    });
  t.equal((await restore('rehearsal')).error, undefined);
  t.match(await run.harness.get(CLONE), { redundancyMode: REPLICATED });
  t.equal((await restore('other', SINGLE)).error, undefined);
  t.match(await run.harness.get('databases/other'), { redundancyMode: SINGLE, redundancy: 1 });
});

t.test('the room for what is restored is judged by the size of its snapshot', async (t) => {
  const run = await openRetention(t);
  const { sizeBytes, volume } = await run.harness.get();
  run.a.names.add('monday');
  run.harness.a.capacityBytes = (sizeBytes * 7n) / 4n;
  await new Promise((resolve) => setTimeout(resolve, 100));
  const restore = () =>
    run.done(snapshots.restoreSnapshot, {
      name: `${volume}/snapshots/monday`,
      databaseId: 'rehearsal',
      redundancyMode: SINGLE,
    });
  t.match((await restore()).error, { message: /bytes are needed on host-a/ });
  // The volume has grown since.
  run.a.snapshotBytes = sizeBytes / 2n;
  t.equal((await restore()).error, undefined);
  t.match(await run.harness.get(CLONE), { sizeBytes: run.a.snapshotBytes });
});

t.test('a volume without an engine is cloned with CloneSnapshot, and the refusal says so', async (t) => {
  const run = await openRetention(t);
  await run.done(volumes.createVolume, { volumeId: 'plain', sizeBytes: 1024n * 1024n });
  const next = { reason: 'NO_ENGINE', metadata: { next: /CloneSnapshot/ } };
  t.match(await refusal(clone(run, { name: 'databases/plain' })), next);
  await run.harness.call(snapshots.createSnapshot, { parent: 'databases/plain', snapshotId: 'monday' });
  const name = 'databases/plain/snapshots/monday';
  t.match(await refusal(run.done(snapshots.restoreSnapshot, { name, databaseId: 'rehearsal' })), next);
});

t.test('a clone that may not be, or is only to be checked, changes nothing', async (t) => {
  const run = await openRetention(t);
  t.match(await refusal(clone(run, { databaseId: 'orders' })), { reason: 'DATABASE_EXISTS' });
  t.match(await refusal(clone(run, { databaseId: 'A/B' })), { code: 'INVALID_ARGUMENT' });
  t.match(await refusal(clone(run, { tags: { '': '' } })), { code: 'INVALID_ARGUMENT' });
  const would = await run.harness.call(databases.cloneDatabase, {
    name: NAME,
    databaseId: 'rehearsal',
    validateOnly: true,
  });
  t.equal(would.done, true);
  await checkNoTrace(t, run);
});

t.test('a deleted database is not cloned: its final snapshot is restored, from whichever host', async (t) => {
  const run = await openRetention(t);
  await run.done(databases.deleteDatabase, { name: NAME, finalSnapshotId: 'the-end' });
  t.match(await refusal(clone(run)), {
    reason: 'NOT_ACTIVE',
    metadata: { next: /RestoreSnapshot of volumes\/orders-[0-9a-f]+\/snapshots\/the-end/ },
  });
  const { finalSnapshot: name } = await run.harness.get();
  const restored = await run.done(snapshots.restoreSnapshot, {
    name,
    databaseId: 'rehearsal',
    redundancyMode: SINGLE,
  });
  t.equal(restored.error, undefined);
  t.match(await run.harness.get(CLONE), { state: ACTIVE });
});

t.test('a clone stands being run twice, and so does its undo', async (t) => {
  const run = await openRetention(t, { definitions: twice });
  run.harness.b.injectOnce('setEnginePassword', refused());
  t.not((await clone(run)).error, undefined);
  t.equal((await clone(run)).error, undefined);
  t.match(await run.harness.get(CLONE), { state: ACTIVE });
  t.strictSame([[...run.a.names], [...run.b.names]], [[], []]);
});

t.test(
  'a control that dies after any entry of the log ends with the clone made',
  { timeout: 60_000 },
  async (t) => {
    const run = await openRetention(t);
    const { harness } = run;
    const entries = 2 * 8 + 1;
    for (let dies = 1; dies <= entries; dies++) {
      let count = 0;
      await harness.stopControl();
      await harness.startControl({
        afterLog: () => {
          if (++count === dies) throw new Error('the power went');
        },
      });
      await harness.hostsHeard();
      const databaseId = `copy-${String(dies)}`;
      const operation = await harness.call(databases.cloneDatabase, { name: NAME, databaseId });
      await harness.finished(operation).catch(() => undefined);
      await harness.stopControl();
      await harness.startControl();
      t.equal((await harness.finished(operation)).error, undefined, `after entry ${String(dies)}`);
      t.strictSame([[...run.a.names], [...run.b.names]], [[], []]);
    }
  },
);

t.test('an engine that repeats the password of a clone in its words puts it into no log', async (t) => {
  const run = await openRetention(t);
  let told = '';
  run.harness.b.passwords.set = (_volume, password) => {
    told = password;
    throw new LockstepError('FAILED_PRECONDITION', `syntax error near '${password}'`);
  };
  const { error } = await clone(run);
  t.match(error, { message: /syntax error near '\(the password\)'/ });
  await run.harness.stopControl();
  const store = await openLevelStore(`${run.harness.folder}/control`);
  const logs = JSON.stringify(await store.list('workflow-log/'));
  await store.close();
  t.ok(told !== '' && !logs.includes(told));
});
