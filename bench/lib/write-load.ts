/**
 * Small writes at a fixed rate, as a database makes them: 4 KiB at a time, now and then a flush. The rate does not wait
 * for the answers, and a latency counts from when the write was due, so that a server which stands still for a second is
 * seen by every write of that second, and not by one.
 */
import { REGION_BYTES } from '../../daemon/replication/units.ts';
import type { NbdWriter } from './nbd-writer.ts';

export interface LoadOptions {
  /** The regions that it writes to, all of them in turn. */
  readonly regions: readonly number[];
  readonly writesPerSecond: number;
  /** A flush after so many writes. */
  readonly writesPerFlush: number;
}

export interface Sample {
  /** When it was due, on performance.now's clock. */
  readonly atMs: number;
  readonly latencyMs: number;
}

const BLOCK_BYTES = 4096;
const MS_PER_SECOND = 1000;
const TICK_MS = 1;

export class WriteLoad {
  readonly writes: Sample[] = [];
  readonly flushes: Sample[] = [];
  readonly #writer: NbdWriter;
  readonly #options: LoadOptions;
  readonly #underWay = new Set<Promise<void>>();
  readonly #lastTouchedMs = new Map<number, number>();
  #order: number[] = [];
  #timer: NodeJS.Timeout | undefined;
  #nextDueMs = 0;
  #count = 0;
  #failure: Error | undefined;

  constructor(writer: NbdWriter, options: LoadOptions) {
    this.#writer = writer;
    this.#options = options;
  }

  start(): void {
    this.#nextDueMs = performance.now();
    this.#timer = setInterval(() => {
      this.#issue();
    }, TICK_MS);
  }

  /** After the last answer. Throws what a request failed with. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await Promise.all(this.#underWay);
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Regions written to at that time or later. */
  touchedSince(atMs: number): number {
    return [...this.#lastTouchedMs.values()].filter((lastMs) => lastMs >= atMs).length;
  }

  #issue(): void {
    const { writesPerSecond, writesPerFlush } = this.#options;
    for (; this.#nextDueMs <= performance.now(); this.#nextDueMs += MS_PER_SECOND / writesPerSecond) {
      this.#write(this.#nextDueMs);
      if (++this.#count % writesPerFlush === 0) this.#flush(this.#nextDueMs);
    }
  }

  #write(dueMs: number): void {
    const region = this.#nextRegion();
    const block = Math.floor(Math.random() * (REGION_BYTES / BLOCK_BYTES));
    const data = Buffer.alloc(BLOCK_BYTES, this.#count % 251);
    data.writeUInt32BE(this.#count);
    // Until it is answered it may change the region at any time.
    this.#lastTouchedMs.set(region, Infinity);
    this.#watch(
      this.writes,
      dueMs,
      this.#writer.write(region * REGION_BYTES + block * BLOCK_BYTES, data),
      () => this.#lastTouchedMs.set(region, performance.now()),
    );
  }

  #flush(dueMs: number): void {
    this.#watch(this.flushes, dueMs, this.#writer.flush(), () => undefined);
  }

  #watch(samples: Sample[], atMs: number, answer: Promise<void>, then: () => void): void {
    const done = answer.then(
      () => {
        samples.push({ atMs, latencyMs: performance.now() - atMs });
        then();
      },
      (error: unknown) => {
        this.#failure ??= error instanceof Error ? error : new Error(String(error));
      },
    );
    this.#underWay.add(done);
    void done.finally(() => this.#underWay.delete(done));
  }

  /** Each once before any of them twice, in an order of chance. */
  #nextRegion(): number {
    if (this.#order.length === 0) this.#order = shuffled(this.#options.regions);
    return this.#order.pop() ?? 0;
  }
}

function shuffled(values: readonly number[]): number[] {
  return values
    .map((value) => ({ value, place: Math.random() }))
    .sort((a, b) => a.place - b.place)
    .map(({ value }) => value);
}
