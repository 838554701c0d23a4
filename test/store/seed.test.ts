/** The volume at one instant, from which a replica is seeded. */
import { randomBytes } from 'node:crypto';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { REGION_BYTES } from '../../daemon/replication/units.ts';
import type { LayeredDisk } from '../../daemon/store/layered-disk.ts';
import { flushed, openDisk } from '../support/layered-disk.ts';
import { smallDisk } from '../support/small-disk.ts';

const REGIONS = 16;
const SIZE_BYTES = REGIONS * REGION_BYTES;

function seedBytes(disk: LayeredDisk): Buffer {
  const regions = Array.from(
    { length: REGIONS },
    (_, region) =>
      disk.readRegion(region, { from: 'snapshot', digest: false }).data ?? Buffer.alloc(REGION_BYTES),
  );
  return Buffer.concat(regions);
}
const all = (disk: LayeredDisk): Buffer => disk.read({ offset: 0, length: SIZE_BYTES });

t.test('a seed shows what there was, whatever is written and trimmed after it', async (t) => {
  const { disk } = await openDisk(t, SIZE_BYTES);
  const before = randomBytes(SIZE_BYTES);
  disk.write(0, before);
  await disk.takeSeed('s');
  const after = Buffer.from(before);
  const change = randomBytes(3 * REGION_BYTES);
  disk.write(REGION_BYTES - 512, change);
  change.copy(after, REGION_BYTES - 512);
  disk.zero({ offset: 8 * REGION_BYTES + 4096, length: 4 * REGION_BYTES }, { keepSpace: false });
  after.fill(0, 8 * REGION_BYTES + 4096, 12 * REGION_BYTES + 4096);
  t.ok(seedBytes(disk).equals(before));
  t.ok(all(disk).equals(after));
});

t.test('a seed takes space for what changed, and for nothing else', async (t) => {
  const { disk } = await openDisk(t, SIZE_BYTES);
  disk.write(0, Buffer.alloc(8 * REGION_BYTES, 1));
  const { allocatedBytes } = disk;
  const seed = await disk.takeSeed('s');
  t.strictSame(seed.allocated, [0, 1, 2, 3, 4, 5, 6, 7]);
  t.strictSame(seed.changedRegions(), []);
  disk.write(REGION_BYTES - 512, Buffer.alloc(1024, 2));
  t.strictSame(seed.changedRegions(), [0, 1]);
  const taken = disk.allocatedBytes - allocatedBytes;
  t.ok(taken >= 2 * REGION_BYTES && taken < 3 * REGION_BYTES, `${String(taken)} bytes for two regions`);
});

t.test('zeroes over what is zero change nothing, and what keeps its space does', async (t) => {
  const { disk } = await openDisk(t, SIZE_BYTES);
  const seed = await disk.takeSeed('s');
  disk.zero({ offset: 0, length: 4 * REGION_BYTES }, { keepSpace: false });
  t.strictSame(seed.changedRegions(), []);
  disk.zero({ offset: REGION_BYTES, length: REGION_BYTES }, { keepSpace: true });
  t.strictSame(seed.changedRegions(), [1]);
});

t.test('a new seed takes the place of the old one', async (t) => {
  const { opened, disk } = await openDisk(t, SIZE_BYTES);
  await disk.takeSeed('first');
  disk.write(0, Buffer.alloc(512, 1));
  await disk.takeSeed('second');
  t.equal(disk.seed?.id, 'second');
  t.strictSame(disk.seed?.changedRegions(), []);
  t.equal(disk.readRegion(0, { from: 'snapshot', digest: false }).data?.[0], 1);
  t.equal(opened.store.snapshots('v').length, 1);
});

t.test('seeds that are asked for and dropped at the same time are done in their order', async (t) => {
  const { opened, disk } = await openDisk(t, SIZE_BYTES);
  await Promise.all([
    disk.takeSeed('first'),
    disk.takeSeed('second'),
    disk.dropSeed(),
    disk.takeSeed('third'),
  ]);
  t.equal(disk.seed?.id, 'third');
  await Promise.all([disk.dropSeed(), disk.dropSeed()]);
  t.equal(disk.seed, undefined);
  t.strictSame(opened.store.snapshots('v'), []);
});

t.test('a seed that was dropped leaves nothing behind but the bytes', async (t) => {
  const { opened, disk } = await openDisk(t, SIZE_BYTES);
  const bytes = randomBytes(SIZE_BYTES);
  disk.write(0, bytes);
  await disk.takeSeed('s');
  const change = randomBytes(5 * REGION_BYTES);
  disk.write(2 * REGION_BYTES + 512, change);
  change.copy(bytes, 2 * REGION_BYTES + 512);
  t.strictSame(opened.layers(), ['v.1.data', 'v.2.data', 'v.2.map']);
  await disk.dropSeed();
  // Written in the middle of it, to the layer that it goes to and to the one that it leaves.
  await opened.store.step();
  const later = randomBytes(3 * REGION_BYTES);
  disk.write(REGION_BYTES, later);
  later.copy(bytes, REGION_BYTES);
  t.ok(all(disk).equals(bytes));
  await opened.settle();
  t.strictSame(opened.layers(), ['v.1.data']);
  t.strictSame(opened.store.snapshots('v'), []);
  t.ok(all(disk).equals(bytes));
  t.ok(disk.allocatedBytes <= SIZE_BYTES + 4096, `${String(disk.allocatedBytes)} bytes`);
  const next = await opened.again();
  t.ok(all(next.disk('v')).equals(bytes), 'the next process finds them');
});

