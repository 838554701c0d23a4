/**
 * Whether a flush is about to follow. A database that commits writes its log and flushes it, time after time: a sync
 * that begins with the write, and not when the flush has come, has done part of its work by then. Wrong, it costs one
 * sync between two flushes.
 */

/** So many right guesses in a row, and the next is acted on; a wrong one takes this many back. */
const TRUSTED = 4;
const AT_MOST = 2 * TRUSTED;

export class FlushForecast {
  #writes = 0;
  /** Writes between two flushes. */
  #usual = 1;
  #trust = 0;

  /** Answers whether a flush is expected to be next. */
  wrote(): boolean {
    this.#writes++;
    return this.#writes === this.#usual && this.#trust >= TRUSTED;
  }

  flushed(): void {
    if (this.#writes === 0) return;
    if (this.#writes === this.#usual) this.#trust = Math.min(this.#trust + 1, AT_MOST);
    else {
      this.#trust = Math.max(this.#trust - TRUSTED, 0);
      if (this.#trust === 0) this.#usual = this.#writes;
    }
    this.#writes = 0;
  }
}
