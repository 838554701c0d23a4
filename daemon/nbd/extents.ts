/** What is known of a range, cut to what a reply may say of it. PURE: the backend's walk over its extents is passed in. */
import type { ByteRange, Difference, Extent } from './block.ts';
import { ALLOCATION_STATE } from './constants.ts';
import { READ_CHUNKS, STATUS_DESCRIPTORS } from './limits.ts';
import type { Content } from './replies.ts';

/** Reads as zeroes, since that is what the store shows where it holds nothing. */
const HOLE_FLAGS = ALLOCATION_STATE.HOLE | ALLOCATION_STATE.ZERO;
const DIFFERS_FLAG = 1;

export const allocationFlags = ({ kind }: Extent): number => (kind === 'hole' ? HOLE_FLAGS : 0);
export const differenceFlags = ({ differs }: Difference): number => (differs ? DIFFERS_FLAG : 0);

/**
 * Lengths and flags by turns, from the start of the range on: neighbours with the same flags are one. Fewer than asked
 * for where there are many; the client asks on. REQ_ONE (`onlyOne`) wants exactly one.
 */
export function descriptorsOf<E extends ByteRange>(
  range: ByteRange,
  extents: Iterable<E>,
  flagsOf: (extent: E) => number,
  options: { readonly onlyOne: boolean },
): number[] {
  const descriptors: number[] = [];
  const most = 2 * (options.onlyOne ? 1 : STATUS_DESCRIPTORS);
  const end = range.offset + range.length;
  let lastFlags = -1;
  for (const extent of extents) {
    const length = Math.min(extent.offset + extent.length, end) - Math.max(extent.offset, range.offset);
    if (length <= 0) continue;
    const flags = flagsOf(extent);
    if (flags === lastFlags) {
      const last = descriptors.length - 2;
      descriptors[last] = (descriptors[last] ?? 0) + length;
      continue;
    }
    if (descriptors.length === most) break;
    descriptors.push(length, flags);
    lastFlags = flags;
  }
  return descriptors.length === 0 ? [range.length, 0] : descriptors;
}

/**
 * False: it begins with something, and ends so, and has something in its middle. A hole elsewhere is then sent as the
 * zeroes that it reads as: to ask the file system costs more than most holes save.
 */
export function mayHoldHole(data: Buffer): boolean {
  const middle = data.length >>> 1;
  return data[0] === 0 || data[middle] === 0 || data[data.length - 1] === 0;
}

/** What was read in parts, with its holes left out; undefined if it has none. Neighbouring holes are one. */
export function contentsOf(
  range: ByteRange,
  data: Buffer,
  extents: Iterable<Extent>,
): readonly Content[] | undefined {
  const contents: Content[] = [];
  const end = range.offset + range.length;
  /** Up to here all is in `contents`, or data that is to be. */
  let dataFrom = range.offset;
  let hole = { from: range.offset, to: range.offset };
  const addHole = (): void => {
    if (hole.to === hole.from) return;
    addData(hole.from);
    contents.push({ offset: hole.from, length: hole.to - hole.from, data: undefined });
    dataFrom = hole.to;
  };
  const addData = (to: number): void => {
    if (to === dataFrom) return;
    const bytes = data.subarray(dataFrom - range.offset, to - range.offset);
    contents.push({ offset: dataFrom, length: bytes.length, data: bytes });
    dataFrom = to;
  };
  for (const extent of extents) {
    if (extent.kind === 'data') continue;
    const from = Math.max(extent.offset, range.offset);
    const to = Math.min(extent.offset + extent.length, end);
    if (to <= from) continue;
    if (from === hole.to) {
      hole.to = to;
      continue;
    }
    addHole();
    hole = { from, to };
    // Room for this hole and for one more, each with the data before it, and for the data behind.
    if (contents.length > READ_CHUNKS - 5) break;
  }
  addHole();
  if (dataFrom === range.offset) return undefined;
  addData(end);
  return contents;
}
