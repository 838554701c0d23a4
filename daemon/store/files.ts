/**
 * The little of a file system that the store stands on: all that it writes goes through here, so that a test can record
 * it and play back what a crash leaves of it.
 *
 * What is synchronous goes through the page cache, and survives the death of this process; what must survive the loss
 * of power waits for `sync`, and a new or removed name for `syncFolder`.
 */
import {
  close,
  closeSync,
  constants,
  existsSync,
  fdatasync,
  fstatSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  read,
  readdirSync,
  readSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import type { ByteRange } from '../replication/units.ts';
import { assert } from '../sys/errors.ts';
import {
  dataExtents,
  fallocate,
  holdsData,
  PUNCH_HOLE,
  readAhead,
  readCached,
  ZERO_RANGE,
} from '../sys/libc.ts';
import { poolReads } from './pool-reads.ts';
import { syncFolder } from './sync-folder.ts';

/** A file of fixed size, sparse: what was never written reads as zeroes. */
export interface BlockFile {
  readonly path: string;
  readonly sizeBytes: number;
  /** What it takes up on its file system. */
  readonly allocatedBytes: number;
  /** `zero` gives space back, without a byte written. */
  readonly punchesHoles: boolean;
  /** Fills `into` from the offset; both inside the file. Whatever is not in memory is waited for. */
  read(into: Uint8Array, offset: number): void;
  /** As much as is in memory, from the offset on: answers how many bytes. Never waits for the disk. */
  readCached(into: Uint8Array, offset: number): number;
  /** As `read`, and calls back in a later turn: until then others write the file, and what is read may be of both. */
  readLater(into: Uint8Array, offset: number, done: (error: Error | null) => void): void;
  write(data: Uint8Array, offset: number): void;
  /** Reads as zeroes afterwards; `keepSpace`: the range stays allocated. */
  zero(range: ByteRange, options: { readonly keepSpace: boolean }): void;
  /** Longer only: the new bytes are zeroes. */
  grow(sizeBytes: number): void;
  /** Whether any byte of the range may be other than zero. */
  holdsData(range: ByteRange): boolean;
  /** The extents that may hold anything but zeroes, in order, from the one that `from` lies in or before. */
  extents(from?: number): Iterable<{ readonly start: number; readonly end: number }>;
  /** A hint that the range is read soon. */
  prefetch(range: ByteRange): void;
  /** Calls back in a later turn, once what was written before is on stable storage, or with what went wrong. */
  sync(done: (error: Error | null) => void): void;
  close(): void;
}

export interface Files {
  makeFolder(path: string): void;
  exists(path: string): boolean;
  /** Names, not paths. */
  list(folder: string): readonly string[];
  /** Throws EEXIST where there is one. Its size is on stable storage only after a `sync`. */
  create(path: string, sizeBytes: number): BlockFile;
  open(path: string): BlockFile;
  rename(from: string, to: string): void;
  /** Nothing where there is none. */
  remove(path: string): void;
  /** The names of the folder are on stable storage when it resolves. */
  syncFolder(path: string): Promise<void>;
}

/** Anything that fallocate(2) takes: of a range behind the end it only says whether the file system knows how. */
const PROBE_BYTES = 4096;
/** Zeroes are written in pieces of this size where the file system has no fallocate. */
const ZERO_CHUNK_BYTES = 1024 * 1024;
const BYTES_PER_STAT_BLOCK = 512;
/**
 * Of one write(2): it is what the kernel keeps together in its page cache, and ext4 walks all of that for each small
 * write into it later. On Linux 6.18 a write of 4 KiB takes 21 us where it was filled by 1 MiB at a time, 5.4 us by
 * 128 KiB, 2.6 us by 32 KiB; the larger write itself goes at 10 GB/s in place of 14.
 */
const WRITE_BYTES = 32 * 1024;

export const systemFiles: Files = {
  makeFolder: (path) => mkdirSync(path, { recursive: true, mode: 0o700 }),
  exists: existsSync,
  list: (folder) => readdirSync(folder),
  create(path, sizeBytes) {
    const fd = openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL, 0o600);
    try {
      // Not synced here: it would keep every volume of the host waiting, for tens of milliseconds on a busy disk.
      ftruncateSync(fd, sizeBytes);
    } catch (error) {
      closeSync(fd);
      throw error;
    }
    return new SystemFile(path, fd);
  },
  open: (path) => new SystemFile(path, openSync(path, constants.O_RDWR)),
  rename: renameSync,
  remove: (path) => {
    // Else its blocks were given back with its name, which keeps everybody waiting for 70 ms with each GiB.
    const last = existsSync(path) ? openSync(path, constants.O_RDONLY) : undefined;
    rmSync(path, { force: true });
    if (last !== undefined) close(last, () => undefined);
  },
  syncFolder,
};

