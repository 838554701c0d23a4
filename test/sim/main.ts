/**
 * `npm run sim -- --seeds N --from M --jobs J --seconds S`: the random runs of test/support/harness, many of them, with
 * what they covered. After the N seeds it goes on with fresh ones until S seconds are over. docs/testing.md says how a
 * seed that fails is looked at.
 */
import { resolve } from 'node:path';
import { describeStruck } from '../support/harness/faults.ts';
import type { Failure } from '../support/harness/random-run.ts';
import { runFarm } from './farm.ts';
import { command, parseOptions } from './options.ts';
import { Tally } from './tally.ts';

const ROOT = resolve(import.meta.dirname, '../..');
/** A defect fails many seeds; the first few say enough. */
const MAX_FAILURES = 3;
const SHOWN_TAIL_LINES = 60;
const LINE_EVERY_MS = 10_000;
const REDRAW_EVERY_MS = 200;
/** Fresh seeds begin beyond those that people choose, and leave room above. */
const FRESH_FROM = 1_000_000;
const FRESH_RANGE = 4_000_000_000;

await command(async (signal) => {
  const defaults = { seeds: 1000, from: 1, jobs: 2, seconds: 0 };
  const { seeds, from, jobs, seconds } = parseOptions(process.argv.slice(2), defaults);
  const tally = new Tally();
  const startedAtMs = performance.now();
  const elapsedMs = (): number => performance.now() - startedAtMs;
  const isTerminal = process.stdout.isTTY;
  const draw = (): void => {
    const line = tally.progress(Math.max(seeds, tally.seeds), elapsedMs());
    if (isTerminal) process.stdout.write(`\r\x1b[K${line}`);
    else console.log(line);
  };
  const clear = (): void => {
    if (isTerminal) process.stdout.write('\r\x1b[K');
  };
  const timer = setInterval(draw, isTerminal ? REDRAW_EVERY_MS : LINE_EVERY_MS);
  try {
    const onResult = (result: Parameters<Tally['add']>[0]): void => {
      tally.add(result);
      if (result.failure === undefined) return;
      clear();
      console.log(describe(result.failure));
    };
    const options = { root: ROOT, jobs, maxFailures: MAX_FAILURES, shrinks: true, onResult };
    await runFarm({ ...options, from, seeds, signal });
    const leftMs = Math.floor(seconds * 1000 - elapsedMs());
    if (leftMs > 0 && tally.failed.length === 0 && !signal.aborted) {
      const fresh = FRESH_FROM + (Date.now() % FRESH_RANGE);
      clear();
      console.log(`fresh seeds from ${fresh}`);
      const limit = AbortSignal.any([signal, AbortSignal.timeout(leftMs)]);
      await runFarm({ ...options, from: fresh, seeds: FRESH_FROM, signal: limit });
    }
  } finally {
    clearInterval(timer);
    clear();
  }
  if (signal.aborted) console.log('interrupted');
  console.log(tally.coverage());
  console.log(tally.faults());
  console.log(tally.summary(elapsedMs()));
  return tally.failed.length === 0;
});

function describe({ seed, what, tail, struck }: Failure): string {
  const shown = tail.slice(-SHOWN_TAIL_LINES);
  const again = `its trace: SEED=${seed} node test/replication/random-runs.test.ts`;
  const faults = ['the fewest faults that lead there:', ...describeStruck(struck).map((line) => `  ${line}`)];
  return [...shown, `seed ${seed} failed: ${what}`, ...faults, again, ''].join('\n');
}
