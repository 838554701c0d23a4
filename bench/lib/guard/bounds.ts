/**
 * What a request may cost at most, for both replicas together, in one process. Measured on 2026-11-23 with Node 24.21,
 * eight requests in a chunk, and the same to a percent on every run; the bounds leave 20 % for another machine and another
 * patch release. Of buffers next to nothing is allocated, since they are used again; a copy of a payload adds 4096 bytes.
 * Who makes a request cheaper lowers its bounds in the same commit; who has to raise one says why here.
 */
import type { RequestKind } from './request-batches.ts';

export interface Bounds {
  /** Bytes of a request of 4 KiB. */
  readonly heapBytes: number;
  /** Outside of the heap: what sockets read into, buffers. */
  readonly bufferBytes: number;
  /** Without those of the runtime itself: memory, threads, waiting. */
  readonly systemCalls: number;
}

export const BOUNDS: Readonly<Record<RequestKind, Bounds>> = {
  // Measured: 10,570 and 205 bytes, 2.76 calls, 2 of them pwrite.
  write: { heapBytes: 12_700, bufferBytes: 1000, systemCalls: 3.3 },
  // Measured: 2,005 and 0 bytes, 1.26 calls, 1 of them preadv2.
  read: { heapBytes: 2500, bufferBytes: 1000, systemCalls: 1.5 },
};

/**
 * 4 KiB random writes at depth 16, two copies of ours to nbdkit's one, as a ratio of medians of rounds in turn. It says
 * how fast, and varies with the machine: it was 0.52, and the floor lies so far below that only a slide falls through it.
 */
export const LEAST_OF_NBDKIT = 0.4;
