/** qemu-img as people use it on a volume: convert an image into it, compare, measure, convert it out again. */
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { attempt, output } from '../support/client-command.ts';
import { MIB, VolumeServer } from '../support/volume-server.ts';

const SIZE_BYTES = 64 * MIB;
const server = await VolumeServer.start(t, SIZE_BYTES);
const { uri } = server.overUnix;

/** Data, holes and zeroes that are data. */
const image = Buffer.alloc(SIZE_BYTES);
for (let offset = 0; offset + 3 * MIB <= SIZE_BYTES; offset += 8 * MIB)
  randomBytes(3 * MIB).copy(image, offset);
const source = join(server.folder, 'source.raw');
writeFileSync(source, image);
await output('qemu-img', 'convert', '-n', '-f', 'raw', '-O', 'raw', source, uri);

const compare = (one: string, other: string, format = 'raw') =>
  attempt('qemu-img', 'compare', '-f', 'raw', '-F', format, one, other);

t.test('compare finds a converted image identical', async (t) => {
  t.match(await compare(source, uri), { status: 0, stdout: /identical/ });
});

t.test('compare finds one byte that differs, and where', async (t) => {
  const changed = Buffer.from(image);
  changed.writeUInt8(changed.readUInt8(9 * MIB + 511) ^ 1, 9 * MIB + 511);
  const other = join(server.folder, 'changed.raw');
  writeFileSync(other, changed);
  t.match(await compare(other, uri), { status: 1, stdout: new RegExp(`mismatch at offset ${9 * MIB}`) });
});

t.test('a volume goes into a qcow2 image and stays what it is', async (t) => {
  const qcow2 = join(server.folder, 'out.qcow2');
  await output('qemu-img', 'convert', '-f', 'raw', '-O', 'qcow2', uri, qcow2);
  t.match(await compare(uri, qcow2, 'qcow2'), { status: 0, stdout: /identical/ });
});

t.test('map finds the holes of the image that was converted', async (t) => {
  const map = JSON.parse(await output('qemu-img', 'map', '--output=json', uri)) as {
    start: number;
    length: number;
    data: boolean;
  }[];
  const data = map.filter((extent) => extent.data).map(({ start, length }) => ({ start, length }));
  t.strictSame(
    data,
    Array.from({ length: SIZE_BYTES / (8 * MIB) }, (_, index) => ({
      start: index * 8 * MIB,
      length: 3 * MIB,
    })),
  );
});

t.test('info tells the size of the volume', async (t) => {
  const info = JSON.parse(await output('qemu-img', 'info', '--output=json', uri)) as Record<string, unknown>;
  t.match(info, { 'virtual-size': SIZE_BYTES, format: 'raw' });
});
