/** What is done to a valid session: to its messages as a whole, to its bytes, and where it is cut into chunks. */
import type { Random } from '../support/harness/random.ts';
import { sessionParts } from './client-stream.ts';

export interface FuzzInput {
  /** All that the client says. */
  readonly bytes: Buffer;
  /** Where a chunk ends and the next one begins, in order. */
  readonly cuts: readonly number[];
}

/** One session in so many is as the protocol wants it: they show that the witness knows what a right answer is. */
const UNTOUCHED = 0.2;
const MOST_CHANGES = 3;
/** Beyond it a session is not cut after every byte. */
const SHREDDED_BYTES = 400;
/** With them lengths and counts come to edges of their types. */
const EDGE_BYTES = [0, 1, 0x7f, 0x80, 0xff];

/** The same seed and number are the same input. */
export function inputOf(random: Random): FuzzInput {
  const untouched = random.happens(UNTOUCHED);
  const parts = sessionParts(random, untouched || random.happens(0.3) ? 0 : 0.15);
  if (untouched) return cut(random, Buffer.concat(parts));
  if (random.happens(0.4)) changeParts(random, parts);
  let bytes: Buffer = Buffer.concat(parts);
  if (random.happens(0.6))
    for (let left = 1 + random.below(MOST_CHANGES); left > 0; left--) bytes = changeBytes(random, bytes);
  return cut(random, bytes);
}

function changeParts(random: Random, parts: Buffer[]): void {
  const at = random.below(parts.length);
  const other = sessionParts(random, 0.1);
  switch (random.below(5)) {
    case 0:
      parts.splice(at, 1);
      return;
    case 1: {
      // Also more often than a server has patience for.
      const times = random.happens(0.1) ? 70 : 1 + random.below(3);
      for (let time = 0; time < times; time++) parts.splice(at, 0, parts[at] ?? Buffer.alloc(0));
      return;
    }
    case 2:
      parts.splice(at, parts.length, ...other.slice(random.below(other.length)));
      return;
    case 3:
      parts.splice(at, 0, other[random.below(other.length)] ?? Buffer.alloc(0));
      return;
    default: {
      const [taken] = parts.splice(at, 1);
      if (taken !== undefined) parts.splice(random.below(parts.length + 1), 0, taken);
    }
  }
}

function changeBytes(random: Random, bytes: Buffer): Buffer {
  if (bytes.length === 0) return bytes;
  const at = random.below(bytes.length);
  switch (random.below(6)) {
    case 0:
      bytes[at] = (bytes[at] ?? 0) ^ (1 << random.below(8));
      return bytes;
    case 1:
      bytes[at] = random.pick(EDGE_BYTES) ?? 0;
      return bytes;
    case 2:
      return bytes.subarray(0, at);
    case 3:
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + random.below(16))]);
    case 4: {
      const from = random.below(bytes.length);
      return Buffer.concat([
        bytes.subarray(0, at),
        bytes.subarray(from, from + random.below(64)),
        bytes.subarray(at),
      ]);
    }
    default:
      // A length, as its largest value or as one that nobody serves.
      if (at + 4 <= bytes.length) bytes.writeUInt32BE(random.happens(0.5) ? 0xffff_ffff : 0x0200_0001, at);
      return bytes;
  }
}

function cut(random: Random, bytes: Buffer): FuzzInput {
  if (random.happens(0.4)) return { bytes, cuts: [] };
  if (bytes.length <= SHREDDED_BYTES && random.happens(0.15))
    return { bytes, cuts: Array.from({ length: Math.max(0, bytes.length - 1) }, (_, index) => index + 1) };
  const cuts = Array.from({ length: 1 + random.below(6) }, () => random.below(bytes.length + 1));
  return { bytes, cuts: cuts.sort((one, other) => one - other) };
}

/** The input as its chunks; none is empty. */
export function chunksOf({ bytes, cuts }: FuzzInput): Buffer[] {
  const chunks: Buffer[] = [];
  let start = 0;
  for (const end of [...cuts, bytes.length]) {
    if (end > start) chunks.push(bytes.subarray(start, end));
    start = end;
  }
  return chunks;
}
