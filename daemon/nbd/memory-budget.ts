/**
 * What all connections of a server hold together. A connection says what it holds and asks before it takes more; who
 * is told to wait is woken in the order of asking once something was given back.
 */
export class MemoryBudget {
  readonly #limitBytes: number;
  #usedBytes = 0;
  readonly #waiting = new Set<() => void>();
  #wakeIsScheduled = false;
  #isWaking = false;

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  get usedBytes(): number {
    return this.#usedBytes;
  }

  get isWaitedFor(): boolean {
    return this.#waiting.size > 0;
  }

  /** More is held than the limit: what was here before it could be asked for. */
  get isExceeded(): boolean {
    return this.#usedBytes > this.#limitBytes;
  }

  /** Not ahead of those that wait already. */
  hasRoomFor(bytes: number): boolean {
    return this.#usedBytes + bytes <= this.#limitBytes && (this.#isWaking || this.#waiting.size === 0);
  }

  /** A connection holds so much more, or less. */
  change(bytes: number): void {
    this.#usedBytes += bytes;
    if (bytes < 0 && this.#waiting.size > 0 && !this.#wakeIsScheduled) this.#wakeSoon();
  }

  /** The same function is waiting once, however often it is said. */
  wait(wake: () => void): void {
    this.#waiting.add(wake);
  }

  forget(wake: () => void): void {
    this.#waiting.delete(wake);
  }

  /** In a turn of its own: memory is given back in the middle of another connection's work. */
  #wakeSoon(): void {
    this.#wakeIsScheduled = true;
    setImmediate(() => {
      this.#wakeIsScheduled = false;
      this.#isWaking = true;
      // Whoever still finds no room waits again, behind the others; each is asked once.
      for (const wake of [...this.#waiting]) {
        if (this.#usedBytes >= this.#limitBytes) break;
        this.#waiting.delete(wake);
        wake();
      }
      this.#isWaking = false;
    });
  }
}
