/** Where a volume differs from a peer's copy or from a snapshot, as extents. */
import type { Difference } from '../nbd/block.ts';
import { type ByteRange, firstRegion, lastRegion, REGION_BYTES, type Region } from '../replication/units.ts';

/** Whole regions cut to the range; neighbours that are alike are one. */
export function* differencesIn(
  range: ByteRange,
  differs: (region: Region) => boolean,
): Generator<Difference> {
  const end = range.offset + range.length;
  const last = lastRegion(range);
  let offset = range.offset;
  let current = differs(firstRegion(range));
  for (let region = firstRegion(range) + 1; region <= last; region++) {
    if (differs(region) === current) continue;
    const start = region * REGION_BYTES;
    yield { offset, length: start - offset, differs: current };
    offset = start;
    current = !current;
  }
  yield { offset, length: end - offset, differs: current };
}
