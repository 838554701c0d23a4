/**
 * What a volume needs of its disk. `VolumeFile` is the real one; a layer that counts, delays or fails wraps another.
 *
 * What is synchronous throws the system's error; `diskFailure` says what it means to a client. What was written is
 * read back at once and survives the death of this process; it survives the loss of power after a `flush`.
 */
import type { DiskFailure } from '../replication/interface.ts';
import type { ByteRange, Region } from '../replication/units.ts';
import type { SeedSnapshot } from './seed-snapshot.ts';

export interface RegionContent {
  /** Undefined: zeroes. */
  readonly data: Buffer | undefined;
  /** SHA-256, or empty if it was not asked for. */
  readonly digest: Uint8Array;
}

export interface RegionRead {
  readonly from: 'live' | 'snapshot';
  /** Its SHA-256 is wanted too. */
  readonly digest: boolean;
  /** Of REGION_BYTES: what is not zeroes is read into it. */
  readonly into?: Buffer;
}

/** A hole takes no space, and reads as zeroes. */
export interface Extent extends ByteRange {
  readonly kind: 'data' | 'hole';
}

export interface Store {
  readonly sizeBytes: number;
  /** `zero` without `keepSpace` takes no longer than a write of a few bytes, whatever the range. */
  readonly zeroesFast: boolean;
  /** What it takes up on its file system. */
  readonly allocatedBytes: number;
  readonly snapshot: SeedSnapshot | undefined;
  /** Called when the snapshot ended by itself: what it shows could not be kept. */
  onSnapshotLost: (error: unknown) => void;

  read(range: ByteRange): Buffer;
  write(offset: number, data: Uint8Array): void;
  /** `keepSpace`: the zeroes stay allocated. Both ways the range reads as zeroes afterwards, always. */
  zero(range: ByteRange, options: { readonly keepSpace: boolean }): void;
  /** Calls back in a later turn, once what was written before is on stable storage, or with what went wrong. */
  flush(done: (failure: DiskFailure | undefined) => void): void;
  /** Throws if the snapshot is gone. */
  readRegion(region: Region, options: RegionRead): RegionContent;
  /** What the range is made of, in order and without gaps; looked up only as far as it is read. */
  extents(range: ByteRange): Iterable<Extent>;
  /** A hint that the range is read soon. */
  prefetch(range: ByteRange): void;
  /** Regions that may hold anything but zeroes. */
  allocatedRegions(): Region[];

  /** The volume as it is at this instant. There is one at a time, and it ends with this process. */
  takeSnapshot(id: string): SeedSnapshot;
  /** What the snapshot shows of this range is kept before it is overwritten; `write` and `zero` see to it themselves. */
  keepForSnapshot(range: ByteRange): void;
  dropSnapshot(): void;

  close(): void;
}

/** What a system call's error means to a client. */
export function diskFailure(error: unknown): DiskFailure {
  const code = error instanceof Error && 'code' in error ? error.code : '';
  return code === 'ENOSPC' || code === 'EDQUOT' ? 'ENOSPC' : 'EIO';
}
