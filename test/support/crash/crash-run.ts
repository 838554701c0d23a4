/**
 * What one seed does: some lives of a process, each of which begins with what a crash of the one before left. After
 * each life all its instants are gone through, and at each some crashes are tried on copies of the disk.
 */
import { messageOf } from '../../../daemon/sys/errors.ts';
import { Random } from '../harness/random.ts';
import { BrokenPromise, checkFiles, checkMerged, checkRecovered, checkSums, untilDone } from './check.ts';
import { type Choice, noting, randomChooser, repeating } from './choosers.ts';
import { Disk } from './disk.ts';
import { Faults } from './faults.ts';
import { SECTOR_BYTES } from './image.ts';
import { Kernel } from './kernel.ts';
import { openStore } from './host.ts';
import { Life } from './life.ts';
import { Model, type ModelEvent } from './model.ts';
import { describeStep, type DiskStep } from './steps.ts';
import type { CrashKind } from './volume-model.ts';
import { work } from './workload.ts';

export interface CrashRunOptions {
  readonly seed: number;
  /** About so many. */
  readonly states: number;
}

export interface CrashRunResult {
  readonly states: number;
  /** How often what was done, asked for or changed in the catalogue; and how many crashes of each kind. */
  readonly tally: ReadonlyMap<string, number>;
  readonly failure: CrashFailure | undefined;
}

export interface CrashFailure {
  readonly seed: number;
  readonly what: string;
  /** Where, and what was done before. */
  readonly tail: readonly string[];
}

interface State {
  readonly kind: CrashKind;
  readonly choices: readonly Choice[];
}

/** What a process did to its disk, and what it promised, in one order. */
type Recorded =
  { readonly of: 'disk'; readonly step: DiskStep } | { readonly of: 'model'; readonly event: ModelEvent };

const LIVES = 3;
const MIN_ACTIONS = 100;
const MORE_ACTIONS = 300;
const KILLED_SHARE = 0.15;
/** Of lives in which operations on files fail. */
const FAULTY_SHARE = 0.5;
/** Of states from which the store goes on for a while. */
const AFTERMATH_SHARE = 0.06;
/** Of snapshots that no crash should have touched: there are many, and each is looked at in many states. */
const SKIPPED_SHARE = 0.6;
const TAIL = Number(process.env['TAIL'] ?? 60);

export async function crashRun({ seed, states }: CrashRunOptions): Promise<CrashRunResult> {
  const run = new CrashRun(seed, states);
  try {
    await run.run();
    return { states: run.states, tally: run.tally, failure: undefined };
  } catch (error) {
    const what = error instanceof BrokenPromise ? error.message : `${messageOf(error)}\n${stackOf(error)}`;
    return { states: run.states, tally: run.tally, failure: { seed, what, tail: run.tail() } };
  }
}

class CrashRun {
  readonly #seed: number;
  readonly #wanted: number;
  readonly #random: Random;
  #boot = 1;
  #life = 0;
  #record: readonly Recorded[] = [];
  #at = 0;
  #state: State | undefined;
  /** What the store did after that. */
  #recovery: readonly DiskStep[] = [];
  states = 0;
  readonly tally = new Map<string, number>();

  constructor(seed: number, wanted: number) {
    this.#seed = seed;
    this.#wanted = wanted;
    this.#random = Random.of(seed, 'crashes');
  }

