/** The disk of the crash runs: what a crash may leave of it, and what it may not. */
import t from 'tap';
import { Disk } from '../support/crash/disk.ts';
import type { Chooser } from '../support/crash/disk-file.ts';
import { SECTOR_BYTES } from '../support/crash/image.ts';
import type { DiskStep } from '../support/crash/steps.ts';

const PATH = '/folder/file';
const NOTHING: Chooser = () => 0;
const ALL: Chooser = (options) => options - 1;

function sectors(...values: number[]): Uint8Array {
  return Buffer.concat(values.map((value) => Buffer.alloc(SECTOR_BYTES, value)));
}

function write(sector: number, ...values: number[]): DiskStep {
  return { type: 'write', inode: 1, offset: sector * SECTOR_BYTES, data: sectors(...values) };
}

/** With a file of four sectors that is on stable storage. */
function newDisk(...steps: DiskStep[]): Disk {
  const disk = new Disk();
  disk.apply({ type: 'create', inode: 1, path: PATH, sizeBytes: 4 * SECTOR_BYTES });
  disk.apply({ type: 'synced', inode: 1, upTo: disk.steps });
  disk.apply({ type: 'folder-synced', folder: '/folder', upTo: disk.steps });
  for (const step of steps) disk.apply(step);
  return disk;
}

function values(disk: Disk): number[] {
  const bytes = Buffer.alloc(4 * SECTOR_BYTES);
  disk.file(1).cache.read(bytes, 0);
  return [0, 1, 2, 3].map((sector) => bytes[sector * SECTOR_BYTES] ?? 0);
}

t.test('the death of a process leaves all that it wrote', async (t) => {
  t.same(values(newDisk(write(0, 1, 2)).killed(NOTHING)), [1, 2, 0, 0]);
});

t.test('a loss of power leaves any value since the last sync, sector by sector', async (t) => {
  const disk = newDisk(write(0, 1, 1), write(0, 2, 2));
  t.same(values(disk.withoutPower(NOTHING)), [0, 0, 0, 0]);
  t.same(values(disk.withoutPower(ALL)), [2, 2, 0, 0]);
  const [older, newest] = [1, 2];
  t.same(
    values(disk.withoutPower((_options, { what }) => (what === 'sector 0' ? older : newest))),
    [1, 2, 0, 0],
  );
});

t.test('a sync covers what was written before it began, and nothing else', async (t) => {
  const disk = newDisk(write(0, 1));
  const began = disk.steps;
  disk.apply(write(1, 2));
  disk.apply({ type: 'synced', inode: 1, upTo: began });
  t.same(values(disk.withoutPower(NOTHING)), [1, 0, 0, 0]);
});

t.test('what is not stable after the death of a process is not made so by the next', async (t) => {
  const disk = newDisk(write(0, 1)).killed(NOTHING);
  t.same(values(disk), [1, 0, 0, 0]);
  t.same(values(disk.withoutPower(NOTHING)), [0, 0, 0, 0]);
});

t.test('a name that was not synced may be lost, whatever is of its bytes', async (t) => {
  const disk = newDisk();
  disk.apply({ type: 'create', inode: 2, path: '/folder/other', sizeBytes: SECTOR_BYTES });
  disk.apply({ type: 'synced', inode: 2, upTo: disk.steps });
  t.same([...disk.withoutPower(NOTHING).names.keys()], [PATH]);
  t.same([...disk.withoutPower(ALL).names.keys()], [PATH, '/folder/other']);
});

t.test('a name that was removed comes back unless the folder was synced', async (t) => {
  const disk = newDisk({ type: 'remove', path: PATH });
  t.same([...disk.names.keys()], []);
  t.same([...disk.withoutPower(NOTHING).names.keys()], [PATH]);
  disk.apply({ type: 'folder-synced', folder: '/folder', upTo: disk.steps });
  t.same([...disk.withoutPower(NOTHING).names.keys()], []);
});

t.test('a size that was not synced may be the one before, without what lay behind', async (t) => {
  const disk = newDisk({ type: 'grow', inode: 1, sizeBytes: 8 * SECTOR_BYTES }, write(5, 9));
  const onlyData: Chooser = (options, { kind }) => (kind === 'size' ? 0 : options - 1);
  const left = disk.withoutPower(onlyData).file(1);
  t.equal(left.sizeBytes, 4 * SECTOR_BYTES);
  t.equal(left.cache.get(5), undefined);
});

t.test('a size within a sector leaves what lies before it', async (t) => {
  const disk = newDisk(
    write(0, 1, 1),
    { type: 'grow', inode: 1, sizeBytes: 4 * SECTOR_BYTES + 10 },
    write(4, 7),
  );
  disk.apply({ type: 'grow', inode: 1, sizeBytes: 5 * SECTOR_BYTES });
  const left = disk.withoutPower((options, { kind }) => (kind === 'size' ? 1 : options - 1)).file(1);
  t.equal(left.sizeBytes, 4 * SECTOR_BYTES + 10);
  t.equal(left.cache.get(0)?.at(0), 1);
  t.same([left.cache.get(4)?.at(9), left.cache.get(4)?.at(10)], [7, 0]);
});

t.test('of commits under way any number of the first is there, each as a whole', async (t) => {
  const disk = newDisk(
    { type: 'commit', changes: [{ type: 'last-layer', number: 1 }] },
    { type: 'committed' },
    { type: 'commit', changes: [{ type: 'last-layer', number: 2 }] },
    { type: 'commit', changes: [{ type: 'last-layer', number: 3 }] },
  );
  const left = [0, 1, 2].map((count) => disk.withoutPower(() => count).catalogue.contents.lastLayer);
  t.same(left, [1, 2, 3]);
});
