/** The exports that every fuzzed session meets. What they hold depends on the offset alone; writes are only looked at. */

export interface FuzzExport {
  readonly name: string;
  readonly sizeBytes: number;
  readonly isReadOnly: boolean;
  readonly zeroesFast: boolean;
}

const KIB = 1024;

/** An odd size; one that is larger than any 32 bits can say; one that nobody may write; one that is empty. */
export const EXPORTS: readonly FuzzExport[] = [
  { name: 'orders', sizeBytes: 256 * KIB + 513, isReadOnly: false, zeroesFast: true },
  { name: 'vast', sizeBytes: 2 ** 42 + 1, isReadOnly: false, zeroesFast: false },
  { name: 'orders@snapshot', sizeBytes: 256 * KIB, isReadOnly: true, zeroesFast: true },
  { name: '', sizeBytes: 0, isReadOnly: false, zeroesFast: true },
];

/** There, but not served. */
export const ABSENT = 'elsewhere';

/** Every third page is a hole, and all behind here: a TRIM of terabytes of small extents would take minutes. */
const DATA_END = 1024 * KIB;
export const PAGE_BYTES = 4096;
const PERIOD_BYTES = 3 * PAGE_BYTES;

const PATTERN = Buffer.alloc(PERIOD_BYTES);
for (let at = 0; at < 2 * PAGE_BYTES; at++) PATTERN.writeUInt8(1 + ((at * 31 + (at >> 8) * 7) % 255), at);

export function isHole(offset: number): boolean {
  return offset >= DATA_END || Math.floor(offset / PAGE_BYTES) % 3 === 2;
}

/** Where the page of an offset ends, or the last hole. */
export function pageEnd(offset: number): number {
  if (offset >= DATA_END) return Number.MAX_SAFE_INTEGER;
  return (Math.floor(offset / PAGE_BYTES) + 1) * PAGE_BYTES;
}

/** What a read of the range has to return. */
export function patternOf(offset: number, length: number): Buffer {
  const bytes = Buffer.allocUnsafe(length);
  const dataBytes = dataBytesOf(offset, length);
  let at = 0;
  while (at < dataBytes) {
    const from = (offset + at) % PERIOD_BYTES;
    at += PATTERN.copy(bytes, at, from, Math.min(PERIOD_BYTES, from + dataBytes - at));
  }
  bytes.fill(0, dataBytes);
  return bytes;
}

/** Whether the bytes are those of the range; no buffer is made for it. */
export function isPattern(bytes: Buffer, offset: number): boolean {
  const dataBytes = dataBytesOf(offset, bytes.length);
  let at = 0;
  while (at < dataBytes) {
    const from = (offset + at) % PERIOD_BYTES;
    const count = Math.min(PERIOD_BYTES - from, dataBytes - at);
    if (PATTERN.compare(bytes, at, at + count, from, from + count) !== 0) return false;
    at += count;
  }
  return bytes.subarray(dataBytes).every((byte) => byte === 0);
}

/** Of a range, what lies before the last hole. */
function dataBytesOf(offset: number, length: number): number {
  return Math.max(0, Math.min(length, DATA_END - offset));
}
