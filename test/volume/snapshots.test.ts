/** Snapshots of a host's volumes as people take, list, delete and clone them. */
import { randomBytes } from 'node:crypto';
import t, { type Test } from 'tap';
import type { BlockRequest, BlockResult } from '../../daemon/nbd/block.ts';
import { VolumeSnapshots, type WhileQuiet } from '../../daemon/volume/volume-snapshots.ts';
import type { Volumes } from '../../daemon/volume/volumes.ts';
import { openVolumes, type OpenVolumes, SIZE, soloVolume } from '../support/open-volumes.ts';
import { Pair, read, write } from '../support/pair.ts';

const REGION = 65_536;
const unquiet: WhileQuiet = (_volume, work) => work(false);
const plain = { quiesce: false };

function submit(volumes: Volumes, volume: string, request: BlockRequest): Promise<BlockResult> {
  return new Promise((resolve) => {
    volumes.require(volume).submit(request, resolve);
  });
}

interface Host extends OpenVolumes {
  readonly snapshots: VolumeSnapshots;
}

async function withVolume(t: Test, whileQuiet = unquiet): Promise<Host> {
  const opened = await openVolumes(t);
  await soloVolume(opened.volumes);
  return { ...opened, snapshots: new VolumeSnapshots(opened.volumes, whileQuiet) };
}

const names = ({ snapshots }: Host, volume = 'v'): string[] =>
  snapshots.list(volume).map(({ record }) => record.name);

async function settled({ volumes }: Host): Promise<void> {
  while (await volumes.store.step());
}

t.test('a snapshot shows the instant at which it was taken, also after a restart', async (t) => {
  const host = await withVolume(t);
  const data = randomBytes(REGION);
  await submit(host.volumes, 'v', write(REGION, data));
  await host.snapshots.take('v', 'monday', plain);
  await submit(host.volumes, 'v', write(REGION, randomBytes(REGION)));
  const { volumes } = await host.again();
  const view = volumes.store.openSnapshot('v', 'monday');
  t.ok(view.read({ offset: REGION, length: REGION }).equals(data));
  view.close();
});

t.test('names that are no names, or another export, are refused', async (t) => {
  const host = await withVolume(t);
  for (const name of ['', 'a/b', '../x', '.seed-1', 'secondary', 'a@b', 'x'.repeat(64), 'nul\0'])
    await t.rejects(
      host.snapshots.take('v', name, plain),
      { code: 'INVALID_ARGUMENT', reason: 'INVALID_FIELD' },
      JSON.stringify(name),
    );
  t.strictSame(names(host), []);
});

t.test('a snapshot of an unknown volume, and one whose name is taken, are refused', async (t) => {
  const host = await withVolume(t);
  await t.rejects(host.snapshots.take('w', 'monday', plain), { code: 'NOT_FOUND' });
  await host.snapshots.take('v', 'monday', plain);
  await t.rejects(host.snapshots.take('v', 'monday', plain), { code: 'ALREADY_EXISTS' });
});

t.test('of two of one name at once there is one', async (t) => {
  const host = await withVolume(t);
  const both = [host.snapshots.take('v', 'x', plain), host.snapshots.take('v', 'x', plain)];
  const outcomes = (await Promise.allSettled(both)).map(({ status }) => status);
  t.strictSame(outcomes.sort(), ['fulfilled', 'rejected']);
  t.strictSame(names(host), ['x']);
});

t.test('whether it is quiesced is what the file system came to, not what was asked for', async (t) => {
  let isQuiet = true;
  const host = await withVolume(t, (_volume, work) => work(isQuiet));
  await host.snapshots.take('v', 'frozen', { quiesce: true });
  await host.snapshots.take('v', 'asked-for-nothing', plain);
  isQuiet = false;
  await host.snapshots.take('v', 'not-mounted', { quiesce: true });
  t.strictSame(
    host.snapshots.list('v').map(({ record }) => record.quiesced),
    [true, false, false],
  );
});

