/**
 * Two replicas, clients, and everything that breaks, from one seed each (test/support/harness/random-run.ts).
 *
 *   SEEDS=10000       so many seeds, from 1
 *   SEED=143          this one only, with its trace
 */
import t from 'tap';
import { runSeed } from '../support/harness/random-run.ts';

const SEEDS = 1500;
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
    t.comment([...failure.tail, `SEED=${seed}: ${failure.what}`].join('\n'));
    if (failed.length >= 3) break;
  }
  t.strictSame(failed, [], 'seeds that failed');
});
