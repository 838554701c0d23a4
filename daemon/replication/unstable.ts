/**
 * `unstable(peer)`: the regions written since the last flush that completed on both replicas. If the other replica is
 * lost, these are the only ones in which the two can differ.
 *
 * Kept in the order of their last write, so that a flush removes a prefix: constant time per write and per removal.
 */
import type { Region, Sequence } from './units.ts';

export class UnstableRegions {
  /** A Map keeps insertion order; a region written again is moved to the end. */
  readonly #lastWrite = new Map<Region, Sequence>();

  get size(): number {
    return this.#lastWrite.size;
  }

  written(first: Region, last: Region, sequence: Sequence): void {
    for (let region = first; region <= last; region++) {
      this.#lastWrite.delete(region);
      this.#lastWrite.set(region, sequence);
    }
  }

  /** Every write up to `sequence` is on stable storage on both sides. */
  stableUpTo(sequence: Sequence): void {
    for (const [region, lastWrite] of this.#lastWrite) {
      if (lastWrite > sequence) return;
      this.#lastWrite.delete(region);
    }
  }

  regions(): readonly Region[] {
    return [...this.#lastWrite.keys()];
  }

  /** The volume has so many regions now. */
  endAt(regions: number): void {
    for (const region of this.#lastWrite.keys()) if (region >= regions) this.#lastWrite.delete(region);
  }

  clear(): void {
    this.#lastWrite.clear();
  }
}
