/**
 * One life of a process with a store: it opens what it finds, and is asked for this and that until it ends. What it is
 * asked and what it promised is told in order.
 */
import { setTimeout } from 'node:timers/promises';
import { assert, LockstepError, messageOf } from '../../../daemon/sys/errors.ts';
import type { LayerStore } from '../../../daemon/store/layers/layer-store.ts';
import type { Random } from '../harness/random.ts';
import { BrokenPromise } from './check.ts';
import { openStore, type StoreHost } from './host.ts';
import type { Model, ModelEvent, Op } from './model.ts';

interface LifeOptions {
  readonly host: StoreHost;
  /** What is there at its beginning. */
  readonly model: Model;
  readonly random: Random;
  /** Told before the model learns of it. */
  readonly onEvent: (event: ModelEvent) => void;
}

/** Real disks are slow: after so many turns without an end, each takes a millisecond. */
const QUICK_TURNS = 1000;
const MAX_TURNS = 60_000;

export class Life {
  readonly host: StoreHost;
  readonly model: Model;
  readonly random: Random;
  readonly #onEvent: (event: ModelEvent) => void;
  /** How many there are at a time. */
  readonly most: { readonly volumes: number; readonly snapshots: number };
  #store: LayerStore | undefined;
  /** Volumes of which no other operation may be asked meanwhile. */
  readonly #locked = new Set<string>();
  readonly #failures: unknown[] = [];
  #calls = 0;
  #running = 0;

  constructor({ host, model, random, onEvent }: LifeOptions) {
    this.host = host;
    this.#onEvent = onEvent;
    this.model = model;
    this.random = random;
    this.most = { volumes: 1 + random.below(3), snapshots: 1 + random.below(5) };
  }

  get store(): LayerStore {
    assert(this.#store !== undefined, 'the store is open');
    return this.#store;
  }

  get running(): number {
    return this.#running;
  }

  async open(bootId: string): Promise<void> {
    this.#store = await this.#waitFor(openStore(this.host, bootId));
  }

  isLocked(volume: string): boolean {
    return this.#locked.has(volume);
  }

  tell(event: ModelEvent): void {
    this.#onEvent(event);
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

  /** Asked for, and refused: it changes nothing. */
  refused(what: string, locks: readonly string[], act: () => Promise<unknown>): void {
    this.#run(
      locks,
      () =>
        act().then(
          () => {
            throw new BrokenPromise(`${what} is not refused`);
          },
          () => undefined,
        ),
      () => undefined,
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
    this.host.finishOne((end) => this.random.below(end));
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
      if (turns > MAX_TURNS || (turns > QUICK_TURNS && this.host.waiting === 0))
        throw new BrokenPromise('what was asked for is never answered');
      if (turns > QUICK_TURNS) await setTimeout(1);
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

/** All promises that can be settled are. */
function settled(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
