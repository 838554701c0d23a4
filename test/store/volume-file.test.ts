import {
  appendFileSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { REGION_BYTES } from '../../daemon/replication/units.ts';
import { diskFailure } from '../../daemon/store/store.ts';
import { VolumeFile } from '../../daemon/store/volume-file.ts';

const SIZE_BYTES = 16 * REGION_BYTES;

function folderFor(t: Test): string {
  const folder = mkdtempSync(join(tmpdir(), 'lockstep-volume-'));
  t.teardown(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  return folder;
}

function volumeFor(t: Test): { readonly file: VolumeFile; readonly folder: string } {
  const folder = folderFor(t);
  const file = new VolumeFile(join(folder, 'data'), SIZE_BYTES, 'create');
  t.teardown(() => {
    file.close();
  });
  return { file, folder };
}

t.test('a new volume is all zeroes and takes no space', async (t) => {
  const { file } = volumeFor(t);
  t.ok(file.read({ offset: 0, length: SIZE_BYTES }).every((byte) => byte === 0));
  t.equal(file.allocatedBytes, 0);
  t.strictSame(file.allocatedRegions(), []);
});

t.test('TRIM gives the space back; zeroes that keep their space do not', async (t) => {
  const { file } = volumeFor(t);
  const range = { offset: 2 * REGION_BYTES, length: 4 * REGION_BYTES };
  file.write(range.offset, Buffer.alloc(range.length, 1));
  t.ok(file.allocatedBytes >= range.length);
  file.zero(range, { keepSpace: true });
  t.ok(file.allocatedBytes >= range.length);
  t.ok(file.read(range).every((byte) => byte === 0));
  file.zero(range, { keepSpace: false });
  t.equal(file.allocatedBytes, 0);
  t.ok(file.read(range).every((byte) => byte === 0));
  t.strictSame(file.allocatedRegions(), []);
});

t.test('a range that is no whole block reads as zeroes after TRIM, and its neighbours stay', async (t) => {
  const { file } = volumeFor(t);
  file.write(0, Buffer.alloc(3 * 512, 9));
  file.zero({ offset: 512, length: 512 }, { keepSpace: false });
  const found = file.read({ offset: 0, length: 3 * 512 });
  t.same(found, Buffer.concat([Buffer.alloc(512, 9), Buffer.alloc(512), Buffer.alloc(512, 9)]));
});

t.test('a file of another size is refused, whatever it holds', async (t) => {
  const folder = folderFor(t);
  const path = join(folder, 'data');
  const refused = { code: 'INTERNAL', reason: 'VOLUME_FILE_DAMAGED', message: /instead of 1048576/ };
  new VolumeFile(path, SIZE_BYTES, 'create').close();
  truncateSync(path, SIZE_BYTES - 1);
  t.throws(() => new VolumeFile(path, SIZE_BYTES, 'open'), refused);
  appendFileSync(path, Buffer.alloc(2));
  t.throws(() => new VolumeFile(path, SIZE_BYTES, 'open'), refused);
  writeFileSync(path, '');
  t.throws(() => new VolumeFile(path, SIZE_BYTES, 'open'), refused);
});

t.test('a volume that is not there is not made by opening it', async (t) => {
  const path = join(folderFor(t), 'data');
  t.throws(() => new VolumeFile(path, SIZE_BYTES, 'open'), { code: 'ENOENT' });
});

t.test('a snapshot leaves no file behind, not even while it lives', async (t) => {
  const { file, folder } = volumeFor(t);
  file.write(0, Buffer.alloc(REGION_BYTES, 1));
  file.takeSnapshot('s');
  file.write(0, Buffer.alloc(REGION_BYTES, 2));
  t.strictSame(readdirSync(folder), ['data']);
});

t.test('a snapshot takes space for what changed, and for nothing else', async (t) => {
  const { file } = volumeFor(t);
  file.write(0, Buffer.alloc(8 * REGION_BYTES, 1));
  const snapshot = file.takeSnapshot('s');
  t.equal(snapshot.allocatedBytes, 8 * REGION_BYTES);
  file.write(REGION_BYTES - 512, Buffer.alloc(1024, 2));
  t.strictSame(snapshot.changedRegions(), [0, 1]);
  t.ok(snapshot.hasChanged(1));
  t.notOk(snapshot.hasChanged(2));
});

t.test('a new snapshot takes the place of the old one', async (t) => {
  const { file } = volumeFor(t);
  file.takeSnapshot('first');
  file.write(0, Buffer.alloc(512, 1));
  file.takeSnapshot('second');
  t.equal(file.snapshot?.id, 'second');
  t.strictSame(file.snapshot?.changedRegions(), []);
  t.equal(file.readRegion(0, { from: 'snapshot', digest: false }).data?.[0], 1);
});

t.test('a flush is answered once the file is on stable storage', async (t) => {
  const { file } = volumeFor(t);
  file.write(0, Buffer.alloc(512, 1));
  const failure = await new Promise((resolve) => {
    file.flush(resolve);
  });
  t.equal(failure, undefined);
});

t.test('a system call that fails is what it means to a client', async (t) => {
  const failing = (code: string): Error => Object.assign(new Error(code), { code });
  t.equal(diskFailure(failing('ENOSPC')), 'ENOSPC');
  t.equal(diskFailure(failing('EDQUOT')), 'ENOSPC');
  t.equal(diskFailure(failing('EIO')), 'EIO');
  t.equal(diskFailure('anything'), 'EIO');
});

t.test('nobody but the owner can read a volume', async (t) => {
  const { folder } = volumeFor(t);
  t.equal(statSync(join(folder, 'data')).mode & 0o777, 0o600);
});
