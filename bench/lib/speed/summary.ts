/** What the rounds come to. PURE. */
import { median } from '../statistics.ts';
import type { LatencyUs } from './fio.ts';
import type { Measured } from './rounds.ts';
import type { Setup } from './setup.ts';
import type { Work } from './works.ts';

export const LOCKSTEP_ONE = 'lockstep-1';
export const LOCKSTEP_TWO = 'lockstep-2';
/** The one copy that two of ours are held against. */
export const PEER_ACROSS = 'nbdkit';

/** From fewer no ratio is told: a single one says more of the machine than of what ran on it. */
export const LEAST_ROUNDS = 3;

export interface Row {
  readonly work: Work;
  readonly cells: readonly Cell[];
  /** Empty from fewer than LEAST_ROUNDS rounds. */
  readonly ratios: readonly Ratio[];
}

export interface Cell {
  readonly setup: string;
  readonly rounds: number;
  readonly median: number;
  readonly least: number;
  readonly most: number;
  /** Medians of the rounds. */
  readonly latencyUs: LatencyUs;
}

export interface Ratio {
  readonly of: string;
  /** The best of its peers. */
  readonly to: string;
  readonly value: number;
  readonly aim: number | undefined;
}

export function summarize(
  works: readonly Work[],
  setups: readonly Pick<Setup, 'name' | 'copies'>[],
  measured: readonly Measured[],
): readonly Row[] {
  return works.map((work) => {
    const cells = setups.flatMap((setup) => {
      const of = measured.filter((one) => one.work === work.name && one.setup === setup.name);
      return of.length === 0 ? [] : [cellOf(setup, of)];
    });
    return { work, cells, ratios: ratiosOf(work, setups, cells) };
  });
}

function cellOf(setup: Pick<Setup, 'name'>, measured: readonly Measured[]): Cell {
  const rates = measured.map(({ rate }) => rate);
  const latency = (key: keyof LatencyUs): number => median(measured.map(({ latencyUs }) => latencyUs[key]));
  return {
    setup: setup.name,
    rounds: rates.length,
    median: median(rates),
    least: Math.min(...rates),
    most: Math.max(...rates),
    latencyUs: { p50: latency('p50'), p99: latency('p99'), p999: latency('p999'), max: latency('max') },
  };
}

function ratiosOf(
  work: Work,
  setups: readonly Pick<Setup, 'name' | 'copies'>[],
  cells: readonly Cell[],
): readonly Ratio[] {
  if (cells.some(({ rounds }) => rounds < LEAST_ROUNDS)) return [];
  const best = (names: readonly string[]): Cell | undefined =>
    cells.filter(({ setup }) => names.includes(setup)).toSorted((a, b) => b.median - a.median)[0];
  const peers = (copies: number): readonly string[] =>
    setups
      .filter((setup) => setup.copies === copies && ![LOCKSTEP_ONE, LOCKSTEP_TWO].includes(setup.name))
      .map(({ name }) => name);
  const ratio = (of: string, to: readonly string[], aim: number | undefined): readonly Ratio[] => {
    const [own, other] = [best([of]), best(to)];
    if (own === undefined || other === undefined) return [];
    return [{ of, to: other.setup, value: own.median / other.median, aim }];
  };
  return [
    ...ratio(LOCKSTEP_TWO, peers(2), work.aimTwoCopies),
    ...ratio(LOCKSTEP_ONE, peers(1), work.aimOneCopy),
    ...(work.aimAcross === undefined ? [] : ratio(LOCKSTEP_TWO, [PEER_ACROSS], work.aimAcross)),
  ];
}

/** False where a ratio with an aim stays below it. Where none was told, none was missed. */
export function isReached(rows: readonly Row[]): boolean {
  return rows.every(({ ratios }) => ratios.every(({ value, aim }) => aim === undefined || value >= aim));
}