t.test('the list is a tree with what each snapshot has alone', async (t) => {
  const host = await withVolume(t);
  await submit(host.volumes, 'v', write(0, randomBytes(4 * REGION)));
  await host.snapshots.take('v', 'monday', plain);
  await submit(host.volumes, 'v', write(0, randomBytes(REGION)));
  await host.snapshots.take('v', 'tuesday', plain);
  await host.snapshots.clone('v', 'monday', 'copy');
  await host.snapshots.take('copy', 'own', plain);
  const [monday, tuesday] = host.snapshots.list('v');
  t.match(monday, { parent: '', volumes: [], sharedBytes: 0 });
  t.match(tuesday, { parent: 'v@monday', volumes: ['v'] });
  t.ok((monday?.ownBytes ?? 0) >= 4 * REGION);
  t.equal(tuesday?.sharedBytes, monday?.ownBytes);
  t.ok(
    (tuesday?.ownBytes ?? 0) >= REGION && (tuesday?.ownBytes ?? 0) < 3 * REGION,
    'one region, and its map',
  );
  t.match(host.snapshots.list('copy'), [{ parent: 'v@monday', volumes: ['copy'] }]);
});

t.test('a deleted snapshot gives its space back, and is no longer listed', async (t) => {
  const host = await withVolume(t);
  await submit(host.volumes, 'v', write(0, randomBytes(8 * REGION)));
  await host.snapshots.take('v', 'monday', plain);
  await submit(host.volumes, 'v', write(0, randomBytes(8 * REGION)));
  const { file } = host.volumes.require('v');
  const before = file.allocatedBytes;
  await host.snapshots.remove('v', 'monday');
  t.strictSame(names(host), []);
  await settled(host);
  t.ok(file.allocatedBytes <= before - 7 * REGION, `${String(before)} to ${String(file.allocatedBytes)}`);
  await host.snapshots.remove('v', 'monday');
});

t.test('a clone begins as the snapshot, goes its own way, and is there after a restart', async (t) => {
  const host = await withVolume(t);
  const [first, second, third] = [randomBytes(REGION), randomBytes(REGION), randomBytes(REGION)];
  await submit(host.volumes, 'v', write(0, first));
  await host.snapshots.take('v', 'monday', plain);
  await submit(host.volumes, 'v', write(0, second));
  t.equal(await host.snapshots.clone('v', 'monday', 'copy'), SIZE);
  t.match(host.volumes.require('copy'), { state: 'SOLO', view: { generation: 1, primary: 'a' } });
  await submit(host.volumes, 'copy', write(REGION, third));
  await submit(host.volumes, 'copy', { kind: 'flush' });
  const { volumes } = await host.again();
  t.match(await submit(volumes, 'copy', read(0, REGION)), { ok: true, data: first });
  t.match(await submit(volumes, 'copy', read(REGION, REGION)), { ok: true, data: third });
  t.match(await submit(volumes, 'v', read(0, REGION)), { ok: true, data: second });
});

t.test('a clone asked for again is the one that there is, and one of nothing is refused', async (t) => {
  const host = await withVolume(t);
  await host.snapshots.take('v', 'monday', plain);
  await host.snapshots.clone('v', 'monday', 'copy');
  await submit(host.volumes, 'copy', write(0, Buffer.alloc(REGION, 'x')));
  t.equal(await host.snapshots.clone('v', 'monday', 'copy'), SIZE);
  t.match(await submit(host.volumes, 'copy', read(0, 1)), { data: Buffer.from('x') });
  await t.rejects(host.snapshots.clone('v', 'tuesday', 'other'), { code: 'NOT_FOUND' });
  await t.rejects(host.snapshots.clone('v', 'monday', 'a/b'), {
    code: 'INVALID_ARGUMENT',
    reason: 'INVALID_FIELD',
  });
  t.equal(host.volumes.get('other'), undefined);
});

