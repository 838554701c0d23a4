/**
 * The flushes of one volume, one at a time: of two that run side by side only one is told of an error, and the other
 * could be acknowledged before that. Those that wait share the next. What a sync that began behind the last change
 * makes stable needs no other.
 */
import { FlushForecast } from './flush-forecast.ts';

export type Flushed = (error: Error | undefined) => void;

/** Who asks for a flush: whoever relies on what was written, or the store for its own purposes. */
export type FlushedFor = 'client' | 'store';

interface Waiter {
  readonly done: Flushed;
  readonly by: FlushedFor;
}

export interface FlushParts {
  /** Why nothing is called stable. */
  refusal(): Error | undefined;
  /** Never calls back before it returns. */
  sync(done: Flushed): void;
  /** A client was told of a failure. */
  told(): void;
}

export class Flushes {
  readonly #parts: FlushParts;
  readonly #forecast = new FlushForecast();
  #waiting: Waiter[] = [];
  /** Of the flush under way. */
  #joined: Waiter[] | undefined;
  #changes = 0;
  /** How many changes there were when the flush under way began. */
  #covered = 0;
  /** So many changes are on stable storage. What an earlier life wrote may not be. */
  #stable = -1;
  readonly #beginEarly = (): void => {
    const isIdle = this.#joined === undefined && this.#stable !== this.#changes;
    if (isIdle && this.#parts.refusal() === undefined) this.#begin([]);
  };

  constructor(parts: FlushParts) {
    this.#parts = parts;
  }

  get isUnderWay(): boolean {
    return this.#joined !== undefined;
  }

  /** Said before anything changes that a flush makes stable. */
  changed(): void {
    this.#changes++;
  }

  /** As `changed`, of a write. Behind this turn, in which it is sent on first, the sync may begin that makes it stable. */
  wrote(): void {
    this.#changes++;
    if (this.#forecast.wrote()) setImmediate(this.#beginEarly);
  }

  request(done: Flushed, by: FlushedFor): void {
    if (by === 'client') this.#forecast.flushed();
    const waiter = { done, by };
    if (this.#joined === undefined) this.#beginWith(waiter);
    else if (this.#covered === this.#changes) this.#joined.push(waiter);
    else this.#waiting.push(waiter);
  }

  /** Asked for by one that is just told of the last flush, it has those with it that waited longer. */
  #beginWith(waiter: Waiter): void {
    const waiters = [...this.#waiting, waiter];
    this.#waiting = [];
    this.#begin(waiters);
  }

  #begin(waiters: Waiter[]): void {
    this.#joined = waiters;
    this.#covered = this.#changes;
    const refusal = this.#parts.refusal();
    if (refusal === undefined && this.#stable !== this.#changes) {
      this.#parts.sync(this.#ended);
      return;
    }
    queueMicrotask(() => {
      this.#ended(refusal);
    });
  }

  readonly #ended = (error: Error | undefined): void => {
    const waiters = this.#joined ?? [];
    this.#joined = undefined;
    if (error === undefined) this.#stable = this.#covered;
    else if (waiters.some(({ by }) => by === 'client')) this.#parts.told();
    for (const waiter of waiters) waiter.done(error);
    if (this.#waiting.length === 0 || this.#joined !== undefined) return;
    const next = this.#waiting;
    this.#waiting = [];
    this.#begin(next);
  };
}
