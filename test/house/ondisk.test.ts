/** docs/ondisk.md is about the files that this build writes: its numbers are looked up in real ones. */
import { crc32c } from '@node-rs/crc32';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import t, { type Test } from 'tap';
import { ABSENT, COMING, LEAVING, PRESENT } from '../../daemon/store/layers/layer-map.ts';
import { encodeHeader } from '../../daemon/store/fallback-entry.ts';
import { REGION_BYTES } from '../../daemon/replication/units.ts';
import { openDisk } from '../support/layered-disk.ts';

const page = readFileSync(resolve(import.meta.dirname, '../../docs/ondisk.md'), 'utf8');

/** The rows of the tables below a heading, up to the next. */
function rowsBelow(heading: string): readonly (readonly string[])[] {
  const [, rest = ''] = page.split(`\n${heading}\n`);
  const [section = ''] = rest.split(/\n#+ /);
  return [...section.matchAll(/^\| (.*) \|$/gm)].map(([, row = '']) =>
    row.split('|').map((cell) => cell.trim()),
  );
}

/** Of the row that says so: where the field is, and how long. */
function place(heading: string, what: RegExp): { readonly at: number; readonly bytes: number } {
  const row = rowsBelow(heading).find(([, , text = '']) => what.test(text));
  return { at: Number(row?.[0]), bytes: Number.parseInt(row?.[1] ?? '', 10) };
}

interface Written {
  readonly id: string;
  readonly folder: string;
  readonly file: (suffix: string) => Buffer;
}

/** A head over a sealed layer with one region in each, flushed. */
async function written(t: Test): Promise<Written> {
  const { opened, disk } = await openDisk(t, 4 * REGION_BYTES);
  const flush = (): Promise<unknown> =>
    new Promise((resolve) => {
      disk.flush(resolve);
    });
  disk.write(REGION_BYTES, Buffer.alloc(REGION_BYTES, 7));
  await opened.store.snapshot('v', 's', { quiesced: false, purpose: 'kept' });
  disk.write(2 * REGION_BYTES, Buffer.alloc(REGION_BYTES, 8));
  await flush();
  await opened.settle();
  const folder = join(opened.folder, 'layers');
  return { id: 'v.2', folder, file: (name) => readFileSync(join(folder, name)) };
}

function checkHeader(t: Test, heading: string, bytes: Buffer): void {
  const { at: magicAt, bytes: magicBytes } = place(heading, /^`LSTP...1`$/);
  const [, , magic = ''] = rowsBelow(heading).find(([, , text = '']) => /^`LSTP/.test(text)) ?? [];
  t.equal(bytes.toString('latin1', magicAt, magicAt + magicBytes), magic.replaceAll('`', ''));
  t.equal(
    bytes.readUInt32BE(place(heading, /^CRC-32C of bytes 12 to 511$/).at),
    crc32c(bytes.subarray(12, 512)),
  );
  t.equal(bytes.readUInt32BE(place(heading, /^version: 1$/).at), 1);
  t.equal(bytes.readUInt32BE(place(heading, /^bytes of a region: 65536$/).at), REGION_BYTES);
}

t.test('a map is as docs/ondisk.md says', async (t) => {
  const { id, file } = await written(t);
  const map = file(`${id}.map`);
  checkHeader(t, '### `ID.map`', map);
  const { at: bootAt } = place('### `ID.map`', /boot id/);
  const bootBytes = map.readUInt8(bootAt);
  t.equal(map.toString('utf8', bootAt + 1, bootAt + 1 + bootBytes), 'one boot');
  const idAt = bootAt + 1 + bootBytes;
  t.equal(map.toString('utf8', idAt + 1, idAt + 1 + map.readUInt8(idAt)), id);
  const { at, bytes } = place('### `ID.map`', /^sectors/);
  const sector = map.subarray(at, at + bytes);
  t.equal(sector.readUInt32BE(0), crc32c(sector.subarray(4)));
  t.equal(sector.readUInt32BE(4), 0);
  const { at: entriesAt, bytes: entries } = place('### `ID.map`', /^one byte for each of 504 regions$/);
  t.equal(entriesAt + entries, bytes);
  t.strictSame([...sector.subarray(entriesAt, entriesAt + 4)], [ABSENT, ABSENT, PRESENT, ABSENT]);
  t.equal(map.length % 4096, 0);
});

t.test('the entries of a map have the numbers that docs/ondisk.md gives them', async (t) => {
  const numbers = { ABSENT, COMING, PRESENT, LEAVING };
  for (const [name, number] of Object.entries(numbers))
    t.equal(rowsBelow('### `ID.map`').find(([, text]) => text === name)?.[0], String(number), name);
});

t.test('checksums are as docs/ondisk.md says', async (t) => {
  const { file } = await written(t);
  const sums = file('v.1.sums');
  checkHeader(t, '### `ID.sums`', sums);
  const { at, bytes } = place('### `ID.sums`', /^of each region/);
  t.equal(sums.readUInt32BE(at), 0);
  t.equal(sums.readUInt32BE(at + bytes), crc32c(Buffer.alloc(REGION_BYTES, 7)));
});

t.test('an entry of a fallback is as docs/ondisk.md says', async (t) => {
  const heading = '## `volumes/NAME/fallback`';
  const header = encodeHeader(
    {
      region: 5,
      length: REGION_BYTES,
      dataChecksum: 77,
      syncedBytes: 8192,
    },
    66_048,
  );
  t.equal(header.length, place(heading, /^the data$/).at);
  t.equal(header.toString('latin1', 0, 4), 'LSF1');
  t.equal(
    header.readUInt32BE(place(heading, /^CRC-32C of bytes 8 to 39$/).at),
    crc32c(header.subarray(8, 40)),
  );
  t.equal(header.readBigUInt64BE(place(heading, /^the region$/).at), 5n);
  t.equal(header.readUInt32BE(place(heading, /^length of its data/).at), REGION_BYTES);
  t.equal(header.readUInt32BE(place(heading, /^CRC-32C of the data$/).at), 77);
  t.equal(header.readBigUInt64BE(place(heading, /^how much of the file/).at), 8192n);
  t.equal(header.readBigUInt64BE(place(heading, /^the entry's own place/).at), 66_048n);
});
