/**
 * Buffers of one region, used again and again. A copy reads thousands of regions a second: a new buffer for each has
 * the process collect its garbage ten times a second, and the clients wait for that.
 */
import { REGION_BYTES } from '../replication/units.ts';

/** More than a copy has under way at once. */
const MAX_KEPT = 32;

export class RegionBuffers {
  readonly #free: Buffer[] = [];

  /** With whatever it held before. */
  take(): Buffer {
    return this.#free.pop() ?? Buffer.allocUnsafeSlow(REGION_BYTES);
  }

  /** Nobody may look at it any more. One that is never given back is garbage like any other. */
  giveBack(buffer: Buffer): void {
    if (this.#free.length < MAX_KEPT) this.#free.push(buffer);
  }
}
