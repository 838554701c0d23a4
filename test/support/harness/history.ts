/**
 * What clients saw, sector by sector, and whether one disk could have shown it to them. Each write of data has a stamp
 * of its own, so that a read tells which write it saw. A sector's value stands from the earliest instant at which some
 * answer made it certain until the latest at which it was still asked for; two values that stand at one instant, or
 * one that came and went while another stood, are a history that no disk has (Gibbons and Korach, "Testing Shared
 * Memories", 1997).
 *
 * A write that was not answered when another reign began is over from then on: it was done, or it never will be.
 */
import { stampsOf } from './disk.ts';

export interface SectorRange {
  readonly first: number;
  readonly count: number;
}

export interface Write extends SectorRange {
  /** 0: zeroes. */
  readonly stamp: number;
  readonly begunAt: number;
  /** Answered, or over because its reign is. Infinity: neither yet. */
  endedAt: number;
  acknowledged: boolean;
  /** The process that it was given to. */
  readonly owner: object;
}

/** From `certainAt` on somebody knew the value; at `askedAt` somebody still asked and was answered with it. */
interface Value {
  readonly write: Write;
  certainAt: number;
  askedAt: number;
}

/** A zero that was written or read: it has no stamp to know its write by. */
interface Zero {
  readonly begunAt: number;
  readonly endedAt: number;
}

interface Sector {
  readonly values: Map<number, Value>;
  readonly zeroWrites: Write[];
  readonly zeroes: Zero[];
}

export class History {
  /** Orders everything that was begun and answered. */
  #instant = 0;
  #lastStamp = 0;
  readonly #sectors: readonly Sector[];
  readonly writes: Write[] = [];
  #pending: Write[] = [];

  constructor(sectors: number) {
    const before: Write = {
      stamp: 0,
      first: 0,
      count: sectors,
      begunAt: -1,
      endedAt: 0,
      acknowledged: true,
      owner: {},
    };
    this.#sectors = Array.from({ length: sectors }, () => ({
      values: new Map(),
      zeroWrites: [before],
      zeroes: [],
    }));
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
    this.#pending = this.#pending.filter((write) => {
      if (write.owner === owner && write.endedAt === Infinity) return true;
      write.endedAt = Math.min(write.endedAt, now);
      return false;
    });
  }

  writeBegan(stamp: number, range: SectorRange, owner: object): Write {
    const write: Write = {
      ...range,
      stamp,
      begunAt: this.now(),
      endedAt: Infinity,
      acknowledged: false,
      owner,
    };
    this.writes.push(write);
    this.#pending.push(write);
    for (const sector of this.#range(range)) {
      if (stamp === 0) sector.zeroWrites.push(write);
      else sector.values.set(stamp, { write, certainAt: Infinity, askedAt: write.begunAt });
    }
    return write;
  }

  writeAcknowledged(write: Write): string | undefined {
    write.endedAt = Math.min(write.endedAt, this.now());
    write.acknowledged = true;
    this.#pending = this.#pending.filter((pending) => pending !== write);
    let at = write.first;
    for (const sector of this.#range(write)) {
      const problem =
        write.stamp === 0
          ? this.#sawZero(sector, write)
          : this.#saw(sector, write.stamp, { begunAt: write.begunAt, endedAt: write.endedAt });
      if (problem !== undefined) return `sector ${at}: ${problem}`;
      at++;
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
    let at = 0;
    for (const sector of this.#range(range)) {
      const stamp = stamps[at] ?? 0;
      const problem = stamp === 0 ? this.#readZero(sector, read) : this.#saw(sector, stamp, read);
      if (problem !== undefined) return `sector ${range.first + at}: ${problem}`;
      at++;
    }
    return undefined;
  }

  /** Writes of this sector that may have come after `write` was begun, `write` itself among them. */
  mayHold(at: number, stamp: number, write: Write): boolean {
    if (stamp === write.stamp) return true;
    const sector = this.#sectors[at];
    if (stamp === 0) return sector?.zeroWrites.some((zero) => zero.endedAt > write.begunAt) === true;
    const other = sector?.values.get(stamp)?.write;
    return other !== undefined && other.endedAt > write.begunAt;
  }

  #range({ first, count }: SectorRange): readonly Sector[] {
    return this.#sectors.slice(first, first + count);
  }

  #saw(
    sector: Sector,
    stamp: number,
    by: { readonly begunAt: number; readonly endedAt: number },
  ): string | undefined {
    const value = sector.values.get(stamp);
    if (value === undefined) return `shows ${stamp}, which nobody wrote there`;
    value.certainAt = Math.min(value.certainAt, by.endedAt, value.write.endedAt);
    value.askedAt = Math.max(value.askedAt, by.begunAt);
    for (const other of sector.values.values()) {
      const problem = other === value ? undefined : conflict(value, other);
      if (problem !== undefined) return problem;
    }
    const zero = sector.zeroes.find(({ begunAt, endedAt }) => stands(value, begunAt, endedAt));
    return zero === undefined ? undefined : `zeroes at ${span(zero)} while ${describe(value)} stood`;
  }

  #sawZero(sector: Sector, zero: Zero): string | undefined {
    sector.zeroes.push(zero);
    for (const value of sector.values.values())
      if (stands(value, zero.begunAt, zero.endedAt))
        return `zeroes at ${span(zero)} while ${describe(value)} stood`;
    return undefined;
  }

  #readZero(sector: Sector, read: Zero): string | undefined {
    const possible = sector.zeroWrites.some(
      (zero) =>
        ![...sector.values.values()].some(
          ({ write, certainAt }) => write.begunAt > zero.endedAt && certainAt < read.begunAt,
        ),
    );
    return possible ? this.#sawZero(sector, read) : `zeroes at ${span(read)}, and every zero was overwritten`;
  }
}

function conflict(a: Value, b: Value): string | undefined {
  if (b.certainAt === Infinity) return undefined;
  const aStands = a.certainAt < a.askedAt;
  const bStands = b.certainAt < b.askedAt;
  const clash =
    aStands && bStands
      ? a.certainAt < b.askedAt && b.certainAt < a.askedAt
      : aStands
        ? stands(a, b.askedAt, b.certainAt)
        : bStands && stands(b, a.askedAt, a.certainAt);
  return clash ? `${describe(a)} and ${describe(b)} cannot both be` : undefined;
}

function stands({ certainAt, askedAt }: Value, begunAt: number, endedAt: number): boolean {
  return certainAt < begunAt && endedAt < askedAt;
}

const span = ({ begunAt, endedAt }: Zero): string => `${begunAt}..${endedAt}`;

const describe = ({ write, certainAt, askedAt }: Value): string =>
  `write ${write.stamp} (begun ${write.begunAt}, over ${write.endedAt}, known ${certainAt}, still asked for ${askedAt})`;
