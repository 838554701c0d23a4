/** One run from one seed: clients at work while things break, then peace, then the reckoning. */
import { REGION_BYTES } from '../../../daemon/replication/units.ts';
import { randomMix, startClient } from './clients.ts';
import { SECTORS_PER_REGION } from './disk.ts';
import { RandomPace } from './pace.ts';
import { Random } from './random.ts';
import { noTrace, Trace, type TraceSink } from './trace.ts';
import { World } from './world.ts';

const HOSTS = ['a', 'b'];
const CLIENTS = 3;
const TROUBLE_MS = 4000;
/** Faults have stopped: within this the volume has two equal copies again. */
const PEACE_MS = 15_000;
const TAIL_LINES = 200;

export interface Failure {
  readonly seed: number;
  readonly what: string;
  readonly tail: readonly string[];
}

/** Undefined: the run kept every promise. A seed that fails is run again, with a trace that `watch` does not see. */
export function runSeed(seed: number, watch: TraceSink = noTrace): Failure | undefined {
  if (tryRun(seed, watch) === undefined) return undefined;
  const trace = new Trace({ isVerbose: false, maxLines: TAIL_LINES });
  const what = tryRun(seed, trace) ?? 'it does not fail again: the run is not determined by its seed';
  return { seed, what, tail: trace.lines.slice(-TAIL_LINES) };
}

function tryRun(seed: number, trace: TraceSink): string | undefined {
  const random = new Random(seed);
  const pace = new RandomPace(random);
  const regions = 2 + random.below(5);
  const world = new World({
    hosts: HOSTS,
    sizeBytes: regions * REGION_BYTES,
    pace,
    trace,
    clockRateOf: () => random.between(0.994, 1.006),
  });
  try {
    const mix = randomMix(random, regions);
    world.clientsRun = true;
    for (let client = 0; client < CLIENTS; client++) startClient(world, random, mix);
    if (random.happens(0.8)) world.run(3000, () => world.control.record.inSync.length === HOSTS.length);
    new Trouble(world, random).start();
    world.run(TROUBLE_MS);
    world.clientsRun = false;
    pace.isCalm = true;
    world.onEffect = () => undefined;
    const { primary, inSync } = world.control.record;
    // The primary's host never comes back: whoever the record names beside it holds everything, and has to serve.
    if (inSync.length > 1 && random.happens(0.3)) return loseForGood(world, primary, regions);
    makePeace(world);
    if (!world.run(PEACE_MS, () => world.checks.equality.whyNotRedundant() === ''))
      return `it does not become redundant again: ${world.checks.equality.whyNotRedundant()}`;
    world.checks.equality.checkAllEqual();
    readAll(world, regions);
    return undefined;
  } catch (error) {
    return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  }
}

class Trouble {
  readonly #world: World;
  readonly #random: Random;
  readonly #everyMs: number;
  /** How probable it is that a change of state or of what is durable is followed by a blow. */
  readonly #ambush: number;

  constructor(world: World, random: Random) {
    this.#world = world;
    this.#random = random;
    this.#everyMs = random.pick([60, 200, 500]) ?? 200;
    this.#ambush = random.pick([0, 0.05, 0.2]) ?? 0;
  }

