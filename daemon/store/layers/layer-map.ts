/**
 * Which regions a layer holds: the file `<id>.map`.
 *
 *   page 0      header: "LSTPMAP1", then in big endian u32 CRC-32C over the rest of its 512 bytes, u32 version,
 *               u32 bytes of a region, u8 and the boot id, u8 and the layer's id
 *   page 1 on   4096 bytes each, of 8 sectors of 512: u32 CRC-32C over the rest, u32 number of the sector,
 *               504 entries of one byte
 *
 * A sector is the unit of writing because a disk writes one whole or not at all; its number shows one that went to a
 * wrong place. A sector of zeroes was never written: the layer holds none of its regions. Entries:
 *
 *   0 ABSENT    an older layer has it
 *   1 COMING    it was put here, and that is not known to be on stable storage
 *   2 PRESENT   it is here, on stable storage
 *   3 LEAVING   it was moved to the layer below, and that is not known to be on stable storage
 *
 * What is COMING or LEAVING is so only while the host runs: the page cache outlives this process, and not a loss of
 * power, after which both are taken back. The boot id in the header tells the two apart.
 */
import { crc32c } from '@node-rs/crc32';
import { LockstepError, messageOf } from '../../sys/errors.ts';
import type { BlockFile, Files } from '../files.ts';

export const ABSENT = 0;
export const COMING = 1;
export const PRESENT = 2;
export const LEAVING = 3;
export type Entry = typeof ABSENT | typeof COMING | typeof PRESENT | typeof LEAVING;

/** Regions that follow one another. */
export interface RegionRun {
  readonly first: number;
  readonly count: number;
}

const SECTOR_BYTES = 512;
const EMPTY_SECTOR = Buffer.alloc(SECTOR_BYTES);
const SECTOR_HEADER_BYTES = 8;
const SECTOR_ENTRIES = SECTOR_BYTES - SECTOR_HEADER_BYTES;
const PAGE_BYTES = 4096;
/** Regions whose entries are on one page. */
export const PAGE_REGIONS = (PAGE_BYTES / SECTOR_BYTES) * SECTOR_ENTRIES;
const MAGIC = Buffer.from('LSTPMAP1', 'latin1');
const VERSION = 1;
const CHECKED_FROM = MAGIC.length + 4;
/** No machine's boot has it. */
const NO_BOOT = '';

interface MapHeader {
  readonly layer: string;
  readonly regionBytes: number;
  readonly bootId: string;
}

export class LayerMap {
  readonly #file: BlockFile;
  #header: MapHeader;
  readonly #sector = Buffer.alloc(SECTOR_BYTES);
  #isUnsure = false;

  private constructor(file: BlockFile, header: MapHeader) {
    this.#file = file;
    this.#header = header;
  }

  /** Not on stable storage before its first `sync`. */
  static create(files: Files, path: string, header: MapHeader, regions: number): LayerMap {
    const file = files.create(path, fileBytes(regions));
    try {
      file.write(encodeHeader(header), 0);
    } catch (error) {
      file.close();
      throw error;
    }
    return new LayerMap(file, header);
  }

  static open(files: Files, path: string, expected: Omit<MapHeader, 'bootId'>, regions: number): LayerMap {
    const file = files.open(path);
    try {
      const header = readHeader(file);
      if (file.sizeBytes < fileBytes(regions)) throw damaged(path, 'it ends before its last region');
      if (header.layer !== expected.layer) throw damaged(path, `it is of layer ${header.layer}`);
      if (header.regionBytes !== expected.regionBytes)
        throw damaged(path, `its regions have ${String(header.regionBytes)} bytes`);
      return new LayerMap(file, header);
    } catch (error) {
      file.close();
      throw error;
    }
  }

  /** Of the boot in which it was last put in order. */
  get bootId(): string {
    return this.#header.bootId;
  }

  get isDisowned(): boolean {
    return this.#header.bootId === NO_BOOT;
  }

  get allocatedBytes(): number {
    return this.#file.allocatedBytes;
  }

