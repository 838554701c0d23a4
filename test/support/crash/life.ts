/**
 * One life of a process with a store: it opens what it finds, and is asked for this and that until it ends. What it is
 * asked and what it promised is told in order.
 */
import { basename } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { assert, LockstepError, messageOf } from '../../../daemon/sys/errors.ts';
import type { LayerStore } from '../../../daemon/store/layers/layer-store.ts';
import type { LayeredVolume } from '../../../daemon/store/layers/layered-volume.ts';
import type { Random } from '../harness/random.ts';
import { BrokenPromise } from './check.ts';
import type { FaultKind } from './faults.ts';
import { openStore, type StoreHost } from './host.ts';
import { SECTOR_BYTES } from './image.ts';
import type { Model, ModelEvent, Op } from './model.ts';
import { isSame, type ModelWrite, sectorsOf } from './volume-model.ts';

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
/** What the store refuses after an operation failed. */
const REFUSED = ['STORE_RECORDS_BROKEN', 'FLUSH_FAILED'];
/** The end of the error of a commit that failed. */
const UNKNOWN = 'commit catalogue';

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
  /** Nobody knows whether what was asked of them is recorded. */
  readonly #lockedForGood = new Set<string>();
  /** Volumes that met a fault, and whether what they had not flushed may be lost. */
  readonly #suspected = new Map<string, boolean>();
  /** Of these, those that were seen to have failed, and those of which a flush said so. */
  readonly #failed = new Set<string>();
  readonly #told = new Set<string>();
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

  /** An operation on a file fails now. */
  fault(kind: FaultKind, path: string): void {
    const layer = basename(path).replace(/\.[a-z]+$/, '');
    for (const name of this.model.volumes.keys()) {
      const volume = this.#usable(name);
      const isOf = (one: { readonly id: string }): boolean => one.id === layer;
      // A flush that is under way syncs layers, too, that were drained meanwhile.
      const wasOf = layer.startsWith(`${name}.`);
      if (volume === undefined || !(wasOf || [...volume.stack.layers()].some(isOf))) continue;
      const isOpen = [...volume.open, ...volume.frozen].some(isOf);
      const isLost = (kind === 'sync' && isOpen) || this.#suspected.get(name) === true;
      this.#suspected.set(name, isLost);
      this.tell({ type: 'fault', volume: name });
    }
  }

  /** What became of volumes that met a fault. */
  #settleFaults(): void {
    for (const [name, isLost] of this.#suspected) {
      const volume = this.#usable(name);
      if (volume?.hasFailed === true) {
        this.#suspected.set(name, true);
        this.#failed.add(name);
      } else {
        this.#suspected.delete(name);
        if (this.#failed.delete(name) && !this.#told.has(name) && volume !== undefined)
          throw new BrokenPromise(`nobody was told that volume ${name} may lack what was written`);
        this.#told.delete(name);
        if (volume !== undefined && this.model.volumes.has(name))
          this.tell({ type: 'sound', volume: name, isLost });
      }
    }
  }

  #usable(name: string): LayeredVolume | undefined {
    try {
      return this.#store?.volume(name);
    } catch {
      return undefined;
    }
  }

  /** Of an operation that failed, or of what follows from one. */
  #isFault(error: unknown): boolean {
    if (this.host.fired === 0 || !(error instanceof Error)) return false;
    if ('code' in error && (error.code === 'EIO' || error.code === 'ENOSPC')) return true;
    return error instanceof LockstepError && REFUSED.includes(error.reason);
  }

  isLocked(volume: string): boolean {
    return this.#locked.has(volume) || this.#lockedForGood.has(volume);
  }

  tell(event: ModelEvent): void {
    this.#onEvent(event);
    this.model.apply(event);
  }

  write(volume: string, offset: number, data: Uint8Array): void {
    this.tell({ type: 'write-begins', volume, write: { offset, length: data.length, data } });
    this.#attempt(volume, { offset, length: data.length, data }, () => {
      this.store.volume(volume).write(offset, data);
    });
  }

  zero(
    volume: string,
    range: { readonly offset: number; readonly length: number },
    keepSpace: boolean,
  ): void {
    this.tell({ type: 'write-begins', volume, write: { ...range, data: undefined } });
    this.#attempt(volume, { ...range, data: undefined }, () => {
      this.store.volume(volume).zero(range, { keepSpace });
    });
  }

  #attempt(name: string, write: ModelWrite, act: () => void): void {
    try {
      act();
      this.tell({ type: 'write-ends', volume: name });
    } catch (error) {
      if (!this.#isFault(error)) throw error;
      this.#settleFaults();
      const bytes = this.host.sparing(() => this.store.volume(name).read(write));
      const there = [...sectorsOf(write)]
        .filter(([sector, value]) => {
          const at = sector * SECTOR_BYTES - write.offset;
          return isSame(bytes.subarray(at, at + SECTOR_BYTES), value);
        })
        .map(([sector]) => sector);
      this.tell({ type: 'write-fails', volume: name, there });
    }
    this.#settleFaults();
  }

  flush(volume: string): void {
    const id = ++this.#calls;
    // A volume that is deleted meanwhile may answer that it failed.
    const model = this.model.volume(volume);
    this.#running++;
    this.tell({ type: 'flush-begins', id, volume });
    this.store.volume(volume).flush((error) => {
      this.#running--;
      if (error !== undefined) this.#told.add(volume);
      if (error === undefined) this.tell({ type: 'flush-ends', id });
      else if (this.#isFault(error)) this.tell({ type: 'flush-fails', id });
      else if (this.model.volumes.get(volume) === model && !this.isLocked(volume)) this.#failures.push(error);
    });
  }

  /** Asked for, and not waited for. `locks`: names that nobody may touch meanwhile. `cut`: said of a snapshot. */
  begin(op: Op, locks: readonly string[], act: () => Promise<unknown>, cut?: (id: number) => number): void {
    const id = ++this.#calls;
    const before = this.#headOf(op.volume);
    this.tell({ type: 'op-begins', id, op });
    const cutOf = (): { cut?: number } =>
      cut === undefined ? {} : { cut: this.host.sparing(() => cut(id)) };
    this.#run(
      locks,
      async () => {
        try {
          await act();
          this.tell({ type: 'op-ends', id, ...cutOf() });
        } catch (error) {
          if (!this.#isFault(error)) throw error;
          // Whether it is recorded is seen after a crash: nobody may ask for anything else of these names until then.
          if (messageOf(error).endsWith(UNKNOWN) && !(error instanceof LockstepError)) {
            this.#lockForGood(locks);
            return;
          }
          const isDone = this.#isDone(op, before);
          this.tell({ type: 'op-fails', id, isDone, ...(isDone ? cutOf() : {}) });
        }
      },
      () => undefined,
    );
  }

  #headOf(name: string): string | undefined {
    return this.store.volumes.find(({ volume }) => volume === name)?.head;
  }

  /** Of an operation that failed: what it was asked for may be recorded before it does. */
  #isDone(op: Op, headBefore: string | undefined): boolean {
    const hasSnapshot = (): boolean =>
      op.type === 'snapshot' || op.type === 'delete-snapshot'
        ? this.store.snapshots(op.volume).some(({ name }) => name === op.name)
        : false;
    switch (op.type) {
      case 'create':
        return this.#headOf(op.volume) !== undefined;
      case 'delete-volume':
        return this.#headOf(op.volume) === undefined;
      case 'clone':
        return this.#headOf(op.as) !== undefined;
      case 'snapshot':
        return hasSnapshot();
      case 'delete-snapshot':
        return !hasSnapshot();
      case 'revert':
        // A head that was drained meanwhile makes way for an older one.
        return numberOf(this.#headOf(op.volume)) > numberOf(headBefore);
      case 'grow':
        return this.store.volume(op.volume).sizeBytes === op.sizeBytes;
    }
  }

  #lockForGood(locks: readonly string[]): void {
    for (const name of locks) this.#lockedForGood.add(name);
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
      () =>
        this.store.step().catch((error: unknown) => {
          if (!this.#isFault(error)) throw error;
        }),
      () => undefined,
    );
  }

  /** Lets go one thing that waits, and then everything that follows from it without waiting. */
  async turn(): Promise<void> {
    this.host.finishOne((end) => this.random.below(end));
    await settled();
    this.#settleFaults();
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

function numberOf(layer = ''): number {
  return Number(layer.slice(layer.lastIndexOf('.') + 1));
}

/** All promises that can be settled are. */
function settled(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
