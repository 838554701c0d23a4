/**
 * How fast a copy may go, by what the clients feel: while their writes take about as long as without it, it goes
 * faster; once they take longer, slower, down to a floor so that it always ends.
 */
const LOOK_EVERY_MS = 100;
/** Of the latency without a copy: up to here a copy costs the clients nothing worth speaking of. */
const TOLERATED = 1.5;
/** Latencies below this are not worth slowing a copy for. */
const UNNOTICED_MS = 1;
const FASTER = 1.25;
const SLOWER = 0.6;
const FLOOR_BYTES_PER_SECOND = 8 * 1024 * 1024;
const FIRST_BYTES_PER_SECOND = 64 * 1024 * 1024;
/** Above this nothing is held back. */
const CEILING_BYTES_PER_SECOND = 4 * 1024 * 1024 * 1024;
/** Of a new latency in the moving mean without a copy. */
const WEIGHT = 0.02;
/** Bytes that may be sent at once after a pause, in time at the present rate. */
const BURST_MS = 50;

export class Throttle {
  /** Moving mean of the clients' writes while nothing was copied; undefined: none was seen. */
  #usualMs: number | undefined;
  #sumMs = 0;
  #count = 0;
  #rate = FIRST_BYTES_PER_SECOND;
  #budgetBytes = 0;
  #filledAtMs = 0;
  #lookedAtMs = 0;
  #copies = false;

  /** 0: nothing holds the copy back. */
  get limitBytesPerSecond(): number {
    return this.#rate >= CEILING_BYTES_PER_SECOND ? 0 : Math.round(this.#rate);
  }

  begin(nowMs: number): void {
    this.#copies = true;
    this.#rate = FIRST_BYTES_PER_SECOND;
    this.#filledAtMs = nowMs;
    this.#lookedAtMs = nowMs;
    this.#budgetBytes = 0;
    this.#sumMs = 0;
    this.#count = 0;
  }

  end(): void {
    this.#copies = false;
  }

  /** A client's write or flush was answered. */
  latency(ms: number): void {
    if (this.#copies) {
      this.#sumMs += ms;
      this.#count++;
    } else this.#usualMs = this.#usualMs === undefined ? ms : this.#usualMs + WEIGHT * (ms - this.#usualMs);
  }

  /**
   * Whether something may be sent now; `sent` says how much it was. `oldestMs`: so long the oldest write has waited that
   * is not answered; 0 where there is none.
   */
  mayGo(nowMs: number, oldestMs = 0): boolean {
    this.#look(nowMs, oldestMs);
    this.#budgetBytes += ((nowMs - this.#filledAtMs) / 1000) * this.#rate;
    this.#budgetBytes = Math.min(this.#budgetBytes, (BURST_MS / 1000) * this.#rate);
    this.#filledAtMs = nowMs;
    return this.#budgetBytes >= 0;
  }

  sent(bytes: number): void {
    this.#budgetBytes -= bytes;
  }

  #look(nowMs: number, oldestMs: number): void {
    if (nowMs - this.#lookedAtMs < LOOK_EVERY_MS) return;
    this.#lookedAtMs = nowMs;
    const meanMs = Math.max(oldestMs, this.#count === 0 ? 0 : this.#sumMs / this.#count);
    const toleratedMs = Math.max(UNNOTICED_MS, TOLERATED * (this.#usualMs ?? 0));
    this.#rate *= meanMs > toleratedMs ? SLOWER : FASTER;
    this.#rate = Math.min(Math.max(this.#rate, FLOOR_BYTES_PER_SECOND), CEILING_BYTES_PER_SECOND);
    this.#sumMs = 0;
    this.#count = 0;
  }
}
