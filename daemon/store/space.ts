/**
 * How much room is left on the file system that the volumes stand on, and who may take it.
 *
 * The last of it is a reserve, so that the disk is never really full: a record that cannot be written ends the daemon,
 * and a map that cannot be grown the volume. Clients' writes that need room stop at the reserve. Writes that were let
 * in before, or come from the primary, stop at half of it: there is no way to tell their client in time that they
 * cannot be done, and the other half is for records and maps.
 *
 * What is written since the last look counts as taken, whether it took room or not; when too little would be left by
 * that, it is looked again. This needs a file system that counts at once what was written, as ext4, XFS and tmpfs do.
 */
import type { Clock } from '../sys/clock.ts';
import { messageOf } from '../sys/errors.ts';
import type { Log } from '../sys/log.ts';

export interface SpaceLimits {
  readonly reserveBytes: number;
  /** Above it there are warnings: percent of the file system that is used. */
  readonly warnPercent: number;
  /** What becomes of a client's write that needs room where there is none. */
  readonly whenFull: 'fail' | 'hold';
}

/** As df(1) counts: what only root may take is in neither. */
export interface Room {
  readonly totalBytes: number;
  readonly availableBytes: number;
}

export interface SpaceStatus extends Room {
  /** One sentence; empty: there is enough. */
  readonly warning: string;
}

export type SpaceUse = 'client' | 'store';

export interface SpaceOptions {
  readonly limits: SpaceLimits;
  /** Throws where the file system does not tell. */
  readonly measure: () => Room;
  readonly clock: Clock;
  readonly log: Log;
}

/** As the system would say it of a disk without that reserve. */
export function noRoom(): Error {
  return Object.assign(new Error('ENOSPC: what is left is for the records of the store'), { code: 'ENOSPC' });
}

const LOOK_EVERY_MS = 1000;
/** With so much above the reserve, what requests that are under way may take does not matter. */
const FAR_BYTES = 1024 ** 3;
/** With less above the reserve a write may find no room: the largest that takes one region. */
const FULL_BYTES = 64 * 1024;
const STORE_SHARE = 0.5;
/** Below the mark by so much, what was warned of is over: a disk that rests at the mark is told of once. */
const CALM_PERCENT = 2;
const PERCENT = 100;

export class Space {
  readonly limits: SpaceLimits;
  readonly #options: SpaceOptions;
  #room: Room = { totalBytes: 0, availableBytes: Infinity };
  #lookedAtMs = -Infinity;
  #takenSince = 0;
  #promised = 0;
  #held = 0;
  #isAboveMark = false;
  #failure = '';

  constructor(options: SpaceOptions) {
    this.#options = options;
    this.limits = options.limits;
    this.#look();
  }

  get status(): SpaceStatus {
    const { totalBytes, availableBytes } = this.#room;
    const told = Number.isFinite(availableBytes) ? availableBytes : 0;
    return { totalBytes, availableBytes: told, warning: this.#warning() };
  }

  /** There is so much room that nobody has to ask for it. */
  get isFar(): boolean {
    return this.#room.availableBytes - this.#takenSince > this.limits.reserveBytes + FAR_BYTES;
  }

  tick(): void {
    if (this.#options.clock.nowMs() - this.#lookedAtMs >= LOOK_EVERY_MS) this.#look();
  }

  hasRoom(bytes: number, use: SpaceUse): boolean {
    if (this.#left(use) >= bytes) return true;
    this.#look();
    return this.#left(use) >= bytes;
  }

  /** It was written. */
  taken(bytes: number): void {
    this.#takenSince += bytes;
  }

  /** A request that was let in takes so much, until it is `kept`. */
  promise(bytes: number): void {
    this.#promised += bytes;
  }

  kept(bytes: number): void {
    this.#promised -= bytes;
  }

  /** So many more requests of clients wait for room; negative: fewer. */
  held(requests: number): void {
    this.#held += requests;
  }

  #left(use: SpaceUse): number {
    const left = this.#room.availableBytes - this.#takenSince;
    const { reserveBytes } = this.limits;
    return use === 'client' ? left - this.#promised - reserveBytes : left - reserveBytes * STORE_SHARE;
  }

  /** A file system that does not answer has told its last: what its disk then fails is told by the writes. */
  #look(): void {
    this.#lookedAtMs = this.#options.clock.nowMs();
    try {
      this.#room = this.#options.measure();
      this.#takenSince = 0;
      this.#failure = '';
    } catch (error) {
      const failure = messageOf(error);
      if (failure !== this.#failure)
        this.#options.log.error({ error: failure }, 'the file system does not tell how much room is left');
      this.#failure = failure;
      return;
    }
    this.#mark();
  }

  #mark(): void {
    const { log, limits } = this.#options;
    const usedPercent = this.#usedPercent;
    const facts = { usedPercent: Math.round(usedPercent), availableBytes: this.#room.availableBytes };
    if (!this.#isAboveMark && usedPercent >= limits.warnPercent) {
      this.#isAboveMark = true;
      log.warn(facts, 'the file system of the volumes fills up');
    } else if (this.#isAboveMark && usedPercent < limits.warnPercent - CALM_PERCENT) {
      this.#isAboveMark = false;
      log.info(facts, 'the file system of the volumes has room again');
    }
  }

  get #usedPercent(): number {
    const { totalBytes, availableBytes } = this.#room;
    return totalBytes === 0 ? 0 : PERCENT - (availableBytes * PERCENT) / totalBytes;
  }

  #warning(): string {
    const { whenFull } = this.limits;
    if (this.#held > 0) return `the disk is full: ${String(this.#held)} writes of clients wait for room`;
    if (this.#left('client') < FULL_BYTES)
      return `the disk is full: writes that need room ${whenFull === 'hold' ? 'wait' : 'fail'}`;
    return this.#isAboveMark ? `the disk is ${String(Math.floor(this.#usedPercent))} % full` : '';
  }
}
