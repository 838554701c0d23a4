/** Memory for the answers of one connection: taken, filled, given to the socket, and taken again once that has sent it. */
import { type Slab, SLAB_BYTES, type SlabPool } from '../sys/slabs.ts';

/** Full ones that wait to be sent; of more than these the oldest is left to the collector. */
const RESTING_SLABS = 16;

interface Sending {
  readonly slab: Slab;
  readonly upToBytes: number;
}

export class SendBuffers {
  readonly #pool: SlabPool;
  #slab: Slab | undefined;
  #at = 0;
  #resting: Slab[] = [];
  /** Given to the socket, one for each use, in the order of their bytes. */
  #sending: Sending[] = [];

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

  /** A use of it ends when the socket has sent so many bytes, counted since the beginning. */
  sending(slab: Slab, upToBytes: number): void {
    this.#sending.push({ slab, upToBytes });
  }

  /** The socket has sent so many bytes. */
  sent(bytes: number): void {
    const unsent = this.#sending.findIndex(({ upToBytes }) => upToBytes > bytes);
    const sent = this.#sending.splice(0, unsent < 0 ? this.#sending.length : unsent);
    for (const { slab } of sent) slab.release();
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
