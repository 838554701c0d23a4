/**
 * What a sector of the volume looks like: the number of the write that it came from and its own place, again and again.
 * So a read tells which write it saw, and a sector that is torn, or at the wrong place, is known as such.
 */
import type { SectorRange } from '../support/harness/history.ts';

export const SECTOR_BYTES = 512;
const WORDS_PER_SECTOR = SECTOR_BYTES / Uint32Array.BYTES_PER_ELEMENT;

export function sectorsOf(stamp: number, { first, count }: SectorRange): Buffer {
  const words = new Uint32Array(count * WORDS_PER_SECTOR);
  for (let at = 0; at < words.length; at += 2) {
    words[at] = stamp;
    words[at + 1] = first + Math.floor(at / WORDS_PER_SECTOR);
  }
  return Buffer.from(words.buffer);
}

/** The stamp of each sector, 0 for zeroes; or what is wrong with one. */
export function readSectors(
  data: Uint8Array,
  first: number,
): { readonly stamps: Uint32Array; readonly problem: string | undefined } {
  const words = wordsOf(data);
  const stamps = new Uint32Array(words.length / WORDS_PER_SECTOR);
  for (let sector = 0; sector < stamps.length; sector++) {
    const start = sector * WORDS_PER_SECTOR;
    const stamp = words[start] ?? 0;
    const place = stamp === 0 ? 0 : first + sector;
    for (let at = start; at < start + WORDS_PER_SECTOR; at += 2)
      if (words[at] !== stamp || words[at + 1] !== place) {
        const found = `${words[at]} of sector ${words[at + 1]}`;
        const problem = `sector ${first + sector} begins with ${stamp} of sector ${words[start + 1]}, and word ${at - start} is ${found}`;
        return { stamps, problem };
      }
    stamps[sector] = stamp;
  }
  return { stamps, problem: undefined };
}

/** Aligned, wherever in a larger buffer they lie. */
function wordsOf(data: Uint8Array): Uint32Array {
  return new Uint32Array(new Uint8Array(data).buffer);
}
