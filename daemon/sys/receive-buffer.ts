/**
 * Where the bytes of one socket come in: one behind the other, so that what spans two reads lies in one piece, and is
 * handed on as a view of it. What was read and is nobody's any more is written over.
 *
 *     slab   | ... held by users ... | unread: start..end | space |
 */
import { assert } from './errors.ts';
import { Slab, SLAB_BYTES, type SlabPool } from './slabs.ts';

/** One read of a socket gets at least so much. */
const LEAST_SPACE_BYTES = 64 * 1024;
/** Full ones whose users have not counted themselves off; of more than these the oldest is left to the collector. */
const RESTING_SLABS = 16;

interface Resting {
  readonly slab: Slab;
  /** Of when its last user was found gone. */
  isSettled: (() => boolean) | undefined;
}

export class ReceiveBuffer {
  readonly #pool: SlabPool;
  #slab: Slab;
  #start = 0;
  #end = 0;
  /** What the next piece takes in all, from `#start` on; known once its header is here. */
  #wantedBytes = 0;
  #resting: Resting[] = [];
  /** Bytes came in; called by `received`. */
  onBytes: () => void = () => undefined;
  /**
   * Views that users gave back may still be read, by a socket that has not sent them: answers a function that tells when
   * all of those of now are not.
   */
  settling: () => () => boolean = () => () => true;

  constructor(pool: SlabPool) {
    this.#pool = pool;
    this.#slab = pool.take();
  }

  /** The one that `unread` is a view of. */
  get slab(): Slab {
    return this.#slab;
  }

  /** Came in, and was not consumed. */
  get unread(): Buffer {
    return this.#slab.bytes.subarray(this.#start, this.#end);
  }

  /** For the next bytes; what is unread may have moved. */
  space(): Buffer {
    const unread = this.#end - this.#start;
    if (unread === 0 && this.#isReusable(this.#slab)) {
      this.#start = 0;
      this.#end = 0;
    }
    const needed = Math.max(this.#wantedBytes, unread + LEAST_SPACE_BYTES);
    if (this.#slab.bytes.length - this.#start < needed) this.#move(needed);
    return this.#slab.bytes.subarray(this.#end);
  }

  /** So many bytes were written into what `space` answered last. */
  received(bytes: number): void {
    this.#end += bytes;
    assert(this.#end <= this.#slab.bytes.length, 'more came in than there was space for');
    this.onBytes();
  }

  /** Bytes that came another way. */
  put(chunk: Buffer): void {
    for (let at = 0; at < chunk.length;) {
      const copied = chunk.copy(this.space(), 0, at);
      at += copied;
      this.received(copied);
    }
  }

  /** Of what is unread, from its beginning. `wantedBytes`: what has to be here before more can be, or 0. */
  consumed(bytes: number, wantedBytes = 0): void {
    this.#start += bytes;
    assert(this.#start <= this.#end, 'more was consumed than came in');
    this.#wantedBytes = wantedBytes;
  }

  #isReusable(slab: Slab): boolean {
    return slab.isFree && this.settling()();
  }

  /** To a slab with so much room behind what is unread. */
  #move(neededBytes: number): void {
    const { unread } = this;
    if (neededBytes <= SLAB_BYTES && this.#isReusable(this.#slab)) {
      this.#slab.bytes.copyWithin(0, this.#start, this.#end);
    } else {
      const next = neededBytes <= SLAB_BYTES ? this.#next() : new Slab(neededBytes);
      unread.copy(next.bytes);
      if (!this.#slab.isSpoiled) this.#resting.push({ slab: this.#slab, isSettled: undefined });
      if (this.#resting.length > RESTING_SLABS) this.#resting.shift();
      this.#slab = next;
    }
    this.#start = 0;
    this.#end = unread.length;
  }

  #next(): Slab {
    const free: Slab[] = [];
    this.#resting = this.#resting.filter((resting) => {
      const { slab } = resting;
      if (!slab.isFree) return !slab.isSpoiled;
      resting.isSettled ??= this.settling();
      if (!resting.isSettled()) return true;
      free.push(slab);
      return false;
    });
    const [next, ...others] = free;
    for (const slab of others) this.#pool.giveBack(slab);
    return next ?? this.#pool.take();
  }
}
