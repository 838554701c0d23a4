/** A set of regions of one volume, which may grow, one bit for each: 2 MiB for a volume of 1 TiB. */
import type { MapChunk } from './interface.ts';
import { CHUNK_REGIONS, type Region } from './units.ts';

const CHUNK_BYTES = CHUNK_REGIONS / 8;

export class RegionSet {
  #regions: number;
  #bits: Uint8Array;
  #size = 0;

  constructor(regions: number) {
    this.#regions = regions;
    this.#bits = new Uint8Array(Math.ceil(regions / 8));
  }

  /** Region r is bit r & 7 of byte r >> 3; bits outside of the volume and bytes that are not there are no regions. */
  static fromBitmap(regions: number, bitmap: Uint8Array): RegionSet {
    const set = new RegionSet(regions);
    set.#take(bitmap, 0);
    return set;
  }

  static copyOf(other: RegionSet): RegionSet {
    const set = new RegionSet(other.#regions);
    set.#bits = other.#bits.slice();
    set.#size = other.#size;
    return set;
  }

  static fromChunks(regions: number, chunks: readonly MapChunk[]): RegionSet {
    const set = new RegionSet(regions);
    for (const { at, bits } of chunks) set.#take(bits, at * CHUNK_BYTES);
    return set;
  }

  /** Of the volume, as far as this set has heard. */
  get regions(): number {
    return this.#regions;
  }

  get size(): number {
    return this.#size;
  }

  has(region: Region): boolean {
    return ((this.#bits[region >> 3] ?? 0) & (1 << (region & 7))) !== 0;
  }

  /** False: it was there. */
  add(region: Region): boolean {
    if (this.has(region)) return false;
    if (region >= this.#regions) this.#grow(region + 1);
    this.#bits[region >> 3] = (this.#bits[region >> 3] ?? 0) | (1 << (region & 7));
    this.#size++;
    return true;
  }

  delete(region: Region): boolean {
    if (!this.has(region)) return false;
    this.#bits[region >> 3] = (this.#bits[region >> 3] ?? 0) & ~(1 << (region & 7));
    this.#size--;
    return true;
  }

  addAll(regions: Iterable<Region>): void {
    for (const region of regions) this.add(region);
  }

  fill(): void {
    for (let region = 0; region < this.#regions; region++) this.add(region);
  }

  *[Symbol.iterator](): Generator<Region> {
    for (let at = 0; at < this.#bits.length; at++) {
      const byte = this.#bits[at] ?? 0;
      for (let bit = 0; byte >> bit !== 0; bit++) if (((byte >> bit) & 1) !== 0) yield at * 8 + bit;
    }
  }

  bitmap(): Uint8Array {
    return this.#bits.slice(0, Math.ceil(this.#regions / 8));
  }

  chunk(at: number): MapChunk {
    const bits = new Uint8Array(CHUNK_BYTES);
    bits.set(this.#bits.subarray(at * CHUNK_BYTES, (at + 1) * CHUNK_BYTES));
    return { at, bits };
  }

  /** Those that are not empty. */
  chunks(): MapChunk[] {
    const all = Array.from({ length: Math.ceil(this.#bits.length / CHUNK_BYTES) }, (_unused, at) =>
      this.chunk(at),
    );
    return all.filter(({ bits }) => bits.some((byte) => byte !== 0));
  }

  #grow(regions: number): void {
    this.#regions = regions;
    if (regions <= this.#bits.length * 8) return;
    const bits = new Uint8Array(Math.max(Math.ceil(regions / 8), this.#bits.length * 2));
    bits.set(this.#bits);
    this.#bits = bits;
  }

  #take(bits: Uint8Array, offset: number): void {
    for (let at = 0; at < bits.length; at++) {
      const byte = bits[at] ?? 0;
      for (let bit = 0; byte >> bit !== 0; bit++) {
        const region = (offset + at) * 8 + bit;
        if (((byte >> bit) & 1) !== 0 && region < this.#regions) this.add(region);
      }
    }
  }
}
