/** delete-database, undelete-database and purge-database: what of a database stays, and what comes back. */
import t, { type Test } from 'tap';
import { keys } from '../../../control/model/records.ts';
import { openLevelStore } from '../../../control/store/level-store.ts';
import { LockstepError } from '../../../daemon/sys/errors.ts';
import {
  DatabaseServiceService as databases,
  type DeleteDatabaseRequest,
} from '../../../proto/gen/lockstep/v1/database_service.ts';
import { VolumeServiceService as volumes } from '../../../proto/gen/lockstep/v1/volume_service.ts';
import { refusal } from '../../support/control-harness.ts';
import { openRetention, type Retained } from '../../support/retention-harness.ts';
import { twice } from '../../support/twice.ts';

const NAME = 'databases/orders';
const [ACTIVE, DELETED] = [2, 10];
const DAY_MS = 24 * 60 * 60_000;
const refused = (): LockstepError =>
  new LockstepError('FAILED_PRECONDITION', 'the disk is on fire', { reason: 'FIRE' });

const remove = ({ done }: Retained, request: Partial<DeleteDatabaseRequest> = {}) =>
  done(databases.deleteDatabase, { name: NAME, ...request });
const undelete = ({ done }: Retained) => done(databases.undeleteDatabase, { name: NAME });
/** Some days later, by control's wall clock. */
async function later({ harness }: Retained, days: number): Promise<void> {
  await harness.stopControl();
  await harness.startControl({ wallClock: () => Date.now() + days * DAY_MS });
  await harness.hostsHeard();
}

