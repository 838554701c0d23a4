/**
 * What a replica held before a copy to it began: the regions that the copy changes, kept in a file beside the volume
 * until the copy is complete. If its source is lost halfway, a person can choose this older state.
 *
 * What is asked is done one after the other; regions that wait to be kept share one write to stable storage. A region
 * is kept once: what it held later is of the copy.
 */
import { rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { DiskFailure } from '../replication/interface.ts';
import { REGION_BYTES, type Region, regionRange } from '../replication/units.ts';
import { messageOf } from '../sys/errors.ts';
import { FallbackFile } from './fallback-file.ts';
import { noRoom, type Space } from './space.ts';
import { diskFailure, type Store } from './store.ts';
import { syncFolder } from './sync-folder.ts';

/** Read and written in one turn of the loop: 4 MiB, some 10 ms. */
const REGIONS_AT_ONCE = 64;

type Done = (error: Error | undefined) => void;
type Task =
  | { readonly kind: 'preserve'; readonly regions: readonly Region[]; readonly done: Done }
  | { readonly kind: 'revert'; readonly done: Done }
  | { readonly kind: 'drop'; readonly done: Done };

export class Fallback {
  readonly #path: string;
  readonly #store: Pick<Store, 'readRegion' | 'warm' | 'write' | 'zero' | 'flush'>;
  readonly #space: Space | undefined;
  /** Each region passes through here: a buffer for each would be garbage at the rate of the copy. */
  readonly #buffer = Buffer.allocUnsafeSlow(REGION_BYTES);
  #file: FallbackFile | undefined;
  #tasks: Task[] = [];
  #working = false;
  #closed = false;
  /** A sync after one that failed would succeed for pages that are gone. */
  #failure: Error | undefined;

  /** Finds what an earlier process kept. Throws if some of that is lost. */
  constructor(
    path: string,
    store: Pick<Store, 'readRegion' | 'warm' | 'write' | 'zero' | 'flush'>,
    space?: Space,
  ) {
    this.#path = path;
    this.#space = space;
    this.#store = store;
    this.#file = FallbackFile.open(path);
  }

  /** Of which it keeps what they held. */
  get regions(): readonly Region[] {
    return this.#file?.regions ?? [];
  }

  /**
   * Keeps what these regions hold, on stable storage when it calls back; nobody may write them before that. One that
   * is kept stays as it is.
   */
  preserve(regions: readonly Region[], done: (failure: DiskFailure | undefined) => void): void {
    this.#ask({ kind: 'preserve', regions, done: failureOf(done) });
  }

  /** Writes back what it keeps, on stable storage when it calls back, and keeps it still. */
  revert(done: (failure: DiskFailure | undefined) => void): void {
    this.#ask({ kind: 'revert', done: failureOf(done) });
  }

  /**
   * Nothing is kept any more, also after the loss of power, when it resolves. Before that nothing may become durable
   * that another fallback belongs to: it would be given this one.
   */
  drop(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#ask({
        kind: 'drop',
        done: (error) => {
          if (error === undefined) resolve();
          else reject(error);
        },
      });
    });
  }

  /** Nothing is called back any more. */
  close(): void {
    this.#closed = true;
    if (!this.#working) this.#closeFile();
  }

  #ask(task: Task): void {
    this.#tasks.push(task);
    if (!this.#working && !this.#closed) void this.#work();
  }

  async #work(): Promise<void> {
    this.#working = true;
    while (this.#tasks.length > 0 && !this.#closed) {
      const group = this.#nextGroup();
      const failure = await this.#perform(group).then(() => undefined, asError);
      if (this.#closed) break;
      for (const { done } of group) done(failure);
    }
    this.#working = false;
    if (this.#closed) this.#closeFile();
  }

  /** The next task, and with one that keeps regions all that do so behind it. */
  #nextGroup(): Task[] {
    const others = this.#tasks.findIndex(({ kind }) => kind !== 'preserve');
    const length = others === -1 ? this.#tasks.length : Math.max(1, others);
    return this.#tasks.splice(0, length);
  }

  async #perform(group: readonly Task[]): Promise<void> {
    const [first] = group;
    if (first?.kind === 'drop') await this.#drop();
    else if (first?.kind === 'revert') await this.#revert();
    else await this.#preserve(group.flatMap((task) => (task.kind === 'preserve' ? task.regions : [])));
  }

  async #preserve(asked: readonly Region[]): Promise<void> {
    const regions = [...new Set(asked)].filter((region) => this.#file?.has(region) !== true);
    if (regions.length === 0) return;
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#space?.hasRoom(regions.length * REGION_BYTES, 'store') === false) throw noRoom();
    const file = (this.#file ??= await this.#create());
    try {
      for (const [at, region] of regions.entries()) {
        if (at % REGIONS_AT_ONCE === REGIONS_AT_ONCE - 1) await nextTurn();
        const cold = this.#store.warm(region, 'live');
        if (cold !== undefined) await cold;
        if (this.#closed) return;
        const { data } = this.#store.readRegion(region, { from: 'live', digest: false, into: this.#buffer });
        file.add(region, data);
      }
    } catch (error) {
      this.#undo(file);
      throw error;
    }
    try {
      await file.sync();
    } catch (error) {
      this.#failure = asError(error);
      this.#undo(file);
      throw error;
    }
  }

  async #create(): Promise<FallbackFile> {
    const file = FallbackFile.create(this.#path);
    try {
      await syncFolder(dirname(this.#path));
    } catch (error) {
      file.close();
      this.#failure = asError(error);
      throw error;
    }
    return file;
  }

  #undo(file: FallbackFile): void {
    try {
      file.undo();
    } catch (error) {
      this.#failure = asError(error);
    }
  }

  async #revert(): Promise<void> {
    const file = this.#file;
    if (file === undefined) return;
    for (const [at, region] of file.regions.entries()) {
      if (at % REGIONS_AT_ONCE === REGIONS_AT_ONCE - 1) await nextTurn();
      if (this.#closed) return;
      const data = file.read(region);
      const range = regionRange(region);
      if (data === undefined) this.#store.zero(range, { keepSpace: false });
      else this.#store.write(range.offset, data);
    }
    const failure = await new Promise<DiskFailure | undefined>((resolve) => {
      this.#store.flush(resolve);
    });
    if (failure !== undefined)
      throw Object.assign(new Error(`the flush failed: ${failure}`), { code: failure });
  }

  async #drop(): Promise<void> {
    if (this.#file === undefined && this.#failure === undefined) return;
    await removeFallback(this.#path);
    const file = this.#file;
    this.#file = undefined;
    this.#failure = undefined;
    await file?.closeRemoved();
  }

  #closeFile(): void {
    this.#file?.close();
    this.#file = undefined;
  }
}

/** Gone from stable storage when it resolves, also if an earlier process removed it and came no further. */
export async function removeFallback(path: string): Promise<void> {
  await rm(path, { force: true });
  await syncFolder(dirname(path));
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(messageOf(error));
}

function failureOf(done: (failure: DiskFailure | undefined) => void): Done {
  return (error) => {
    done(error === undefined ? undefined : diskFailure(error));
  };
}
