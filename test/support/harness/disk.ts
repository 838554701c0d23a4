/**
 * A disk of stamps: each 512-byte sector holds the number of the write that its bytes came from, 0 for zeroes. Writes
 * survive the death of a process. A loss of power keeps what a flush covered; of a sector that was written since, it
 * keeps any one of the values that were written to it, or the one before.
 */
import type { Soundness } from '../../../daemon/replication/messages.ts';
import { type ByteRange, REGION_BYTES, type Region, regionRange } from '../../../daemon/replication/units.ts';
import { payloadOf, SECTOR_BYTES, stampsOf } from './payload.ts';

export const SECTORS_PER_REGION = REGION_BYTES / SECTOR_BYTES;

/** A whole number below its argument, by chance. */
export type Below = (end: number) => number;

interface Snapshot {
  readonly id: string;
  readonly stamps: Uint32Array;
  readonly changed: Set<Region>;
}

/** A value of a sector that is in the cache only. */
interface Version {
  readonly change: number;
  readonly stamp: number;
}

export class VirtualDisk {
  /** What is read. */
  readonly stamps: Uint32Array;
  /** What is there for sure after a loss of power, of sectors that were not written since. */
  readonly stable: Uint32Array;
  /** The change of this disk that last altered a sector. Infinity: no flush will make it stable. */
  readonly changedBy: Float64Array;
  /** Changes up to here are on stable storage. */
  flushedUpTo = 0;
  changes = 0;
  /** The values that each sector was written since it was last stable, in order. */
  readonly #unflushed = new Map<number, Version[]>();
  /** In the cache, and taken for stable after a flush that failed: one day what is stable is read again. */
  readonly #forgotten = new Set<number>();
  /** Cannot be read until they are written. */
  readonly #unreadable = new Map<number, string>();
  #spoils = 0;
  /** What these sectors hold has changed by itself: for now only who looks at a region as a whole is shown it. */
  readonly #rotten = new Map<number, number>();
  /** Regions of which the store keeps a checksum. */
  readonly #sealed = new Set<Region>();
  #snapshot: Snapshot | undefined;

  constructor(sizeBytes: number) {
    this.stamps = new Uint32Array(sizeBytes / SECTOR_BYTES);
    this.stable = new Uint32Array(this.stamps.length);
    this.changedBy = new Float64Array(this.stamps.length);
  }

  get snapshotId(): string | undefined {
    return this.#snapshot?.id;
  }

  get hasForgotten(): boolean {
    return this.#forgotten.size > 0;
  }

  get hasUnreadable(): boolean {
    return this.#unreadable.size > 0;
  }

  /** Its last value is not yet sure to survive a loss of power. */
  isUnflushed(sector: number): boolean {
    return (this.changedBy[sector] ?? 0) > this.flushedUpTo;
  }

  /** `data` undefined: zeroes. `sectors`: so many of them, from the first; a killed process writes a part. */
  write({ offset, length }: ByteRange, data: Uint8Array | undefined, sectors = length / SECTOR_BYTES): void {
    const stamps = data === undefined ? undefined : stampsOf(data);
    const first = offset / SECTOR_BYTES;
    this.changes++;
    for (let sector = 0; sector < sectors; sector++) this.#writeSector(first + sector, stamps?.[sector] ?? 0);
  }

  /** Whole regions are written back, as `stamps`. */
  writeStamps(firstSector: number, stamps: Uint32Array): void {
    this.changes++;
    for (let at = 0; at < stamps.length; at++) this.#writeSector(firstSector + at, stamps[at] ?? 0);
  }

  /** A flush that was asked for after change `upTo` is done. */
  flushed(upTo: number): void {
    if (upTo <= this.flushedUpTo) return;
    this.flushedUpTo = upTo;
    for (const [at, versions] of this.#unflushed) {
      let covered = 0;
      for (let next = versions[0]; next !== undefined && next.change <= upTo; next = versions[covered]) {
        this.stable[at] = next.stamp;
        covered++;
      }
      if (covered === versions.length) this.#unflushed.delete(at);
      else versions.splice(0, covered);
    }
  }

  /**
   * Of what it should have made stable, some is; some pages are dropped, so that what was there before is read again;
   * some stay in the cache as if they were stable, until they are forgotten.
   */
  flushFailed(below: Below): void {
    this.changes++;
    for (const [at, versions] of this.#unflushed) {
      const fate = below(3);
      const last = versions.at(-1)?.stamp ?? 0;
      if (fate === 0) this.stable[at] = last;
      else if (fate === 1) this.#set(at, this.stable[at] ?? 0);
      else {
        this.#forgotten.add(at);
        this.changedBy[at] = Infinity;
      }
    }
    this.#unflushed.clear();
  }

