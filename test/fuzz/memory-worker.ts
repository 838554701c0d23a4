/** The thread in which sessions run in memory, so that the one who started it sees when one of them hangs. */
import { parentPort, workerData } from 'node:worker_threads';
import { type CampaignOptions, describeFailure, runCampaign } from './campaign.ts';
import { memoryInUse } from './garbage.ts';
import { optionsOf, runInMemory } from './memory-session.ts';
import { describeGrowth } from './tally.ts';

export interface MemoryWork extends Pick<CampaignOptions, 'seed' | 'from' | 'runs'> {
  readonly seconds: number;
  /** The number of the session that runs. */
  readonly progress: Float64Array;
}

export interface MemoryOutcome {
  readonly ok: boolean;
  readonly text: string;
}

const { seed, from, runs, seconds, progress } = workerData as MemoryWork;
const started = performance.now();
// Behind a throw in a turn of its own: which session it was is known, and enough to run it again.
process.on('uncaughtException', (error) => {
  parentPort?.postMessage({
    ok: false,
    text: `session ${progress[0]} of seed ${seed} threw: ${String(error.stack)}`,
  });
});
const { tally, failure, memory, growth } = await runCampaign(
  (input, random) => runInMemory(input, random, optionsOf(random)),
  {
    seed,
    from,
    runs,
    untilMs: seconds === 0 ? undefined : started + seconds * 1000,
    sessions: 1,
    measure: memoryInUse,
    onRun: (run) => {
      progress[0] = run;
    },
  },
);
const lines = [
  tally.describe((performance.now() - started) / 1000),
  ...(memory === undefined ? [] : [describeGrowth(memory.before, memory.after)]),
  ...(failure === undefined ? [] : [describeFailure(failure, seed)]),
  ...(growth === undefined ? [] : [growth]),
];
const outcome: MemoryOutcome = { ok: failure === undefined && growth === undefined, text: lines.join('\n') };
parentPort?.postMessage(outcome);
