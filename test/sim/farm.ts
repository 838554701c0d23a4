/**
 * Runs seeds in threads, each seed in one of them. Threads, not processes: a farm that ends takes all of them with it,
 * and one that hangs in a loop can be ended from outside.
 */
import { once } from 'node:events';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { LockstepError, messageOf } from '../../daemon/sys/errors.ts';
import type { SeedResult, SeedTask } from './worker.ts';

/** A seed takes some milliseconds of real time, a failed one some seconds; one that takes so long does not end. */
const SEED_LIMIT_MS = 40_000;
/** Of one thread: a seed that goes round in circles fills it, and not the machine's. */
const HEAP_LIMIT_MIB = 1024;

export interface FarmOptions {
  /** The checkout whose seeds are run. */
  readonly root: string;
  readonly from: number;
  readonly seeds: number;
  readonly jobs: number;
  /** The farm ends after so many failures. */
  readonly maxFailures: number;
  /** A failure is told with the fewest faults that lead to it. */
  readonly shrinks: boolean;
  readonly signal: AbortSignal;
  readonly onResult: (result: SeedResult) => void;
}

export async function runFarm(options: FarmOptions): Promise<void> {
  const end = options.from + options.seeds;
  let next = options.from;
  let failures = 0;
  const isOver = (): boolean => next >= end || failures >= options.maxFailures || options.signal.aborted;
  const job = async (): Promise<void> => {
    using thread = new Thread(options.root);
    while (!isOver()) {
      const result = await thread.run({ seed: next++, shrinks: options.shrinks }, options.signal);
      if (result === undefined) return;
      if (result.failure !== undefined) failures++;
      options.onResult(result);
    }
  };
  await Promise.all(Array.from({ length: Math.min(options.jobs, options.seeds) }, job));
}

const emptyResult = { simulatedMs: 0, taken: new Map(), struck: [], staleReads: 0 } as const;

class Thread implements Disposable {
  readonly #path: string;
  #worker: Worker | undefined;

  constructor(root: string) {
    this.#path = join(root, 'test/sim/worker.ts');
  }

  /** Undefined: aborted. */
  async run(task: SeedTask, signal: AbortSignal): Promise<SeedResult | undefined> {
    const worker = (this.#worker ??= await started(this.#path));
    const limit = new AbortController();
    const abort = (): void => limit.abort();
    const timer = setTimeout(abort, SEED_LIMIT_MS);
    signal.addEventListener('abort', abort);
    try {
      const answer = once(worker, 'message', { signal: limit.signal });
      worker.postMessage(task);
      const [result] = (await answer) as [SeedResult];
      return result;
    } catch (error) {
      this[Symbol.dispose]();
      if (signal.aborted) return undefined;
      const what = limit.signal.aborted
        ? `it does not end within ${SEED_LIMIT_MS} ms`
        : `its thread died: ${messageOf(error)}`;
      return { ...emptyResult, seed: task.seed, failure: { seed: task.seed, what, tail: [], struck: [] } };
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', abort);
    }
  }

  [Symbol.dispose](): void {
    void this.#worker?.terminate();
    this.#worker = undefined;
  }
}

async function started(path: string): Promise<Worker> {
  const worker = new Worker(path, { resourceLimits: { maxOldGenerationSizeMb: HEAP_LIMIT_MIB } });
  try {
    await once(worker, 'message');
    return worker;
  } catch (error) {
    // Nothing ran, so nothing was found: not a failure of a seed.
    throw new LockstepError('INTERNAL', `${path} does not load: ${messageOf(error)}`, { cause: error });
  }
}
