/** A volume on disk against the plainest thing that could be right: one buffer, and a copy of it for the snapshot. */
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import t from 'tap';
import { REGION_BYTES } from '../../daemon/replication/units.ts';
import { VolumeFile } from '../../daemon/store/volume-file.ts';

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
  { arbitrary: fc.record({ kind: fc.constant('snapshot' as const) }), weight: 1 },
  { arbitrary: fc.record({ kind: fc.constant('drop' as const) }), weight: 1 },
);

class Oracle {
  readonly bytes = Buffer.alloc(SIZE_BYTES);
  snapshot: { readonly bytes: Buffer; readonly changed: Set<number> } | undefined;

  fill({ offset, length }: { offset: number; length: number }, value: number): void {
    this.bytes.fill(value, offset, offset + length);
    for (let region = 0; region < REGIONS; region++)
      if (offset < (region + 1) * REGION_BYTES && offset + length > region * REGION_BYTES)
        this.snapshot?.changed.add(region);
  }
}

function regionOf(bytes: Buffer, region: number): Buffer {
  return bytes.subarray(region * REGION_BYTES, (region + 1) * REGION_BYTES);
}

function checkRegions(file: VolumeFile, from: 'live' | 'snapshot', bytes: Buffer): void {
  for (let region = 0; region < REGIONS; region++) {
    const found = file.readRegion(region, { from, digest: true });
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

/** In order and without gaps, and what is called a hole is zeroes. */
function checkExtents(file: VolumeFile, bytes: Buffer, range: { offset: number; length: number }): void {
  let at = range.offset;
  for (const { offset, length, kind } of file.extents(range)) {
    if (offset !== at || length <= 0) throw new Error(`an extent at ${offset} behind ${at}`);
    at += length;
    if (kind === 'hole' && bytes.subarray(offset, at).some((byte) => byte !== 0))
      throw new Error(`a hole at ${offset} holds data`);
  }
  if (at !== range.offset + range.length) throw new Error(`extents end at ${at}`);
}

function check(file: VolumeFile, oracle: Oracle): void {
  checkExtents(file, oracle.bytes, { offset: 0, length: SIZE_BYTES });
  checkExtents(file, oracle.bytes, { offset: REGION_BYTES - 512, length: 2 * REGION_BYTES });
  checkRegions(file, 'live', oracle.bytes);
  checkAllocated(file.allocatedRegions(), oracle.bytes);
  if (oracle.snapshot === undefined) return;
  checkRegions(file, 'snapshot', oracle.snapshot.bytes);
  checkAllocated(file.snapshot?.allocated ?? [], oracle.snapshot.bytes);
  const changed = [...oracle.snapshot.changed].sort((a, b) => a - b);
  if (JSON.stringify(file.snapshot?.changedRegions()) !== JSON.stringify(changed))
    throw new Error(`changed since the snapshot: ${JSON.stringify(file.snapshot?.changedRegions())}`);
}

t.test('a volume and its snapshot read as a buffer and its copy would', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'lockstep-volume-'));
  t.teardown(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  let files = 0;
  fc.assert(
    fc.property(fc.array(step, { maxLength: 25 }), (steps) => {
      const path = join(folder, String(++files));
      let file = new VolumeFile(path, SIZE_BYTES, 'create');
      try {
        const oracle = new Oracle();
        for (const one of steps) {
          if (one.kind === 'write') {
            file.write(one.range.offset, Buffer.alloc(one.range.length, one.fill));
            oracle.fill(one.range, one.fill);
          } else if (one.kind === 'zero') {
            file.zero(one.range, { keepSpace: one.keepSpace });
            oracle.fill(one.range, 0);
          } else if (one.kind === 'read') {
            const { offset, length } = one.range;
            if (!file.read(one.range).equals(oracle.bytes.subarray(offset, offset + length)))
              throw new Error(`read ${offset}+${length}`);
          } else if (one.kind === 'snapshot') {
            file.takeSnapshot('s');
            oracle.snapshot = { bytes: Buffer.from(oracle.bytes), changed: new Set() };
          } else {
            file.dropSnapshot();
            oracle.snapshot = undefined;
          }
        }
        check(file, oracle);
        // The next process finds the bytes, and no snapshot.
        file.close();
        file = new VolumeFile(path, SIZE_BYTES, 'open');
        oracle.snapshot = undefined;
        check(file, oracle);
      } finally {
        file.close();
        rmSync(path);
      }
    }),
    { numRuns: 150 },
  );
  t.pass();
});
