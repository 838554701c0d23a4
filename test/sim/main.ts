/**
 * `npm run sim -- --seeds N --from M --jobs J`: the random runs of test/support/harness, many of them, with what they
 * covered. docs/testing.md says how a seed that fails is looked at.
 */
import { resolve } from 'node:path';
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

await command(async (signal) => {
  const { seeds, from, jobs } = parseOptions(process.argv.slice(2), { seeds: 1000, from: 1, jobs: 2 });
  const tally = new Tally();
  const startedAtMs = performance.now();
  const elapsedMs = (): number => performance.now() - startedAtMs;
  const isTerminal = process.stdout.isTTY;
  const draw = (): void => {
    const line = tally.progress(seeds, elapsedMs());
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
    await runFarm({ root: ROOT, from, seeds, jobs, maxFailures: MAX_FAILURES, signal, onResult });
  } finally {
    clearInterval(timer);
    clear();
  }
  if (signal.aborted) console.log('interrupted');
  console.log(tally.coverage());
  console.log(tally.summary(elapsedMs()));
  return tally.failed.length === 0;
});

function describe({ seed, what, tail }: Failure): string {
  const shown = tail.slice(-SHOWN_TAIL_LINES);
  const again = `its trace: SEED=${seed} node test/replication/random-runs.test.ts`;
  return [...shown, `seed ${seed} failed: ${what}`, again, ''].join('\n');
}
