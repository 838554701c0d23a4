/**
 * One life of a process with a store: it opens what it finds, and is asked for this and that until it ends. What it did
 * to its disk and what it promised are recorded in one order, from which every instant of its death can be looked at.
 */
import { assert, LockstepError, messageOf } from '../../../daemon/sys/errors.ts';
import { LayerStore } from '../../../daemon/store/layers/layer-store.ts';
import type { StoreLog } from '../../../daemon/store/layers/live-layers.ts';
import type { Random } from '../harness/random.ts';
import { BrokenPromise } from './check.ts';
import type { Disk } from './disk.ts';
import { FOLDER, REGION_BYTES } from './geometry.ts';
import { Kernel } from './kernel.ts';
import type { Model, ModelEvent, Op } from './model.ts';
import type { DiskStep } from './steps.ts';

export type Recorded =
  { readonly of: 'disk'; readonly step: DiskStep } | { readonly of: 'model'; readonly event: ModelEvent };

const QUIET: StoreLog = { info: () => undefined, warn: () => undefined, error: () => undefined };
/** One call that is waited for ends within so many turns, or never. */
const MAX_TURNS = 10_000;

export class Life {
  readonly kernel: Kernel;
  readonly model: Model;
  readonly random: Random;
  readonly record: Recorded[] = [];
  /** How many there are at a time. */
  readonly most: { readonly volumes: number; readonly snapshots: number };
  #store: LayerStore | undefined;
  /** Volumes of which no other operation may be asked meanwhile. */
  readonly #locked = new Set<string>();
  readonly #failures: unknown[] = [];
  #calls = 0;
  #running = 0;

  constructor({ disk, model, random }: { disk: Disk; model: Model; random: Random }) {
    this.model = model;
    this.random = random;
    this.most = { volumes: 1 + random.below(3), snapshots: 1 + random.below(5) };
    this.kernel = new Kernel(disk, {
      isManual: true,
      onStep: (step) => this.record.push({ of: 'disk', step }),
    });
  }

  get store(): LayerStore {
    assert(this.#store !== undefined, 'the store is open');
    return this.#store;
  }

  get running(): number {
    return this.#running;
  }

  async open(bootId: string): Promise<void> {
    this.#store = await this.#waitFor(openStore(this.kernel, bootId));
  }

  isLocked(volume: string): boolean {
    return this.#locked.has(volume);
  }

  tell(event: ModelEvent): void {
    this.record.push({ of: 'model', event });
    this.model.apply(event);
  }

  write(volume: string, offset: number, data: Uint8Array): void {
    this.tell({ type: 'write-begins', volume, write: { offset, length: data.length, data } });
    this.store.volume(volume).write(offset, data);
    this.tell({ type: 'write-ends', volume });
  }

  zero(
    volume: string,
    range: { readonly offset: number; readonly length: number },
    keepSpace: boolean,
  ): void {
    this.tell({ type: 'write-begins', volume, write: { ...range, data: undefined } });
    this.store.volume(volume).zero(range, { keepSpace });
    this.tell({ type: 'write-ends', volume });
  }

  flush(volume: string): void {
    const id = ++this.#calls;
    // A volume that is deleted meanwhile may answer that it failed.
    const model = this.model.volume(volume);
    this.#running++;
    this.tell({ type: 'flush-begins', id, volume });
    this.store.volume(volume).flush((error) => {
      this.#running--;
      if (error === undefined) this.tell({ type: 'flush-ends', id });
      else if (this.model.volumes.get(volume) === model && !this.isLocked(volume)) this.#failures.push(error);
    });
  }

  /** Asked for, and not waited for. `locks`: names that nobody may touch meanwhile. `cut`: said of a snapshot. */
  begin(op: Op, locks: readonly string[], act: () => Promise<unknown>, cut?: (id: number) => number): void {
    const id = ++this.#calls;
    this.tell({ type: 'op-begins', id, op });
    this.#run(locks, act, () =>
      this.tell({ type: 'op-ends', id, ...(cut === undefined ? {} : { cut: cut(id) }) }),
    );
  }

  step(): void {
    this.#run(
      [],
      () => this.store.step(),
      () => undefined,
    );
  }

  /** Lets go one thing that waits, and then everything that follows from it without waiting. */
  async turn(): Promise<void> {
    this.kernel.finishOne((end) => this.random.below(end));
    await settled();
    if (this.#failures.length > 0)
      throw this.#failures[0] instanceof BrokenPromise
        ? this.#failures[0]
        : new LockstepError('INTERNAL', `an operation failed: ${messageOf(this.#failures[0])}`, {
            cause: this.#failures[0],
          });
  }

  /** Until all that was asked for is answered. */
  async quiet(): Promise<void> {
    for (let turns = 0; this.#running > 0; turns++) {
      if (turns > MAX_TURNS) throw new BrokenPromise('what was asked for is never answered');
      await this.turn();
    }
  }

  async #waitFor<Value>(promise: Promise<Value>): Promise<Value> {
    let value: { readonly of: Value } | undefined;
    this.#run(
      [],
      async () => {
        value = { of: await promise };
      },
      () => undefined,
    );
    await this.quiet();
    assert(value !== undefined, 'what was waited for has come');
    return value.of;
  }

  #run(locks: readonly string[], act: () => Promise<unknown>, done: () => void): void {
    this.#running++;
    for (const name of locks) this.#locked.add(name);
    void act()
      .then(done)
      .catch((error: unknown) => this.#failures.push(error))
      .finally(() => {
        this.#running--;
        for (const name of locks) this.#locked.delete(name);
      });
  }
}

export function openStore(kernel: Kernel, bootId: string): Promise<LayerStore> {
  const { files, catalogue } = kernel;
  return LayerStore.open({
    files,
    catalogue,
    folder: FOLDER,
    bootId,
    regionBytes: REGION_BYTES,
    nowMs: () => kernel.disk.steps,
    log: QUIET,
  });
}

/** All promises that can be settled are. */
function settled(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
