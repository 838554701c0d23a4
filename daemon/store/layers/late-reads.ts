/**
 * Reads of a stack that wait for the disk while others go on writing. What such a read is given is what the stack shows
 * in the turn in which it is given: one that overlaps what changed since it began is begun anew. Without that it could
 * show half of a write, or a layer's bytes after they were given back.
 */
import type { ByteRange } from '../../replication/units.ts';

/** `undefined`: all is read. */
export type LateDone = (error: Error | undefined) => void;

interface LateRead extends ByteRange {
  isStale: boolean;
}

/** As it reads by itself: all of it, `cached` from memory alone (false: it is not all there), `later` from the disk. */
interface LateSource {
  read(into: Uint8Array, offset: number): void;
  cached(into: Uint8Array, offset: number): boolean;
  /** Calls back in a later turn. */
  later(into: Uint8Array, offset: number, done: LateDone): void;
}

/** What is written again and again is in memory: only if it is thrown out as often, too, the disk is waited for. */
const MAX_TRIES = 8;

export class LateReads {
  readonly #source: LateSource;
  readonly #underWay = new Set<LateRead>();
  #ended: Error | undefined;

  constructor(source: LateSource) {
    this.#source = source;
  }

  /** Each write says so. */
  changed(offset: number, length: number): void {
    if (this.#underWay.size === 0) return;
    for (const read of this.#underWay)
      if (read.offset < offset + length && offset < read.offset + read.length) read.isStale = true;
  }

  /** What the stack shows is somebody else's from here on: whoever waits is told so. */
  end(why: Error): void {
    this.#ended ??= why;
  }

  begin(into: Uint8Array, offset: number, done: LateDone): void {
    this.#try(into, offset, { tries: 1, done });
  }

  #try(
    into: Uint8Array,
    offset: number,
    { tries, done }: { readonly tries: number; readonly done: LateDone },
  ): void {
    const read: LateRead = { offset, length: into.length, isStale: false };
    this.#underWay.add(read);
    this.#source.later(into, offset, (error) => {
      this.#underWay.delete(read);
      if (this.#ended !== undefined || !read.isStale) {
        done(this.#ended ?? error);
        return;
      }
      let isRead = true;
      try {
        if (tries >= MAX_TRIES) this.#source.read(into, offset);
        else isRead = this.#source.cached(into, offset);
      } catch (failure) {
        done(failure instanceof Error ? failure : new Error(String(failure)));
        return;
      }
      if (isRead) done(undefined);
      else this.#try(into, offset, { tries: tries + 1, done });
    });
  }
}
