/** The units of a volume, as every part of the replica uses them. All offsets and lengths are in bytes. */

/** The unit of dirty tracking and of copies. A volume's size is a multiple of it. */
export const REGION_BYTES = 65_536;
/** Of a dirty map, kept together: 512 bytes of bits, for 256 MiB of the volume. */
export const CHUNK_REGIONS = 4096;

/** Raised by one at every change of primary or of the in-sync set. */
export type Generation = number;
/** Of a write, in the order in which the primary took it; goes on over changes of generation. */
export type Sequence = number;
/** A region's place: offset / REGION_BYTES. */
export type Region = number;
export type HostName = string;

export interface ByteRange {
  readonly offset: number;
  readonly length: number;
}

export function overlaps(a: ByteRange, b: ByteRange): boolean {
  return a.offset < b.offset + b.length && b.offset < a.offset + a.length;
}

export function regionRange(region: Region): ByteRange {
  return { offset: region * REGION_BYTES, length: REGION_BYTES };
}

export function firstRegion(range: ByteRange): Region {
  return Math.floor(range.offset / REGION_BYTES);
}

/** Of an empty range: one less than its first. */
export function lastRegion(range: ByteRange): Region {
  return Math.floor((range.offset + range.length - 1) / REGION_BYTES);
}
