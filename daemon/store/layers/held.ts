/** The regions that a sealed layer holds. */
import type { Layer } from './layer.ts';
import { PRESENT } from './layer-map.ts';

/** In order. Of the bottom of a stack, which has no map: those that are not all zeroes. */
export function* heldBy({ map, data }: Layer, regionBytes: number, from = 0): Generator<number> {
  if (map !== undefined) {
    for (const [region, entry] of map.entries(from)) if (entry === PRESENT) yield region;
    return;
  }
  let next = from;
  for (const { start, end } of data.extents(from * regionBytes)) {
    const last = Math.ceil(end / regionBytes);
    for (let region = Math.max(next, Math.floor(start / regionBytes)); region < last; region++) yield region;
    next = Math.max(next, last);
  }
}
