/**
 * How fast a copy may go, by what the clients feel: while the slowest of their writes, and of their flushes, take about as
 * long as without it, it goes faster; once either takes longer, slower, down to a floor so that it always ends.
 */
const LOOK_EVERY_MS = 100;
/** Of the slowest writes without a copy: up to here a copy costs the clients nothing worth speaking of. */
const TOLERATED = 1.25;
/** Latencies below this are not worth slowing a copy for. */
const UNNOTICED_MS = 2;
const SLOWER = 0.6;
/**
 * Beside clients: where the rate comes to rest, one step down is made good by 25 steps up, so that one look in 26 finds a slow
 * write. With steps of 15 % it was one in five: far more than a hundredth of the writes.
 */
const FASTER = 1.02;
/** While no client asks for anything. */
const FASTER_ALONE = 1.15;
const FLOOR_BYTES_PER_SECOND = 8 * 1024 * 1024;
const FIRST_BYTES_PER_SECOND = 16 * 1024 * 1024;
/** A volume for which no client asked anything for so long is alone with its copy. */
const ALONE_MS = 1000;
/** About what one link carries: to come there from the first rate would take three seconds of a copy that hurts nobody. */
const ALONE_BYTES_PER_SECOND = 1024 * 1024 * 1024;
/** Of what need not end soon. */
export const BACKGROUND_BYTES_PER_SECOND = 1024 * 1024;
/** Above this nothing is held back. */
const CEILING_BYTES_PER_SECOND = 4 * 1024 * 1024 * 1024;
/** Of one look in the moving mean without a copy. */
const WEIGHT = 0.05;
/** Bytes that may be sent at once after a pause, in time at the present rate. */
const BURST_MS = 20;

/** `flush`: it ended with a trip to stable storage. */
export type ChangeKind = 'write' | 'flush';

export interface Pace {
  /** Bytes a second that it may have whatever the clients feel. */
  readonly floor?: number;
  /** Until it has ended there is a copy too few: as long as no client is there, it goes as fast as it can. */
  readonly isUrgent?: boolean;
}

/** What clients feel of one kind of request. A flush takes several times as long as a write, and would hide it. */
class Felt {
  /** Moving mean of the slowest of each look while nothing was copied; undefined: none was seen. */
  #usualMs: number | undefined;
  /** The slowest since the last look; 0: none. */
  #slowestMs = 0;

  took(ms: number): void {
    this.#slowestMs = Math.max(this.#slowestMs, ms);
  }

  forget(): void {
    this.#slowestMs = 0;
  }

  learn(): void {
    if (this.#slowestMs === 0) return;
    const usualMs = this.#usualMs ?? this.#slowestMs;
    this.#usualMs = usualMs + WEIGHT * (this.#slowestMs - usualMs);
    this.forget();
  }

  get isSlower(): boolean {
    return this.#slowestMs > Math.max(UNNOTICED_MS, TOLERATED * (this.#usualMs ?? 0));
  }
}

export class Throttle {
  readonly #felt: Readonly<Record<ChangeKind, Felt>> = { write: new Felt(), flush: new Felt() };
  #rate = FIRST_BYTES_PER_SECOND;
  #floor = FLOOR_BYTES_PER_SECOND;
  #budgetBytes = 0;
  #filledAtMs = 0;
  #lookedAtMs = 0;
  #copies = false;
  /** Clients' requests were answered since the last look. */
  #isUsed = false;
  #isUrgent = false;
  #isAlone = false;
  #lastAskedMs = -Infinity;
  /** Where it goes on when a client comes while it is alone. */
  #besideRate = FIRST_BYTES_PER_SECOND;

  /** 0: nothing holds the copy back. */
  get limitBytesPerSecond(): number {
    return this.#rate >= CEILING_BYTES_PER_SECOND ? 0 : Math.round(this.#rate);
  }

  begin(nowMs: number, { floor = FLOOR_BYTES_PER_SECOND, isUrgent = false }: Pace = {}): void {
    this.#copies = true;
    this.#floor = floor;
    this.#rate = FIRST_BYTES_PER_SECOND;
    this.#isUrgent = isUrgent;
    this.#isAlone = false;
    this.#lookForClients(nowMs);
    this.#filledAtMs = nowMs;
    this.#lookedAtMs = nowMs;
    this.#budgetBytes = 0;
    this.#forget();
  }

  end(): void {
    this.#copies = false;
    this.#forget();
  }

  /** A client's request was answered. */
  latency(ms: number, nowMs: number, kind: ChangeKind = 'write'): void {
    this.#isUsed = true;
    this.#lastAskedMs = nowMs;
    this.#felt[kind].took(ms);
    this.#learn(nowMs);
  }

  /** Whatever came would have had to wait so long. */
  late(ms: number, nowMs: number): void {
    this.#felt.write.took(ms);
    this.#learn(nowMs);
  }

  #learn(nowMs: number): void {
    if (this.#copies || nowMs - this.#lookedAtMs < LOOK_EVERY_MS) return;
    this.#lookedAtMs = nowMs;
    this.#felt.write.learn();
    this.#felt.flush.learn();
  }

  /**
   * Whether something may be sent now; `sent` says how much it was. `oldestMs`: so long the oldest write has waited that
   * is not answered; 0 where there is none.
   */
  mayGo(nowMs: number, oldestMs = 0): boolean {
    this.#look(nowMs, oldestMs);
    this.#budgetBytes += ((nowMs - this.#filledAtMs) / 1000) * this.#rate;
    this.#budgetBytes = Math.min(this.#budgetBytes, (BURST_MS / 1000) * this.#rate);
    this.#filledAtMs = nowMs;
    return this.#budgetBytes >= 0;
  }

  sent(bytes: number): void {
    this.#budgetBytes -= bytes;
  }

  #look(nowMs: number, oldestMs: number): void {
    if (nowMs - this.#lookedAtMs < LOOK_EVERY_MS) return;
    this.#lookedAtMs = nowMs;
    const { write, flush } = this.#felt;
    write.took(oldestMs);
    const faster = this.#isUsed || oldestMs > 0 ? FASTER : FASTER_ALONE;
    this.#rate *= write.isSlower || flush.isSlower ? SLOWER : faster;
    this.#rate = Math.min(Math.max(this.#rate, this.#floor), CEILING_BYTES_PER_SECOND);
    if (oldestMs > 0) this.#lastAskedMs = nowMs;
    this.#lookForClients(nowMs);
    this.#forget();
  }

  #lookForClients(nowMs: number): void {
    const isAlone = this.#isUrgent && nowMs - this.#lastAskedMs >= ALONE_MS;
    if (isAlone === this.#isAlone) return;
    this.#isAlone = isAlone;
    if (isAlone) {
      this.#besideRate = this.#rate;
      this.#rate = Math.max(this.#rate, ALONE_BYTES_PER_SECOND);
    } else this.#rate = Math.min(this.#rate, this.#besideRate);
  }

  #forget(): void {
    this.#isUsed = false;
    this.#felt.write.forget();
    this.#felt.flush.forget();
  }
}
