/** A thread of the seed farm: it is told a seed, runs it, and answers what came of it (farm.ts). */
import { parentPort } from 'node:worker_threads';
import { type Failure, runSeed } from '../support/harness/random-run.ts';
import type { TraceSink } from '../support/harness/trace.ts';
import { type Transition, transitionName } from './tally.ts';

export interface SeedResult {
  readonly seed: number;
  readonly failure: Failure | undefined;
  readonly simulatedMs: number;
  readonly taken: ReadonlyMap<Transition, number>;
}

function run(seed: number): SeedResult {
  const taken = new Map<string, number>();
  let simulatedMs = 0;
  const watch: TraceSink = {
    note: () => undefined,
    event: (nowMs) => (simulatedMs = nowMs),
    effect: (_nowMs, _host, effect) => {
      if (effect.type !== 'state-changed') return;
      const name = transitionName(effect.from, effect.to);
      taken.set(name, (taken.get(name) ?? 0) + 1);
    },
  };
  const failure = runSeed(seed, { watch });
  return { seed, failure, simulatedMs, taken };
}

/** What no run expects, such as a replica that cannot even be made, is a failure of the seed, not of the farm. */
function tryRun(seed: number): SeedResult {
  try {
    return run(seed);
  } catch (error) {
    const what = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return { seed, failure: { seed, what, tail: [], struck: [] }, simulatedMs: 0, taken: new Map() };
  }
}

parentPort?.on('message', (seed: number) => parentPort?.postMessage(tryRun(seed)));
parentPort?.postMessage('ready');
