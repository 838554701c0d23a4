/** Many sessions one after the other or side by side, each out of the seed and its own number. */
import { Random } from '../support/harness/random.ts';
import { type FuzzInput, inputOf } from './mutate.ts';
import { growthFault, type Memory, type MeasureMemory, Tally } from './tally.ts';
import type { Verdict } from './witness.ts';

export interface CampaignOptions {
  readonly seed: number;
  /** The first session's number. */
  readonly from: number;
  readonly runs: number;
  /** It ends then, however many are left. */
  readonly untilMs?: number | undefined;
  /** At once. */
  readonly sessions: number;
  readonly measure?: MeasureMemory;
  /** Called before each session: whoever sees that it is not called any more knows which one hangs. */
  readonly onRun?: (run: number) => void;
}

export type RunSession = (input: FuzzInput, random: Random) => Promise<Verdict>;

export interface Failure {
  readonly run: number;
  readonly finding: string;
  readonly input: FuzzInput;
}

export interface CampaignResult {
  readonly tally: Tally;
  readonly failure: Failure | undefined;
  readonly memory: { readonly before: Memory; readonly after: Memory } | undefined;
  readonly growth: string | undefined;
}

/** A quarter of all, but no more: until code is compiled, pools are filled and the allocator's heap is in pieces. */
const WARM_UP_RUNS = 300_000;

/** The session's input, and the chance that is left for the session itself. */
export function sessionOf(seed: number, run: number): { readonly input: FuzzInput; readonly random: Random } {
  const random = Random.of(seed, run);
  return { input: inputOf(random), random };
}

export async function runCampaign(run: RunSession, options: CampaignOptions): Promise<CampaignResult> {
  const { seed, from, runs, untilMs = Infinity, sessions, measure, onRun } = options;
  const tally = new Tally();
  let next = from;
  let failure: Failure | undefined;
  const worker = async (end: number): Promise<void> => {
    while (failure === undefined && next < end && performance.now() < untilMs) {
      const number = next++;
      onRun?.(number);
      const { input, random } = sessionOf(seed, number);
      const verdict = await run(input, random).catch((error: unknown) => crashed(error));
      tally.add(verdict);
      if (verdict.finding !== undefined) failure ??= { run: number, finding: verdict.finding, input };
    }
  };
  const all = (end: number) => Promise.all(Array.from({ length: sessions }, () => worker(end)));
  const end = from + runs;
  await all(Math.min(end, from + Math.min(WARM_UP_RUNS, Math.ceil(runs / 4))));
  // Whoever is asked may be dead by now, or hang.
  const measured = () => (failure === undefined ? measure?.() : undefined);
  const before = await measured();
  await all(end);
  const after = await measured();
  const memory = before === undefined || after === undefined ? undefined : { before, after };
  return { tally, failure, memory, growth: memory && growthFault(memory.before, memory.after) };
}

function crashed(error: unknown): Verdict {
  const finding = `it threw: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`;
  return { finding, complete: true, options: 0, transmission: undefined };
}

/** As text that cases.ts takes. */
export function describeFailure({ run, finding, input }: Failure, seed: number): string {
  const hex = input.bytes.toString('hex');
  return [
    `session ${run} of seed ${seed}: ${finding}`,
    `again: npm run fuzz:nbd -- --seed ${seed} --from ${run} --runs 1`,
    `as a case of test/fuzz/cases.ts: { cuts: [${input.cuts.join(', ')}], hex: '${hex}' }`,
  ].join('\n');
}
