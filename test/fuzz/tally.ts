/** What many sessions came to, and the memory that they left behind. */
import type { Verdict } from './witness.ts';

export interface Memory {
  /** Objects, and buffers outside of the heap. */
  readonly heapBytes: number;
  /** Of the whole process, without the free room in its heap. */
  readonly residentBytes: number;
}

/** After everything that can be collected was. */
export type MeasureMemory = () => Promise<Memory>;

const MIB = 1024 * 1024;
/** Beyond what the collector leaves lying about: a few bytes kept by each session would be more. */
const HEAP_GROWTH_BYTES = 8 * MIB;
/**
 * Coarse: the allocator and the collector keep pages that they gave back to nobody, on a busy machine more than 100 MiB
 * of them (129 MiB were seen with a heap that had not grown at all). It is for what no heap counts.
 */
const RESIDENT_GROWTH_BYTES = 256 * MIB;

export class Tally {
  runs = 0;
  options = 0;
  transmissions = 0;
  requests = 0;
  answered = 0;
  failed = 0;
  ambiguous = 0;

  add({ options, transmission }: Verdict): void {
    this.runs++;
    this.options += options;
    if (transmission === undefined) return;
    this.transmissions++;
    this.requests += transmission.sent.length;
    this.answered += transmission.answered;
    this.failed += transmission.failed;
    if (transmission.ambiguous) this.ambiguous++;
  }

  describe(seconds: number): string {
    return (
      `${this.runs} sessions in ${seconds.toFixed(1)} s: ${this.options} options, ${this.transmissions} transmissions, ` +
      `${this.requests} requests, ${this.answered} answered, ${this.failed} of them with an error, ` +
      `${this.ambiguous} sessions with a cookie used twice at once`
    );
  }
}

export function describeGrowth(before: Memory, after: Memory): string {
  const mib = (bytes: number): string => (bytes / MIB).toFixed(1);
  return (
    `heap ${mib(before.heapBytes)} MiB after warm-up, ${mib(after.heapBytes)} MiB at the end; ` +
    `resident ${mib(before.residentBytes)} MiB, ${mib(after.residentBytes)} MiB`
  );
}

/** Undefined: it did not grow. */
export function growthFault(before: Memory, after: Memory): string | undefined {
  const grewTooMuch =
    after.heapBytes - before.heapBytes > HEAP_GROWTH_BYTES ||
    after.residentBytes - before.residentBytes > RESIDENT_GROWTH_BYTES;
  return grewTooMuch ? `memory grows: ${describeGrowth(before, after)}` : undefined;
}
