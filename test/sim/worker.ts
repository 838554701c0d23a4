/** A thread of the seed farm: it is told a seed, runs it, and answers what came of it (farm.ts). */
import { parentPort } from 'node:worker_threads';
import type { FaultKind } from '../support/harness/fault-plan.ts';
import { type Failure, traced, tryRun } from '../support/harness/random-run.ts';
import { shrink } from '../support/harness/shrink.ts';
import type { TraceSink } from '../support/harness/trace.ts';
import { type Transition, transitionName } from './tally.ts';

/** How long the faults of a run that failed are looked through for those that matter. */
const SHRINK_MS = 10_000;

export interface SeedTask {
  readonly seed: number;
  /** A failure is told with the fewest faults that lead to it. */
  readonly shrinks: boolean;
}

export interface SeedResult {
  readonly seed: number;
  readonly failure: Failure | undefined;
  readonly simulatedMs: number;
  readonly taken: ReadonlyMap<Transition, number>;
  readonly struck: readonly FaultKind[];
  /** Of a run whose clocks go beyond the bound. */
  readonly staleReads: number;
}

function run({ seed, shrinks }: SeedTask): SeedResult {
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
  const { what, struck, staleReads } = tryRun(seed, { watch });
  const kinds = struck.map(({ fault }) => fault.kind);
  const result = { seed, simulatedMs, taken, struck: kinds, staleReads };
  if (what === undefined) return { ...result, failure: undefined };
  const failure = { seed, ...traced(seed, {}) };
  const endMs = performance.now() + SHRINK_MS;
  return { ...result, failure: shrinks ? shrink(failure, () => performance.now() < endMs) : failure };
}

/** What no run expects, such as a replica that cannot even be made, is a failure of the seed, not of the farm. */
function answer(task: SeedTask): SeedResult {
  try {
    return run(task);
  } catch (error) {
    const what = error instanceof Error ? (error.stack ?? error.message) : String(error);
    const failure = { seed: task.seed, what, tail: [], struck: [] };
    return { seed: task.seed, failure, simulatedMs: 0, taken: new Map(), struck: [], staleReads: 0 };
  }
}

parentPort?.on('message', (task: SeedTask) => parentPort?.postMessage(answer(task)));
parentPort?.postMessage('ready');
