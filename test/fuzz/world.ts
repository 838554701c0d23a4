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

/** Every third page is a hole. */
export const PAGE_BYTES = 4096;
const PERIOD_BYTES = 3 * PAGE_BYTES;

const PATTERN = Buffer.alloc(PERIOD_BYTES);
for (let at = 0; at < 2 * PAGE_BYTES; at++) PATTERN.writeUInt8(1 + ((at * 31 + (at >> 8) * 7) % 255), at);

export function isHole(offset: number): boolean {
  return Math.floor(offset / PAGE_BYTES) % 3 === 2;
}

/** Where the page of an offset ends. */
export function pageEnd(offset: number): number {
  return (Math.floor(offset / PAGE_BYTES) + 1) * PAGE_BYTES;
}

/** What a read of the range has to return. */
export function patternOf(offset: number, length: number): Buffer {
  const bytes = Buffer.allocUnsafe(length);
  let at = 0;
  while (at < length) {
    const from = (offset + at) % PERIOD_BYTES;
    at += PATTERN.copy(bytes, at, from, Math.min(PERIOD_BYTES, from + length - at));
  }
  return bytes;
}

/** Whether the bytes are those of the range; no buffer is made for it. */
export function isPattern(bytes: Buffer, offset: number): boolean {
  let at = 0;
  while (at < bytes.length) {
    const from = (offset + at) % PERIOD_BYTES;
    const count = Math.min(PERIOD_BYTES - from, bytes.length - at);
    if (PATTERN.compare(bytes, at, at + count, from, from + count) !== 0) return false;
    at += count;
  }
  return true;
}
