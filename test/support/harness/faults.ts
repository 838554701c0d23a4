/** Strikes a world with the faults of a plan, and says which of them did anything. */
import type { Fault, FaultKind } from './fault-plan.ts';
import { commonRegions } from './growth.ts';
import { SECTORS_PER_REGION } from './disk.ts';
import type { Host } from './host.ts';
import type { Process } from './process.ts';
import { Random } from './random.ts';
import { rot } from './scrub-checks.ts';
import { inTrouble, Traps } from './traps.ts';
import type { World } from './world.ts';

/** Where clients are, mostly. */
const HOT_SECTORS = 8;

export interface Struck {
  readonly fault: Fault;
  readonly host: string;
  readonly atMs: number;
}

export interface FaultOptions {
  readonly seed: number;
  readonly plan: readonly Fault[];
  /** Those that strike, by their index; undefined: all. */
  readonly only: ReadonlySet<number> | undefined;
  /** Between these its clock may go; beyond the bound, where a run is about that. */
  readonly clockRates: readonly [low: number, high: number];
}

/** Not while control is older than somebody who could tell it: that is not promised to be survived. */
const silencing: ReadonlySet<FaultKind> = new Set([
  'kill',
  'lose-power',
  'lose-all-power',
  'isolate',
  'lose-control',
  'stop',
  'kill-at-view',
  'kill-promoted',
  'late-grant',
]);

/** What chance says of one fault: its stream, and the host that it strikes. */
interface Strike {
  readonly random: Random;
  readonly host: Host;
}

