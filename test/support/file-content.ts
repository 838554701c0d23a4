/** What a file holds is told by its number and its version alone. */
import { createHash } from 'node:crypto';

const LEAST_BYTES = 1000;
const MORE_BYTES = 4099;
const DIGEST_BYTES = 32;

/** The same length for every version: 1 to 250 KB, seldom whole pages. */
export function contentOf(index: number, version: number): Buffer {
  const content = Buffer.alloc(LEAST_BYTES + MORE_BYTES * (index % 61));
  for (let at = 0, page = 0; at < content.length; at += 4096, page++) {
    const digest = createHash('sha256').update(`${index} ${version} ${page}`).digest();
    content.fill(digest.subarray(0, DIGEST_BYTES), at, Math.min(at + 4096, content.length));
  }
  return content;
}