async function until(what: string, isSo: () => boolean | Promise<boolean>): Promise<void> {
  const endMs = performance.now() + 8000;
  while (!(await isSo())) {
    if (performance.now() > endMs) throw new Error(`not so: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

async function untilGone({ harness }: Retained): Promise<void> {
  await until('the database is gone', () =>
    harness.get().then(
      () => false,
      (error: unknown) => error instanceof LockstepError && error.code === 'NOT_FOUND',
    ),
  );
}

async function recordsBelow(
  { harness }: Retained,
  ...prefixes: readonly string[]
): Promise<readonly string[]> {
  await harness.stopControl();
  const store = await openLevelStore(`${harness.folder}/control`);
  try {
    const found = await Promise.all(prefixes.map((prefix) => store.list(prefix)));
    return found.flat().map(({ key }) => key);
  } finally {
    await store.close();
  }
}

function isUsed(t: Test, { harness }: Retained, volume: string): void {
  t.equal(harness.a.engines.get(volume), 'RUNNING');
  t.ok(harness.a.mounts.has(volume) && harness.a.devices.has(volume));
}

t.test(
  'a deleted database keeps its copies and a final snapshot on both hosts, and nothing uses it',
  async (t) => {
    const run = await openRetention(t);
    const { harness, a, b } = run;
    const done = await remove(run);
    t.equal(done.error, undefined);
    const database = await harness.get();
    t.match(database, { state: DELETED, safeToFailOver: false, endpoint: { address: '' }, busyWith: '' });
    t.match(database.finalSnapshot, /^volumes\/orders-[0-9a-f]+\/snapshots\/final-\d{8}-\d{4}$/);
    t.equal((database.expireTime?.getTime() ?? 0) - (database.deleteTime?.getTime() ?? 0), DAY_MS);
    const snapshot = database.finalSnapshot.split('/').at(-1) ?? '';
    t.strictSame([[...a.names], [...b.names]], [[snapshot], [snapshot]]);
    t.match(run.leftovers(), [/host-a: replica/, /host-b: replica/]);
    t.match(await harness.events(), [{ reason: 'DELETED' }, { reason: 'DELETE_STARTED' }]);
  },
);

t.test(
  'the engine is stopped in good order, and the snapshot taken when nothing writes any more',
  async (t) => {
    const run = await openRetention(t);
    run.harness.a.calls.length = 0;
    await remove(run, { finalSnapshotId: 'the-end' });
    const order = ['stopEngine', 'unmountFileSystem', 'detachVolume', 'takeSnapshot'];
    t.strictSame(
      run.harness.a.calls.filter((method) => order.includes(method)),
      order,
    );
    t.strictSame([...run.a.names], ['the-end']);
  },
);

t.test('a deleted database is listed only where that is asked for, and its name stays taken', async (t) => {
  const run = await openRetention(t);
  const { harness } = run;
  await remove(run);
  const list = async (request: object) =>
    (await harness.call(databases.listDatabases, request)).databases.map(({ name }) => name);
  t.strictSame([await list({}), await list({ showDeleted: true })], [[], [NAME]]);
  t.match(await refusal(harness.create()), { code: 'ALREADY_EXISTS', reason: 'DATABASE_EXISTS' });
});

t.test('the monitor leaves a deleted database alone, also when a host is lost', async (t) => {
  const run = await openRetention(t);
  await remove(run);
  const { generation } = await run.harness.get();
  run.harness.a.die();
  await run.harness.until(({ primary }) => primary?.reachable === false);
  await new Promise((resolve) => setTimeout(resolve, 1000));
  t.match(await run.harness.get(), { state: DELETED, generation, busyWith: '' });
});

t.test('within its grace time a database comes back, and its final snapshot goes', async (t) => {
  const run = await openRetention(t);
  await remove(run);
  const volume = (await run.harness.get()).volume.replace('volumes/', '');
  t.equal((await undelete(run)).error, undefined);
  // A heartbeat that was on its way may still be of before.
  t.match(await run.harness.until(({ state, redundancy }) => state === ACTIVE && redundancy === 3), {
    finalSnapshot: '',
    deleteTime: undefined,
    endpoint: { address: '127.0.0.1' },
  });
  isUsed(t, run, volume);
  t.strictSame([[...run.a.names], [...run.b.names]], [[], []]);
  t.match(await refusal(undelete(run)), { code: 'FAILED_PRECONDITION', reason: 'NOT_DELETED' });
});

t.test('a database whose primary is gone comes back by a failover', async (t) => {
  const run = await openRetention(t);
  await remove(run);
  const { generation } = await run.harness.get();
  run.harness.a.die();
  await run.harness.until(({ primary }) => primary?.reachable === false);
  t.equal((await undelete(run)).error, undefined);
  const back = await run.harness.until(
    ({ state, primary }) => state === ACTIVE && primary?.host === 'host-b',
  );
  // By the undelete, and by the failover: an older store is found out whichever of the two hosts is heard.
  t.equal(back.generation, generation + 2n);
});

const deleteFailures: readonly [method: string, step: string][] = [
  ['stopEngine', 'release-hosts'],
  ['unmountFileSystem', 'release-hosts'],
  ['detachVolume', 'release-hosts'],
  ['listSnapshots', 'check-snapshot-name'],
  ['removeSnapshot', 'take-final-snapshot'],
  ['takeSnapshot', 'take-final-snapshot'],
];

t.test(
  'a delete that fails at any call is undone: the database is served, and no snapshot is left',
  async (t) => {
    for (const [method, step] of deleteFailures)
      await t.test(method, async (t) => {
        const run = await openRetention(t);
        if (method === 'listSnapshots') run.a.names.add('the-end');
        else run.harness.a.injectOnce(method, refused());
        const request = { finalSnapshotId: 'the-end' };
        if (method === 'listSnapshots') {
          t.match(await refusal(remove(run, request)), { reason: 'SNAPSHOT_EXISTS' });
          return;
        }
        const done = await remove(run, request);
        t.match(done.error?.message, new RegExp(`step ${step} failed: host host-a: the disk is on fire`));
        const { volume } = await run.harness.until(
          ({ state, busyWith }) => state === ACTIVE && busyWith === '',
        );
        isUsed(t, run, volume.replace('volumes/', ''));
        t.strictSame([[...run.a.names], [...run.b.names]], [[], []]);
        t.match((await run.harness.events())[0], { reason: 'DELETE_FAILED' });
      });
  },
);

t.test('a secondary that cannot keep the final snapshot does not hold the delete up', async (t) => {
  const run = await openRetention(t);
  run.harness.b.injectOnce('takeSnapshot', refused(), 10);
  t.equal((await remove(run, { finalSnapshotId: 'the-end' })).error, undefined);
  t.match((await run.harness.events())[0], { message: 'deleted, with the-end on host-a as final snapshot' });
});

t.test('a delete whose host dies on its way gives the database back to the monitor', async (t) => {
  const run = await openRetention(t);
  run.harness.a.injectOnce('detachVolume', new LockstepError('UNAVAILABLE', 'not now'), 1000);
  const deleting = remove(run);
  await until('it is being detached', () => run.harness.a.calls.includes('detachVolume'));
  run.harness.a.die();
  t.not((await deleting).error, undefined);
  await run.harness.until(({ state, primary }) => state === ACTIVE && primary?.host === 'host-b');
});

for (const method of ['attachVolume', 'mountFileSystem', 'startEngine'])
  t.test(
    `an undelete that fails at ${method} leaves the database deleted, and nothing uses it`,
    async (t) => {
      const run = await openRetention(t);
      await remove(run, { finalSnapshotId: 'the-end' });
      run.harness.a.injectOnce(method, refused());
      t.match((await undelete(run)).error?.message, /the disk is on fire/);
      t.match(await run.harness.get(), { state: DELETED, busyWith: '', finalSnapshot: /the-end/ });
      t.match(run.leftovers(), [/host-a: replica/, /host-b: replica/]);
      t.strictSame([...run.a.names], ['the-end']);
    },
  );

t.test('what is protected, deleted already or not as it was seen is not deleted', async (t) => {
  const run = await openRetention(t);
  const { harness } = run;
  t.match(await refusal(remove(run, { etag: 'old' })), { code: 'ABORTED', reason: 'ETAG_MISMATCH' });
  const both = remove(run, { skipFinalSnapshot: true, finalSnapshotId: 'x' });
  t.match(await refusal(both), { code: 'INVALID_ARGUMENT' });
  t.match(await refusal(remove(run, { finalSnapshotId: 'a/b' })), { code: 'INVALID_ARGUMENT' });
  const would = await harness.call(databases.deleteDatabase, { name: NAME, validateOnly: true });
  t.equal(would.done, true);
  t.match(await harness.get(), { state: ACTIVE, busyWith: '' });
  await remove(run);
  t.match(await refusal(remove(run)), { code: 'FAILED_PRECONDITION', reason: 'ALREADY_DELETED' });
});

t.test('the same request again answers the same delete', async (t) => {
  const { harness } = await openRetention(t);
  const request = { name: NAME, requestId: '11111111-2222-4333-8444-555555555555' };
  const [first, second] = [
    await harness.call(databases.deleteDatabase, request),
    await harness.call(databases.deleteDatabase, request),
  ];
  t.equal(first.name, second.name);
  await harness.finished(first);
});

t.test('after its grace time a database without a final snapshot leaves nothing', async (t) => {
  const run = await openRetention(t);
  await remove(run, { skipFinalSnapshot: true });
  t.strictSame([...run.a.names], []);
  await later(run, 2);
  await untilGone(run);
  t.strictSame(run.leftovers(), []);
  const left = await recordsBelow(run, keys.databases, keys.volumes, keys.archives, 'ports/', 'events/');
  t.strictSame(left, []);
});

t.test(
  'a purge whose host is away is tried again, and the database cannot come back meanwhile',
  async (t) => {
    const run = await openRetention(t);
    await remove(run, { skipFinalSnapshot: true });
    run.harness.b.injectOnce('deleteReplica', new LockstepError('UNAVAILABLE', 'not now'), 1000);
    await later(run, 2);
    await run.harness.until(({ reason, busyWith }) => busyWith === '' && /the delete stopped/.test(reason));
    // The next try may have begun by then.
    t.match(await refusal(undelete(run)), { reason: /^(NOT_DELETED|DATABASE_BUSY)$/ });
    run.harness.b.injections = [];
    await untilGone(run);
    t.strictSame(run.leftovers(), []);
  },
);

t.test('delete, undelete and purge stand being run twice, with their undo', async (t) => {
  const run = await openRetention(t, { definitions: twice });
  run.harness.a.injectOnce('takeSnapshot', refused());
  t.not((await remove(run)).error, undefined);
  t.strictSame([...run.a.names], []);
  t.equal((await remove(run)).error, undefined);
  run.harness.a.injectOnce('startEngine', refused());
  t.not((await undelete(run)).error, undefined);
  t.equal((await undelete(run)).error, undefined);
  await run.harness.until(({ state }) => state === ACTIVE);
  t.equal((await remove(run, { skipFinalSnapshot: true })).error, undefined);
  await run.harness.stopControl();
  await run.harness.startControl({ definitions: twice, wallClock: () => Date.now() + 2 * DAY_MS });
  await untilGone(run);
  t.strictSame(run.leftovers(), []);
});

t.test('DeleteVolume says what it would do and does nothing, where that is asked for', async (t) => {
  const { harness, done } = await openRetention(t);
  await done(volumes.createVolume, { volumeId: 'plain', sizeBytes: 1024n * 1024n });
  const would = await harness.call(volumes.deleteVolume, { name: 'databases/plain', validateOnly: true });
  t.match(would, { done: true, response: { typeUrl: /Empty/ } });
  t.match(await harness.get('databases/plain'), { busyWith: '' });
  t.equal((await done(volumes.deleteVolume, { name: 'databases/plain' })).error, undefined);
  t.match(await refusal(harness.get('databases/plain')), { code: 'NOT_FOUND' });
});

t.test('without a grace time a database goes at once, and its name is free again', async (t) => {
  const run = await openRetention(t, {}, { graceHours: 0 });
  await remove(run, { skipFinalSnapshot: true });
  await untilGone(run);
  t.strictSame(run.leftovers(), []);
  await run.harness.createOrders();
});

t.test('a secondary that is away does not hold a delete up', async (t) => {
  const run = await openRetention(t);
  run.harness.b.die();
  await run.harness.until(({ generation, busyWith }) => generation === 3n && busyWith === '');
  t.equal((await remove(run, { finalSnapshotId: 'the-end' })).error, undefined);
  t.strictSame([[...run.a.names], [...run.b.names]], [['the-end'], []]);
});

t.test('a delete of one whose purge has stopped on its way keeps the final snapshot', async (t) => {
  const run = await openRetention(t);
  const { volume } = await run.harness.get();
  t.equal((await remove(run, { finalSnapshotId: 'the-end' })).error, undefined);
  await run.harness.stopControl();
  const store = await openLevelStore(`${run.harness.folder}/control`);
  const key = keys.database('orders');
  const value = { ...(await store.get<object>(key))?.value, lifecycle: 'deleting' };
  await store.transact([], [{ key, value }]);
  await store.close();
  await run.harness.startControl();
  await run.harness.hostsHeard();
  t.equal((await remove(run)).error, undefined);
  await untilGone(run);
  t.match(await run.harness.call(volumes.getVolume, { name: volume }), { database: '' });
  t.ok(run.a.names.has('the-end') && run.b.names.has('the-end'));
});

t.test('an undelete whose undo fails is brought up: no engine runs of a deleted database', async (t) => {
  const run = await openRetention(t);
  t.equal((await remove(run)).error, undefined);
  run.harness.a.injectOnce('startEngine', refused());
  run.harness.a.injectOnce('stopEngine', refused());
  t.not((await undelete(run)).error, undefined);
  t.match(await run.harness.until(({ state }) => state === ACTIVE), { expireTime: undefined });
});