t.test('a clone that no record was written for is gone after a restart', async (t) => {
  const host = await withVolume(t);
  await host.snapshots.take('v', 'monday', plain);
  await host.volumes.store.clone('v', 'monday', 'half');
  const { volumes } = await host.again();
  t.strictSame(
    volumes.store.volumes.map(({ volume }) => volume),
    ['v'],
  );
});

t.test('a clone of a clone outlives both origins', async (t) => {
  const host = await withVolume(t);
  const data = randomBytes(2 * REGION);
  await submit(host.volumes, 'v', write(0, data));
  await host.snapshots.take('v', 'monday', plain);
  await host.snapshots.clone('v', 'monday', 'child');
  await host.snapshots.take('child', 'own', plain);
  await host.snapshots.clone('child', 'own', 'grandchild');
  await host.volumes.delete('child');
  await host.volumes.delete('v');
  await settled(host);
  t.match(await submit(host.volumes, 'grandchild', read(0, 2 * REGION)), { data });
  const { volumes } = await host.again();
  t.match(await submit(volumes, 'grandchild', read(0, 2 * REGION)), { data });
});

t.test('what changed is told in pages', async (t) => {
  const host = await withVolume(t);
  await host.snapshots.take('v', 'monday', plain);
  for (const region of [1, 2, 5, 9])
    await submit(host.volumes, 'v', write(region * REGION, Buffer.from('x')));
  await host.snapshots.take('v', 'tuesday', plain);
  await submit(host.volumes, 'v', write(12 * REGION, Buffer.from('x')));
  const ask = (to: string | undefined, first: number, limit: number): unknown =>
    host.snapshots.diff('v', { from: 'monday', to, first, limit });
  const [one, two, three] = [
    { first: 1, count: 2 },
    { first: 5, count: 1 },
    { first: 9, count: 1 },
  ];
  t.strictSame(ask('tuesday', 0, 10), { runs: [one, two, three], next: undefined });
  t.strictSame(ask('tuesday', 0, 2), { runs: [one, two], next: 9 });
  t.strictSame(ask('tuesday', 9, 2), { runs: [three], next: undefined });
  t.strictSame(ask(undefined, 6, 10), { runs: [three, { first: 12, count: 1 }], next: undefined });
  t.throws(() => ask('friday', 0, 10), { code: 'NOT_FOUND' });
});

t.test('a secondary in sync can be snapshot, and one that is being copied to cannot', async (t) => {
  const pair = new Pair(SIZE);
  t.teardown(() => pair.stop());
  const { a, b } = await pair.inSync();
  const data = randomBytes(REGION);
  await a.submit(write(0, data));
  const onB = new VolumeSnapshots(b.volumes, unquiet);
  await onB.take('v', 'monday', plain);
  const view = b.volumes.store.openSnapshot('v', 'monday');
  t.ok(view.read({ offset: 0, length: REGION }).equals(data), 'all that was acknowledged');
  view.close();
  await a.stop();
  await pair.until(() => !b.volume().status.peerConnected);
  await t.rejects(onB.take('v', 'tuesday', plain), {
    code: 'FAILED_PRECONDITION',
    reason: 'REPLICA_NOT_WHOLE',
  });
  t.strictSame(
    onB.list('v').map(({ record }) => record.name),
    ['monday'],
  );
});

t.test('a snapshot of a replica that stopped being whole meanwhile is taken back', async (t) => {
  const pair = new Pair(SIZE);
  t.teardown(() => pair.stop());
  const { a, b } = await pair.inSync();
  const whileAway: WhileQuiet = async (_volume, work) => {
    await a.stop();
    await pair.until(() => !b.volume().status.peerConnected);
    return work(false);
  };
  const onB = new VolumeSnapshots(b.volumes, whileAway);
  await t.rejects(onB.take('v', 'monday', { quiesce: true }), { code: 'ABORTED', reason: 'REPLICA_CHANGED' });
  t.strictSame(onB.list('v'), []);
});
