/** Everything of a volume is damaged once, and the check says what, where, and what can be done. */
import {
  closeSync,
  existsSync,
  openSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { REGION_BYTES } from '../../../daemon/replication/units.ts';
import type { Finding } from '../../../daemon/store/layers/check.ts';
import { type OpenStore, openStore } from '../../support/layered-disk.ts';

const REGIONS = 16;
const SIZE = REGIONS * REGION_BYTES;

interface Made {
  readonly opened: OpenStore;
  readonly path: (name: string) => string;
}

/** `v`: v.1 sealed with regions 0 to 7, v.2 sealed with 4 to 11 over it, and the head v.3 with region 12. */
async function made(t: Test): Promise<Made> {
  const opened = await openStore(t);
  const disk = await opened.create('v', SIZE);
  const flush = (): Promise<unknown> =>
    new Promise((resolve) => {
      disk.flush(resolve);
    });
  disk.write(0, Buffer.alloc(8 * REGION_BYTES, 1));
  await opened.store.snapshot('v', 'a', { quiesced: false, purpose: 'kept' });
  disk.write(4 * REGION_BYTES, Buffer.alloc(8 * REGION_BYTES, 2));
  await opened.store.snapshot('v', 'b', { quiesced: false, purpose: 'kept' });
  disk.write(12 * REGION_BYTES, Buffer.alloc(REGION_BYTES, 3));
  await flush();
  await opened.settle();
  return { opened, path: (name) => join(opened.folder, 'layers', name) };
}

async function check({ store }: OpenStore): Promise<readonly Finding[]> {
  const work = store.newCheck('v');
  try {
    let isLeft = true;
    while (isLeft) isLeft = await store.checkStep(work);
    return work.findings;
  } finally {
    work.close();
  }
}

function overwrite(path: string, at: number, byte = 0x55): void {
  const file = openSync(path, 'r+');
  writeSync(file, Buffer.of(byte), 0, 1, at);
  closeSync(file);
}

t.test('a sound volume is clean, and all that it holds is read', async (t) => {
  const { opened } = await made(t);
  const work = opened.store.newCheck('v');
  let isLeft = true;
  while (isLeft) isLeft = await opened.store.checkStep(work);
  t.strictSame(work.findings, []);
  t.equal(work.readBytes, (8 + 8 + 1) * REGION_BYTES);
  work.close();
});

t.test('bytes that do not fit their checksums are told as a range of regions', async (t) => {
  const { opened, path } = await made(t);
  overwrite(path('v.1.data'), 2 * REGION_BYTES + 5);
  overwrite(path('v.1.data'), 3 * REGION_BYTES + 7);
  overwrite(path('v.2.data'), 4 * REGION_BYTES);
  t.match(
    [...(await check(opened))].sort((a, b) => a.layer.localeCompare(b.layer)),
    [
      { kind: 'damaged', layer: 'v.1', regions: { first: 2, count: 2 }, advice: /the other replica/ },
      { kind: 'damaged', layer: 'v.2', regions: { first: 4, count: 1 }, what: /checksum/ },
    ],
  );
});

t.test('checksums that are lost or damaged are made anew, once', async (t) => {
  const { opened, path } = await made(t);
  const before = readFileSync(path('v.1.sums'));
  rmSync(path('v.1.sums'));
  overwrite(path('v.2.sums'), 0);
  const findings = await check(opened);
  t.same(findings.map(({ kind, layer }) => `${kind} ${layer}`).sort(), ['repaired v.1', 'repaired v.2']);
  t.match(findings[0]?.what, /made anew/);
  await opened.settle();
  t.strictSame(readFileSync(path('v.1.sums')), before);
  t.strictSame(await check(opened), []);
});

t.test('a scrub does not take bytes for damaged whose checksums are lost', async (t) => {
  const { opened, path } = await made(t);
  rmSync(path('v.1.sums'));
  const next = await opened.again();
  await next.store.startScrub('v');
  await next.settle();
  t.match(next.store.scrub('v'), { damaged: [], done: ['v.2'] });
  t.ok((next.store.scrub('v')?.finishedAtMs ?? 0) > 0);
});

t.test('a damaged sector of a map is told with the regions that it is about', async (t) => {
  const { opened, path } = await made(t);
  overwrite(path('v.2.map'), 4096 + 100);
  t.match(await check(opened), [
    { kind: 'damaged', layer: 'v.2', regions: { first: 0, count: 504 }, what: /sector 0 does not fit/ },
  ]);
});

t.test('a layer whose map or data is gone is told, also of a volume that cannot be opened', async (t) => {
  const { opened, path } = await made(t);
  await opened.close();
  rmSync(path('v.2.map'));
  rmSync(path('v.1.data'));
  const again = await opened.again();
  t.throws(() => again.store.volume('v'), /cannot be used/);
  t.match(
    (await check(again)).map(({ kind, layer, what, advice }) => [kind, layer, what, advice]),
    [
      ['damaged', 'v.2', /the map of the layer cannot be used/, /made anew from the other replica/],
      ['damaged', 'v.1', /the data of the layer cannot be used/, /made anew/],
    ],
  );
});

t.test('a map with another header, and one that ends too early, are told', async (t) => {
  const { opened, path } = await made(t);
  overwrite(path('v.2.map'), 20);
  truncateSync(path('v.3.map'), 4096);
  t.match(
    [...(await check(opened))].sort((a, b) => a.layer.localeCompare(b.layer)),
    [
      { layer: 'v.2', what: /header does not fit its checksum/ },
      { layer: 'v.3', what: /ends before its last region/ },
    ],
  );
});

t.test('data that ends too early is told with the regions that are lost', async (t) => {
  const { opened, path } = await made(t);
  truncateSync(path('v.3.data'), 10 * REGION_BYTES);
  t.match(await check(opened), [
    {
      kind: 'damaged',
      layer: 'v.3',
      regions: { first: 10, count: 6 },
      what: /has 655360 of its 1048576 bytes/,
    },
  ]);
});

t.test('what a crash left is removed, and files of other kinds stay', async (t) => {
  const { opened, path } = await made(t);
  for (const name of ['v.99.data', 'v.1.map', 'v.3.sums', 'notes.txt']) writeFileSync(path(name), 'left');
  t.same((await check(opened)).map(({ kind, layer }) => `${kind} ${layer}`).sort(), [
    'repaired ',
    'repaired v.1',
    'repaired v.3',
  ]);
  t.same(
    ['v.99.data', 'v.1.map', 'v.3.sums', 'notes.txt', 'v.3.data'].filter((name) => existsSync(path(name))),
    ['notes.txt', 'v.3.data'],
  );
  t.strictSame(await check(opened), []);
});

t.test('records that do not fit one another are told, and keep nobody busy for ever', async (t) => {
  const { opened } = await made(t);
  const record = (id: string, parent: string) =>
    ({ type: 'layer', record: { id, parent, sizeBytes: SIZE, sealed: true, summed: false } }) as const;
  await opened.meta.catalogue.commit([record('v.1', 'v.2')]);
  const circle = await opened.again();
  t.match(await check(circle), [{ layer: 'v.2', what: /go round in a circle/ }]);
  await circle.meta.catalogue.commit([{ type: 'no-layer', id: 'v.1' }]);
  const gap = await circle.again();
  t.match(
    (await check(gap)).filter(({ layer }) => layer === 'v.1'),
    [{ kind: 'damaged', what: /no record of a layer on which v@?[ab]? ?.*stands/ }],
  );
});

t.test('a volume that is larger than its layer is recorded with is told', async (t) => {
  const { opened } = await made(t);
  const { store, meta } = opened;
  const [volume] = store.volumes;
  if (volume === undefined) throw new Error('the volume is recorded');
  await meta.catalogue.commit([{ type: 'volume', record: { ...volume, sizeBytes: 2 * SIZE } }]);
  const again = await opened.again();
  t.match(await check(again), [{ layer: 'v.3', what: /v has 2097152 bytes, and its layer.*1048576/ }]);
});

t.test('a check of no volume is refused', async (t) => {
  const { opened } = await made(t);
  t.throws(() => opened.store.newCheck('w'), { code: 'NOT_FOUND' });
});