  /** What a failed flush left in the cache is dropped from it. */
  forget(): void {
    if (this.#forgotten.size === 0) return;
    this.changes++;
    for (const at of this.#forgotten) this.#set(at, this.stable[at] ?? 0);
    this.#forgotten.clear();
  }

  losePower(below: Below): void {
    this.forget();
    this.changes++;
    for (const [at, versions] of this.#unflushed) {
      const kept = versions[below(versions.length + 1)]?.stamp ?? this.stable[at] ?? 0;
      this.stable[at] = kept;
      this.#set(at, kept);
    }
    this.#unflushed.clear();
    this.flushedUpTo = this.changes;
    this.#snapshot = undefined;
  }

  /** Reads of these sectors fail until they are written. */
  spoil(first: number, count: number): void {
    const mark = `spoilt ${++this.#spoils}`;
    for (let at = first; at < first + count; at++) this.#unreadable.set(at, mark);
  }

  /** What was only unreadable can be read again. */
  heal(): void {
    this.#unreadable.clear();
    this.#rotten.clear();
  }

  /** `mark` is unlike any other's, and any stamp. */
  rot(sector: number, mark: number): void {
    this.#rotten.set(sector, mark);
  }

  /** Every region that is whole on stable storage gets a checksum, which holds until it is written to. */
  seal(): void {
    for (let region = 0; region < this.stamps.length / SECTORS_PER_REGION; region++) this.#sealed.add(region);
    for (const at of [...this.#unflushed.keys(), ...this.#forgotten, ...this.#rotten.keys()])
      this.#sealed.delete(Math.floor(at / SECTORS_PER_REGION));
  }

  /** What is wrong with a region, as a mark that no other damage has; empty: nothing. */
  damageOf(region: Region): string {
    const marks = [...this.#rotten, ...this.#unreadable]
      .filter(([at]) => Math.floor(at / SECTORS_PER_REGION) === region)
      .map(([at, mark]) => `${at}: ${mark}`);
    return marks.join(' ');
  }

  verify(region: Region): { readonly digest: Uint8Array; readonly soundness: Soundness } {
    if (!this.isReadable(regionRange(region))) return { digest: new Uint8Array(), soundness: 'damaged' };
    const stamps = this.regionStamps(region);
    let isRotten = false;
    for (const [at, mark] of this.#rotten) {
      if (Math.floor(at / SECTORS_PER_REGION) !== region) continue;
      isRotten = true;
      stamps[at % SECTORS_PER_REGION] = mark;
    }
    const soundness = isRotten ? 'damaged' : 'intact';
    return {
      digest: new Uint8Array(stamps.buffer),
      soundness: this.#sealed.has(region) ? soundness : 'unknown',
    };
  }

  runAt(first: Region, count: number): { readonly areHoles: boolean; readonly count: number } {
    const isHole = (region: Region): boolean =>
      this.damageOf(region) === '' && this.regionStamps(region).every((stamp) => stamp === 0);
    const areHoles = isHole(first);
    let end = first + 1;
    while (end < first + count && isHole(end) === areHoles) end++;
    return { areHoles, count: end - first };
  }

  isReadable({ offset, length }: ByteRange): boolean {
    if (this.#unreadable.size === 0) return true;
    const first = offset / SECTOR_BYTES;
    for (let at = first; at < first + length / SECTOR_BYTES; at++) if (this.#unreadable.has(at)) return false;
    return true;
  }

  read({ offset, length }: ByteRange): Uint8Array {
    const first = offset / SECTOR_BYTES;
    return payloadOf(this.stamps.slice(first, first + length / SECTOR_BYTES));
  }

  regionStamps(region: Region): Uint32Array {
    return regionOf(this.stamps, region).slice();
  }

  /** The digest is the stamps themselves. */
  readRegion(
    region: Region,
    from: 'live' | 'snapshot',
  ): { readonly data: Uint8Array | undefined; readonly digest: Uint8Array } {
    // As the real volume does, where there is no snapshot the region is read as it is now.
    const source = from === 'snapshot' ? (this.#snapshot?.stamps ?? this.stamps) : this.stamps;
    const stamps = regionOf(source, region).slice();
    const data = isZero(stamps) ? undefined : payloadOf(stamps);
    return { data, digest: new Uint8Array(stamps.buffer) };
  }

  takeSnapshot(id: string): void {
    this.#snapshot = { id, stamps: this.stamps.slice(), changed: new Set() };
  }

  dropSnapshot(): void {
    this.#snapshot = undefined;
  }

  allocated(): Region[] {
    const stamps = this.#snapshot?.stamps ?? this.stamps;
    const regions: Region[] = [];
    for (let region = 0; region < stamps.length / SECTORS_PER_REGION; region++)
      if (!isZero(regionOf(stamps, region))) regions.push(region);
    return regions;
  }

  changed(): Region[] {
    return [...(this.#snapshot?.changed ?? [])];
  }

  #writeSector(at: number, stamp: number): void {
    this.#snapshot?.changed.add(Math.floor(at / SECTORS_PER_REGION));
    if (this.#unreadable.size > 0) this.#unreadable.delete(at);
    if (this.#rotten.size > 0) this.#rotten.delete(at);
    if (this.#sealed.size > 0) this.#sealed.delete(Math.floor(at / SECTORS_PER_REGION));
    const wasForgotten = this.#forgotten.size > 0 && this.#forgotten.delete(at);
    if (this.stamps[at] === stamp && !wasForgotten) return;
    this.#set(at, stamp);
    const version = { change: this.changes, stamp };
    const versions = this.#unflushed.get(at);
    if (versions === undefined) this.#unflushed.set(at, [version]);
    else versions.push(version);
  }

  #set(at: number, stamp: number): void {
    this.stamps[at] = stamp;
    this.changedBy[at] = this.changes;
  }
}

function regionOf(stamps: Uint32Array, region: Region): Uint32Array {
  return stamps.subarray(region * SECTORS_PER_REGION, (region + 1) * SECTORS_PER_REGION);
}

function isZero(stamps: Uint32Array): boolean {
  for (const stamp of stamps) if (stamp !== 0) return false;
  return true;
}
