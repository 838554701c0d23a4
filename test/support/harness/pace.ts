/** How long things take, and where they break: by chance in the random runs, always the same in the stories. */
import type { Random } from './random.ts';

export interface Pace {
  frameMs(): number;
  dialMs(): number;
  diskMs(): number;
  flushMs(): number;
  persistMs(): number;
  /** One way between a host and control. */
  controlMs(): number;
  /** How many of the bytes in flight still arrive when a connection is cut. */
  cutAt(inFlight: number): number;
  /** How many sectors of a write, or records, a killed process got done. */
  doneOf(total: number): number;
}

/** Each step in its own millisecond, so that a story reads in order. */
export const steadyPace: Pace = {
  frameMs: () => 1,
  dialMs: () => 1,
  diskMs: () => 0,
  flushMs: () => 1,
  persistMs: () => 1,
  controlMs: () => 5,
  cutAt: () => 0,
  doneOf: () => 0,
};

/** Mostly quick, now and then slow; each run has its own idea of quick. */
export class RandomPace implements Pace {
  readonly #random: Random;
  readonly #diskIsSync: boolean;
  readonly #slowness: number;
  /** Faults have stopped. */
  isCalm = false;

  constructor(random: Random) {
    this.#random = random;
    this.#diskIsSync = random.happens(0.3);
    this.#slowness = random.pick([0, 0.01, 0.05]) ?? 0;
  }

  frameMs(): number {
    return this.#draw(0.1, 3, 80);
  }

  dialMs(): number {
    return this.#draw(0.2, 5, 300);
  }

  diskMs(): number {
    return this.#diskIsSync ? 0 : this.#draw(0.05, 4, 150);
  }

  flushMs(): number {
    return this.#draw(0.5, 15, 300);
  }

  persistMs(): number {
    return this.#draw(0.5, 30, 900);
  }

  controlMs(): number {
    return this.#draw(0.5, 10, 700);
  }

  cutAt(inFlight: number): number {
    return this.#random.below(inFlight + 1);
  }

  doneOf(total: number): number {
    return this.#random.below(total + 1);
  }

  #draw(low: number, high: number, slow: number): number {
    const isSlow = !this.isCalm && this.#random.happens(this.#slowness);
    return isSlow ? this.#random.between(high, slow) : this.#random.between(low, high);
  }
}
