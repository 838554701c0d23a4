/** What qemu-img says of images, good ones and others. */
import { truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { type Image, inspectImage } from '../../../client/cli/image.ts';
import { parseSource } from '../../../client/cli/image-source.ts';
import { LockstepError } from '../../../daemon/sys/errors.ts';
import { output } from '../../support/client-command.ts';

const KIB = 1024;
const MIB = KIB * KIB;
const { signal } = new AbortController();

const inspect = (text: string, format?: string): Promise<Image> =>
  inspectImage(parseSource(text), { format, signal });

async function refused(t: Test, work: Promise<unknown>, reason: string, message: RegExp): Promise<string> {
  try {
    await work;
  } catch (error) {
    if (!(error instanceof LockstepError)) throw error;
    t.match(error, { reason, message });
    return error.metadata['next'] ?? '';
  }
  throw new Error('it was not refused');
}

t.test('an image tells its size, its format, and how much of it is data', async (t) => {
  const raw = join(t.testdir(), 'disk.raw');
  writeFileSync(raw, Buffer.alloc(64 * KIB, 1));
  truncateSync(raw, MIB + 512);
  const qcow2 = join(t.testdirName, 'disk.qcow2');
  await output('qemu-img', 'convert', '-O', 'qcow2', raw, qcow2);
  t.match(await inspect(raw), {
    format: 'raw',
    virtualBytes: BigInt(MIB + 512),
    dataBytes: BigInt(64 * KIB),
    files: [],
  });
  t.match(await inspect(qcow2), { format: 'qcow2', virtualBytes: BigInt(MIB + 512) });
  t.match(await inspect(qcow2, 'raw'), { format: 'raw' }, 'as what a person says it is');
});

t.test('an image on top of another is as whole as the two', async (t) => {
  const folder = t.testdir();
  const [base, top] = [join(folder, 'base.qcow2'), join(folder, 'top.qcow2')];
  await output('qemu-img', 'create', '-q', '-f', 'qcow2', base, '1M');
  await output('qemu-io', '-c', 'write 0 64k', base);
  await output('qemu-img', 'create', '-q', '-f', 'qcow2', '-F', 'qcow2', '-b', base, top);
  t.match(await inspect(top), { files: [base], dataBytes: BigInt(64 * KIB) });
  await output('qemu-img', 'rebase', '-u', '-F', 'qcow2', '-b', join(folder, 'gone.qcow2'), top);
  const next = await refused(t, inspect(top), 'BACKING_FILE_MISSING', /gone\.qcow2.*No such file/);
  t.match(next, /rebase/);
});

t.test('every file that an image takes data from is named', async (t) => {
  const folder = t.testdir();
  const [data, base, top] = [join(folder, 'data.raw'), join(folder, 'base.qcow2'), join(folder, 'top.qcow2')];
  await output('qemu-img', 'create', '-q', '-f', 'qcow2', '-o', `data_file=${data}`, base, '1M');
  await output('qemu-img', 'create', '-q', '-f', 'qcow2', '-F', 'qcow2', '-b', base, top);
  t.same((await inspect(top)).files, [base, data]);
  const parts = join(folder, 'parts.vmdk');
  await output('qemu-img', 'create', '-q', '-f', 'vmdk', '-o', 'subformat=twoGbMaxExtentSparse', parts, '1M');
  t.match((await inspect(parts)).files, [/parts-s001\.vmdk$/]);
});

t.test('an encrypted image is refused', async (t) => {
  const file = join(t.testdir(), 'secret.qcow2');
  // Not LUKS: making one measures the CPU, which fails on a busy machine.
  const options = ['-o', 'encrypt.format=aes,encrypt.key-secret=s'];
  await output(
    'qemu-img',
    'create',
    '-q',
    '--object',
    'secret,id=s,data=abc',
    '-f',
    'qcow2',
    ...options,
    file,
    '1M',
  );
  t.match(await refused(t, inspect(file), 'IMAGE_ENCRYPTED', /is encrypted/), /Decrypt/);
});

t.test('what is no image is refused in words that say why', async (t) => {
  const folder = t.testdir({ empty: '' });
  await refused(t, inspect(join(folder, 'none.img')), 'IMAGE_UNREADABLE', /there is no such file/);
  await refused(t, inspect(folder), 'IMAGE_IS_FOLDER', /is a folder/);
  await refused(t, inspect('/dev/null'), 'IMAGE_NO_FILE', /neither a file nor a block device/);
  await refused(t, inspect(join(folder, 'empty')), 'IMAGE_EMPTY', /0 bytes/);
  const other = join(folder, 'other');
  writeFileSync(other, Buffer.alloc(MIB));
  const next = await refused(t, inspect(other, 'qcow2'), 'IMAGE_UNREADABLE', /not in qcow2 format/);
  t.match(next, /--format/);
});

t.test('an address is told without what it was opened with', async (t) => {
  const work = inspect('nbd://me:secret@127.0.0.1:1/disk');
  await refused(t, work, 'IMAGE_UNREADABLE', /^nbd:\/\/127\.0\.0\.1:1\/disk cannot be read: [^@]*refused$/);
});

t.test('without qemu-img it is said what to install', async (t) => {
  const { PATH: path } = process.env;
  process.env['PATH'] = t.testdir({ disk: 'x' });
  t.teardown(() => {
    process.env['PATH'] = path;
  });
  const next = await refused(t, inspect(join(t.testdirName, 'disk')), 'QEMU_IMG_MISSING', /qemu-img is not/);
  t.match(next, /apt-get install qemu-utils/);
});
