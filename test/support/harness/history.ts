/**
 * What clients saw, sector by sector, and whether one disk could have shown it to them. Each write of data has a stamp
 * of its own, so that a read tells which write it saw. A sector's value stands from the earliest instant at which some
 * answer made it certain until the latest at which it was still asked for; two values that stand at one instant, or
 * one that came and went while another stood, are a history that no disk has (Gibbons and Korach, "Testing Shared
 * Memories", 1997).
 *
 * A write that was not answered when another reign began is over from then on: it was done, or it never will be.
 *
 * When all that hold every write lose power, each sector goes back to its last flushed value or to any that was
 * written since, and the first read decides which. The history of the sector begins anew with these as its writes.
 */
import {
  addWrite,
  clear,
  emptySector,
  type HistorySector,
  possibleAfterLoss,
  readZero,
  saw,
  sawZero,
  type Span,
  type Write,
} from './history-sector.ts';
import { stampsOf } from './payload.ts';

export interface SectorRange {
  readonly first: number;
  readonly count: number;
}

/** A write as far as one sector goes. */
export interface Place {
  readonly at: number;
  readonly write: Write;
}

/** An owner whom no reign is. */
const NOBODY = {};

export class History {
  /** Orders everything that was begun and answered. */
  #instant = 0;
  #lastStamp = 0;
  #begunAnewAt = 0;
  readonly #sectors: readonly HistorySector[];
  #pending: Write[] = [];
  /** Of a dead owner when what was not flushed was lost: on a disk that kept all, there or not until somebody reigns. */
  #undecided: readonly Write[] = [];
  /** Known to clients, and not known to be on stable storage. */
  #unflushed: Place[] = [];

