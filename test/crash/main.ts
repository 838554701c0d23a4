/**
 * `npm run crash -- --seeds N --from M --states S --seconds T --failures F`: the crash runs of test/support/crash, many of them, with about S
 * states each, and fresh seeds until T seconds are over. A defect fails many seeds: it ends after F of them. docs/testing.md says how a seed that fails is looked at.
 */
import { crashRun } from '../support/crash/crash-run.ts';
import { command, parseOptions } from '../sim/options.ts';

const LINE_EVERY_MS = 10_000;

await command(async (signal) => {
  const defaults = { seeds: 1000, from: 1, states: 600, seconds: 0, failures: 3 };
  const {
    seeds,
    from,
    states,
    seconds,
    failures: mostFailures,
  } = parseOptions(process.argv.slice(2), defaults);
  const startedAtMs = performance.now();
  const elapsedMs = (): number => performance.now() - startedAtMs;
  const tally = new Map<string, number>();
  let looked = 0;
  let failures = 0;
  let shownMs = 0;
  let seed = from;
  const isOver = (): boolean =>
    signal.aborted || failures >= mostFailures || (seed >= from + seeds && elapsedMs() >= seconds * 1000);
  const line = (): string =>
    `${seed - from} seeds, ${looked} states, ${((elapsedMs() * 1000) / Math.max(1, looked)).toFixed(0)} us each, ${failures} failed`;
  for (; !isOver(); seed++) {
    const result = await crashRun({ seed, states });
    looked += result.states;
    for (const [what, count] of result.tally) tally.set(what, (tally.get(what) ?? 0) + count);
    if (result.failure !== undefined) {
      failures++;
      console.log([...result.failure.tail, `seed ${seed} failed: ${result.failure.what}`, ''].join('\n'));
    }
    if (elapsedMs() < shownMs + LINE_EVERY_MS) continue;
    shownMs = elapsedMs();
    console.log(line());
    // Signals are seen between two turns of the loop only.
    await new Promise((resolve) => setImmediate(resolve));
  }
  console.log(
    [...tally]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([what, count]) => `${what} ${count}`)
      .join(', '),
  );
  console.log(line());
  return failures === 0;
});
