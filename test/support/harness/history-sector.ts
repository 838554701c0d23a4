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
  /** Among the known values of its sector; -1: nobody knows it. */
  place: number;
  /** The last instant at which it, or one before it among them, was asked for. */
  latestAt: number;
}

/** Zeroes have no stamp to know their write by. */
export interface ZeroWrite {
  readonly write: Write;
  isFlushed: boolean;
}

/** So many zeroes are remembered of a sector. */
const MAX_ZEROES = 16;

export interface HistorySector {
  /** By stamp. */
  values: Map<number, Value>;
  /** The values that somebody knows, in the order in which they became so: mostly the last ones matter. */
  known: Value[];
  zeroWrites: ZeroWrite[];
  /** Zeroes that were written or read. */
  zeroes: Span[];
}

/** Of the many sectors that nobody writes to. */
const noValues = new Map<number, Value>();
const noZeroWrites: ZeroWrite[] = [];

export function emptySector(): HistorySector {
  return { values: noValues, known: [], zeroWrites: noZeroWrites, zeroes: [] };
}

export function clear(sector: HistorySector): void {
  if (sector.values.size > 0) {
    sector.values = noValues;
    sector.known = [];
  }
  if (sector.zeroes.length > 0) sector.zeroes = [];
  sector.zeroWrites = noZeroWrites;
}

export function addWrite(sector: HistorySector, write: Write, isFlushed = false): void {
  const { stamp, begunAt } = write;
  if (stamp === 0) {
    // Of most sectors it stays the only one.
    if (sector.zeroWrites === noZeroWrites) sector.zeroWrites = [{ write, isFlushed }];
    else sector.zeroWrites.push({ write, isFlushed });
    return;
  }
  if (sector.values === noValues) sector.values = new Map();
  const value = {
    write,
    certainAt: Infinity,
    askedAt: begunAt,
    answeredAt: Infinity,
    isFlushed,
    place: -1,
    latestAt: begunAt,
  };
  sector.values.set(stamp, value);
}

/** Undefined: it can be so. */
export function saw(sector: HistorySector, value: Value, by: Span): string | undefined {
  value.certainAt = Math.min(value.certainAt, by.endedAt, value.write.endedAt);
  if (by.begunAt > value.askedAt) {
    value.askedAt = by.begunAt;
    value.answeredAt = by.endedAt;
  }
  keep(sector, value);
  if (clashes(sector, value))
    for (const other of sector.values.values())
      if (other !== value && clash(value, other))
        return `${describe(value)} and ${describe(other)} cannot both be`;
  for (const zero of sector.zeroes)
    if (stands(value, zero)) return `zeroes at ${span(zero)} while ${describe(value)} stood`;
  return undefined;
}

export function sawZero(sector: HistorySector, zero: Span): string | undefined {
  sector.zeroes.push(zero);
  prune(sector);
  // As a value it is one that came and went.
  if (clashes(sector, { certainAt: zero.endedAt, askedAt: zero.begunAt }))
    for (const value of sector.values.values())
      if (stands(value, zero)) return `zeroes at ${span(zero)} while ${describe(value)} stood`;
  return undefined;
}

export function readZero(sector: HistorySector, read: Span): string | undefined {
  for (const { write } of sector.zeroWrites)
    if (!isOverwritten(sector, write, read)) return sawZero(sector, read);
  return `zeroes at ${span(read)}, and every zero was overwritten`;
}

const onlyZeroes: readonly number[] = [0];

/** Stamps that may be there when nobody has for sure what was not flushed. */
export function possibleAfterLoss({ values, zeroWrites }: HistorySector): readonly number[] {
  if (values.size === 0) return onlyZeroes;
  let flushedAt = -Infinity;
  for (const { write, isFlushed } of zeroWrites)
    if (isFlushed) flushedAt = Math.max(flushedAt, write.begunAt);
  for (const { write, isFlushed } of values.values())
    if (isFlushed) flushedAt = Math.max(flushedAt, write.begunAt);
  const possible: number[] = [];
  for (const { write } of values.values()) if (write.endedAt >= flushedAt) possible.push(write.stamp);
  if (zeroWrites.some(({ write }) => write.endedAt >= flushedAt)) possible.push(0);
  return possible;
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

/** Some value was there after the zero of `write` was over, and before `read` began. */
function isOverwritten({ known }: HistorySector, write: Write, read: Span): boolean {
  for (let at = known.length - 1; at >= 0; at--) {
    const value = known[at];
    // Neither this one nor one before it was asked for after the zero was over.
    if (value === undefined || value.latestAt <= write.endedAt) return false;
    if (value.write.begunAt > write.endedAt && value.certainAt < read.begunAt) return true;
    if (value.askedAt > write.endedAt && value.answeredAt < read.begunAt) return true;
  }
  return false;
}

/** It is known from now on, and was asked for until then. */
function keep({ known }: HistorySector, value: Value): void {
  const { askedAt } = value;
  if (value.place < 0) {
    value.latestAt = known.at(-1)?.latestAt ?? askedAt;
    value.place = known.push(value) - 1;
  }
  for (let at = value.place; at < known.length; at++) {
    const later = known[at];
    if (later === undefined || (later.latestAt >= askedAt && later !== value)) return;
    later.latestAt = Math.max(later.latestAt, askedAt);
  }
}

/** Whether a known value clashes with this one. */
function clashes({ known }: HistorySector, one: Standing): boolean {
  for (let at = known.length - 1; at >= 0; at--) {
    const other = known[at];
    // Neither this one nor one before it was asked for since that one was certain.
    if (other === undefined || other.latestAt <= one.certainAt) return false;
    if (other !== one && clash(one, other)) return true;
  }
  return false;
}

type Standing = Pick<Value, 'certainAt' | 'askedAt'>;

/** Both stand at one instant, or one of them came and went while the other stood. Of a value unto itself: it stands. */
function clash(a: Standing, b: Standing): boolean {
  return a.certainAt < b.askedAt && b.certainAt < a.askedAt;
}

function stands({ certainAt, askedAt }: Value, { begunAt, endedAt }: Span): boolean {
  return certainAt < begunAt && endedAt < askedAt;
}

const span = ({ begunAt, endedAt }: Span): string => `${begunAt}..${endedAt}`;

const describe = ({ write, certainAt, askedAt }: Value): string =>
  `write ${write.stamp} (begun ${write.begunAt}, over ${write.endedAt}, known ${certainAt}, still asked for ${askedAt})`;
