/**
 * What a process sees of a disk in memory: files and a catalogue. Each of its steps goes to the disk and is told to
 * whoever records them. What takes time waits until it is let go, one by one, so that a seed decides the order.
 */
import { basename, dirname } from 'node:path';
import type { ByteRange } from '../../../daemon/replication/units.ts';
import { assert } from '../../../daemon/sys/errors.ts';
import type { BlockFile, Files } from '../../../daemon/store/files.ts';
import type {
  Catalogue,
  CatalogueChange,
  CatalogueContents,
} from '../../../daemon/store/layers/catalogue.ts';
import type { StoreHost } from './host.ts';
import type { Disk } from './disk.ts';
import type { DiskFile } from './disk-file.ts';
import type { FaultKind, FaultSource } from './faults.ts';
import { SECTOR_BYTES } from './image.ts';
import type { DiskStep, Inode } from './steps.ts';

/** A sync or a commit under way. */
interface Waiting {
  readonly kind: 'sync' | 'commit';
  readonly finish: () => void;
}

export interface KernelOptions {
  /** What takes time is let go with `finishOne`; else it is over in the next turn. */
  readonly isManual: boolean;
  readonly onStep?: (step: DiskStep) => void;
  readonly faults?: FaultSource;
  /** Told before anything follows from it. */
  readonly onFault?: (kind: FaultKind, path: string) => void;
}

export class Kernel implements StoreHost {
  readonly folder = '/store/layers';
  readonly disk: Disk;
  readonly files: Files;
  readonly catalogue: Catalogue;
  openFiles = 0;
  readonly #options: KernelOptions;
  readonly #waiting: Waiting[] = [];

  constructor(disk: Disk, options: KernelOptions) {
    this.disk = disk;
    this.#options = options;
    this.files = memoryFiles(this);
    this.catalogue = new MemoryCatalogue(this);
  }

  readonly nowMs = (): number => this.disk.steps;

  get waiting(): number {
    return this.#waiting.length;
  }

  /** How many operations failed. */
  get fired(): number {
    return this.#options.faults?.fired ?? 0;
  }

  sparing<Value>(work: () => Value): Value {
    return this.#options.faults === undefined ? work() : this.#options.faults.sparing(work);
  }

  /** Throws where the operation fails. */
  meets(kind: FaultKind, path: string): void {
    const code = this.#options.faults?.meets(kind);
    if (code === undefined) return;
    this.#options.onFault?.(kind, path);
    throw new SystemError(code, `${kind} ${path}`);
  }

  /** How much of an operation of so many parts is done before it fails. */
  doneOf(parts: number): number {
    return this.#options.faults?.random.below(parts) ?? 0;
  }

  /** Each dirty page by chance: it was written, it is lost, or it is gone from the page cache, too. */
  syncFailed(inode: Inode, upTo: number): void {
    const random = this.#options.faults?.random;
    const lostShare = [0.1, 0.5, 1][random?.below(3) ?? 0] ?? 1;
    const droppedShare = [0, 0, 0.5, 1][random?.below(4) ?? 0] ?? 0;
    const lost = this.disk
      .file(inode)
      .dirty(upTo)
      .filter(() => random?.happens(lostShare))
      .map((sector) => ({ sector, isDropped: random?.happens(droppedShare) === true }));
    this.step({ type: 'sync-failed', inode, upTo, lost });
  }

  step(step: DiskStep): void {
    this.disk.apply(step);
    this.#options.onStep?.(step);
  }

  /** `finish` is called in a later turn. */
  later(kind: Waiting['kind'], finish: () => void): void {
    if (this.#options.isManual) this.#waiting.push({ kind, finish });
    else queueMicrotask(finish);
  }

  /** Of several; commits are over in their order. */
  finishOne(below: (end: number) => number): void {
    const firstCommit = this.#waiting.findIndex(({ kind }) => kind === 'commit');
    const ready = this.#waiting.filter(({ kind }, index) => kind !== 'commit' || index === firstCommit);
    const chosen = ready[below(ready.length)];
    if (chosen === undefined) return;
    this.#waiting.splice(this.#waiting.indexOf(chosen), 1);
    chosen.finish();
  }
}

class SystemError extends Error {
  readonly code: string;

  constructor(code: string, path: string) {
    super(`${code}: ${path}`);
    this.code = code;
  }
}

function memoryFiles(kernel: Kernel): Files {
  const { disk } = kernel;
  const inodeOf = (path: string): Inode => {
    const inode = disk.names.get(path);
    if (inode === undefined) throw new SystemError('ENOENT', path);
    return inode;
  };
  return {
    makeFolder: () => undefined,
    exists: (path) => disk.names.has(path),
    list: (folder) =>
      [...disk.names.keys()].filter((path) => dirname(path) === folder).map((path) => basename(path)),
    create(path, sizeBytes) {
      if (disk.names.has(path)) throw new SystemError('EEXIST', path);
      kernel.meets('create', path);
      const inode = disk.nextInode;
      kernel.step({ type: 'create', inode, path, sizeBytes });
      return new MemoryFile(kernel, path, disk.file(inode));
    },
    open: (path) => new MemoryFile(kernel, path, disk.file(inodeOf(path))),
    rename(from, to) {
      inodeOf(from);
      kernel.step({ type: 'rename', from, to });
    },
    remove(path) {
      if (disk.names.has(path)) kernel.step({ type: 'remove', path });
    },
    syncFolder(folder) {
      const upTo = disk.steps;
      return new Promise((resolve, reject) => {
        kernel.later('sync', () => {
          try {
            kernel.meets('folder', folder);
            kernel.step({ type: 'folder-synced', folder, upTo });
            resolve();
          } catch (error) {
            reject(error instanceof Error ? error : new Error(String(error)));
          }
        });
      });
    },
  };
}

class MemoryFile implements BlockFile {
  readonly path: string;
  readonly punchesHoles = true;
  readonly #kernel: Kernel;
  readonly #file: DiskFile;
  #isOpen = true;

