/** The file in which a fallback keeps regions: entries one behind the other, added at its end and never changed. */
import {
  close,
  closeSync,
  constants,
  fdatasync,
  fdatasyncSync,
  fstatSync,
  ftruncateSync,
  openSync,
  readSync,
  writeSync,
} from 'node:fs';
import { promisify } from 'node:util';
import { LockstepError } from '../sys/errors.ts';
import type { Region } from '../replication/units.ts';
import {
  decodeHeader,
  encodeHeader,
  type EntryHeader,
  HEADER_BYTES,
  headerOf,
  isDataSound,
} from './fallback-entry.ts';

const sync = promisify(fdatasync);
const closeInTheBackground = promisify(close);

interface Entry {
  readonly at: number;
  readonly header: EntryHeader;
}

export class FallbackFile {
  readonly #path: string;
  readonly #fd: number;
  readonly #kept = new Map<Region, Entry>();
  /** Written and not yet on stable storage. */
  #added: Entry[] = [];
  /** Bytes that are whole entries on stable storage. */
  #syncedBytes = 0;
  #end = 0;

  private constructor(path: string, fd: number) {
    this.#path = path;
    this.#fd = fd;
  }

  /** Empty. The caller syncs the folder. */
  static create(path: string): FallbackFile {
    return new FallbackFile(
      path,
      openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL, 0o600),
    );
  }

  /**
   * What an earlier process kept; undefined: nothing. An entry that was torn by the end of that process was never
   * answered: it is cut off, with all behind it.
   */
  static open(path: string): FallbackFile | undefined {
    let fd: number;
    try {
      fd = openSync(path, constants.O_RDWR);
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
      throw error;
    }
    const file = new FallbackFile(path, fd);
    try {
      file.#scan();
    } catch (error) {
      closeSync(fd);
      throw error;
    }
    return file;
  }

  get regions(): readonly Region[] {
    return [...this.#kept.keys()];
  }

  has(region: Region): boolean {
    return this.#kept.has(region);
  }

  /** Kept once `sync` resolves. */
  add(region: Region, data: Uint8Array | undefined): void {
    const at = this.#end;
    const header = headerOf(region, data, this.#syncedBytes);
    this.#write(encodeHeader(header, at), at);
    if (data !== undefined) this.#write(data, at + HEADER_BYTES);
    this.#end = at + HEADER_BYTES + header.length;
    this.#added.push({ at, header });
  }

  /** What was added is on stable storage when it resolves. */
  async sync(): Promise<void> {
    await sync(this.#fd);
    this.#settle(this.#added);
  }

  /** As if what was added since the last sync had not been. */
  undo(): void {
    this.#added = [];
    this.#end = this.#syncedBytes;
    ftruncateSync(this.#fd, this.#end);
  }

  /** What it keeps of a region; undefined: zeroes. Throws if what is read is not what was written. */
  read(region: Region): Buffer | undefined {
    const entry = this.#kept.get(region);
    const data = entry === undefined ? undefined : this.#dataOf(entry);
    if (entry === undefined || data === undefined)
      throw this.#damaged(`region ${String(region)} does not match its checksum`);
    return entry.header.length === 0 ? undefined : data;
  }

  close(): void {
    closeSync(this.#fd);
  }

  /** After it was removed: with the last who has it open its blocks are given back, which takes 30 ms for 100 MiB. */
  async closeRemoved(): Promise<void> {
    await closeInTheBackground(this.#fd);
  }

  #scan(): void {
    const { size } = fstatSync(this.#fd);
    const entries: Entry[] = [];
    let end = 0;
    for (let entry = this.#entryAt(0, size); entry !== undefined; entry = this.#entryAt(end, size)) {
      entries.push(entry);
      end = entry.at + HEADER_BYTES + entry.header.length;
    }
    // What was on stable storage when a later entry was written is not read again: it may be the size of the volume.
    const syncedBytes = entries.at(-1)?.header.syncedBytes ?? 0;
    const torn = entries.findIndex((entry) => entry.at >= syncedBytes && this.#dataOf(entry) === undefined);
    if (torn >= 0) {
      end = entries[torn]?.at ?? 0;
      entries.length = torn;
    }
    this.#checkNothingIsLost(end, size);
    ftruncateSync(this.#fd, end);
    // Entries that the earlier process had not synced are kept as well: what it read back to us may be in memory only.
    fdatasyncSync(this.#fd);
    this.#end = end;
    this.#settle(entries);
  }

  /** An entry behind `end` that was written when more than `end` was on stable storage: that was not torn, but lost. */
  #checkNothingIsLost(end: number, size: number): void {
    for (let at = end; at + HEADER_BYTES <= size; at += HEADER_BYTES) {
      const found = decodeHeader(this.#bytes(at, HEADER_BYTES), at);
      if (found !== undefined && found.syncedBytes > end)
        throw this.#damaged(`there is no entry at byte ${String(end)}, and one behind it`);
    }
  }

  #settle(entries: readonly Entry[]): void {
    // The first is what was there before.
    for (const entry of entries)
      if (!this.#kept.has(entry.header.region)) this.#kept.set(entry.header.region, entry);
    this.#added = [];
    this.#syncedBytes = this.#end;
  }

  #entryAt(at: number, size: number): Entry | undefined {
    if (at + HEADER_BYTES > size) return undefined;
    const header = decodeHeader(this.#bytes(at, HEADER_BYTES), at);
    return header === undefined || at + HEADER_BYTES + header.length > size ? undefined : { at, header };
  }

  #write(bytes: Uint8Array, at: number): void {
    let written = 0;
    while (written < bytes.length)
      written += writeSync(this.#fd, bytes, written, bytes.length - written, at + written);
  }

  /** Undefined: it is not what its header says. */
  #dataOf({ at, header }: Entry): Buffer | undefined {
    const data = this.#bytes(at + HEADER_BYTES, header.length);
    return isDataSound(header, data) ? data : undefined;
  }

  /** Fewer at the end of the file. */
  #bytes(at: number, length: number): Buffer {
    const bytes = Buffer.allocUnsafe(length);
    let filled = 0;
    while (filled < length) {
      const got = readSync(this.#fd, bytes, filled, length - filled, at + filled);
      if (got === 0) break;
      filled += got;
    }
    return bytes.subarray(0, filled);
  }

  #damaged(why: string): LockstepError {
    return new LockstepError('INTERNAL', `${this.#path} is damaged: ${why}`, { reason: 'FALLBACK_DAMAGED' });
  }
}
