/** Runs of regions that take no space, and of those that do. */
import { REGION_BYTES, type Region } from '../replication/units.ts';
import type { Store } from './store.ts';

export interface Run {
  readonly areHoles: boolean;
  /** Regions; at least one. */
  readonly count: number;
}

/** The run that begins at `first`, as far as it goes within `count` regions. A region that is a hole in part is none. */
export function runAt(store: Pick<Store, 'extents'>, first: Region, count: number): Run {
  const end = first + count;
  for (const { offset, length, kind } of store.extents({
    offset: first * REGION_BYTES,
    length: count * REGION_BYTES,
  })) {
    if (kind === 'data') continue;
    const from = Math.ceil(offset / REGION_BYTES);
    const until = Math.floor((offset + length) / REGION_BYTES);
    if (until <= from) continue;
    return from === first
      ? { areHoles: true, count: until - first }
      : { areHoles: false, count: from - first };
  }
  return { areHoles: false, count: end - first };
}