export class Faults {
  readonly struck: Struck[] = [];
  readonly #world: World;
  readonly #options: FaultOptions;
  #moments = 0;
  readonly #traps: Traps;
  readonly #acts: Readonly<Record<FaultKind, (strike: Strike) => void>> = {
    cut: () => this.#world.network.cutAll(),
    kill: (strike) => this.#kill(strike),
    'lose-power': (strike) => this.#losePower(strike),
    'lose-all-power': (strike) => {
      for (const host of this.#world.hosts.values()) this.#losePower({ ...strike, host });
    },
    block: ({ random, host }) => this.#block(random, [[host.name, this.#other(random, host)]]),
    'block-both': ({ random, host }) => this.#blockBoth(random, host),
    isolate: (strike) => {
      this.#loseControl(strike);
      this.#blockBoth(strike.random, strike.host);
    },
    'lose-control': (strike) => this.#loseControl(strike),
    stop: (strike) => this.#stop(strike),
    hang: ({ random, host }) => this.#hang(host, random.between(20, 400)),
    stall: ({ random, host }) => this.#hang(host, random.between(500, 2500)),
    'fail-writes': ({ random, host }) => {
      const failure = random.happens(0.5) ? 'EIO' : 'ENOSPC';
      host.writesFail = { failure, untilMs: this.#nowMs + random.between(5, 400) };
    },
    'fail-flush': ({ random, host }) => (host.flushesToFail = 1 + random.below(2)),
    spoil: ({ random, host }) => {
      const count = 1 + random.below(4);
      host.disk.spoil(this.#hotSector(random), count);
    },
    flip: ({ random, host }) => {
      const first = Math.floor(this.#hotSector(random) / SECTORS_PER_REGION) * SECTORS_PER_REGION;
      host.disk.spoil(first, SECTORS_PER_REGION);
    },
    rot: ({ random, host }) => this.#rot(random, host),
    seal: ({ host }) => host.disk.seal(),
    scrub: ({ random }) => {
      const anew = random.happens(0.3);
      for (const process of this.#serving()) this.#world.checks.scrubs.begin(process, anew);
    },
    'stop-scrub': () => {
      for (const process of this.#serving()) process.deliver({ type: 'stop-scrub' });
    },
    damage: ({ random, host }) => {
      const damage = random.pick([0.05, 0.3, 1]) ?? 1;
      const untilMs = this.#nowMs + random.between(5, 300);
      this.#world.network.damage(host.name, this.#other(random, host), damage, untilMs);
    },
    slow: ({ random, host }) => {
      const bytesPerMs = random.pick([50, 200, 1000]) ?? 200;
      const untilMs = this.#nowMs + random.between(50, 3000);
      this.#world.network.slow(host.name, this.#other(random, host), bytesPerMs, untilMs);
    },
    drift: ({ random, host }) => host.drift(random.between(...this.#options.clockRates)),
    'restart-control': () => this.#world.control.restart(),
    'slow-control': ({ random }) => {
      const ms = random.pick([100, 500, 2000]) ?? 500;
      this.#world.control.slow = { ms, untilMs: this.#nowMs + random.between(50, 2000) };
    },
    'store-down': ({ random }) => this.#storeDown(random),
    'store-older': ({ random }) => this.#world.control.restoreOlder(1 + random.below(3)),
    move: ({ random }) => this.#world.control.move(random.happens(0.4)),
    'cut-at-flush': ({ random }) => this.#traps.cutAtFlush(random),
    'kill-at-view': ({ random }) => this.#traps.killAtView(random),
    'kill-promoted': ({ random }) => this.#traps.killPromoted(random),
    'late-grant': ({ random }) => this.#traps.lateGrant(random),
    'undo-while-asking': ({ random }) => this.#traps.undoWhileAsking(random),
    'forget-drop': ({ random }) => this.#traps.forgetDrop(random),
    'step-down': ({ random }) => this.#stepDown(random),
    'fail-workflow': () => this.#world.control.failWorkflow(),
  };

  constructor(world: World, options: FaultOptions) {
    this.#world = world;
    this.#options = options;
    this.#traps = new Traps(world);
  }

  start(): void {
    const { scheduler } = this.#world;
    const byMoment = new Map<number, Fault>();
    for (const fault of this.#options.plan) {
      if (fault.ambush !== undefined) byMoment.set(fault.ambush.moment, fault);
      else scheduler.after(fault.atMs ?? 0, () => this.#strike(fault, undefined));
    }
    this.#world.onEffect = (process, effect) => {
      this.#traps.see(process, effect);
      const { type } = effect;
      if (type !== 'persist' && type !== 'state-changed' && type !== 'propose') return;
      const fault = byMoment.get(this.#moments++);
      if (fault === undefined) return;
      scheduler.after(fault.ambush?.afterMs ?? 0, () => this.#strike(fault, process.host));
    };
  }

  get #nowMs(): number {
    return this.#world.scheduler.nowMs;
  }

  /** `at`: where the moment was that an ambush waited for. */
  #strike(fault: Fault, at: Host | undefined): void {
    const host = at ?? this.#world.hosts.get(fault.host);
    if (this.#world.isAtPeace || host === undefined || this.#options.only?.has(fault.index) === false) return;
    if (!this.#world.control.isCurrent && silencing.has(fault.kind)) return;
    this.struck.push({ fault, host: host.name, atMs: this.#nowMs });
    this.#world.note(`fault ${fault.index}: ${fault.kind} ${host.name}`);
    this.#acts[fault.kind]({ random: Random.of(this.#options.seed, 'fault', fault.index), host });
  }

  #other(random: Random, host: Host): string {
    const others = [...this.#world.hosts.keys()].filter((name) => name !== host.name);
    return random.pick(others) ?? host.name;
  }

  #hotSector(random: Random): number {
    return random.below(commonRegions(this.#world)) * SECTORS_PER_REGION + random.below(HOT_SECTORS);
  }

  #serving(): readonly Process[] {
    return this.#world.processes().filter(({ state }) => state === 'SERVING');
  }

  /** Where clients are, or where nobody writes it over. */
  #rot(random: Random, host: Host): void {
    const isHot = random.happens(0.3);
    rot(
      host,
      isHot ? this.#hotSector(random) : random.below(commonRegions(this.#world) * SECTORS_PER_REGION),
    );
  }

  #kill({ random, host: { name } }: Strike): void {
    this.#world.crash(name);
    const awayMs = random.happens(0.5) ? random.between(1, 100) : random.between(100, 1500);
    this.#later(awayMs, () => this.#world.start(name));
  }

  #losePower({ random, host: { name } }: Strike): void {
    const chance = Random.of(random.below(2 ** 32), name);
    this.#world.losePower(name, (end) => chance.below(end));
    const awayMs = chance.happens(0.5) ? chance.between(1, 100) : chance.between(100, 1500);
    this.#later(awayMs, () => this.#world.powerOn(name));
  }

  #blockBoth(random: Random, host: Host): void {
    const other = this.#other(random, host);
    this.#block(random, [
      [host.name, other],
      [other, host.name],
    ]);
  }

  #block(random: Random, ways: readonly (readonly [from: string, to: string])[]): void {
    for (const [from, to] of ways) this.#world.network.block(from, to);
    this.#later(random.between(10, 1200), () => this.#world.network.unblockAll());
  }

  #loseControl({ random, host }: Strike): void {
    host.reachesControl = random.happens(0.4);
    host.controlReachesIt = random.happens(0.4);
    this.#later(random.between(50, 1500), () => {
      host.reachesControl = true;
      host.controlReachesIt = true;
    });
  }

  #stop({ random, host }: Strike): void {
    const { process } = host;
    process?.stop();
    this.#later(random.between(20, 1200), () => process?.goOn());
  }

  #hang(host: Host, ms: number): void {
    host.diskHangsUntilMs = Math.max(host.diskHangsUntilMs, this.#nowMs + ms);
  }

  #storeDown(random: Random): void {
    const { control } = this.#world;
    control.storeIsDown = true;
    this.#later(random.between(50, 1000), () => (control.storeIsDown = false));
  }

  /** Somebody begins a move and drops it, whether there is anybody to move to or not; or the link goes meanwhile. */
  #stepDown(random: Random): void {
    const { control } = this.#world;
    control.stepDown();
    if (random.happens(0.5))
      this.#later(random.between(20, 400), () => control.serveOn(control.record.primary));
    if (!random.happens(0.4)) return;
    // The others have flushed by then, mostly, and it has not.
    const primary = this.#world.hosts.get(control.record.primary);
    if (primary !== undefined) primary.flushesHangUntilMs = this.#nowMs + random.between(30, 120);
    this.#later(random.between(0, 60), () => this.#world.network.cutAll());
  }

  #later(ms: number, act: () => void): void {
    inTrouble(this.#world, ms, act);
  }
}

/** For people: which faults, on whom, when. */
export function describeStruck(struck: readonly Struck[]): readonly string[] {
  return struck.map(
    ({ fault: { index, kind }, host, atMs }) => `fault ${index} at ${atMs.toFixed(1)}: ${kind} ${host}`,
  );
}
