/**
 * Which of its faults a run needs to fail: leaves out halves, quarters, eighths of them, and keeps what still fails in
 * the same way (Zeller and Hildebrandt, "Simplifying and Isolating Failure-Inducing Input", 2002).
 */
import { type Failure, traced, tryRun } from './random-run.ts';

/** A run takes some milliseconds. */
const MAX_RUNS = 200;

/** The failure as it is with the fewest faults. `mayGoOn`: there is still time. */
export function shrink({ seed, what, struck }: Failure, mayGoOn: () => boolean = () => true): Failure {
  const all = struck.map(({ fault }) => fault.index);
  let runs = 0;
  const fails = (kept: readonly number[]): boolean => {
    if (runs++ >= MAX_RUNS || !mayGoOn()) return false;
    const again = tryRun(seed, { only: new Set(kept) }).what;
    return again !== undefined && kindOf(again) === kindOf(what);
  };
  const kept = fewest(all, fails);
  return { seed, ...traced(seed, { only: new Set(kept) }) };
}

/** The fewest of `all` that `fails`, as far as leaving out one more does not fail. Pure. */
export function fewest(
  all: readonly number[],
  fails: (kept: readonly number[]) => boolean,
): readonly number[] {
  let kept = all;
  let parts = 2;
  while (kept.length > 0) {
    const size = Math.ceil(kept.length / parts);
    const smaller = pieces(kept, size)
      .map((piece) => kept.filter((one) => !piece.includes(one)))
      .find(fails);
    if (smaller !== undefined) {
      kept = smaller;
      parts = Math.max(2, parts - 1);
    } else if (size === 1) return kept;
    else parts = Math.min(kept.length, 2 * parts);
  }
  return kept;
}

function pieces(items: readonly number[], size: number): readonly (readonly number[])[] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_unused, at) =>
    items.slice(at * size, (at + 1) * size),
  );
}

/** Numbers and names of hosts differ from run to run. */
const kindOf = (what: string): string => what.replace(/\d+/g, '#').replace(/\b[abc]\b/g, '?');
