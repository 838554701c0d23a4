/** One sector of the history (history.ts): the values it may have had, and which of them cannot be together. */
import type { SectorRange } from './history.ts';

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

/** An answer that shows a value: between what instants it was asked for and given. */
export interface Span {
  readonly begunAt: number;
  readonly endedAt: number;
}

/**
 * From `certainAt` on somebody knew the value; at `askedAt` somebody still asked, and was answered with it at
 * `answeredAt`.
 */
export interface Value {
  readonly write: Write;
  certainAt: number;
  askedAt: number;
  answeredAt: number;
  /** On stable storage of all that hold everything. */
  isFlushed: boolean;
}

/** Zeroes have no stamp to know their write by. */
export interface ZeroWrite {
  readonly write: Write;
  isFlushed: boolean;
}

/** So many zeroes are remembered of a sector. */
const MAX_ZEROES = 16;

export interface HistorySector {
  values: Map<number, Value>;
  zeroWrites: ZeroWrite[];
  /** Zeroes that were written or read. */
  zeroes: Span[];
}

export function emptySector(): HistorySector {
  return { values: new Map(), zeroWrites: [], zeroes: [] };
}

export function addWrite(sector: HistorySector, write: Write, isFlushed = false): void {
  const { stamp, begunAt } = write;
  if (stamp === 0) sector.zeroWrites.push({ write, isFlushed });
  else
    sector.values.set(stamp, {
      write,
      certainAt: Infinity,
      askedAt: begunAt,
      answeredAt: Infinity,
      isFlushed,
    });
}

/** Undefined: it can be so. */
export function saw(sector: HistorySector, value: Value, by: Span): string | undefined {
  value.certainAt = Math.min(value.certainAt, by.endedAt, value.write.endedAt);
  if (by.begunAt > value.askedAt) {
    value.askedAt = by.begunAt;
    value.answeredAt = by.endedAt;
  }
  for (const other of sector.values.values()) {
    const problem = other === value ? undefined : conflict(value, other);
    if (problem !== undefined) return problem;
  }
  const zero = sector.zeroes.find(({ begunAt, endedAt }) => stands(value, begunAt, endedAt));
  return zero === undefined ? undefined : `zeroes at ${span(zero)} while ${describe(value)} stood`;
}

export function sawZero(sector: HistorySector, zero: Span): string | undefined {
  sector.zeroes.push(zero);
  prune(sector);
  for (const value of sector.values.values())
    if (stands(value, zero.begunAt, zero.endedAt))
      return `zeroes at ${span(zero)} while ${describe(value)} stood`;
  return undefined;
}

export function readZero(sector: HistorySector, read: Span): string | undefined {
  const values = [...sector.values.values()];
  const possible = sector.zeroWrites.some(
    ({ write }) => !values.some((value) => cameAfter(value, write, read)),
  );
  return possible ? sawZero(sector, read) : `zeroes at ${span(read)}, and every zero was overwritten`;
}

/** Stamps that may be there when nobody has for sure what was not flushed. */
export function possibleAfterLoss({ values, zeroWrites }: HistorySector): Set<number> {
  const all = [...values.values(), ...zeroWrites];
  const flushed = all.filter(({ isFlushed }) => isFlushed);
  const possible = all.filter(({ write }) => !flushed.some((later) => write.endedAt < later.write.begunAt));
  return new Set(possible.map(({ write }) => write.stamp));
}

/**
 * Of many zeroes the later ones rule out and allow whatever the earlier ones do, but for an answer that was on its way
 * for as long.
 */
function prune(sector: HistorySector): void {
  if (sector.zeroes.length > MAX_ZEROES) sector.zeroes.shift();
  const { zeroWrites } = sector;
  if (zeroWrites.length <= MAX_ZEROES) return;
  const ended = zeroWrites.filter(({ write }) => write.endedAt < Number.MAX_SAFE_INTEGER);
  const last = Math.max(...ended.map(({ write }) => write.endedAt));
  const flushed = Math.max(...ended.map(({ write, isFlushed }) => (isFlushed ? write.begunAt : -Infinity)));
  sector.zeroWrites = zeroWrites.filter(
    ({ write }) =>
      !ended.some((zero) => zero.write === write) || write.endedAt === last || write.begunAt >= flushed,
  );
}

/** The value was there after the zero of `write` was over, and before `read` began. */
function cameAfter(value: Value, write: Write, read: Span): boolean {
  if (value.write.begunAt > write.endedAt && value.certainAt < read.begunAt) return true;
  return value.askedAt > write.endedAt && value.answeredAt < read.begunAt;
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

const span = ({ begunAt, endedAt }: Span): string => `${begunAt}..${endedAt}`;

const describe = ({ write, certainAt, askedAt }: Value): string =>
  `write ${write.stamp} (begun ${write.begunAt}, over ${write.endedAt}, known ${certainAt}, still asked for ${askedAt})`;
