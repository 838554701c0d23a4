/** Where a volume differs from a peer's copy or from a snapshot, as extents. */
import type { Difference } from '../nbd/block.ts';
import type { RegionRun } from '../store/layers/layer-map.ts';
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

export function regionsOf(range: ByteRange): RegionRun {
  const first = firstRegion(range);
  return { first, count: lastRegion(range) - first + 1 };
}

/** The same of runs of regions that differ, which are in order and may reach beyond the range. */
export function* differencesOf(range: ByteRange, runs: Iterable<RegionRun>): Generator<Difference> {
  const end = range.offset + range.length;
  let at = range.offset;
  for (const { first, count } of runs) {
    const from = Math.max(at, first * REGION_BYTES);
    const to = Math.min(end, (first + count) * REGION_BYTES);
    if (to <= from) continue;
    if (from > at) yield { offset: at, length: from - at, differs: false };
    yield { offset: from, length: to - from, differs: true };
    at = to;
  }
  if (at < end) yield { offset: at, length: end - at, differs: false };
}
