/** Everything that a run leaves to chance comes out of one seed: the same seed is the same run. */

export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** A stream of its own: what is drawn from it changes nothing that is drawn from another. */
  static of(seed: number, ...names: readonly (string | number)[]): Random {
    let mixed = seed >>> 0;
    for (const letter of names.join(' ')) mixed = Math.imul(mixed ^ letter.charCodeAt(0), 0x01000193) >>> 0;
    const random = new Random(mixed);
    // The first numbers of neighbouring seeds are alike.
    for (let turn = 0; turn < 3; turn++) random.next();
    return random;
  }

  /** mulberry32: in [0, 1). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  }

  /** A whole number below `end`. */
  below(end: number): number {
    return Math.floor(this.next() * end);
  }

  between(low: number, high: number): number {
    return low + this.next() * (high - low);
  }

  happens(probability: number): boolean {
    return this.next() < probability;
  }

  pick<Value>(values: readonly Value[]): Value | undefined {
    return values[this.below(values.length)];
  }
}