  constructor(kernel: Kernel, path: string, file: DiskFile) {
    this.#kernel = kernel;
    this.path = path;
    this.#file = file;
    kernel.openFiles++;
  }

  get sizeBytes(): number {
    return this.#opened.sizeBytes;
  }

  get allocatedBytes(): number {
    return this.#opened.cache.allocatedBytes;
  }

  read(into: Uint8Array, offset: number): void {
    const file = this.#within(offset, into.length);
    this.#kernel.meets('read', this.path);
    file.cache.read(into, offset);
  }

  /** It is all in memory. */
  readCached(into: Uint8Array, offset: number): number {
    this.read(into, offset);
    return into.length;
  }

  readLater(into: Uint8Array, offset: number, done: (error: Error | null) => void): void {
    queueMicrotask(() => {
      try {
        this.read(into, offset);
        done(null);
      } catch (error) {
        done(error as Error);
      }
    });
  }

  write(data: Uint8Array, offset: number): void {
    const { inode } = this.#within(offset, data.length);
    try {
      this.#kernel.meets('write', this.path);
    } catch (error) {
      const done = SECTOR_BYTES * this.#kernel.doneOf(Math.max(1, Math.floor(data.length / SECTOR_BYTES)));
      if (done > 0)
        this.#kernel.step({ type: 'write', inode, offset, data: Uint8Array.from(data.subarray(0, done)) });
      throw error;
    }
    this.#kernel.step({ type: 'write', inode, offset, data: Uint8Array.from(data) });
  }

  zero({ offset, length }: ByteRange, _options: { readonly keepSpace: boolean }): void {
    const { inode } = this.#within(offset, length);
    this.#kernel.meets('zero', this.path);
    if (length > 0) this.#kernel.step({ type: 'zero', inode, offset, length });
  }

  grow(sizeBytes: number): void {
    const { inode, sizeBytes: before } = this.#opened;
    assert(sizeBytes >= before, `${this.path} is not made shorter`);
    this.#kernel.meets('grow', this.path);
    this.#kernel.step({ type: 'grow', inode, sizeBytes });
  }

  holdsData({ offset, length }: ByteRange): boolean {
    return length > 0 && this.#opened.cache.holdsData(offset, length);
  }

  extents(from = 0): Iterable<{ readonly start: number; readonly end: number }> {
    const { cache, sizeBytes } = this.#opened;
    return cache.extents(from, sizeBytes);
  }

  prefetch(): void {
    // It is all in memory.
  }

  sync(done: (error: Error | null) => void): void {
    const { inode } = this.#opened;
    const upTo = this.#kernel.disk.steps;
    this.#kernel.later('sync', () => {
      assert(this.#isOpen, `${this.path} is open while it is synced`);
      try {
        this.#kernel.meets('sync', this.path);
      } catch (error) {
        this.#kernel.syncFailed(inode, upTo);
        done(error as Error);
        return;
      }
      this.#kernel.step({ type: 'synced', inode, upTo });
      done(null);
    });
  }

  close(): void {
    assert(this.#isOpen, `${this.path} is closed once`);
    this.#isOpen = false;
    this.#kernel.openFiles--;
  }

  get #opened(): DiskFile {
    assert(this.#isOpen, `${this.path} is used while it is open`);
    return this.#file;
  }

  #within(offset: number, length: number): DiskFile {
    const file = this.#opened;
    assert(
      offset >= 0 && offset + length <= file.sizeBytes,
      `${this.path}: ${offset}+${length} lies inside of it`,
    );
    return file;
  }
}

class MemoryCatalogue implements Catalogue {
  readonly #kernel: Kernel;

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
  }

  load(): Promise<CatalogueContents> {
    return Promise.resolve(this.#kernel.disk.catalogue.contents);
  }

  commit(changes: readonly CatalogueChange[]): Promise<void> {
    this.#kernel.step({ type: 'commit', changes });
    return new Promise((resolve, reject) => {
      this.#kernel.later('commit', () => {
        try {
          this.#kernel.meets('commit', 'catalogue');
          this.#kernel.step({ type: 'committed' });
          resolve();
        } catch (error) {
          // It may be on the disk.
          reject(error instanceof Error ? error : new Error(String(error)));
        }
      });
    });
  }
}
