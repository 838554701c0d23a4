/**
 * What a request may cost at most, for both replicas together, in one process. Measured on 2026-11-23 with Node 24.21,
 * eight requests in a chunk, and the same to a percent on every run; the bounds leave 20 % for another machine and another
 * patch release. A copy of a payload adds 4096 bytes of buffers. Who makes a request cheaper lowers its bounds in the same
 * commit; who has to raise one says why here.
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
  // Measured: 10,780 and 8,498 bytes (a chunk of the client's socket and one of the link), 2.75 calls, 2 of them pwrite.
  write: { heapBytes: 12_900, bufferBytes: 10_200, systemCalls: 3.3 },
  // Measured: 3,735 and 8,236 bytes (what is read, and the reply that it is copied into), 1.25 calls, 1 of them pread.
  read: { heapBytes: 4500, bufferBytes: 9900, systemCalls: 1.5 },
};

/**
 * 4 KiB random writes at depth 16, two copies of ours to nbdkit's one, as a ratio of medians of rounds in turn. It says
 * how fast, and varies with the machine: it was 0.52, and the floor lies so far below that only a slide falls through it.
 */
export const LEAST_OF_NBDKIT = 0.4;