  async run(): Promise<void> {
    let disk = new Disk();
    let model = new Model();
    for (this.#life = 1; this.#life <= LIVES; this.#life++) {
      const record: Recorded[] = [];
      const chance = Random.of(this.#seed, 'faults', this.#life);
      const faults = chance.happens(FAULTY_SHARE) ? new Faults(chance) : undefined;
      const kernel = new Kernel(disk.copy(), {
        isManual: true,
        onStep: (step) => record.push({ of: 'disk', step }),
        ...(faults === undefined ? {} : { faults }),
        onFault: (kind, path) => {
          this.#count(`fault ${kind}`);
          life.fault(kind, path);
        },
      });
      const life: Life = new Life({
        host: kernel,
        model: model.copy(),
        random: Random.of(this.#seed, 'life', this.#life),
        onEvent: (event) => record.push({ of: 'model', event }),
      });
      this.#record = record;
      this.#state = undefined;
      this.#at = Infinity;
      await this.#open(life, faults);
      await work(life, MIN_ACTIONS + this.#random.below(MORE_ACTIONS));
      if (this.#random.happens(0.3)) await life.quiet();
      const next = await this.#lookAt(disk, model);
      ({ disk, model } = next);
    }
  }

  /** With nothing that fails: what a store makes of that while it opens is seen in states. */
  async #open(life: Life, faults: Faults | undefined): Promise<void> {
    faults?.pause();
    await life.open(bootId(this.#boot));
    faults?.resume();
  }

  /** Goes through all instants of the life. Answers with what the next one begins. */
  async #lookAt(before: Disk, model: Model): Promise<{ disk: Disk; model: Model }> {
    const disk = before.copy();
    const running = model.copy();
    const steps = this.#record.filter(({ of }) => of === 'disk').length;
    const share = this.#wanted / LIVES / Math.max(1, steps);
    const last = Math.floor(this.#record.length * this.#random.between(0.5, 1));
    for (this.#at = 0; this.#at < this.#record.length; this.#at++) {
      const one = this.#record[this.#at];
      this.#countRecorded(one);
      if (one?.of === 'model') running.apply(one.event);
      else if (one?.of === 'disk') {
        if (one.step.type === 'write' && one.step.data.length > SECTOR_BYTES && this.#random.happens(0.1))
          await this.#tryTorn(disk, running, one.step);
        disk.apply(one.step);
        // Until the process knows that a sync failed it cannot say so to the next one.
        const only = one.step.type === 'sync-failed' ? 'power' : undefined;
        let left = share;
        for (; left >= 1; left--) await this.#try(disk, running, only);
        if (this.#random.happens(left)) await this.#try(disk, running, only);
      }
      if (this.#at >= last && one?.of === 'disk') break;
    }
    // What a failed sync makes of the page cache is for the replica to know until the machine starts again.
    const isDoubted = [...running.volumes.values()].some(
      ({ hasFailed, doubtful }) => hasFailed || doubtful.length > 0,
    );
    const state = this.#randomState(disk, isDoubted ? 'power' : undefined);
    const left = this.#left(disk, state, 'with what is not stable');
    const after = await this.#checked(this.#left(disk, state, 'settled'), running, state, 'all');
    if (state.kind === 'power') this.#boot++;
    return { disk: left, model: after() };
  }

  async #try(disk: Disk, model: Model, only: CrashKind | undefined): Promise<void> {
    const state = this.#randomState(disk, only);
    await this.#checked(this.#left(disk, state, 'settled'), model, state);
  }

  /** A process dies in the middle of a write. */
  async #tryTorn(disk: Disk, model: Model, step: Extract<DiskStep, { type: 'write' }>): Promise<void> {
    const state: State = { kind: 'killed', choices: [] };
    const left = this.#left(disk, state, 'settled');
    const sectors = 1 + this.#random.below(step.data.length / SECTOR_BYTES - 1);
    if (left.has(step.inode)) left.apply({ ...step, data: step.data.subarray(0, sectors * SECTOR_BYTES) });
    await this.#checked(left, model, state);
  }

  #randomState(disk: Disk, only?: CrashKind): State {
    const choices: Choice[] = [];
    const kind = only ?? (this.#random.happens(KILLED_SHARE) ? 'killed' : 'power');
    if (kind === 'killed') disk.killedForGood(noting((options) => this.#random.below(options), choices));
    else disk.withoutPower(noting(randomChooser(this.#random), choices));
    return { kind, choices };
  }

  #left(disk: Disk, { kind, choices }: State, how: 'settled' | 'with what is not stable'): Disk {
    const choose = repeating(choices);
    if (kind === 'power') return disk.withoutPower(choose);
    return how === 'settled' ? disk.killedForGood(choose) : disk.killed(choose);
  }

  /** Opens what a crash left, and answers the model of it. */
  async #checked(
    disk: Disk,
    model: Model,
    state: State,
    extent: 'some' | 'all' = 'some',
  ): Promise<() => Model> {
    this.#state = state;
    this.states++;
    this.#count(state.kind);
    const steps: DiskStep[] = [];
    this.#recovery = steps;
    const kernel = new Kernel(disk, { isManual: false, onStep: (step) => steps.push(step) });
    const store = await openStore(kernel, bootId(state.kind === 'power' ? this.#boot + 1 : this.#boot));
    const after = checkRecovered(
      store,
      model,
      state.kind,
      () => extent === 'some' && this.#random.happens(SKIPPED_SHARE),
    );
    await checkFiles(kernel);
    if (this.#random.happens(AFTERMATH_SHARE)) {
      // First with the checksums that the crash left, then with all.
      await checkSums(store);
      await untilDone(store);
      await checkMerged(kernel);
      await checkSums(store);
      await checkFiles(kernel);
      checkRecovered(store, after(), 'killed');
    }
    await store.close();
    if (kernel.openFiles !== 0) throw new BrokenPromise(`${kernel.openFiles} files are left open`);
    return after;
  }

  #countRecorded(one: Recorded | undefined): void {
    if (one?.of === 'model' && one.event.type === 'op-begins') this.#count(one.event.op.type);
    if (one?.of === 'model' && one.event.type !== 'op-begins') this.#count(one.event.type);
    if (one?.of === 'disk' && one.step.type === 'commit')
      for (const { type } of one.step.changes) this.#count(`record ${type}`);
  }

  #count(what: string): void {
    this.tally.set(what, (this.tally.get(what) ?? 0) + 1);
  }

  /** For people. */
  tail(): string[] {
    const at = Math.min(this.#at, this.#record.length - 1);
    const lines = this.#record.slice(Math.max(0, at - TAIL), at + 1).map(describe);
    const where = this.#state === undefined ? 'while it lives' : `${this.#state.kind} after step ${at}`;
    const lost = (this.#state?.choices ?? [])
      .filter(({ chosen, options }) => chosen < options - 1)
      .map(
        ({ chosen, options, unit }) =>
          `  of ${unit.kind} ${unit.inode} ${unit.what}: ${chosen} of ${options - 1}`,
      );
    const after =
      this.#state === undefined ? [] : this.#recovery.slice(-TAIL).map((step) => `    ${describeStep(step)}`);
    return [...lines, `life ${this.#life}, ${where}`, ...lost, 'after the crash', ...after];
  }
}

function stackOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return cause instanceof Error ? (cause.stack ?? '') : '';
}

function bootId(boot: number): string {
  return `boot ${boot}`;
}

function describe(one: Recorded): string {
  if (one.of === 'disk') return `    ${describeStep(one.step)}`;
  return describeEvent(one.event);
}

function describeEvent(event: ModelEvent): string {
  switch (event.type) {
    case 'write-begins': {
      const { offset, length, data } = event.write;
      return `${data === undefined ? 'zero' : 'write'} ${event.volume} ${offset}+${length}`;
    }
    case 'op-begins':
      return `${event.id} begins ${JSON.stringify(event.op)}`;
    default: {
      const { type, ...rest } = event;
      return `${type} ${Object.values(rest).join(' ')}`;
    }
  }
}
