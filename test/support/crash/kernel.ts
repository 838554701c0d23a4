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
      return new Promise((resolve) => {
        kernel.later('sync', () => {
          kernel.step({ type: 'folder-synced', folder, upTo });
          resolve();
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
    file.cache.read(into, offset);
  }

  write(data: Uint8Array, offset: number): void {
    const { inode } = this.#within(offset, data.length);
    this.#kernel.step({ type: 'write', inode, offset, data: Uint8Array.from(data) });
  }

  zero({ offset, length }: ByteRange, _options: { readonly keepSpace: boolean }): void {
    const { inode } = this.#within(offset, length);
    if (length > 0) this.#kernel.step({ type: 'zero', inode, offset, length });
  }

  grow(sizeBytes: number): void {
    const { inode, sizeBytes: before } = this.#opened;
    assert(sizeBytes >= before, `${this.path} is not made shorter`);
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
    return new Promise((resolve) => {
      this.#kernel.later('commit', () => {
        this.#kernel.step({ type: 'committed' });
        resolve();
      });
    });
  }
}
