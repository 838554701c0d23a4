/** One run from one seed: clients at work while things break, then peace, then the reckoning. */
import { REGION_BYTES } from '../../../daemon/replication/units.ts';
import { randomMix, startClient } from './clients.ts';
import { chooseOldCopy, loseForGood, outliveStuckDisk } from './endings.ts';
import { drawFaults } from './fault-plan.ts';
import { Faults, type Struck } from './faults.ts';
import { drawFirstRegions, startGrowth } from './growth.ts';
import { RandomPace } from './pace.ts';
import { awaitRedundancy, makePeace, readAll, scrubAll } from './peace.ts';
import { Random } from './random.ts';
import { noTrace, Trace, type TraceSink } from './trace.ts';
import { World } from './world.ts';

const CLIENTS = 3;
const SYNC_MS = 4000;
const TROUBLE_MS = 5000;
const TAIL_LINES = 200;
/** The most that two clocks drift apart is 2 % over a lease (docs/replication.md). */
const WITHIN_BOUND = [0.9905, 1.0095] as const;
const BEYOND_BOUND = [0.8, 1.3] as const;

export interface Failure {
  readonly seed: number;
  readonly what: string;
  readonly tail: readonly string[];
  /** What had struck by then. */
  readonly struck: readonly Struck[];
}

export interface RunOptions {
  readonly watch?: TraceSink;
  /** Only these faults strike, by their index; all of the plan without. */
  readonly only?: ReadonlySet<number>;
}

/** How a run ended. */
export interface Outcome {
  /** Undefined: it kept every promise. */
  readonly what: string | undefined;
  readonly struck: readonly Struck[];
  readonly staleReads: number;
}

/** Undefined: the run kept every promise. A seed that fails is run again, with a trace that `watch` does not see. */
export function runSeed(seed: number, options: RunOptions = {}): Failure | undefined {
  const { what } = tryRun(seed, options);
  return what === undefined ? undefined : { ...traced(seed, options), seed };
}

/** The run once more, with its trace. */
export function traced(seed: number, options: RunOptions): Omit<Failure, 'seed'> {
  const trace = new Trace({ isVerbose: false, maxLines: TAIL_LINES });
  const { what = 'it does not fail again: the run is not determined by its seed', struck } = tryRun(seed, {
    ...options,
    watch: trace,
  });
  return { what, struck, tail: trace.lines.slice(-TAIL_LINES) };
}

export function tryRun(seed: number, { watch = noTrace, only }: RunOptions): Outcome {
  const random = Random.of(seed, 'run');
  const pace = new RandomPace(Random.of(seed, 'pace'));
  const regions = random.pick([2, 3, 4, 5, 6, 6, 24]) ?? 4;
  const isBeyond = random.happens(0.05);
  const clockRates = isBeyond ? BEYOND_BOUND : WITHIN_BOUND;
  const names = ['a', 'b', 'c'].slice(0, random.pick([1, 2, 2, 2, 2, 2, 2, 3, 3, 3]));
  const world = new World({
    hosts: names,
    sizeBytes: regions * REGION_BYTES,
    firstSizeBytes: drawFirstRegions(Random.of(seed, 'growth'), regions) * REGION_BYTES,
    pace,
    trace: watch,
    clockRateOf: () => random.between(clockRates[0], clockRates[1]),
  });
  world.mayReadStale = isBeyond;
  // Slow enough, now and then, for a copy to take some seconds.
  world.network.bytesPerMs = random.pick([Infinity, Infinity, Infinity, 2000, 400, 180, 120]) ?? Infinity;
  const plan = drawFaults({ seed, hosts: names, forMs: TROUBLE_MS });
  const faults = new Faults(world, { seed, plan, only, clockRates });
  const what = problemOf(() => {
    const mix = randomMix(random, regions);
    world.clientsRun = true;
    for (let client = 0; client < CLIENTS; client++)
      startClient(world, Random.of(seed, 'client', client), mix);
    if (random.happens(0.8)) world.run(SYNC_MS, () => world.control.record.inSync.length === names.length);
    faults.start();
    startGrowth(world, Random.of(seed, 'growth', 1), TROUBLE_MS);
    world.run(TROUBLE_MS);
    world.onEffect = () => undefined;
    const ending = random.next();
    if (ending < 0.15 && loseForGood(world)) return;
    if (ending >= 0.15 && ending < 0.4) chooseOldCopy(world, ending < 0.2);
    if (ending >= 0.4 && ending < 0.5) {
      pace.isCalm = true;
      outliveStuckDisk(world, random.happens(0.5));
    }
    world.clientsRun = false;
    pace.isCalm = true;
    makePeace(world);
    awaitRedundancy(world);
    readAll(world);
    scrubAll(world, Random.of(seed, 'scrub'));
  });
  return { what, struck: faults.struck, staleReads: world.staleReads };
}

function problemOf(run: () => void): string | undefined {
  try {
    run();
    return undefined;
  } catch (error) {
    return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  }
}
