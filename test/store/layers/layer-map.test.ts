/** Which regions a layer holds, against a plain array; and maps that are not to be believed. */
import {
  closeSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32c } from '@node-rs/crc32';
import fc from 'fast-check';
import t, { type Test } from 'tap';
import { type BlockFile, type Files, systemFiles } from '../../../daemon/store/files.ts';
import {
  ABSENT,
  COMING,
  type Entry,
  LayerMap,
  LEAVING,
  PAGE_REGIONS,
  PRESENT,
} from '../../../daemon/store/layers/layer-map.ts';

const REGIONS = 2 * PAGE_REGIONS + 100;
const PAGES = 3;
const PAGE_BYTES = 4096;
const SECTOR_BYTES = 512;
/** Regions whose entries are in one sector. */
const SECTOR_REGIONS = 504;
const HEADER = { layer: 'v.2', regionBytes: 65_536, bootId: 'one boot' };

function folderFor(t: Test): string {
  const folder = mkdtempSync(join(tmpdir(), 'lockstep-map-'));
  t.teardown(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  return folder;
}

function newMap(t: Test, files: Files = systemFiles): { readonly map: LayerMap; readonly path: string } {
  const path = join(folderFor(t), 'v.2.map');
  return { map: LayerMap.create(files, path, HEADER, REGIONS), path };
}

function reopened(map: LayerMap, path: string): LayerMap {
  map.close();
  return LayerMap.open(systemFiles, path, HEADER, REGIONS);
}

/** Around the ends of sectors and pages more often than elsewhere. */
const region = fc.oneof(
  fc.nat(REGIONS - 1),
  fc
    .constantFrom(0, SECTOR_REGIONS, PAGE_REGIONS, 2 * PAGE_REGIONS, REGIONS)
    .chain((edge) => fc.integer({ min: Math.max(0, edge - 3), max: Math.min(REGIONS - 1, edge + 3) })),
);
const run = fc
  .tuple(region, fc.oneof(fc.integer({ min: 1, max: 8 }), fc.integer({ min: 1, max: REGIONS })))
  .map(([first, count]) => ({ first, count: Math.min(count, REGIONS - first) }));
const step = fc.oneof(
  {
    arbitrary: fc.record({
      kind: fc.constant('set' as const),
      run,
      entry: fc.constantFrom<Entry[]>(ABSENT, COMING, PRESENT, LEAVING),
    }),
    weight: 4,
  },
  { arbitrary: fc.record({ kind: fc.constant('come' as const), run }), weight: 4 },
  { arbitrary: fc.record({ kind: fc.constant('reopen' as const) }), weight: 1 },
);

function check(map: LayerMap, oracle: Uint8Array, from: number): void {
  for (let page = 0; page < PAGES; page++) {
    const found = map.page(page) ?? new Uint8Array(PAGE_REGIONS);
    const wanted = oracle.subarray(page * PAGE_REGIONS, (page + 1) * PAGE_REGIONS);
    if (!Buffer.from(found.subarray(0, wanted.length)).equals(wanted))
      throw new Error(`page ${page} differs`);
  }
  if (map.get(from) !== oracle[from]) throw new Error(`region ${from} differs`);
  const held = [...oracle.entries()].filter(([at, entry]) => at >= from && entry !== ABSENT);
  if (JSON.stringify([...map.entries(from)]) !== JSON.stringify(held))
    throw new Error(`entries from ${from} differ`);
  const pages = [...map.pages(Math.floor(from / PAGE_REGIONS))];
  if (pages.some((page, at) => page <= (pages[at - 1] ?? -1))) throw new Error(`pages ${pages.join()}`);
  for (const [at] of held)
    if (!pages.includes(Math.floor(at / PAGE_REGIONS))) throw new Error(`the page of ${at} is not told`);
}

t.test('a map reads as an array would, also by the next process', async (t) => {
  const folder = folderFor(t);
  let files = 0;
  fc.assert(
    fc.property(fc.array(step, { maxLength: 12 }), region, (steps, from) => {
      const path = join(folder, String(++files));
      let map = LayerMap.create(systemFiles, path, HEADER, REGIONS);
      const oracle = new Uint8Array(REGIONS);
      try {
        for (const one of steps) {
          if (one.kind === 'reopen') {
            map = reopened(map, path);
            continue;
          }
          const entry = one.kind === 'set' ? one.entry : COMING;
          if (one.kind === 'set') map.set(one.run, entry);
          else map.come(one.run);
          oracle.fill(entry, one.run.first, one.run.first + one.run.count);
        }
        check(map, oracle, from);
        map = reopened(map, path);
        check(map, oracle, from);
      } finally {
        map.close();
        rmSync(path);
      }
    }),
    { numRuns: 200 },
  );
  t.pass();
});

t.test('a new map holds nothing, and takes the space of its header', async (t) => {
  const { map } = newMap(t);
  t.strictSame([...map.entries()], []);
  t.strictSame([...map.pages()], []);
  t.equal(map.page(0), undefined);
  t.ok(map.allocatedBytes <= PAGE_BYTES);
  map.close();
});

t.test('a map grows with its volume, and keeps what it holds', async (t) => {
  const { map, path } = newMap(t);
  map.set({ first: REGIONS - 1, count: 1 }, PRESENT);
  map.grow(3 * REGIONS);
  map.come({ first: 3 * REGIONS - 1, count: 1 });
  map.grow(REGIONS);
  const found = reopened(map, path);
  t.strictSame(
    [...found.entries()],
    [
      [REGIONS - 1, PRESENT],
      [3 * REGIONS - 1, COMING],
    ],
  );
  found.close();
});

t.test('where there is no room for all of a run none of it comes', async (t) => {
  let writes = Infinity;
  const create: Files['create'] = (path, sizeBytes) => {
    const file = systemFiles.create(path, sizeBytes);
    const write: BlockFile['write'] = (data, offset) => {
      if (--writes === 0) throw Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' });
      file.write(data, offset);
    };
    return new Proxy(file, {
      get: (target, key) => {
        const value: unknown = key === 'write' ? write : Reflect.get(target, key, target);
        return typeof value === 'function' ? (value.bind(target) as unknown) : value;
      },
    });
  };
  const { map } = newMap(t, { ...systemFiles, create });
  map.set({ first: 0, count: 1 }, PRESENT);
  writes = 3;
  t.throws(() => map.come({ first: 10, count: 3 * SECTOR_REGIONS }), { code: 'ENOSPC' });
  t.strictSame([...map.entries()], [[0, PRESENT]]);
  map.close();
});

t.test('the boot in which it was put in order is read back', async (t) => {
  const { map, path } = newMap(t);
  t.equal(map.bootId, 'one boot');
  map.renewBootId('another boot, with a longer name');
  t.equal(map.bootId, 'another boot, with a longer name');
  const found = reopened(map, path);
  t.equal(found.bootId, 'another boot, with a longer name');
  found.close();
});

function change(path: string, at: number, how: (sector: Buffer) => Buffer): void {
  const fd = openSync(path, 'r+');
  const sector = Buffer.alloc(SECTOR_BYTES);
  readSync(fd, sector, 0, SECTOR_BYTES, at);
  writeSync(fd, how(sector), 0, SECTOR_BYTES, at);
  closeSync(fd);
}

const flipped =
  (at: number) =>
  (bytes: Buffer): Buffer => {
    bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at);
    return bytes;
  };
