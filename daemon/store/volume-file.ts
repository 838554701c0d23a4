/**
 * A volume on disk: one sparse file, byte n of the volume at byte n of the file, and at most one snapshot of it to
 * seed a replica from.
 *
 * Reads and writes go through the page cache and are synchronous: some microseconds, where a trip through the thread
 * pool costs several times that. What they leave behind survives the death of this process; `flush` makes it survive
 * the loss of power. A disk that hangs stops this process, which its peer and control see as its death.
 */
import { createHash } from 'node:crypto';
import {
  closeSync,
  constants,
  fdatasync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readSync,
  writeSync,
} from 'node:fs';
import { dataExtents, fallocate, holdsData, PUNCH_HOLE, readAhead, ZERO_RANGE } from '../sys/libc.ts';
import { assert, LockstepError } from '../sys/errors.ts';
import type { DiskFailure } from '../replication/interface.ts';
import {
  type ByteRange,
  firstRegion,
  lastRegion,
  REGION_BYTES,
  type Region,
  regionRange,
} from '../replication/units.ts';
import { SeedSnapshot } from './seed-snapshot.ts';
import { diskFailure, type Extent, type RegionContent, type RegionRead, type Store } from './store.ts';

export const EMPTY_DIGEST = new Uint8Array();
const zeroRegion = Buffer.alloc(REGION_BYTES);
const zeroDigest = createHash('sha256').update(zeroRegion).digest();
/** Zeroes are written in pieces of this size where the file system has no fallocate. */
const ZERO_CHUNK_BYTES = 1024 * 1024;
const BYTES_PER_STAT_BLOCK = 512;

export class VolumeFile implements Store {
  readonly sizeBytes: number;
  readonly #path: string;
  readonly #fd: number;
  #snapshot: SeedSnapshot | undefined;
  /** What a snapshot keeps passes through here: a buffer for each would be garbage at the rate of the writes. */
  readonly #kept = Buffer.allocUnsafeSlow(REGION_BYTES);
  readonly #punchesHoles: boolean;
  #flushWaiters: ((failure: DiskFailure | undefined) => void)[] = [];
  #isFlushing = false;
  onSnapshotLost: (error: unknown) => void = () => undefined;

