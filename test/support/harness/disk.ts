/**
 * A disk of stamps: each 512-byte sector holds the number of the write that its bytes came from, 0 for zeroes. Writes
 * survive the death of a process; the harness of power loss will need what `flushedUpTo` says.
 */
import { type ByteRange, REGION_BYTES, type Region } from '../../../daemon/replication/units.ts';

export const SECTOR_BYTES = 512;
export const SECTORS_PER_REGION = REGION_BYTES / SECTOR_BYTES;
const WORDS_PER_SECTOR = SECTOR_BYTES / Uint32Array.BYTES_PER_ELEMENT;

interface Snapshot {
  readonly id: string;
  readonly stamps: Uint32Array;
  readonly changed: Set<Region>;
}

export class VirtualDisk {
  readonly stamps: Uint32Array;
  /** The change of this disk that last altered a sector. */
  readonly changedBy: Float64Array;
  /** Changes up to here are on stable storage. */
  flushedUpTo = 0;
  changes = 0;
  #snapshot: Snapshot | undefined;

  constructor(sizeBytes: number) {
    this.stamps = new Uint32Array(sizeBytes / SECTOR_BYTES);
    this.changedBy = new Float64Array(this.stamps.length);
  }

  get snapshotId(): string | undefined {
    return this.#snapshot?.id;
  }

  /** `data` undefined: zeroes. `sectors`: so many of them, from the first; a killed process writes a part. */
  write({ offset, length }: ByteRange, data: Uint8Array | undefined, sectors = length / SECTOR_BYTES): void {
    const words = data === undefined ? undefined : wordsOf(data);
    const first = offset / SECTOR_BYTES;
    this.changes++;
    for (let sector = 0; sector < sectors; sector++) {
      const stamp = words === undefined ? 0 : (words[sector * WORDS_PER_SECTOR] ?? 0);
      const at = first + sector;
      this.#snapshot?.changed.add(Math.floor(at / SECTORS_PER_REGION));
      if (this.stamps[at] === stamp) continue;
      this.stamps[at] = stamp;
      this.changedBy[at] = this.changes;
    }
  }

  read({ offset, length }: ByteRange): Uint8Array {
    const first = offset / SECTOR_BYTES;
    return bytesOf(this.stamps.subarray(first, first + length / SECTOR_BYTES));
  }

  /** The digest is the stamps themselves. */
  readRegion(
    region: Region,
    from: 'live' | 'snapshot',
  ): { readonly data: Uint8Array | undefined; readonly digest: Uint8Array } {
    // As the real volume does, where there is no snapshot the region is read as it is now.
    const source = from === 'snapshot' ? (this.#snapshot?.stamps ?? this.stamps) : this.stamps;
    const stamps = source.slice(region * SECTORS_PER_REGION, (region + 1) * SECTORS_PER_REGION);
    const data = stamps.some((stamp) => stamp !== 0) ? bytesOf(stamps) : undefined;
    return { data, digest: new Uint8Array(stamps.buffer) };
  }

  takeSnapshot(id: string): void {
    this.#snapshot = { id, stamps: this.stamps.slice(), changed: new Set() };
  }

  dropSnapshot(): void {
    this.#snapshot = undefined;
  }

  allocated(): Region[] {
    const regions = Array.from({ length: this.stamps.length / SECTORS_PER_REGION }, (_, region) => region);
    return regions.filter((region) => this.readRegion(region, 'snapshot').data !== undefined);
  }

  changed(): Region[] {
    return [...(this.#snapshot?.changed ?? [])];
  }
}

/** The bytes of a write: its stamp at the head of each sector. */
export function stamped(stamp: number, length: number): Uint8Array {
  return bytesOf(new Uint32Array(length / SECTOR_BYTES).fill(stamp));
}

export function stampsOf(data: Uint8Array): number[] {
  const words = wordsOf(data);
  return Array.from({ length: data.length / SECTOR_BYTES }, (_, at) => words[at * WORDS_PER_SECTOR] ?? 0);
}

function bytesOf(stamps: Uint32Array): Uint8Array {
  const words = new Uint32Array(stamps.length * WORDS_PER_SECTOR);
  for (let at = 0; at < stamps.length; at++) words[at * WORDS_PER_SECTOR] = stamps[at] ?? 0;
  return new Uint8Array(words.buffer);
}

function wordsOf(data: Uint8Array): Uint32Array {
  return new Uint32Array(data.buffer, data.byteOffset, data.byteLength / Uint32Array.BYTES_PER_ELEMENT);
}
