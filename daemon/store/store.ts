/**
 * What a volume needs of its disk. `LayeredDisk` is the real one; a layer that counts, delays or fails wraps another.
 *
 * What is synchronous throws the system's error; `diskFailure` says what it means to a client. What was written is
 * read back at once and survives the death of this process; it survives the loss of power after a `flush`.
 */
import type { DiskFailure } from '../replication/interface.ts';
import type { ByteRange, Region } from '../replication/units.ts';
import type { RegionRun } from './layers/layer-map.ts';

export interface RegionContent {
  /** Undefined: zeroes. */
  readonly data: Buffer | undefined;
  /** SHA-256, or empty if it was not asked for. */
  readonly digest: Uint8Array;
  /** Whether the bytes fit the checksum that the store has for them; undefined: it has none, or was not asked. */
  readonly intact?: boolean | undefined;
}

export const EMPTY_DIGEST = new Uint8Array();

export interface RegionRead {
  readonly from: 'live' | 'snapshot';
  /** Its SHA-256 is wanted too. */
  readonly digest: boolean;
  /** `intact` is wanted too. */
  readonly verify?: boolean;
  /** Of REGION_BYTES: what is not zeroes is read into it. */
  readonly into?: Buffer;
}

/** Of a read that waited. */
export type RangeDone = (found: Buffer | Error) => void;

/** A hole takes no space, and reads as zeroes. */
export interface Extent extends ByteRange {
  readonly kind: 'data' | 'hole';
}

/** The volume at one instant, to seed a replica from. It ends with this process. */
export interface Seed {
  readonly id: string;
  /** Regions that may hold anything but zeroes. */
  readonly allocated: readonly Region[];
  /** Regions that may have been written since. */
  changedRegions(): readonly Region[];
}

export interface Store {
  readonly sizeBytes: number;
  /** `zero` without `keepSpace` takes no longer than a write of a few bytes, whatever the range. */
  readonly zeroesFast: boolean;
  /** What it takes up on its file system, with all that it shares with others. */
  readonly allocatedBytes: number;
  readonly seed: Seed | undefined;
  /** Called when the seed ended by itself: there was no room for what is written to be put beside it. */
  onSeedLost: (error: unknown) => void;
  /** Called when something could not be made stable that no flush had asked for. The next flush fails. */
  onSyncFailed: () => void;

  /** Waits for the disk, and everybody with it: not for what clients ask. */
  read(range: ByteRange): Buffer;
  /**
   * From memory alone, into `into`, of that length, if it is passed; undefined: some of it has to be read from the disk.
   * Throws as `read` does.
   */
  readCached(range: ByteRange, into?: Buffer): Buffer | undefined;
  /**
   * Calls back in a later turn, with what is there then: the bytes, or the system's error. In a buffer of its own: whoever
   * asked may have given up by then, and its buffer be another's.
   */
  readLater(range: ByteRange, done: RangeDone): void;
  /**
   * Brings into memory what a write there has to read first: the rest of a page, or of a region that a snapshot shares.
   * Undefined: it is there already, or nothing is needed. What cannot be read fails the write.
   */
  warmForWrite(range: ByteRange): Promise<void> | undefined;
  write(offset: number, data: Uint8Array): void;
  /** `keepSpace`: the zeroes stay allocated. Both ways the range reads as zeroes afterwards, always. */
  zero(range: ByteRange, options: { readonly keepSpace: boolean }): void;
  /** What a write there takes of its file system at most; 0: all of it is written in place. */
  bytesNeeded(range: ByteRange): number;
  /** Calls back in a later turn, once what was written before is on stable storage, or with what went wrong. */
  flush(done: (failure: DiskFailure | undefined) => void): void;
  /** Throws if the seed is gone. Waits for the disk, unless it was brought into memory by `warm`. */
  readRegion(region: Region, options: RegionRead): RegionContent;
  /** Brings a region into memory; undefined: it is there already. What cannot be read fails the read. */
  warm(region: Region, from: RegionRead['from']): Promise<void> | undefined;
  /** What the range is made of, in order and without gaps; neighbours differ in kind. Looked up only as far as it is read. */
  extents(range: ByteRange): Iterable<Extent>;
  /** A hint that the range is read soon. */
  prefetch(range: ByteRange): void;
  /** Regions that may hold anything but zeroes. */
  allocatedRegions(): Region[];
  /** Names of the snapshots that it can be compared with. */
  readonly snapshots: readonly string[];
  /** The regions `within` that may have been written since the snapshot, in order; undefined: there is none such. */
  changedSince(snapshot: string, within: RegionRun): readonly RegionRun[] | undefined;

  /** Of one instant between the call and the answer; in place of the one there was. */
  takeSeed(id: string): Promise<Seed>;
  /** What it took is given back by and by. */
  dropSeed(): Promise<void>;

  close(): void;
}

/** Waits for the disk where it has to, and keeps nobody else waiting. */
export async function readFrom(
  source: Pick<Store, 'readCached' | 'readLater'>,
  range: ByteRange,
): Promise<Buffer> {
  const cached = source.readCached(range);
  if (cached !== undefined) return cached;
  return new Promise((resolve, reject) => {
    source.readLater(range, (found) => {
      if (Buffer.isBuffer(found)) resolve(found);
      else reject(found);
    });
  });
}

/** What a system call's error means to a client. */
export function diskFailure(error: unknown): DiskFailure {
  const code = error instanceof Error && 'code' in error ? error.code : '';
  return code === 'ENOSPC' || code === 'EDQUOT' ? 'ENOSPC' : 'EIO';
}
