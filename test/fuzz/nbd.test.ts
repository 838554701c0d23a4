/**
 * Mutated sessions in memory: the same ones every time, and then fresh ones. `npm run fuzz:nbd` makes many more.
 * FUZZ_SECONDS is how long the fresh ones go on.
 */
import t from 'tap';
import { Random } from '../support/harness/random.ts';
import { describeFailure, runCampaign, type RunSession } from './campaign.ts';
import { CASES } from './cases.ts';
import { optionsOf, runInMemory } from './memory-session.ts';

const FIXED_SEED = 1;
const FIXED_RUNS = 10_000;
const FRESH_SECONDS = Number(process.env['FUZZ_SECONDS'] ?? '3');
const ALL = 1_000_000_000;

const run: RunSession = (input, random) => runInMemory(input, random, optionsOf(random));

for (const { name, options, ...input } of CASES)
  t.test(name, async (t) => {
    t.equal((await runInMemory(input, Random.of(1), options)).finding, undefined);
  });

t.test(`${FIXED_RUNS} sessions that are the same every time`, async (t) => {
  const { tally, failure } = await runCampaign(run, {
    seed: FIXED_SEED,
    from: 1,
    runs: FIXED_RUNS,
    sessions: 1,
  });
  t.equal(failure && describeFailure(failure, FIXED_SEED), undefined);
  t.comment(tally.describe(0));
  // Mutations that broke every session would find nothing, and nobody would notice.
  t.ok(tally.transmissions > FIXED_RUNS / 2, 'most come to an export');
  t.ok(tally.answered - tally.failed > FIXED_RUNS, 'more requests than sessions succeed');
  t.ok(tally.failed > FIXED_RUNS / 4, 'many fail');
});

t.test('fresh sessions', async (t) => {
  const seed = Date.now() % ALL;
  const untilMs = performance.now() + FRESH_SECONDS * 1000;
  const { tally, failure } = await runCampaign(run, { seed, from: 1, runs: ALL, untilMs, sessions: 1 });
  t.comment(`seed ${seed}: ${tally.describe(FRESH_SECONDS)}`);
  t.equal(failure && describeFailure(failure, seed), undefined);
});
