/**
 * Memory for what comes in and goes out over sockets, used again instead of left to the garbage collector: bytes that
 * pass at gigabytes a second would have it run all the time, and fresh memory costs a page fault for each 4 KiB.
 *
 * A slab is given back by its users counting themselves off. Whoever cannot tell when its bytes are nobody's any more
 * spoils it: it is never used again, and the collector takes it when nobody holds a view of it.
 */
import { assert } from './errors.ts';

export const SLAB_BYTES = 512 * 1024;

/** Spare ones that a pool keeps; further ones are left to the collector. */
const SPARE_SLABS = 32;

export class Slab {
  readonly bytes: Buffer;
  #users = 0;
  #isSpoiled = false;

  constructor(sizeBytes: number) {
    // From the system and not zeroed: pages that are never used are never touched.
    this.bytes = Buffer.allocUnsafeSlow(sizeBytes);
  }

  /** Nobody holds a view of it. */
  get isFree(): boolean {
    return this.#users === 0 && !this.#isSpoiled;
  }

  get isSpoiled(): boolean {
    return this.#isSpoiled;
  }

  holds(view: Uint8Array): boolean {
    return view.buffer === this.bytes.buffer;
  }

  use(): void {
    this.#users++;
  }

  release(): void {
    assert(this.#users > 0, 'a slab is released as often as it is used');
    this.#users--;
  }

  /** Somebody may hold a view of it for as long as nobody knows. */
  spoil(): void {
    this.#isSpoiled = true;
  }
}

export class SlabPool {
  readonly #spare: Slab[] = [];

  take(): Slab {
    return this.#spare.pop() ?? new Slab(SLAB_BYTES);
  }

  giveBack(slab: Slab): void {
    if (slab.isFree && slab.bytes.length === SLAB_BYTES && this.#spare.length < SPARE_SLABS)
      this.#spare.push(slab);
  }
}
