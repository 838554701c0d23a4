/** Layers seen as one array of bytes, against the plainest thing that could be right. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import t, { type Test } from 'tap';
import { systemFiles } from '../../../daemon/store/files.ts';
import { Layer } from '../../../daemon/store/layers/layer.ts';
import { COMING, LayerMap, LEAVING, PAGE_REGIONS, PRESENT } from '../../../daemon/store/layers/layer-map.ts';
import { Stack } from '../../../daemon/store/layers/stack.ts';

const REGION_BYTES = 4096;
/** Around the end of the first page of a map. */
const FIRST = PAGE_REGIONS - 6;
const REGIONS = PAGE_REGIONS + 6;
const SECTOR_BYTES = 512;

/** Layers in a folder of their own; each has its number in all bytes that were written. */
class Layers {
  readonly #folder: string;
  readonly #layers: Layer[] = [];

  constructor(t: Test) {
    this.#folder = mkdtempSync(join(tmpdir(), 'lockstep-stack-'));
    t.teardown(() => {
      for (const layer of this.#layers) layer.close();
      rmSync(this.#folder, { recursive: true, force: true });
    });
  }

  add(parent?: Layer, regions = REGIONS): Layer {
    const id = `v.${String(this.#layers.length + 1)}`;
    const data = systemFiles.create(join(this.#folder, `${id}.data`), regions * REGION_BYTES);
    const header = { layer: id, regionBytes: REGION_BYTES, bootId: 'one boot' };
    const map =
      parent === undefined
        ? undefined
        : LayerMap.create(systemFiles, join(this.#folder, `${id}.map`), header, regions);
    const layer = new Layer(id, data, { map, parent, regionBytes: REGION_BYTES });
    this.#layers.push(layer);
    return layer;
  }
}

function hold(layer: Layer, first: number, count = 1, entry: typeof PRESENT | typeof COMING = PRESENT): void {
  layer.map?.set({ first, count }, entry);
}

function fill(layer: Layer, region: number, value: number): void {
  layer.data.write(Buffer.alloc(REGION_BYTES, value), region * REGION_BYTES);
}

const run = fc
  .tuple(fc.integer({ min: FIRST, max: REGIONS - 1 }), fc.integer({ min: 1, max: 5 }))
  .map(([first, count]) => ({ first, count: Math.min(count, REGIONS - first) }));
const range = fc
  .tuple(
    fc.integer({
      min: (FIRST * REGION_BYTES) / SECTOR_BYTES,
      max: (REGIONS * REGION_BYTES) / SECTOR_BYTES - 1,
    }),
    fc.integer({ min: 1, max: 60 }),
  )
  .map(([first, count]) => {
    const offset = first * SECTOR_BYTES;
    return { offset, length: Math.min(count * SECTOR_BYTES, REGIONS * REGION_BYTES - offset) };
  });

t.test('each region is read from the newest layer that holds it', async (t) => {
  const layers = new Layers(t);
  fc.assert(
    fc.property(
      fc.array(fc.record({ layer: fc.nat(2), run, isHole: fc.boolean() }), { maxLength: 12 }),
      fc.array(run, { maxLength: 3 }),
      range,
      (writes, later, { offset, length }) => {
        const bottom = layers.add();
        const middle = layers.add(bottom);
        const top = layers.add(middle);
        const chain = [bottom, middle, top];
        const owners = new Array<Layer>(REGIONS).fill(bottom);
        const holds = chain.map(() => new Set<number>());
        const holes = chain.map(() => new Set<number>(Array.from({ length: REGIONS }, (_, at) => at)));
        for (const { layer, run, isHole } of writes)
          for (let region = run.first; region < run.first + run.count; region++) {
            const at = chain[layer] ?? bottom;
            hold(at, region, 1, isHole ? COMING : PRESENT);
            holds[layer]?.add(region);
            if (!isHole) fill(at, region, layer + 1);
            if (!isHole) holes[layer]?.delete(region);
          }
        for (let region = 0; region < REGIONS; region++)
          owners[region] = chain.findLast((_, at) => at === 0 || holds[at]?.has(region)) ?? bottom;
        const stack = new Stack(top, REGION_BYTES);
        // Half of the pages are loaded before the owner changes, and half after it.
        stack.owner(FIRST);
        for (const moved of later) {
          stack.setOwner(moved, top);
          hold(top, moved.first, moved.count);
          owners.fill(top, moved.first, moved.first + moved.count);
        }
        const ownerOf = (byte: number): Layer => owners[Math.floor(byte / REGION_BYTES)] ?? bottom;
        let at = offset;
        let before: Layer | undefined;
        for (const piece of stack.pieces({ offset, length })) {
          if (piece.offset !== at || piece.length <= 0) throw new Error('pieces do not follow one another');
          if (piece.owner === before) throw new Error('a piece could be longer');
          for (let byte = at; byte < at + piece.length; byte += SECTOR_BYTES)
            if (ownerOf(byte) !== piece.owner) throw new Error(`byte ${byte} is of ${ownerOf(byte).id}`);
          before = piece.owner;
          at += piece.length;
        }
        if (at !== offset + length) throw new Error('the pieces are not the range');
        const bytes = Buffer.alloc(length);
        stack.read(bytes, offset);
        const isHole = (byte: number): boolean =>
          holes[chain.indexOf(ownerOf(byte))]?.has(Math.floor(byte / REGION_BYTES)) === true;
        const kinds: string[] = [];
        for (let byte = offset; byte < offset + length; byte += SECTOR_BYTES) {
          const value = isHole(byte) ? 0 : chain.indexOf(ownerOf(byte)) + 1;
          if (bytes[byte - offset] !== value)
            throw new Error(`byte ${byte} is ${String(bytes[byte - offset])}`);
          kinds.push(isHole(byte) ? 'hole' : 'data');
        }
        let told = 0;
        let last = '';
        for (const extent of stack.extents({ offset, length })) {
          if (extent.offset !== offset + told || extent.length <= 0) throw new Error('extents have gaps');
          if (extent.kind === last) throw new Error('neighbours are of one kind');
          for (let byte = 0; byte < extent.length; byte += SECTOR_BYTES)
            if (kinds[(told + byte) / SECTOR_BYTES] !== extent.kind)
              throw new Error(`kind at ${told + byte}`);
          told += extent.length;
          last = extent.kind;
        }
        if (told !== length) throw new Error('the extents are not the range');
        const above = stack.heldAbove(bottom);
        const wanted = owners.flatMap((owner, region) => (owner === bottom ? [] : [region]));
        if (JSON.stringify(above) !== JSON.stringify(wanted)) throw new Error(`held above: ${above.join()}`);
      },
    ),
    { numRuns: 60 },
  );
  t.pass();
});

t.test('what is leaving a layer is read from below', async (t) => {
  const layers = new Layers(t);
  const bottom = layers.add();
  const top = layers.add(bottom);
  top.map?.set({ first: 3, count: 1 }, LEAVING);
  const stack = new Stack(top, REGION_BYTES);
  t.equal(stack.owner(3), bottom);
  t.strictSame(stack.heldAbove(bottom), []);
});

t.test('behind the end of a layer of when the volume was smaller there are zeroes', async (t) => {
  const layers = new Layers(t);
  const bottom = layers.add(undefined, 2);
  fill(bottom, 1, 7);
  const stack = new Stack(layers.add(bottom, 4), REGION_BYTES);
  const bytes = Buffer.alloc(2 * REGION_BYTES, 9);
  stack.read(bytes, REGION_BYTES);
  t.ok(bytes.equals(Buffer.concat([Buffer.alloc(REGION_BYTES, 7), Buffer.alloc(REGION_BYTES)])));
  t.strictSame(
    [...stack.extents({ offset: 0, length: 4 * REGION_BYTES })],
    [
      { offset: 0, length: REGION_BYTES, kind: 'hole' },
      { offset: REGION_BYTES, length: REGION_BYTES, kind: 'data' },
      { offset: 2 * REGION_BYTES, length: 2 * REGION_BYTES, kind: 'hole' },
    ],
  );
});

t.test('a layer that became part of its neighbour is that one, above and below', async (t) => {
  const layers = new Layers(t);
  const bottom = layers.add();
  const middle = layers.add(bottom);
  const top = layers.add(middle);
  hold(middle, 1);
  hold(top, 2);
  const stack = new Stack(top, REGION_BYTES);
  t.strictSame(
    [0, 1, 2].map((region) => stack.owner(region).id),
    ['v.1', 'v.2', 'v.3'],
  );
  hold(top, 1);
  top.parent = bottom;
  stack.merged(middle, top);
  t.strictSame(
    [0, 1, 2].map((region) => stack.owner(region).id),
    ['v.1', 'v.3', 'v.3'],
  );
  stack.merged(top, bottom);
  t.equal(stack.top, bottom);
  t.ok(stack.isPlain);
  t.strictSame(
    [0, 1, 2].map((region) => stack.owner(region).id),
    ['v.1', 'v.1', 'v.1'],
  );
});

t.test('layers may come and go without an end', async (t) => {
  const layers = new Layers(t);
  const bottom = layers.add();
  const { data, map } = layers.add(bottom);
  map?.set({ first: 5, count: 1 }, PRESENT);
  const stack = new Stack(bottom, REGION_BYTES);
  let top = bottom;
  for (let number = 0; number < 65_600; number++) {
    const next = new Layer(`v.${String(number)}`, data, { map, parent: top, regionBytes: REGION_BYTES });
    stack.push(next);
    // All but the newest became part of it; to tell the stack each time would take long, and nobody looks meanwhile.
    next.parent = bottom;
    top = next;
    if (number === 65_000) t.equal(stack.owner(5), top);
  }
  t.equal(stack.owner(5), top);
  t.equal(stack.owner(4), bottom);
});

t.test('a range of no length has no pieces and no extents', async (t) => {
  const layers = new Layers(t);
  const stack = new Stack(layers.add(layers.add()), REGION_BYTES);
  t.strictSame([...stack.pieces({ offset: 0, length: 0 })], []);
  t.strictSame([...stack.extents({ offset: 0, length: 0 })], []);
});