  start(): void {
    this.#world.onEffect = (process, { type }) => {
      if ((type === 'persist' || type === 'state-changed') && this.#random.happens(this.#ambush))
        this.#world.scheduler.after(this.#random.between(0, 30), () => this.#ambushOn(process.name));
    };
    const endMs = this.#world.scheduler.nowMs + TROUBLE_MS;
    const next = (): void => {
      if (this.#world.scheduler.nowMs >= endMs) return;
      this.#strike();
      this.#world.scheduler.after(this.#random.between(0, 2 * this.#everyMs), next);
    };
    next();
  }

  #ambushOn(host: string): void {
    if (this.#world.isAtPeace) return;
    this.#random.pick([() => this.#kill(host), () => this.#stop(host), () => this.#cut()])?.();
  }

  #strike(): void {
    const random = this.#random;
    const host = random.pick(HOSTS) ?? '';
    const other = HOSTS.find((name) => name !== host) ?? '';
    const strikes: readonly (() => void)[] = [
      () => this.#cut(),
      () => this.#cut(),
      () => this.#kill(host),
      () => this.#kill(host),
      () => this.#block([[host, other]]),
      () =>
        this.#block([
          [host, other],
          [other, host],
        ]),
      () => this.#isolate(host),
      () => this.#loseControl(host),
      () => this.#stop(host),
      () => this.#hang(host),
      () => this.#disturbControl(),
      () => this.#move(),
      () => {
        this.#world.control.failWorkflow();
      },
    ];
    random.pick(strikes)?.();
  }

  #cut(): void {
    this.#world.note('the links are cut');
    this.#world.network.cutAll();
  }

  #kill(host: string): void {
    this.#world.crash(host);
    const awayMs = this.#random.happens(0.5) ? this.#random.between(1, 100) : this.#random.between(100, 1500);
    this.#world.scheduler.after(awayMs, () => {
      if (!this.#world.isAtPeace) this.#world.start(host);
    });
  }

  #block(ways: readonly (readonly [from: string, to: string])[]): void {
    this.#world.note(`no frames ${ways.map(([from, to]) => `from ${from} to ${to}`).join(', ')}`);
    for (const [from, to] of ways) this.#world.network.block(from, to);
    this.#world.scheduler.after(this.#random.between(10, 1200), () => {
      this.#world.note('frames flow again');
      this.#world.network.unblockAll();
    });
  }

  #loseControl(host: string): void {
    const at = this.#world.hosts.get(host);
    if (at === undefined) return;
    at.reachesControl = this.#random.happens(0.4);
    at.controlReachesIt = this.#random.happens(0.4);
    this.#world.note(`${host}: to control ${at.reachesControl}, from control ${at.controlReachesIt}`);
    this.#world.scheduler.after(this.#random.between(50, 1500), () => {
      at.reachesControl = true;
      at.controlReachesIt = true;
    });
  }

  /** The host alone: neither its peer nor control. */
  #isolate(host: string): void {
    const other = HOSTS.find((name) => name !== host) ?? '';
    this.#loseControl(host);
    this.#block([
      [host, other],
      [other, host],
    ]);
  }

  #stop(host: string): void {
    const process = this.#world.process(host);
    if (process === undefined) return;
    this.#world.note(`${host}: stands still`);
    process.stop();
    this.#world.scheduler.after(this.#random.between(20, 1200), () => {
      if (process.alive) this.#world.note(`${host}: goes on`);
      process.goOn();
    });
  }

  #hang(host: string): void {
    const at = this.#world.hosts.get(host);
    if (at === undefined) return;
    this.#world.note(`${host}: its disk hangs`);
    at.diskHangsUntilMs = this.#world.scheduler.nowMs + this.#random.between(20, 800);
  }

  #disturbControl(): void {
    const { control, scheduler } = this.#world;
    if (this.#random.happens(0.5)) {
      this.#world.note('control: restarts');
      control.restart();
      return;
    }
    this.#world.note('control: its store takes no writes');
    control.storeIsDown = true;
    scheduler.after(this.#random.between(50, 1000), () => {
      control.storeIsDown = false;
    });
  }

  #move(): void {
    this.#world.control.move(this.#random.happens(0.4));
  }
}

function loseForGood(world: World, primary: string, regions: number): string | undefined {
  world.crash(primary);
  makePeace(world, primary);
  const { control } = world;
  const serves = (): boolean => {
    const { primary: current, inSync } = control.record;
    // What it had asked for before it died was granted after: it was alone in the set, and nobody may serve.
    if (current === primary && inSync.length === 1) return true;
    return current !== primary && world.process(current)?.state === 'SOLO';
  };
  if (!world.run(PEACE_MS, serves)) return `${primary} is gone, and nobody serves`;
  if (control.record.primary === primary) return undefined;
  readAll(world, regions);
  return undefined;
}

function makePeace(world: World, lost = ''): void {
  world.note('peace');
  world.isAtPeace = true;
  world.network.unblockAll();
  world.control.storeIsDown = false;
  for (const host of world.hosts.values()) {
    host.reachesControl = true;
    host.controlReachesIt = true;
    host.diskHangsUntilMs = 0;
    host.process?.goOn();
    if (host.name !== lost) world.start(host.name);
  }
}

/** What is there in the end is one of the things that may be there. */
function readAll(world: World, regions: number): void {
  const primary = world.process(world.control.record.primary);
  if (primary === undefined) world.breach('nobody serves');
  for (let region = 0; region < regions; region++)
    world.read(primary, { first: region * SECTORS_PER_REGION, count: SECTORS_PER_REGION }, () => undefined);
  world.run(1000, () => world.unanswered.size === 0);
  if (world.unanswered.size > 0) world.breach('the last reads were not answered');
}
