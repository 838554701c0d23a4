/**
 * `npm run sim:mutations [-- --only NAME --seeds N --jobs J]`: breaks a copy of the code in each way that mutations.ts
 * lists, and says what found it: a seed, or else a test of test/replication.
 */
import { LockstepError } from '../../daemon/sys/errors.ts';
import type { Failure } from '../support/harness/random-run.ts';
import { runFarm } from './farm.ts';
import { mutations } from './mutations.ts';
import { command, parseOptions, type SimOptions } from './options.ts';
import type { SeedResult } from './worker.ts';
import { Tree } from './tree.ts';

const REASON_CHARACTERS = 90;
const NOT_FOUND = 'NOT FOUND';

const names = mutations.map((mutation) => mutation.name);
const width = Math.max(...names.map((name) => name.length));

await command(async (signal) => {
  const options = parseOptions(process.argv.slice(2), { seeds: 2000, jobs: 2 }, names);
  const wanted = mutations.filter(({ name }) => options.only.length === 0 || options.only.includes(name));
  using tree = new Tree();
  const { fitting, problems } = tree.sort(wanted);
  if (fitting.length > 0) await checkUnbroken(tree, options, signal);
  const missed: string[] = [];
  row('mutation', 'found by', 'time', 'reason');
  for (const mutation of fitting) {
    if (signal.aborted) break;
    const startedAtMs = performance.now();
    using _broken = tree.mutate(mutation);
    const found = await firstFinding(tree, options, signal);
    if (signal.aborted) break;
    if (found === undefined) missed.push(mutation.name);
    const reason = (found?.what ?? mutation.what).slice(0, REASON_CHARACTERS);
    row(
      mutation.name,
      found?.by ?? NOT_FOUND,
      `${((performance.now() - startedAtMs) / 1000).toFixed(1)} s`,
      reason,
    );
  }
  if (signal.aborted) console.log('interrupted');
  else if (missed.length === 0) console.log(`${fitting.length} mutations, all of them found`);
  if (missed.length > 0) console.log(`not found: ${missed.join(', ')}`);
  for (const problem of problems) console.log(problem);
  return missed.length + problems.length === 0;
});

interface Finding {
  readonly by: string;
  readonly what: string;
}

/** Seeds that fail on the code as it is find every mutation and prove nothing; so would tests. */
async function checkUnbroken(tree: Tree, options: SimOptions, signal: AbortSignal): Promise<void> {
  const failure = await firstFailure(tree, options, signal);
  if (failure !== undefined)
    throw new LockstepError(
      'FAILED_PRECONDITION',
      `seed ${failure.seed} fails with the code as it is: ${failure.what}`,
    );
  for (const file of await tree.leaveOutFailingTests(signal))
    if (!signal.aborted) console.log(`left out, since it fails with the code as it is: ${file}`);
}

async function firstFinding(
  tree: Tree,
  options: SimOptions,
  signal: AbortSignal,
): Promise<Finding | undefined> {
  const failure = await firstFailure(tree, options, signal);
  if (failure !== undefined) return { by: `seed ${failure.seed}`, what: failure.what };
  const test = await tree.failingTest(signal);
  return test === undefined ? undefined : { by: test, what: '' };
}

async function firstFailure(
  tree: Tree,
  { from, seeds, jobs }: SimOptions,
  signal: AbortSignal,
): Promise<Failure | undefined> {
  const failures: Failure[] = [];
  const onResult = ({ failure }: SeedResult): void => {
    if (failure !== undefined) failures.push(failure);
  };
  await runFarm({
    root: tree.root,
    from,
    seeds,
    jobs,
    maxFailures: 1,
    shrinks: false,
    signal,
    onResult,
  });
  return failures.sort((a, b) => a.seed - b.seed)[0];
}

function row(name: string, by: string, time: string, reason: string): void {
  console.log(`${name.padEnd(width)}  ${by.padEnd(38)}  ${time.padStart(7)}  ${reason}`.trimEnd());
}
