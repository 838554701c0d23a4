/**
 * What a volume may show, by the plainest means: for each sector the newest value that a flush covered and all that
 * were written since, in order. A sector without an entry is zeroes, and was never anything else.
 */
import { type Sector, SECTOR_BYTES } from './image.ts';

export interface Version {
  /** Which write it came from; they are counted from 1, 0 stands for what was there before. */
  readonly write: number;
  readonly value: Sector;
}

/** Of sectors that are not zeroes. */
export type Content = ReadonlyMap<number, Sector>;

export interface ModelWrite {
  readonly offset: number;
  readonly length: number;
  /** Undefined: zeroes. */
  readonly data: Uint8Array | undefined;
}

export type CrashKind = 'killed' | 'power';

const ORIGIN: Version = { write: 0, value: undefined };

export class VolumeModel {
  sizeBytes: number;
  writes = 0;
  readonly #sectors: Map<number, Version[]>;
  /** After a failure what was not flushed by then may be lost, whatever is flushed later, until it is written again. */
  #doubtedTo = 0;
  /** Since an operation on its files failed, until the store is known to have got over it. */
  hasFailed = false;
  /** Was begun and has not returned. */
  #current: ModelWrite | undefined;

  constructor(sizeBytes: number, content: Content = new Map()) {
    this.sizeBytes = sizeBytes;
    this.#sectors = new Map([...content].map(([sector, value]) => [sector, [{ write: 0, value }]]));
  }

  /** Sectors that are, or were, anything but zeroes. */
  get sectors(): Iterable<number> {
    return this.#sectors.keys();
  }

  get isWriting(): boolean {
    return this.#current !== undefined;
  }

  newest(sector: number): Sector {
    return this.#sectors.get(sector)?.at(-1)?.value;
  }

  content(): Content {
    return new Map([...this.#sectors.keys()].map((sector) => [sector, this.newest(sector)]));
  }

  writeBegins(write: ModelWrite): void {
    this.#current = write;
    this.writes++;
    for (const [sector, value] of sectorsOf(write)) {
      const versions = this.#sectors.get(sector);
      const version: Version = { write: this.writes, value };
      if (versions === undefined) this.#sectors.set(sector, [ORIGIN, version]);
      else versions.push(version);
    }
  }

  /** Of the sectors of the write these hold it now, the others what they held before. */
  writeFailed(isThere: (sector: number) => boolean): void {
    for (const [sector] of this.#current === undefined ? [] : sectorsOf(this.#current)) {
      const versions = this.#sectors.get(sector);
      // Of one that may be lost anyway nothing is left out.
      if (versions !== undefined && !this.hasFailed && !isThere(sector)) versions.pop();
    }
    this.#current = undefined;
  }

  /** What is not flushed may be lost. */
  doubt(): void {
    this.#doubtedTo = this.writes;
  }

  get doubtful(): number[] {
    return [...this.#sectors].filter(([, versions]) => this.#isDoubtful(versions)).map(([sector]) => sector);
  }

  writeEnds(): void {
    this.#current = undefined;
  }

  /** A flush that began after so many writes was acknowledged. */
  flushed(writes: number): void {
    for (const versions of this.#sectors.values()) {
      const covered = versions.findLastIndex(({ write }) => write <= writes);
      if (covered > 0 && (versions[covered]?.write ?? 0) > this.#doubtedTo) versions.splice(0, covered);
    }
  }

  /** What each sector may be after the crash, newest first; undefined: zeroes. */
  acceptable(sector: number, kind: CrashKind): readonly Sector[] {
    const versions = this.#sectors.get(sector) ?? [ORIGIN];
    if (kind === 'power' || this.#isDoubtful(versions)) return versions.map(({ value }) => value).reverse();
    const isTorn = this.#current !== undefined && isInside(sector, this.#current);
    return versions
      .slice(isTorn ? -2 : -1)
      .map(({ value }) => value)
      .reverse();
  }

  /** Whether one of the acceptable values is the one that is there. */
  accepts(sector: number, kind: CrashKind, isThere: (value: Sector) => boolean): boolean {
    const versions = this.#sectors.get(sector);
    if (versions === undefined) return isThere(undefined);
    // Nearly always it is the newest.
    return isThere(versions.at(-1)?.value) || this.acceptable(sector, kind).some(isThere);
  }

  withSize(sizeBytes: number): VolumeModel {
    const copy = this.copy();
    copy.sizeBytes = sizeBytes;
    return copy;
  }

  copy(): VolumeModel {
    const copy = new VolumeModel(this.sizeBytes);
    copy.writes = this.writes;
    copy.#current = this.#current;
    copy.#doubtedTo = this.#doubtedTo;
    copy.hasFailed = this.hasFailed;
    for (const [sector, versions] of this.#sectors) copy.#sectors.set(sector, [...versions]);
    return copy;
  }

  /** After a crash that left this. What the loss of power left will stay; a process that died left what is not flushed. */
  recovered(kind: CrashKind, found: (sector: number) => Sector): VolumeModel {
    if (kind === 'power')
      return new VolumeModel(
        this.sizeBytes,
        new Map([...this.#sectors.keys()].map((sector) => [sector, found(sector)])),
      );
    const copy = this.copy();
    for (const [sector] of this.#current === undefined ? [] : sectorsOf(this.#current)) {
      const versions = copy.#sectors.get(sector);
      if (versions !== undefined && !isSame(versions.at(-1)?.value, found(sector))) versions.pop();
    }
    copy.#current = undefined;
    for (const [sector, versions] of copy.#sectors)
      if (copy.#isDoubtful(versions)) versions.splice(0, versions.length, { write: 0, value: found(sector) });
    copy.hasFailed = false;
    return copy;
  }

  #isDoubtful([, unflushed]: readonly Version[]): boolean {
    return unflushed !== undefined && (this.hasFailed || unflushed.write <= this.#doubtedTo);
  }
}

export function* sectorsOf({
  offset,
  length,
  data,
}: ModelWrite): Generator<readonly [sector: number, value: Sector]> {
  for (let at = 0; at < length; at += SECTOR_BYTES)
    yield [(offset + at) / SECTOR_BYTES, data?.subarray(at, at + SECTOR_BYTES)];
}

const ZEROES = Buffer.alloc(SECTOR_BYTES);

export function isSame(a: Sector, b: Sector): boolean {
  return a === b || Buffer.compare(a ?? ZEROES, b ?? ZEROES) === 0;
}

function isInside(sector: number, { offset, length }: ModelWrite): boolean {
  return sector * SECTOR_BYTES >= offset && sector * SECTOR_BYTES < offset + length;
}
