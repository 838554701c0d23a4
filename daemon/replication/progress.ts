/** How far a copy is, and how fast it goes. */
import { REGION_BYTES } from './units.ts';

const WINDOW_MS = 3000;

export class Progress {
  /** Copied, or found equal. */
  doneBytes = 0;
  /** Over the link. */
  sentBytes = 0;
  #windowFromMs: number;
  #windowFromBytes = 0;
  #lastRate = 0;

  constructor(nowMs: number) {
    this.#windowFromMs = nowMs;
  }

  done(nowMs: number): void {
    this.doneBytes += REGION_BYTES;
    if (nowMs - this.#windowFromMs < WINDOW_MS) return;
    this.#lastRate = this.#rateOfWindow(nowMs);
    this.#windowFromMs = nowMs;
    this.#windowFromBytes = this.doneBytes;
  }

  /** Over the last seconds; 0 while nothing is known. */
  bytesPerSecond(nowMs: number): number {
    return this.#lastRate === 0 ? this.#rateOfWindow(nowMs) : this.#lastRate;
  }

  #rateOfWindow(nowMs: number): number {
    const ms = nowMs - this.#windowFromMs;
    return ms <= 0 ? 0 : Math.round(((this.doneBytes - this.#windowFromBytes) * 1000) / ms);
  }
}
