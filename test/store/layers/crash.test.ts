/** The layered store after every crash: docs/testing.md says what is tried and what is checked. */
import t from 'tap';
import { crashRun } from '../../support/crash/crash-run.ts';

const SEEDS = 150;
const STATES_PER_SEED = 900;
/** On a machine that has other things to do. */
const LIMIT_MS = 300_000;
t.setTimeout(LIMIT_MS);
const STATES = 100_000;

t.test('a store keeps what it promised whatever a crash leaves', { timeout: LIMIT_MS }, async (t) => {
  let states = 0;
  const [first, last] =
    process.env['SEED'] === undefined
      ? [1, SEEDS]
      : [Number(process.env['SEED']), Number(process.env['SEED'])];
  for (let seed = first; seed <= last; seed++) {
    const result = await crashRun({ seed, states: STATES_PER_SEED });
    states += result.states;
    if (result.failure === undefined) continue;
    t.comment(result.failure.tail.join('\n'));
    t.fail(`seed ${seed}: ${result.failure.what}`);
    return;
  }
  t.comment(`${states} states`);
  t.ok(first === last || states >= STATES, `${states} states`);
});
