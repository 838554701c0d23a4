/**
 * A primary whose process restarted is made equal to its secondary, which holds what the primary holds and perhaps
 * writes that were in flight: the regions that the secondary has unstable are written over here. One for each link.
 */
import type { Core } from './core.ts';
import type { DiskFailure } from './interface.ts';
import { REGION_BYTES, type Region, type Sequence } from './units.ts';

export class Pull {
  readonly #core: Core;
  #writing = 0;
  #sentUpTo: Sequence | undefined;

  constructor(core: Core, link: number) {
    this.#core = core;
    core.send(link, { type: 'pull', generation: core.generation });
  }

  /** The last write that the secondary has, once everything it sent is on this disk. */
  get doneUpTo(): Sequence | undefined {
    return this.#writing === 0 ? this.#sentUpTo : undefined;
  }

  /** False: there is no such region. */
  onRegion(region: Region, data: Uint8Array, onFailure: (failure: DiskFailure) => void): boolean {
    const offset = region * REGION_BYTES;
    if (offset + REGION_BYTES > this.#core.options.sizeBytes) return false;
    this.#writing++;
    this.#core.write({ kind: 'data', offset, length: REGION_BYTES, data }, (failure) => {
      this.#writing--;
      if (failure !== undefined) onFailure(failure);
    });
    return true;
  }

  onDone(appliedSequence: Sequence): void {
    this.#sentUpTo = appliedSequence;
  }
}
