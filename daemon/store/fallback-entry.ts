/**
 * One region in the fallback's file: a sector that says what it is, and the region's bytes behind it, if it has any
 * other than zeroes.
 *
 *   offset  size  what
 *        0     4  "LSF1"
 *        4     4  CRC-32C of bytes 8 to 40
 *        8     8  the region
 *       16     4  length of the data: 65536, or 0 for a region of zeroes
 *       20     4  CRC-32C of the data
 *       24     8  how much of the file was on stable storage when this was written
 *       32     8  the entry's own place in the file: bytes of an entry elsewhere, such as in the data, are none
 *      512        the data
 *
 * Numbers are big-endian. Entries are whole sectors, so that one that is torn by a crash tears none before it.
 */
import { crc32c } from '@node-rs/crc32';
import { REGION_BYTES, type Region } from '../replication/units.ts';

export const HEADER_BYTES = 512;
const MAGIC = Buffer.from('LSF1');
const CHECKED_FROM = 8;
const CHECKED_TO = 40;

export interface EntryHeader {
  readonly region: Region;
  /** Of the data. */
  readonly length: number;
  readonly dataChecksum: number;
  /** Bytes of the file. */
  readonly syncedBytes: number;
}

/** `data` undefined: the region is all zeroes. */
export function headerOf(region: Region, data: Uint8Array | undefined, syncedBytes: number): EntryHeader {
  return {
    region,
    length: data?.length ?? 0,
    dataChecksum: data === undefined ? 0 : crc32c(data),
    syncedBytes,
  };
}

export function encodeHeader({ region, length, dataChecksum, syncedBytes }: EntryHeader, at: number): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  MAGIC.copy(header);
  header.writeBigUInt64BE(BigInt(region), 8);
  header.writeUInt32BE(length, 16);
  header.writeUInt32BE(dataChecksum, 20);
  header.writeBigUInt64BE(BigInt(syncedBytes), 24);
  header.writeBigUInt64BE(BigInt(at), 32);
  header.writeUInt32BE(crc32c(header.subarray(CHECKED_FROM, CHECKED_TO)), 4);
  return header;
}

/** Undefined: there is no entry at this place. */
export function decodeHeader(header: Buffer, at: number): EntryHeader | undefined {
  const isSound =
    header.length >= HEADER_BYTES &&
    header.subarray(0, MAGIC.length).equals(MAGIC) &&
    header.readUInt32BE(4) === crc32c(header.subarray(CHECKED_FROM, CHECKED_TO)) &&
    Number(header.readBigUInt64BE(32)) === at;
  if (!isSound) return undefined;
  const length = header.readUInt32BE(16);
  if (length !== 0 && length !== REGION_BYTES) return undefined;
  return {
    region: Number(header.readBigUInt64BE(8)),
    length,
    dataChecksum: header.readUInt32BE(20),
    syncedBytes: Number(header.readBigUInt64BE(24)),
  };
}

export function isDataSound(header: EntryHeader, data: Uint8Array): boolean {
  return data.length === header.length && (header.length === 0 || crc32c(data) === header.dataChecksum);
}
