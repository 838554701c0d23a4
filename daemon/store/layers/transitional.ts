/** The regions of one layer that were put into it, or moved out of it, and are not known to be on stable storage so. */
import type { RegionRun } from './layer-map.ts';

export class Transitional {
  readonly coming: RegionRun[] = [];
  readonly leaving: RegionRun[] = [];

  get isEmpty(): boolean {
    return this.coming.length + this.leaving.length === 0;
  }

  come(run: RegionRun): void {
    append(this.coming, run);
  }

  leave(run: RegionRun): void {
    append(this.leaving, run);
  }
}

/** Neighbours are one run: most come in order, and there may be as many as a volume has regions. */
function append(runs: RegionRun[], { first, count }: RegionRun): void {
  const last = runs.at(-1);
  if (last !== undefined && last.first + last.count === first)
    runs[runs.length - 1] = { first: last.first, count: last.count + count };
  else runs.push({ first, count });
}
