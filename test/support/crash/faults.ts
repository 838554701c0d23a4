/**
 * Which operations on files fail: some moments of a life, drawn before it begins, at each of which one to three
 * operations of one kind fail one after the other.
 */
import type { Random } from '../harness/random.ts';

export type FaultKind = 'read' | 'write' | 'zero' | 'grow' | 'create' | 'sync' | 'folder' | 'commit';

interface Moment {
  readonly kind: FaultKind;
  readonly code: 'EIO' | 'ENOSPC';
  /** Operations of its kind before it. */
  skips: number;
  fails: number;
}

/** How often one is drawn, its codes, and among how many operations of a life it lies. */
const KINDS: readonly (readonly [
  weight: number,
  kind: FaultKind,
  codes: readonly Moment['code'][],
  among: number,
])[] = [
  [5, 'sync', ['EIO'], 120],
  [5, 'write', ['ENOSPC', 'EIO'], 600],
  [4, 'read', ['EIO'], 400],
  [2, 'zero', ['ENOSPC', 'EIO'], 60],
  [1, 'grow', ['ENOSPC'], 6],
  [1, 'create', ['ENOSPC', 'EIO'], 20],
  [1, 'folder', ['EIO'], 20],
  [1, 'commit', ['EIO'], 80],
];
const TOTAL = KINDS.reduce((sum, [weight]) => sum + weight, 0);
const MOST_MOMENTS = 5;
const MOST_IN_A_ROW = 3;

export interface FaultSource {
  /** Of what was lost by a sync that failed. */
  readonly random: Random;
  /** How many operations failed. */
  readonly fired: number;
  /** The code of the error that it meets; undefined: it does not fail. */
  meets(kind: FaultKind): 'EIO' | 'ENOSPC' | undefined;
  /** For whoever looks at the store from outside: nothing fails meanwhile. */
  sparing<Value>(work: () => Value): Value;
}

export class Faults implements FaultSource {
  readonly random: Random;
  readonly #moments: Moment[] = [];
  #isSpared = false;
  fired = 0;

  constructor(random: Random) {
    this.random = random;
    for (let count = 1 + random.below(MOST_MOMENTS); count > 0; count--) this.#draw();
  }

  meets(kind: FaultKind): Moment['code'] | undefined {
    if (this.#isSpared) return undefined;
    for (const moment of this.#moments) {
      if (moment.kind !== kind || moment.fails === 0) continue;
      if (moment.skips-- > 0) continue;
      moment.fails--;
      this.fired++;
      return moment.code;
    }
    return undefined;
  }

  pause(): void {
    this.#isSpared = true;
  }

  resume(): void {
    this.#isSpared = false;
  }

  sparing<Value>(work: () => Value): Value {
    const before = this.#isSpared;
    this.#isSpared = true;
    try {
      return work();
    } finally {
      this.#isSpared = before;
    }
  }

  #draw(): void {
    const { random } = this;
    let left = random.below(TOTAL);
    for (const [weight, kind, codes, among] of KINDS) {
      left -= weight;
      if (left >= 0) continue;
      const fails = 1 + random.below(MOST_IN_A_ROW);
      this.#moments.push({ kind, code: random.pick(codes) ?? 'EIO', skips: random.below(among), fails });
      return;
    }
  }
}