const refused = (message: RegExp) => ({ code: 'INTERNAL', reason: 'LAYER_MAP_DAMAGED', message });

t.test('a sector of which any bit was flipped is refused, and the others are not', async (t) => {
  for (const at of [0, 3, 4, 7, 8, 100, 511]) {
    const { map, path } = newMap(t);
    map.set({ first: 0, count: REGIONS }, PRESENT);
    change(path, PAGE_BYTES + 2 * SECTOR_BYTES, flipped(at));
    const damaged = refused(/v\.2\.map .*: sector 2 does not fit its checksum/);
    t.throws(() => map.get(2 * SECTOR_REGIONS), damaged);
    t.throws(() => map.set({ first: 2 * SECTOR_REGIONS, count: 1 }, ABSENT), damaged);
    t.throws(() => map.page(0), damaged);
    t.throws(() => [...map.entries()], damaged);
    t.equal(map.get(0), PRESENT);
    t.equal(map.page(1)?.[0], PRESENT);
    map.close();
  }
});

t.test('a sector that a disk wrote to another place is refused there', async (t) => {
  const { map, path } = newMap(t);
  map.set({ first: 0, count: 1 }, PRESENT);
  const sector = readFileSync(path).subarray(PAGE_BYTES, PAGE_BYTES + SECTOR_BYTES);
  change(path, 2 * PAGE_BYTES, () => sector);
  t.throws(() => map.get(PAGE_REGIONS), refused(/sector 8 does not fit/));
  map.close();
});

t.test('a header that was damaged is refused, wherever', async (t) => {
  for (const at of [0, 7, 8, 12, 16, 20, 30, 511]) {
    const { map, path } = newMap(t);
    map.close();
    change(path, 0, flipped(at));
    t.throws(
      () => LayerMap.open(systemFiles, path, HEADER, REGIONS),
      refused(at < 8 ? /does not begin as one/ : /its header does not fit its checksum/),
      `byte ${String(at)}`,
    );
  }
});

t.test('the map of another layer, or of regions of another size, is refused', async (t) => {
  const { map, path } = newMap(t);
  map.close();
  t.throws(
    () => LayerMap.open(systemFiles, path, { ...HEADER, layer: 'v.3' }, REGIONS),
    refused(/of layer v\.2/),
  );
  t.throws(
    () => LayerMap.open(systemFiles, path, { ...HEADER, regionBytes: 4096 }, REGIONS),
    refused(/65536 bytes/),
  );
});

t.test('a map of a later version is refused by its number', async (t) => {
  const { map, path } = newMap(t);
  map.close();
  change(path, 0, (header) => {
    header.writeUInt32BE(2, 12);
    header.writeUInt32BE(crc32c(header.subarray(12)), 8);
    return header;
  });
  t.throws(
    () => LayerMap.open(systemFiles, path, HEADER, REGIONS),
    refused(/it has version 2, and this build knows 1/),
  );
});

t.test('what ends within the header is refused', async (t) => {
  const path = join(folderFor(t), 'v.2.map');
  for (const bytes of [0, 100, PAGE_BYTES - 1]) {
    writeFileSync(path, Buffer.alloc(bytes));
    t.throws(() => LayerMap.open(systemFiles, path, HEADER, REGIONS), refused(/it ends within its header/));
  }
});
