/** Memory for the answers of one connection: taken, filled, given to the socket, and taken again once that has sent all. */
import { type Slab, SLAB_BYTES, type SlabPool } from '../sys/slabs.ts';

/** Full ones that wait to be sent; of more than these the oldest is left to the collector. */
const RESTING_SLABS = 16;

export class SendBuffers {
  readonly #pool: SlabPool;
  #slab: Slab | undefined;
  #at = 0;
  #resting: Slab[] = [];
  /** Given to the socket; one for each use. */
  #sending: Slab[] = [];

  constructor(pool: SlabPool) {
    this.#pool = pool;
  }

  /** Of what `take` answered last. */
  get slab(): Slab | undefined {
    return this.#slab;
  }

  /** Undefined: for so much the caller uses a buffer of its own. */
  take(bytes: number): Buffer | undefined {
    if (bytes > SLAB_BYTES / 2) return undefined;
    this.#slab ??= this.#pool.take();
    if (this.#slab.isFree) this.#at = 0;
    else if (this.#at + bytes > SLAB_BYTES || this.#slab.isSpoiled) this.#rotate(this.#slab);
    this.#slab.use();
    this.#at += bytes;
    return this.#slab.bytes.subarray(this.#at - bytes, this.#at);
  }

  /** A use of it ends when the socket has sent everything. */
  sending(slab: Slab): void {
    this.#sending.push(slab);
  }

  sent(): void {
    if (this.#sending.length === 0) return;
    for (const slab of this.#sending) slab.release();
    this.#sending = [];
  }

  #rotate(full: Slab): void {
    const free = this.#resting.filter(({ isFree }) => isFree);
    this.#resting = this.#resting.filter(({ isFree, isSpoiled }) => !isFree && !isSpoiled);
    if (!full.isSpoiled) this.#resting.push(full);
    if (this.#resting.length > RESTING_SLABS) this.#resting.shift();
    const [next, ...others] = free;
    for (const slab of others) this.#pool.giveBack(slab);
    this.#slab = next ?? this.#pool.take();
    this.#at = 0;
  }
}
