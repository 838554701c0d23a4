/** A volume on disk against the plainest thing that could be right: one buffer, and a copy of it for the seed. */
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import t, { type Test } from 'tap';
import { REGION_BYTES } from '../../daemon/replication/units.ts';
import type { LayeredDisk } from '../../daemon/store/layered-disk.ts';
import { flushed, openDisk, type OpenStore } from '../support/layered-disk.ts';

const REGIONS = 5;
const SIZE_BYTES = REGIONS * REGION_BYTES;
const SECTOR_BYTES = 512;

const range = fc
  .tuple(
    fc.nat(SIZE_BYTES / SECTOR_BYTES - 1),
    fc.oneof(fc.integer({ min: 1, max: 9 }), fc.constant(128), fc.constant(200)),
  )
  .map(([first, count]) => {
    const offset = first * SECTOR_BYTES;
    return { offset, length: Math.min(count * SECTOR_BYTES, SIZE_BYTES - offset) };
  });
const step = fc.oneof(
  { arbitrary: fc.record({ kind: fc.constant('write' as const), range, fill: fc.nat(255) }), weight: 6 },
  { arbitrary: fc.record({ kind: fc.constant('zero' as const), range, keepSpace: fc.boolean() }), weight: 3 },
  { arbitrary: fc.record({ kind: fc.constant('read' as const), range }), weight: 3 },
  { arbitrary: fc.record({ kind: fc.constant('seed' as const) }), weight: 1 },
  { arbitrary: fc.record({ kind: fc.constant('drop' as const) }), weight: 1 },
  { arbitrary: fc.record({ kind: fc.constant('flush' as const) }), weight: 1 },
  { arbitrary: fc.record({ kind: fc.constant('background' as const) }), weight: 2 },
  { arbitrary: fc.record({ kind: fc.constant('restart' as const) }), weight: 1 },
);

class Oracle {
  readonly bytes = Buffer.alloc(SIZE_BYTES);
  seed: { readonly bytes: Buffer; readonly changed: Set<number> } | undefined;

  fill({ offset, length }: { offset: number; length: number }, value: number): void {
    this.bytes.fill(value, offset, offset + length);
    for (let region = 0; region < REGIONS; region++)
      if (offset < (region + 1) * REGION_BYTES && offset + length > region * REGION_BYTES)
        this.seed?.changed.add(region);
  }
}

function regionOf(bytes: Buffer, region: number): Buffer {
  return bytes.subarray(region * REGION_BYTES, (region + 1) * REGION_BYTES);
}

function checkRegions(disk: LayeredDisk, from: 'live' | 'snapshot', bytes: Buffer): void {
  for (let region = 0; region < REGIONS; region++) {
    const found = disk.readRegion(region, { from, digest: true });
    const wanted = regionOf(bytes, region);
    const isZero = wanted.every((byte) => byte === 0);
    if (isZero !== (found.data === undefined)) throw new Error(`${from} region ${region}: zeroes or not`);
    if (found.data?.equals(wanted) === false) throw new Error(`${from} region ${region} differs`);
    const digest = createHash('sha256').update(wanted).digest();
    if (!digest.equals(found.digest)) throw new Error(`${from} region ${region}: the digest is another`);
  }
}

function checkAllocated(allocated: readonly number[], bytes: Buffer): void {
  for (let region = 0; region < REGIONS; region++)
    if (!allocated.includes(region) && regionOf(bytes, region).some((byte) => byte !== 0))
      throw new Error(`region ${region} holds data and is not told`);
  if (new Set(allocated).size !== allocated.length) throw new Error('a region is told twice');
}

/** All that differs, and nothing that nobody touched: zeroes over zeroes may be told or not. */
function checkChanged(changed: readonly number[], { bytes, seed }: Oracle): void {
  const told = JSON.stringify(changed);
  if (changed.some((region) => seed?.changed.has(region) !== true))
    throw new Error(`told as changed, and untouched: ${told}`);
  for (let region = 0; region < REGIONS; region++)
    if (seed?.bytes.equals(bytes) === false && !regionOf(seed.bytes, region).equals(regionOf(bytes, region)))
      if (!changed.includes(region)) throw new Error(`region ${region} changed, and is not told: ${told}`);
  if (new Set(changed).size !== changed.length) throw new Error(`a region is told twice: ${told}`);
}

function check(disk: LayeredDisk, oracle: Oracle): void {
  checkRegions(disk, 'live', oracle.bytes);
  checkAllocated(disk.allocatedRegions(), oracle.bytes);
  if (oracle.seed === undefined) return;
  checkRegions(disk, 'snapshot', oracle.seed.bytes);
  checkAllocated(disk.seed?.allocated ?? [], oracle.seed.bytes);
  checkChanged(disk.seed?.changedRegions() ?? [], oracle);
}

type Step = typeof step extends fc.Arbitrary<infer Value> ? Value : never;

/** A volume in a store of its own, to which steps are done. */
class Run {
  readonly #oracle = new Oracle();
  #opened: OpenStore;
  #disk: LayeredDisk;

  private constructor(opened: OpenStore, disk: LayeredDisk) {
    this.#opened = opened;
    this.#disk = disk;
  }

  static async begin(t: Test): Promise<Run> {
    const { opened, disk } = await openDisk(t, SIZE_BYTES);
    return new Run(opened, disk);
  }

  async do(one: Step): Promise<void> {
    const disk = this.#disk;
    const oracle = this.#oracle;
    switch (one.kind) {
      case 'write':
        disk.write(one.range.offset, Buffer.alloc(one.range.length, one.fill));
        oracle.fill(one.range, one.fill);
        return;
      case 'zero':
        disk.zero(one.range, { keepSpace: one.keepSpace });
        oracle.fill(one.range, 0);
        return;
      case 'read': {
        const { offset, length } = one.range;
        if (!disk.read(one.range).equals(oracle.bytes.subarray(offset, offset + length)))
          throw new Error(`read ${offset}+${length}`);
        return;
      }
      case 'seed':
        await disk.takeSeed('s');
        oracle.seed = { bytes: Buffer.from(oracle.bytes), changed: new Set() };
        return;
      case 'drop':
        await disk.dropSeed();
        oracle.seed = undefined;
        return;
      case 'flush':
        await flushed(disk);
        return;
      case 'background':
        await this.#opened.store.step();
        return;
      case 'restart':
        await this.restart();
    }
  }

  /** The next process finds the bytes, and no seed. */
  async restart(): Promise<void> {
    this.#opened = await this.#opened.again();
    this.#disk = this.#opened.disk('v');
    this.#oracle.seed = undefined;
  }

  check(): void {
    check(this.#disk, this.#oracle);
  }

  async checkSettled(): Promise<void> {
    await this.#disk.dropSeed();
    await this.#opened.settle();
    this.#oracle.seed = undefined;
    this.check();
    const left = this.#opened.layers();
    if (left.length !== 1) throw new Error(`more than one layer is left: ${left.join(', ')}`);
  }

  close(): Promise<void> {
    return this.#opened.close();
  }
}

t.test('a volume and its seed read as a buffer and its copy would', async (t) => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
      const run = await Run.begin(t);
      try {
        for (const one of steps) await run.do(one);
        run.check();
        await run.restart();
        run.check();
        await run.checkSettled();
      } finally {
        await run.close();
      }
    }),
    { numRuns: 60 },
  );
  t.pass();
});
