/** What a sector of the history says at once, against a look at every pair of what it knows. */
import fc from 'fast-check';
import t from 'tap';
import {
  addWrite,
  emptySector,
  type HistorySector,
  readZero,
  saw,
  sawZero,
  type Span,
  type Value,
  type Write,
} from '../support/harness/history-sector.ts';

/** The two stand at one instant, or one came and went while the other stood. */
function cannotBothBe(a: Value, b: Value): boolean {
  const stood = (value: Value): boolean => value.certainAt < value.askedAt;
  if (stood(a) && stood(b)) return a.certainAt < b.askedAt && b.certainAt < a.askedAt;
  if (stood(a)) return a.certainAt < b.askedAt && b.certainAt < a.askedAt && b.certainAt < Infinity;
  return stood(b) && cannotBothBe(b, a);
}

function isImpossible({ values, zeroes }: HistorySector): boolean {
  const all = [...values.values()];
  return all.some(
    (value, at) =>
      all.slice(at + 1).some((other) => cannotBothBe(value, other)) ||
      zeroes.some((zero) => value.certainAt < zero.begunAt && zero.endedAt < value.askedAt),
  );
}

/** No zero that was written can have been there still. */
function isNoZeroLeft({ values, zeroWrites }: HistorySector, read: Span): boolean {
  return zeroWrites.every(({ write }) =>
    [...values.values()].some(
      (value) =>
        (value.write.begunAt > write.endedAt && value.certainAt < read.begunAt) ||
        (value.askedAt > write.endedAt && value.answeredAt < read.begunAt),
    ),
  );
}

const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('write' as const), isZero: fc.boolean() }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('acknowledge' as const), pick: fc.nat() }) },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('ask' as const) }) },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('answer' as const),
      pick: fc.nat(),
      /** How far back the value is that it shows; the further, the more surely it is a breach. */
      back: fc.oneof({ weight: 6, arbitrary: fc.nat(2) }, { weight: 1, arbitrary: fc.nat(12) }),
    }),
  },
);
type Step = typeof step extends fc.Arbitrary<infer Value> ? Value : never;

class Run {
  readonly sector = emptySector();
  isImpossible = false;
  #instant = 0;
  #lastStamp = 0;
  readonly #pending: Write[] = [];
  readonly #asked: number[] = [];
  readonly #written: Write[] = [];

  constructor() {
    this.#write(0);
  }

  /** False: it does not say what a look at all of it says. */
  agrees(step: Step): boolean {
    if (step.kind === 'write') this.#write(step.isZero ? 0 : ++this.#lastStamp);
    else if (step.kind === 'ask') this.#asked.push(++this.#instant);
    else if (step.kind === 'acknowledge') {
      const [write] = this.#pending.splice(step.pick % Math.max(1, this.#pending.length), 1);
      if (write === undefined) return true;
      write.endedAt = ++this.#instant;
      return this.#seen(write, write);
    } else {
      const [begunAt] = this.#asked.splice(step.pick % Math.max(1, this.#asked.length), 1);
      const write = this.#written.at(-1 - step.back);
      if (begunAt === undefined || write === undefined) return true;
      return this.#seen(write, { begunAt, endedAt: ++this.#instant });
    }
    return true;
  }

  #write(stamp: number): void {
    const begunAt = ++this.#instant;
    const write = { first: 0, count: 1, stamp, begunAt, endedAt: Infinity, acknowledged: false, owner: this };
    this.#pending.push(write);
    this.#written.push(write);
    addWrite(this.sector, write);
  }

  #seen(write: Write, by: Span): boolean {
    const value = this.sector.values.get(write.stamp);
    const isUnwritten = value === undefined && by !== write && isNoZeroLeft(this.sector, by);
    let problem: string | undefined;
    if (value !== undefined) problem = saw(this.sector, value, by);
    else problem = by === write ? sawZero(this.sector, by) : readZero(this.sector, by);
    this.isImpossible = isUnwritten || isImpossible(this.sector);
    return this.isImpossible === (problem !== undefined);
  }
}

t.test(
  'what no disk could have shown is found by the answer that shows it, and nothing else is',
  async (t) => {
    let impossible = 0;
    let possible = 0;
    const property = fc.property(fc.array(step, { maxLength: 120, size: 'max' }), (steps) => {
      const run = new Run();
      for (const one of steps) {
        if (!run.agrees(one)) return false;
        if (run.isImpossible) break;
      }
      if (run.isImpossible) impossible++;
      else possible++;
      return true;
    });
    fc.assert(property, { numRuns: 2000 });
    t.ok(impossible > 100, 'some histories are impossible');
    t.ok(possible > 100, 'and some are not');
  },
);
