/**
 * Replicas of one volume, clients, and everything that breaks, from one seed each (test/support/harness/random-run.ts).
 *
 *   SEEDS=10000       so many seeds, from 1
 *   SEED=143          this one only, with the fewest faults that make it fail, and its trace
 */
import t from 'tap';
import { describeStruck } from '../support/harness/faults.ts';
import { runSeed } from '../support/harness/random-run.ts';
import { shrink } from '../support/harness/shrink.ts';
import { Trace } from '../support/harness/trace.ts';

/** Few: `npm run sim` runs many, in CI too. */
const SEEDS = 300;
const MAX_MS_PER_SEED = 100;

const only = process.env['SEED'];
const count = only === undefined ? Number(process.env['SEEDS'] ?? SEEDS) : 1;
const first = Number(only ?? 1);
t.setTimeout(60_000 + count * MAX_MS_PER_SEED);

t.test(`${count} random runs keep every promise`, async (t) => {
  const failed: number[] = [];
  for (let seed = first; seed < first + count; seed++) {
    const failure = runSeed(seed);
    if (failure === undefined) continue;
    failed.push(seed);
    const { what, tail, struck } = shrink(failure);
    t.comment([...tail, ...describeStruck(struck), `SEED=${seed}: ${what}`].join('\n'));
    if (failed.length >= 3) break;
  }
  t.strictSame(failed, [], 'seeds that failed');
});

t.test('the same seed is the same run, to the byte', async (t) => {
  const told = [1, 2].map(() => {
    const watch = new Trace({ isVerbose: true, maxLines: 1e6 });
    runSeed(first, { watch });
    return watch.lines;
  });
  t.ok((told[0]?.length ?? 0) > 100);
  t.strictSame(told[0], told[1]);
});