  /** Opens the file, or makes it: sparse, all zeroes. */
  constructor(path: string, sizeBytes: number, mode: 'create' | 'open') {
    this.#path = path;
    this.sizeBytes = sizeBytes;
    this.#fd = openSync(path, constants.O_RDWR | (mode === 'create' ? constants.O_CREAT : 0), 0o600);
    if (mode === 'create') {
      try {
        ftruncateSync(this.#fd, sizeBytes);
        fsyncSync(this.#fd);
      } catch (error) {
        closeSync(this.#fd);
        throw error;
      }
    }
    const found = fstatSync(this.#fd).size;
    // Behind the end there is nothing to take away: it only tells whether the file system knows how.
    this.#punchesHoles = fallocate(this.#fd, PUNCH_HOLE, { offset: sizeBytes, length: REGION_BYTES }) === 0;
    if (found === sizeBytes) return;
    closeSync(this.#fd);
    throw new LockstepError(
      'INTERNAL',
      `${path} is ${String(found)} bytes long instead of ${String(sizeBytes)}`,
      {
        reason: 'VOLUME_FILE_DAMAGED',
      },
    );
  }

  get allocatedBytes(): number {
    return fstatSync(this.#fd).blocks * BYTES_PER_STAT_BLOCK;
  }

  /** Not while a snapshot keeps what zeroes would take away. */
  get zeroesFast(): boolean {
    return this.#punchesHoles && this.#snapshot === undefined;
  }

  get snapshot(): SeedSnapshot | undefined {
    return this.#snapshot;
  }

  read({ offset, length }: ByteRange): Buffer {
    const data = Buffer.allocUnsafe(length);
    this.#readInto(data, offset);
    return data;
  }

  write(offset: number, data: Uint8Array): void {
    this.keepForSnapshot({ offset, length: data.length });
    let written = 0;
    while (written < data.length)
      written += writeSync(this.#fd, data, written, data.length - written, offset + written);
  }

  zero(range: ByteRange, { keepSpace }: { readonly keepSpace: boolean }): void {
    if (range.length === 0) return;
    this.keepForSnapshot(range);
    if (fallocate(this.#fd, keepSpace ? ZERO_RANGE : PUNCH_HOLE, range) !== 0) this.#writeZeroes(range);
  }

  flush(done: (failure: DiskFailure | undefined) => void): void {
    this.#flushWaiters.push(done);
    if (!this.#isFlushing) this.#flushNow();
  }

  /**
   * One at a time: of two that run side by side only one is told of an error, and the other could be acknowledged
   * before that. Those that wait share the next.
   */
  #flushNow(): void {
    const waiters = this.#flushWaiters;
    this.#flushWaiters = [];
    this.#isFlushing = true;
    fdatasync(this.#fd, (error) => {
      this.#isFlushing = false;
      for (const done of waiters) done(error === null ? undefined : diskFailure(error));
      if (this.#flushWaiters.length > 0 && !this.#isFlushing) this.#flushNow();
    });
  }

  readRegion(region: Region, { from, digest, into }: RegionRead): RegionContent {
    if (from === 'snapshot' && this.#snapshot === undefined)
      throw new LockstepError('NOT_FOUND', `${this.#path} has no snapshot any more`);
    const kept = from === 'snapshot' && this.#snapshot?.hasChanged(region) === true;
    // A hole is zeroes without a look: to read one fills the page cache with them, at 90 us a region.
    if (!kept && !holdsData(this.#fd, regionRange(region)))
      return { data: undefined, digest: digest ? zeroDigest : EMPTY_DIGEST };
    const data = into ?? Buffer.allocUnsafe(REGION_BYTES);
    if (!kept || this.#snapshot?.readPreserved(region, data) !== true)
      this.#readInto(data, region * REGION_BYTES);
    if (data.equals(zeroRegion)) return { data: undefined, digest: digest ? zeroDigest : EMPTY_DIGEST };
    return { data, digest: digest ? createHash('sha256').update(data).digest() : EMPTY_DIGEST };
  }

  *extents({ offset, length }: ByteRange): Generator<Extent> {
    let at = offset;
    for (const { start, end } of dataExtents(this.#fd, { offset, length })) {
      if (start > at) yield { offset: at, length: start - at, kind: 'hole' };
      yield { offset: start, length: end - start, kind: 'data' };
      at = end;
    }
    if (at < offset + length) yield { offset: at, length: offset + length - at, kind: 'hole' };
  }

  prefetch(range: ByteRange): void {
    readAhead(this.#fd, range);
  }

  allocatedRegions(): Region[] {
    const regions: Region[] = [];
    let next = 0;
    for (const { start, end } of dataExtents(this.#fd, { offset: 0, length: this.sizeBytes })) {
      const last = Math.floor((end - 1) / REGION_BYTES);
      for (let region = Math.max(next, Math.floor(start / REGION_BYTES)); region <= last; region++)
        regions.push(region);
      next = last + 1;
    }
    return regions;
  }

  takeSnapshot(id: string): SeedSnapshot {
    this.dropSnapshot();
    this.#snapshot = new SeedSnapshot(id, `${this.#path}.snapshot`, {
      regions: this.sizeBytes / REGION_BYTES,
      allocated: this.allocatedRegions(),
    });
    return this.#snapshot;
  }

  /**
   * What a snapshot still shows is kept before it is overwritten. Where it cannot be, for want of room or because it cannot be
   * read, the snapshot ends and not the write: a copy can be begun anew, a file system above that is told of an error stops its database.
   */
  keepForSnapshot(range: ByteRange): void {
    const snapshot = this.#snapshot;
    if (snapshot === undefined || range.length === 0) return;
    for (let region = firstRegion(range); region <= lastRegion(range); region++) {
      if (snapshot.hasChanged(region)) continue;
      try {
        const { data } = this.readRegion(region, { from: 'live', digest: false, into: this.#kept });
        snapshot.preserve(region, data);
      } catch (error) {
        this.dropSnapshot();
        this.onSnapshotLost(error);
        return;
      }
    }
  }

  dropSnapshot(): void {
    this.#snapshot?.close();
    this.#snapshot = undefined;
  }

  close(): void {
    this.dropSnapshot();
    closeSync(this.#fd);
  }

  #readInto(data: Buffer, offset: number): void {
    let filled = 0;
    while (filled < data.length) {
      const got = readSync(this.#fd, data, filled, data.length - filled, offset + filled);
      assert(got > 0, `${this.#path} ends before byte ${String(offset + data.length)}`);
      filled += got;
    }
  }

  #writeZeroes({ offset, length }: ByteRange): void {
    const zeroes = Buffer.alloc(Math.min(length, ZERO_CHUNK_BYTES));
    for (let written = 0; written < length;)
      written += writeSync(this.#fd, zeroes, 0, Math.min(zeroes.length, length - written), offset + written);
  }
}
