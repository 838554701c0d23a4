/** A volume of the layered store as a replica uses it. */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { REGION_BYTES } from '../../daemon/replication/units.ts';
import { diskFailure } from '../../daemon/store/store.ts';
import { flushed, openDisk } from '../support/layered-disk.ts';

const SIZE_BYTES = 16 * REGION_BYTES;

t.test('a new volume is all zeroes and takes no space', async (t) => {
  const { disk } = await openDisk(t, SIZE_BYTES);
  t.ok(disk.read({ offset: 0, length: SIZE_BYTES }).every((byte) => byte === 0));
  t.equal(disk.allocatedBytes, 0);
  t.strictSame(disk.allocatedRegions(), []);
});

t.test('TRIM gives the space back; zeroes that keep their space do not', async (t) => {
  const { disk } = await openDisk(t, SIZE_BYTES);
  const range = { offset: 2 * REGION_BYTES, length: 4 * REGION_BYTES };
  disk.write(range.offset, Buffer.alloc(range.length, 1));
  t.ok(disk.allocatedBytes >= range.length);
  disk.zero(range, { keepSpace: true });
  t.ok(disk.allocatedBytes >= range.length);
  t.ok(disk.read(range).every((byte) => byte === 0));
  disk.zero(range, { keepSpace: false });
  t.equal(disk.allocatedBytes, 0);
  t.ok(disk.read(range).every((byte) => byte === 0));
  t.strictSame(disk.allocatedRegions(), []);
});

t.test('a range that is no whole block reads as zeroes after TRIM, and its neighbours stay', async (t) => {
  const { disk } = await openDisk(t, SIZE_BYTES);
  disk.write(0, Buffer.alloc(3 * 512, 9));
  disk.zero({ offset: 512, length: 512 }, { keepSpace: false });
  const found = disk.read({ offset: 0, length: 3 * 512 });
  t.same(found, Buffer.concat([Buffer.alloc(512, 9), Buffer.alloc(512), Buffer.alloc(512, 9)]));
});

t.test('a volume that is not there is not made by asking for it', async (t) => {
  const { opened } = await openDisk(t, SIZE_BYTES);
  t.throws(() => opened.disk('w'), { code: 'NOT_FOUND', message: /no volume w/ });
  t.strictSame(opened.layers(), ['v.1.data']);
});

t.test('a volume is made once', async (t) => {
  const { opened, disk } = await openDisk(t, SIZE_BYTES);
  disk.write(0, Buffer.from('kept'));
  await t.rejects(opened.create('v', SIZE_BYTES), { code: 'ALREADY_EXISTS', message: /volume v/ });
  t.equal(disk.read({ offset: 0, length: 4 }).toString(), 'kept');
});

t.test('a flush is answered in a later turn, once the file is on stable storage', async (t) => {
  const { disk } = await openDisk(t, SIZE_BYTES);
  disk.write(0, Buffer.alloc(512, 1));
  let answered = false;
  const flush = flushed(disk).then((failure) => {
    answered = true;
    return failure;
  });
  t.notOk(answered);
  t.equal(await flush, undefined);
});

t.test('a system call that fails is what it means to a client', async (t) => {
  const failing = (code: string): Error => Object.assign(new Error(code), { code });
  t.equal(diskFailure(failing('ENOSPC')), 'ENOSPC');
  t.equal(diskFailure(failing('EDQUOT')), 'ENOSPC');
  t.equal(diskFailure(failing('EIO')), 'EIO');
  t.equal(diskFailure('anything'), 'EIO');
});

t.test('nobody but the owner can read a volume', async (t) => {
  const { opened, disk } = await openDisk(t, SIZE_BYTES);
  await disk.takeSeed('s');
  for (const name of opened.layers())
    t.equal(statSync(join(opened.folder, 'layers', name)).mode & 0o777, 0o600, name);
  t.equal(statSync(join(opened.folder, 'layers')).mode & 0o777, 0o700);
});
