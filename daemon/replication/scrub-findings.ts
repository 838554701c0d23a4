/** What a scrub found: how much of it is repaired, and what nothing can be done about. */
import type { Mismatch, ScrubStatus } from './interface.ts';
import type { Region } from './units.ts';

/** Told one by one; of more, how many. */
const MAX_TOLD = 100;

export class Findings {
  readonly #mismatches: Mismatch[] = [];
  readonly #repaired = new Set<Region>();
  #mismatchedRegions = 0;

  get status(): Pick<ScrubStatus, 'repairedRegions' | 'mismatchedRegions' | 'mismatches'> {
    return {
      repairedRegions: this.#repaired.size,
      mismatchedRegions: this.#mismatchedRegions,
      mismatches: [...this.#mismatches],
    };
  }

  repaired(region: Region): void {
    this.#repaired.add(region);
  }

  mismatch(found: Mismatch): void {
    this.#mismatchedRegions++;
    if (this.#mismatches.length < MAX_TOLD) this.#mismatches.push(found);
  }
}