t.test('a seed ends with its process, and the next one gives back what it took', async (t) => {
  const { opened, disk } = await openDisk(t, SIZE_BYTES);
  const bytes = randomBytes(SIZE_BYTES);
  disk.write(0, bytes);
  await disk.takeSeed('s');
  const change = randomBytes(2 * REGION_BYTES);
  disk.write(512, change);
  change.copy(bytes, 512);
  t.equal(await flushed(disk), undefined);
  const next = await opened.again();
  const found = next.disk('v');
  t.equal(found.seed, undefined);
  t.strictSame(next.store.snapshots('v'), []);
  t.throws(() => found.readRegion(0, { from: 'snapshot', digest: false }), { code: 'NOT_FOUND' });
  await next.settle();
  t.strictSame(next.layers(), ['v.1.data']);
  t.ok(all(found).equals(bytes));
});

t.test('a region cannot be read from a seed that is gone', async (t) => {
  const { disk } = await openDisk(t, SIZE_BYTES);
  await disk.takeSeed('s');
  await disk.dropSeed();
  const refused = { code: 'NOT_FOUND', message: /volume v has no such snapshot/ };
  t.throws(() => disk.readRegion(0, { from: 'snapshot', digest: true }), refused);
});

t.test('what was flushed under a seed is there after the loss of power, with the seed gone', async (t) => {
  const { opened, disk } = await openDisk(t, SIZE_BYTES);
  disk.write(0, Buffer.alloc(SIZE_BYTES, 1));
  await disk.takeSeed('s');
  disk.write(0, Buffer.alloc(REGION_BYTES, 2));
  t.equal(await flushed(disk), undefined);
  disk.write(REGION_BYTES, Buffer.alloc(REGION_BYTES, 3));
  const next = await opened.again({ bootId: 'another boot' });
  const found = next.disk('v');
  t.equal(found.read({ offset: 0, length: 1 })[0], 2);
  t.equal(
    found.read({ offset: REGION_BYTES, length: 1 })[0],
    1,
    'not flushed: taken back, since the new layer may lack what it was',
  );
});

t.test(
  'where there is no room beside a seed, the seed ends and the write is done, again and again',
  async (t) => {
    const folder = smallDisk(t, 3 * SIZE_BYTES);
    const { opened, disk } = await openDisk(t, SIZE_BYTES, { folder: join(folder, 'state') });
    disk.write(0, randomBytes(SIZE_BYTES));
    const lost: unknown[] = [];
    disk.onSeedLost = (error) => lost.push(error);
    for (const id of ['first', 'second']) {
      await disk.takeSeed(id);
      // All but what level needs, and half of the regions.
      const filler = Buffer.alloc(SIZE_BYTES + SIZE_BYTES / 4);
      writeFileSync(join(folder, 'filler'), filler);
      const bytes = randomBytes(SIZE_BYTES - REGION_BYTES);
      disk.write(512, bytes);
      t.match(lost.pop(), { code: 'ENOSPC' });
      t.equal(disk.seed, undefined);
      t.ok(disk.read({ offset: 512, length: bytes.length }).equals(bytes));
      rmSync(join(folder, 'filler'));
      await opened.settle();
      t.strictSame(opened.layers(), ['v.1.data'], 'what it took is given back');
      t.ok(disk.read({ offset: 512, length: bytes.length }).equals(bytes));
      t.strictSame(opened.store.snapshots('v'), []);
    }
  },
);

t.test(
  'a seed does not end under a snapshot that is being taken, which would show what is written',
  async (t) => {
    const { disk, opened } = await openDisk(t, SIZE_BYTES);
    const { store } = opened;
    const [{ volume: name } = { volume: '' }] = store.volumes;
    const before = randomBytes(SIZE_BYTES);
    disk.write(0, before);
    await disk.takeSeed('s');
    const volume = store.volume(name);
    const [seeded] = volume.frozen;
    if (seeded === undefined) throw new Error('a seed freezes the layers below it');
    disk.write(0, randomBytes(REGION_BYTES));
    const atSnapshot = all(disk);
    const taken = store.snapshot(name, 'kept', { quiesced: false, purpose: 'kept' });
    while (volume.frozen.length === 1) await new Promise((resolve) => setImmediate(resolve));
    t.equal(volume.thawFrom(seeded), false);
    disk.write(0, randomBytes(2 * REGION_BYTES));
    await taken;
    const view = store.openSnapshot(name, 'kept');
    t.ok(view.read({ offset: 0, length: SIZE_BYTES }).equals(atSnapshot));
    view.close();
  },
);