  constructor(sectors: number) {
    const zeroes = past({ first: 0, count: sectors, stamp: 0, begunAt: -1, endedAt: 0 });
    this.#sectors = Array.from({ length: sectors }, () => {
      const sector = emptySector();
      addWrite(sector, zeroes, true);
      return sector;
    });
  }

  now(): number {
    return ++this.#instant;
  }

  nextStamp(): number {
    return ++this.#lastStamp;
  }

  /** `owner`: from here on it alone answers; what others were given and did not answer is over. */
  reignBegan(owner: object): void {
    const now = this.now();
    this.#undecided = [];
    this.#pending = this.#pending.filter((write) => {
      if (write.owner === owner && write.endedAt === Infinity) return true;
      write.endedAt = Math.min(write.endedAt, now);
      return false;
    });
  }

  writeBegan(stamp: number, range: SectorRange, owner: object): Write {
    const begunAt = this.now();
    const write = { ...range, stamp, begunAt, endedAt: Infinity, acknowledged: false, owner };
    this.#pending.push(write);
    this.#add(write);
    return write;
  }

  writeAcknowledged(write: Write): string | undefined {
    write.endedAt = Math.min(write.endedAt, this.now());
    write.acknowledged = true;
    const at = this.#pending.indexOf(write);
    if (at >= 0) this.#pending.splice(at, 1);
    for (let at = write.first; at < write.first + write.count; at++) {
      const problem = this.#see(at, write.stamp, write);
      if (problem !== undefined) return `sector ${at}: ${problem}`;
      // A zero that is read does not tell which one it is.
      if (write.stamp === 0) this.#unflushed.push({ at, write });
    }
    return undefined;
  }

  /** Not done as far as its client knows: it may be there, or be decided by whoever serves next. */
  writeRefused(write: Write): void {
    // No longer pending for its owner, whose next reign decides it.
    write.endedAt = Math.min(write.endedAt, Number.MAX_SAFE_INTEGER);
  }

  /** Undefined: one disk could have answered so. */
  readAnswered(range: SectorRange, begunAt: number, data: Uint8Array): string | undefined {
    const read = { begunAt, endedAt: this.now() };
    const stamps = stampsOf(data);
    for (let at = 0; at < range.count; at++) {
      const problem = this.#see(range.first + at, stamps[at] ?? 0, read);
      if (problem !== undefined) return `sector ${range.first + at}: ${problem}`;
    }
    return undefined;
  }

  /**
   * A flush that was asked for at `begunAt` was answered, so that what clients knew by then is there for good. Answers
   * what was not known to be before.
   */
  flushAnswered(begunAt: number): readonly Place[] {
    return this.#madeStable(({ at, write }) => {
      if (write.stamp === 0) return write.endedAt <= begunAt;
      const certainAt = this.#sectors[at]?.values.get(write.stamp)?.certainAt;
      return certainAt !== undefined && certainAt <= begunAt;
    });
  }

  /** It was acknowledged, and asked to be on stable storage by then. */
  fuaAnswered(fua: Write): readonly Place[] {
    return this.#madeStable(({ write }) => write === fua);
  }

  /** Visits what is there for good. */
  eachFlushed(visit: (at: number, write: Write) => void): void {
    this.#sectors.forEach(({ values, zeroWrites }, at) => {
      if (values.size > 0)
        for (const { write, isFlushed } of values.values()) if (isFlushed) visit(at, write);
      for (const { write, isFlushed } of zeroWrites) if (isFlushed) visit(at, write);
    });
  }

  /** Nobody has for sure what was not flushed. `lives`: what this owner was given it may still do. */
  powerLost(lives: (owner: object) => boolean): void {
    const pending = this.#pending.filter(({ owner }) => lives(owner));
    this.#undecided = [...this.#undecided, ...this.#pending.filter(({ owner }) => !lives(owner))];
    this.#beginAnew((sector) => possibleAfterLoss(sector));
    this.#pending = pending;
    for (const write of pending) this.#add(write);
  }

  /** Whatever was acknowledged, the volume holds `stamps` from here on. */
  reset(stamps: Uint32Array): void {
    this.#beginAnew((_sector, at) => [stamps[at] ?? 0]);
  }

  /** It was over before the volume lost what was not flushed, or was started over: its answer comes late. */
  isForgotten({ endedAt }: Write): boolean {
    return endedAt < this.#begunAnewAt;
  }

  /** A write that is neither answered nor decided covers the sector. */
  isOpen(at: number): boolean {
    const covers = ({ first, count }: Write): boolean => at >= first && at < first + count;
    return this.#pending.some(covers) || this.#undecided.some(covers);
  }

  /** Writes of this sector that may have come after `write` was begun, `write` itself among them. */
  mayHold(at: number, stamp: number, write: Write): boolean {
    if (stamp === write.stamp) return true;
    const sector = this.#sectors[at];
    if (sector === undefined) return false;
    if (stamp !== 0) return (sector.values.get(stamp)?.write.endedAt ?? -Infinity) > write.begunAt;
    for (const zero of sector.zeroWrites) if (zero.write.endedAt > write.begunAt) return true;
    return false;
  }

  #see(at: number, stamp: number, by: Span | Write): string | undefined {
    const sector = this.#sectors[at];
    if (sector === undefined) return 'outside the volume';
    if (stamp === 0) return 'stamp' in by ? sawZero(sector, by) : readZero(sector, by);
    const value = sector.values.get(stamp);
    if (value === undefined) return `shows ${stamp}, which nobody wrote there`;
    const { write } = value;
    if (value.certainAt === Infinity) {
      // What is read after a loss of power was on stable storage.
      if (write.owner === NOBODY) value.isFlushed = true;
      else this.#unflushed.push({ at, write });
    }
    return saw(sector, value, by);
  }

  #madeStable(isStable: (place: Place) => boolean): readonly Place[] {
    const stable: Place[] = [];
    const rest: Place[] = [];
    for (const place of this.#unflushed) (isStable(place) ? stable : rest).push(place);
    this.#unflushed = rest;
    for (const { at, write } of stable) {
      const sector = this.#sectors[at];
      const one =
        write.stamp === 0
          ? sector?.zeroWrites.find((zero) => zero.write === write)
          : sector?.values.get(write.stamp);
      if (one !== undefined) one.isFlushed = true;
    }
    return stable;
  }

  #beginAnew(possible: (sector: HistorySector, at: number) => readonly number[]): void {
    const begunAt = this.now();
    const endedAt = this.now();
    this.#begunAnewAt = begunAt;
    const zeroes = past({ first: 0, count: this.#sectors.length, stamp: 0, begunAt, endedAt });
    this.#sectors.forEach((sector, at) => {
      const stamps = possible(sector, at);
      clear(sector);
      for (const stamp of stamps) {
        const write = stamp === 0 ? zeroes : past({ first: at, count: 1, stamp, begunAt, endedAt });
        addWrite(sector, write, stamps.length === 1);
      }
    });
    this.#pending = [];
    this.#unflushed = [];
  }

  #add(write: Write): void {
    for (let at = write.first; at < write.first + write.count; at++) {
      const sector = this.#sectors[at];
      if (sector !== undefined) addWrite(sector, write);
    }
  }
}

function past(write: Pick<Write, 'first' | 'count' | 'stamp' | 'begunAt' | 'endedAt'>): Write {
  return { ...write, acknowledged: false, owner: NOBODY };
}
