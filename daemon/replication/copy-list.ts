/** Regions to be copied, in their order; those that turned out to be needed go first. */
import { RegionSet } from './region-set.ts';
import type { Region } from './units.ts';

/** offer: the digest is sent first. data: the bytes. */
export type Stage = 'offer' | 'data';

export interface CopyStep {
  readonly region: Region;
  readonly stage: Stage;
}

export class CopyList {
  readonly #stage: Stage;
  readonly #order: Iterator<Region>;
  /** Not yet seen of `#order`. */
  #unseen: number;
  /** Their digests differed. */
  readonly #needed: Region[] = [];
  /** Peeked at, and not taken. */
  #next: CopyStep | undefined;

  /** Of the regions as they are now. */
  constructor(regions: RegionSet, stage: Stage) {
    this.#stage = stage;
    this.#unseen = regions.size;
    this.#order = RegionSet.copyOf(regions)[Symbol.iterator]();
  }

  get size(): number {
    return this.#unseen + this.#needed.length + (this.#next === undefined ? 0 : 1);
  }

  /** The next one, until it is taken. */
  peek(): CopyStep | undefined {
    this.#next ??= this.#find();
    return this.#next;
  }

  take(): void {
    this.#next = undefined;
  }

  need(region: Region): void {
    this.#needed.push(region);
  }

  #find(): CopyStep | undefined {
    const needed = this.#needed.pop();
    if (needed !== undefined) return { region: needed, stage: 'data' };
    const next = this.#order.next();
    if (next.done === true) return undefined;
    this.#unseen--;
    return { region: next.value, stage: this.#stage };
  }
}