  renewBootId(bootId: string): void {
    const header = { ...this.#header, bootId };
    this.#file.write(encodeHeader(header), 0);
    this.#header = header;
  }

  /** What is COMING or LEAVING is taken back when the map is put in order next, in this boot too. */
  disown(): void {
    this.renewBootId(NO_BOOT);
  }

  grow(regions: number): void {
    const bytes = fileBytes(regions);
    if (bytes > this.#file.sizeBytes) this.#file.grow(bytes);
  }

  /** Of the regions of one page, from `page * PAGE_REGIONS`; undefined: all are absent. */
  page(page: number): Uint8Array | undefined {
    const offset = (page + 1) * PAGE_BYTES;
    if (offset >= this.#file.sizeBytes || !this.#file.holdsData({ offset, length: PAGE_BYTES }))
      return undefined;
    const bytes = Buffer.allocUnsafe(PAGE_BYTES);
    this.#file.read(bytes, offset);
    const entries = new Uint8Array(PAGE_REGIONS);
    for (let at = 0; at < PAGE_BYTES; at += SECTOR_BYTES) {
      const sector = bytes.subarray(at, at + SECTOR_BYTES);
      this.#check(sector, (offset - PAGE_BYTES + at) / SECTOR_BYTES);
      entries.set(sector.subarray(SECTOR_HEADER_BYTES), (at / SECTOR_BYTES) * SECTOR_ENTRIES);
    }
    return entries;
  }

  /** Of one page: the regions of each sector that cannot be used, and why. */
  damagedSectors(page: number): { readonly regions: RegionRun; readonly why: string }[] {
    const damaged: { readonly regions: RegionRun; readonly why: string }[] = [];
    for (let first = page * PAGE_REGIONS; first < (page + 1) * PAGE_REGIONS; first += SECTOR_ENTRIES) {
      try {
        this.get(first);
      } catch (error) {
        damaged.push({ regions: { first, count: SECTOR_ENTRIES }, why: messageOf(error) });
      }
    }
    return damaged;
  }

  /** The pages that may hold anything but ABSENT, in order. */
  *pages(from = 0): Generator<number> {
    let next = from;
    for (const { start, end } of this.#file.extents((from + 1) * PAGE_BYTES)) {
      const last = Math.ceil(end / PAGE_BYTES) - 2;
      for (let page = Math.max(next, Math.floor(start / PAGE_BYTES) - 1); page <= last; page++) yield page;
      next = Math.max(next, last + 1);
    }
  }

  /** All entries but ABSENT ones, in order. */
  *entries(from = 0): Generator<readonly [region: number, entry: number]> {
    for (const page of this.pages(Math.floor(from / PAGE_REGIONS))) {
      const entries = this.page(page);
      if (entries === undefined) continue;
      for (let at = Math.max(0, from - page * PAGE_REGIONS); at < PAGE_REGIONS; at++) {
        const entry = entries[at] ?? ABSENT;
        if (entry !== ABSENT) yield [page * PAGE_REGIONS + at, entry];
      }
    }
  }

  get(region: number): number {
    const number = Math.floor(region / SECTOR_ENTRIES);
    this.#load(number);
    return this.#sector[SECTOR_HEADER_BYTES + (region % SECTOR_ENTRIES)] ?? ABSENT;
  }

  /** In the page cache when it returns. */
  set({ first, count }: RegionRun, entry: Entry): void {
    for (let region = first; region < first + count;)
      region = this.#setInSector(region, first + count, entry);
  }

  /** An entry could neither be changed nor changed back. */
  get isUnsure(): boolean {
    return this.#isUnsure;
  }

  /** ABSENT ones become COMING: all of them, or none where it throws, unless it `isUnsure` then. */
  come({ first, count }: RegionRun): void {
    let region = first;
    try {
      while (region < first + count) region = this.#setInSector(region, first + count, COMING);
    } catch (error) {
      this.#isUnsure = true;
      this.set({ first, count: region - first }, ABSENT);
      this.#isUnsure = false;
      throw error;
    }
  }

  /** Answers the first region of the next sector. */
  #setInSector(region: number, endOfRun: number, entry: Entry): number {
    const number = Math.floor(region / SECTOR_ENTRIES);
    const end = Math.min(endOfRun, (number + 1) * SECTOR_ENTRIES);
    const at = SECTOR_HEADER_BYTES - number * SECTOR_ENTRIES;
    this.#load(number);
    this.#sector.fill(entry, at + region, at + end);
    this.#sector.writeUInt32BE(number, 4);
    this.#sector.writeUInt32BE(crc32c(this.#sector.subarray(4)), 0);
    this.#file.write(this.#sector, PAGE_BYTES + number * SECTOR_BYTES);
    return end;
  }

  sync(done: (error: Error | null) => void): void {
    this.#file.sync(done);
  }

  close(): void {
    this.#file.close();
  }

  #load(number: number): void {
    this.#file.read(this.#sector, PAGE_BYTES + number * SECTOR_BYTES);
    this.#check(this.#sector, number);
  }

  #check(sector: Buffer, number: number): void {
    if (sector.equals(EMPTY_SECTOR)) return;
    if (sector.readUInt32BE(0) === crc32c(sector.subarray(4)) && sector.readUInt32BE(4) === number) return;
    throw damaged(this.#file.path, `sector ${String(number)} does not fit its checksum`);
  }
}

function fileBytes(regions: number): number {
  return (1 + Math.ceil(regions / PAGE_REGIONS)) * PAGE_BYTES;
}

function encodeHeader({ layer, regionBytes, bootId }: MapHeader): Buffer {
  const header = Buffer.alloc(SECTOR_BYTES);
  MAGIC.copy(header);
  header.writeUInt32BE(VERSION, CHECKED_FROM);
  header.writeUInt32BE(regionBytes, CHECKED_FROM + 4);
  let at = CHECKED_FROM + 8;
  for (const text of [bootId, layer]) {
    const bytes = Buffer.from(text, 'utf8');
    header.writeUInt8(bytes.length, at);
    bytes.copy(header, at + 1);
    at += 1 + bytes.length;
  }
  header.writeUInt32BE(crc32c(header.subarray(CHECKED_FROM)), MAGIC.length);
  return header;
}

function readHeader(file: BlockFile): MapHeader {
  if (file.sizeBytes < PAGE_BYTES) throw damaged(file.path, 'it ends within its header');
  const header = Buffer.alloc(SECTOR_BYTES);
  file.read(header, 0);
  if (!header.subarray(0, MAGIC.length).equals(MAGIC)) throw damaged(file.path, 'it does not begin as one');
  if (header.readUInt32BE(MAGIC.length) !== crc32c(header.subarray(CHECKED_FROM)))
    throw damaged(file.path, 'its header does not fit its checksum');
  const version = header.readUInt32BE(CHECKED_FROM);
  if (version !== VERSION)
    throw damaged(file.path, `it has version ${String(version)}, and this build knows ${String(VERSION)}`);
  let at = CHECKED_FROM + 8;
  const text = (): string => {
    const length = header.readUInt8(at);
    at += 1 + length;
    return header.toString('utf8', at - length, at);
  };
  return { regionBytes: header.readUInt32BE(CHECKED_FROM + 4), bootId: text(), layer: text() };
}

function damaged(path: string, why: string): LockstepError {
  return new LockstepError('INTERNAL', `${path} is no usable map of a layer: ${why}`, {
    reason: 'LAYER_MAP_DAMAGED',
    metadata: { path },
  });
}
