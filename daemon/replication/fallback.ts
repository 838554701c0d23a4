/**
 * What a target held before a copy to it began, kept region by region until the copy is complete: if the source is
 * lost halfway, a person can choose that older state.
 */
import type { Core } from './core.ts';
import { RegionSet } from './region-set.ts';
import { REGION_BYTES, type Region } from './units.ts';

export class Fallback {
  readonly #core: Core;
  readonly #kept: RegionSet;

  constructor(core: Core, preserved: readonly Region[]) {
    this.#core = core;
    this.#kept = new RegionSet(core.sizeBytes / REGION_BYTES);
    if (core.durable.mixed) this.#kept.addAll(preserved);
  }

  /** There is a state worth keeping, and it is being overwritten. */
  get isNeeded(): boolean {
    const { mixed, consistentAt } = this.#core.durable;
    return mixed && consistentAt > 0;
  }

  /** All that a copy may have changed. */
  get regions(): Iterable<Region> {
    return this.#kept;
  }

  has(region: Region): boolean {
    return this.#kept.has(region);
  }

  preserve(regions: readonly Region[], then: () => void): void {
    const token = this.#core.nextToken();
    this.#core.effects.push({ type: 'preserve', token, regions });
    this.#core.onDone(token, (failure) => {
      if (failure === undefined) {
        this.#kept.addAll(regions);
        then();
        return;
      }
      // The copy is over, and perhaps a person chose the old state: nothing more is written, and what is kept is needed.
      if (this.#core.state !== 'JOINING') {
        then();
        return;
      }
      // No room for it: a second copy that is whole is worth more than an old one.
      this.#core.why = `what it held before the copy cannot be kept: ${failure}`;
      this.#core.persist({ consistentAt: 0 }, () => {
        this.drop();
        then();
      });
    });
  }

  /** The replica holds again what it held before. */
  revert(then: () => void, onFailure: (failure: string) => void): void {
    const token = this.#core.nextToken();
    this.#core.effects.push({ type: 'revert', token });
    this.#core.onWritten(token, (failure) => {
      if (failure === undefined) then();
      else onFailure(failure);
    });
  }

  drop(): void {
    for (const region of [...this.#kept]) this.#kept.delete(region);
    this.#core.effects.push({ type: 'drop-fallback' });
  }
}
