/** What stays of databases: archives and their snapshots, and the lists that show them. */
import t, { type Test } from 'tap';
import { LockstepError } from '../../../daemon/sys/errors.ts';
import {
  DatabaseServiceService as databases,
  RedundancyMode,
} from '../../../proto/gen/lockstep/v1/database_service.ts';
import { SnapshotServiceService as snapshots } from '../../../proto/gen/lockstep/v1/snapshot_service.ts';
import { VolumeServiceService as volumes } from '../../../proto/gen/lockstep/v1/volume_service.ts';
import { refusal } from '../../support/control-harness.ts';
import { openRetention, type Retained } from '../../support/retention-harness.ts';

const NAME = 'databases/orders';
const ACTIVE = 2;
const SINGLE = RedundancyMode.REDUNDANCY_MODE_SINGLE;

async function until(what: string, isSo: () => Promise<boolean>): Promise<void> {
  const endMs = performance.now() + 8000;
  while (!(await isSo())) {
    if (performance.now() > endMs) throw new Error(`not so: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

const isAbsent = (call: Promise<unknown>): Promise<boolean> =>
  call.then(
    () => false,
    (error: unknown) => error instanceof LockstepError && error.code === 'NOT_FOUND',
  );

interface Archived extends Retained {
  /** volumes/{volume} */
  readonly volume: string;
  /** Of the final snapshot. */
  readonly name: string;
}

/** `orders` is deleted and purged, with the final snapshot `the-end` on both hosts. */
async function archived(t: Test): Promise<Archived> {
  const run = await openRetention(t, {}, { graceHours: 0 });
  const { volume } = await run.harness.get();
  const done = await run.done(databases.deleteDatabase, { name: NAME, finalSnapshotId: 'the-end' });
  t.equal(done.error, undefined);
  await until('the database is gone', () => isAbsent(run.harness.get()));
  return { ...run, volume, name: `${volume}/snapshots/the-end` };
}

t.test('an archive keeps its copies, through restarts of its hosts and of control', async (t) => {
  const { harness, volume, name } = await archived(t);
  const before = await harness.call(volumes.getVolume, { name: volume });
  t.match(before, { database: '', replicas: [{ state: 'SERVING' }, { state: 'SECONDARY' }], waitsFor: '' });
  harness.a.die();
  await harness.a.comeBack();
  await harness.stopControl();
  await harness.startControl();
  await harness.hostsHeard();
  const { snapshots: list } = await harness.call(snapshots.listSnapshots, { parent: '' });
  t.match(list, [
    { name, host: 'hosts/host-a', engine: 'postgresql', final: true },
    { name, host: 'hosts/host-b', engine: 'postgresql', final: true },
  ]);
  t.match(await harness.call(snapshots.getSnapshot, { name }), { name, final: true });
});

t.test('the primary of an archive goes on alone, and no other database gets the event', async (t) => {
  const { harness, volume } = await archived(t);
  await harness.createOrders();
  const own = (await harness.events()).length;
  harness.b.die();
  await until('it is alone', async () => {
    const { inSync } = await harness.call(volumes.getVolume, { name: volume });
    return inSync.length === 1;
  });
  await harness.until(({ generation }) => generation === 3n);
  t.equal((await harness.events()).length, own + 1, 'only that of its own secondary');
});

t.test('an archive is restored to a database, and the name that it had is free', async (t) => {
  const { harness, name, done, leftovers } = await archived(t);
  await harness.createOrders();
  const restored = await done(snapshots.restoreSnapshot, {
    name,
    databaseId: 'again',
    redundancyMode: SINGLE,
  });
  t.equal(restored.error, undefined);
  const again = await harness.get('databases/again');
  t.match(again, {
    state: ACTIVE,
    engine: 'postgresql',
    engineVersion: '15.14',
    endpoint: { user: 'admin', database: 'orders' },
  });
  t.equal(harness.a.engines.get(again.volume.replace('volumes/', '')), 'RUNNING');
  t.ok(leftovers().length > 0);
});

t.test('with its last snapshot an archive goes, from both hosts and the records', async (t) => {
  const { harness, a, b, name, volume, leftovers } = await archived(t);
  t.match(await refusal(harness.call(volumes.deleteVolume, { name: volume })), { reason: 'ARCHIVE' });
  await harness.call(snapshots.deleteSnapshot, { name });
  t.strictSame([[...a.names], [...b.names]], [[], []]);
  await until('the volume is gone', () => isAbsent(harness.call(volumes.getVolume, { name: volume })));
  t.strictSame(leftovers(), []);
});

t.test(
  'an archive whose last snapshot went just before control died goes when that is asked for again',
  async (t) => {
    const { harness, a, b, name, volume } = await archived(t);
    // As the hosts are between the two.
    for (const double of [a, b]) double.names.delete('the-end');
    t.match(await refusal(harness.call(snapshots.deleteSnapshot, { name })), { code: 'NOT_FOUND' });
    await until('the volume is gone', () => isAbsent(harness.call(volumes.getVolume, { name: volume })));
  },
);

t.test('an archive stays as long as one host has a snapshot of it', async (t) => {
  const { harness, name, volume } = await archived(t);
  await harness.call(snapshots.deleteSnapshot, { name, host: 'hosts/host-a' });
  await new Promise((resolve) => setTimeout(resolve, 200));
  t.match(await harness.call(snapshots.getSnapshot, { name }), { host: 'hosts/host-b' });
  await harness.call(snapshots.deleteSnapshot, { name, host: 'hosts/host-b' });
  await until('the volume is gone', () => isAbsent(harness.call(volumes.getVolume, { name: volume })));
});

t.test('a removal of an archive whose host is away is tried until it is back', async (t) => {
  const { harness, name, volume, leftovers } = await archived(t);
  harness.b.injectOnce('deleteReplica', new LockstepError('UNAVAILABLE', 'not now'), 1000);
  await harness.call(snapshots.deleteSnapshot, { name });
  await new Promise((resolve) => setTimeout(resolve, 400));
  harness.b.injections = [];
  await until('the volume is gone', () => isAbsent(harness.call(volumes.getVolume, { name: volume })));
  t.strictSame(leftovers(), []);
});

t.test('a deleted database whose final snapshot was deleted leaves no archive', async (t) => {
  const run = await openRetention(t);
  await run.done(databases.deleteDatabase, { name: NAME, finalSnapshotId: 'the-end' });
  const { finalSnapshot: name } = await run.harness.get();
  await run.harness.call(snapshots.deleteSnapshot, { name });
  t.match(await run.harness.get(), { finalSnapshot: '' });
});

/** Control's connection to a host that is back may wait longer than its heartbeats. */
async function allAsked({ harness }: Pick<Retained, 'harness'>): Promise<void> {
  await harness.hostsHeard();
  await until('all hosts answer', async () => {
    const { unreachable } = await harness.call(snapshots.listSnapshots, { parent: NAME });
    return unreachable.length === 0;
  });
}

t.test(
  'what a host that was away has under the name of the final snapshot is not taken for that',
  async (t) => {
    const { harness, a, b, done } = await openRetention(t);
    const { volume } = await harness.get();
    const name = `${volume}/snapshots/monday`;
    const earlier = { parent: NAME, snapshotId: 'monday', host: 'hosts/host-b' };
    await harness.call(snapshots.createSnapshot, earlier);
    harness.b.die();
    await harness.until(({ redundancy, busyWith }) => redundancy !== 3 && busyWith === '');
    const deletion = await done(databases.deleteDatabase, { name: NAME, finalSnapshotId: 'monday' });
    t.equal(deletion.error, undefined);
    await harness.b.comeBack();
    await allAsked({ harness });
    const { snapshots: list } = await harness.call(snapshots.listSnapshots, { parent: volume });
    t.strictSame(
      new Map(list.map(({ host, final }) => [host, final])),
      new Map([
        ['hosts/host-a', true],
        ['hosts/host-b', false],
      ]),
    );
    harness.a.die();
    await harness.hostsHeard(1);
    const restore = harness.call(snapshots.restoreSnapshot, { name, databaseId: 'restored' });
    t.match(await refusal(restore), { reason: 'HOST_UNREACHABLE', message: /host-a cannot be/ });
    await harness.a.comeBack();
    await allAsked({ harness });
    await harness.call(snapshots.deleteSnapshot, { name });
    t.strictSame([[...a.names], [...b.names]], [[], ['monday']]);
    t.match(await harness.get(), { finalSnapshot: '' });
  },
);

t.test('an undelete drops the final snapshot, and no other of that name', async (t) => {
  const { harness, a, b, done } = await openRetention(t);
  const earlier = { parent: NAME, snapshotId: 'monday', host: 'hosts/host-b' };
  await harness.call(snapshots.createSnapshot, earlier);
  harness.b.die();
  await harness.until(({ redundancy, busyWith }) => redundancy !== 3 && busyWith === '');
  await done(databases.deleteDatabase, { name: NAME, finalSnapshotId: 'monday' });
  await harness.b.comeBack();
  await allAsked({ harness });
  t.equal((await done(databases.undeleteDatabase, { name: NAME })).error, undefined);
  t.strictSame([[...a.names], [...b.names]], [[], ['monday']]);
});

t.test('volumes and snapshots are listed page by page, all of them once', async (t) => {
  const { harness, done, a } = await openRetention(t);
  for (const volumeId of ['one', 'two', 'three'])
    await done(volumes.createVolume, { volumeId, sizeBytes: 1024n * 1024n });
  const seen: string[] = [];
  for (let pageToken = ''; ;) {
    const page = await harness.call(volumes.listVolumes, { pageSize: 3, pageToken });
    seen.push(...page.volumes.map(({ database }) => database));
    pageToken = page.nextPageToken;
    if (pageToken === '') break;
  }
  t.strictSame(
    seen,
    ['one', 'orders', 'three', 'two'].map((id) => `databases/${id}`),
  );
  for (const snapshotId of ['a1', 'a2', 'a3'])
    await harness.call(snapshots.createSnapshot, { parent: NAME, snapshotId });
  await harness.call(snapshots.createSnapshot, { parent: NAME, snapshotId: 'b1', host: 'hosts/host-b' });
  await harness.call(snapshots.createSnapshot, { parent: 'databases/two', snapshotId: 'c1' });
  const pages = async (parent: string): Promise<readonly string[]> => {
    const names: string[] = [];
    for (let pageToken = ''; ;) {
      const page = await harness.call(snapshots.listSnapshots, { parent, pageSize: 2, pageToken });
      names.push(...page.snapshots.map(({ name }) => name.split('/').at(-1) ?? ''));
      pageToken = page.nextPageToken;
      if (pageToken === '') return names;
    }
  };
  t.strictSame(await pages(NAME), ['a1', 'a2', 'a3', 'b1']);
  t.strictSame(await pages(''), ['a1', 'a2', 'a3', 'b1', 'c1']);
  const first = await harness.call(snapshots.listSnapshots, { parent: NAME, pageSize: 2 });
  a.names.delete('a2');
  const { nextPageToken: pageToken } = first;
  const rest = await harness.call(snapshots.listSnapshots, { parent: NAME, pageSize: 5, pageToken });
  t.match(
    rest.snapshots.map(({ name }) => name.split('/').at(-1)),
    ['b1'],
    'of one time it is not known which was later',
  );
  t.match(await refusal(harness.call(snapshots.listSnapshots, { parent: '', pageToken })), {
    code: 'INVALID_ARGUMENT',
  });
});

t.test('a host that cannot be asked is named in the list of all snapshots', async (t) => {
  const { harness } = await openRetention(t);
  await harness.call(snapshots.createSnapshot, { parent: NAME, snapshotId: 'monday' });
  harness.b.die();
  const list = await harness.call(snapshots.listSnapshots, { parent: '' });
  t.match(list, { unreachable: ['hosts/host-b'], snapshots: [{ host: 'hosts/host-a' }] });
});