class SystemFile implements BlockFile {
  readonly path: string;
  readonly #fd: number;
  #sizeBytes: number;

  constructor(path: string, fd: number) {
    this.path = path;
    this.#fd = fd;
    this.#sizeBytes = fstatSync(fd).size;
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  get punchesHoles(): boolean {
    return fallocate(this.#fd, PUNCH_HOLE, { offset: this.#sizeBytes, length: PROBE_BYTES }) === 0;
  }

  get allocatedBytes(): number {
    return fstatSync(this.#fd).blocks * BYTES_PER_STAT_BLOCK;
  }

  read(into: Uint8Array, offset: number): void {
    let filled = 0;
    while (filled < into.length) {
      const got = readSync(this.#fd, into, filled, into.length - filled, offset + filled);
      assert(got > 0, `${this.path} ends before byte ${String(offset + into.length)}`);
      filled += got;
    }
  }

  readCached(into: Uint8Array, offset: number): number {
    return readCached(this.#fd, into, offset);
  }

  readLater(into: Uint8Array, offset: number, done: (error: Error | null) => void): void {
    poolReads.begin(this, (ended) => {
      this.#readOn(into, offset, (error) => {
        ended();
        done(error);
      });
    });
  }

  write(data: Uint8Array, offset: number): void {
    let written = 0;
    while (written < data.length) {
      const length = Math.min(data.length - written, WRITE_BYTES);
      written += writeSync(this.#fd, data, written, length, offset + written);
    }
  }

  zero(range: ByteRange, { keepSpace }: { readonly keepSpace: boolean }): void {
    if (range.length === 0) return;
    if (fallocate(this.#fd, keepSpace ? ZERO_RANGE : PUNCH_HOLE, range) !== 0) this.#writeZeroes(range);
  }

  grow(sizeBytes: number): void {
    assert(sizeBytes >= this.#sizeBytes, `${this.path} is not made shorter`);
    ftruncateSync(this.#fd, sizeBytes);
    this.#sizeBytes = sizeBytes;
  }

  holdsData(range: ByteRange): boolean {
    return holdsData(this.#fd, range);
  }

  extents(from = 0): Iterable<{ readonly start: number; readonly end: number }> {
    return dataExtents(this.#fd, { offset: from, length: this.#sizeBytes - from });
  }

  prefetch(range: ByteRange): void {
    readAhead(this.#fd, range);
  }

  sync(done: (error: Error | null) => void): void {
    fdatasync(this.#fd, done);
  }

  close(): void {
    // With the last who has a removed file open its blocks are given back: in a thread of the pool.
    if (fstatSync(this.#fd).nlink === 0) close(this.#fd, () => undefined);
    else closeSync(this.#fd);
  }

  #readOn(into: Uint8Array, offset: number, done: (error: Error | null) => void): void {
    read(this.#fd, into, 0, into.length, offset, (error, got) => {
      if (error !== null || got === into.length) done(error);
      else if (got > 0) this.#readOn(into.subarray(got), offset + got, done);
      else done(new Error(`${this.path} ends before byte ${String(offset + into.length)}`));
    });
  }

  #writeZeroes({ offset, length }: ByteRange): void {
    const zeroes = Buffer.alloc(Math.min(length, ZERO_CHUNK_BYTES));
    for (let written = 0; written < length;) {
      const piece = zeroes.subarray(0, Math.min(zeroes.length, length - written));
      this.write(piece, offset + written);
      written += piece.length;
    }
  }
}
