/** What the rounds come to, as tables. PURE. */
import { median } from '../statistics.ts';
import type { MeasuredEngine } from './engines.ts';
import type { Measured } from './rounds.ts';

/** From fewer no ratio is told: a single one says more of the machine than of what ran on it. */
export const LEAST_ROUNDS = 3;
/** What the full stack reaches of one copy over nbdkit. */
export const AIM = 0.9;

type Name = MeasuredEngine['name'];

export interface Line {
  readonly engine: Name;
  readonly title: string;
  readonly rounds: number;
  readonly transactionsPerSecond: { readonly median: number; readonly least: number; readonly most: number };
  /** Medians of the rounds. */
  readonly latencyMs: Measured['latencyMs'];
}

export interface Ratio {
  readonly of: Name;
  readonly to: Name;
  readonly value: number;
  readonly aim: number | undefined;
}

export interface Summary {
  readonly lines: readonly Line[];
  /** Empty from fewer than LEAST_ROUNDS rounds. */
  readonly ratios: readonly Ratio[];
}

type Titled = Pick<MeasuredEngine, 'name' | 'title'>;

export function summarize(engines: readonly Titled[], measured: readonly Measured[]): Summary {
  const lines = engines.flatMap((engine) => {
    const own = measured.filter((one) => one.engine === engine.name);
    return own.length === 0 ? [] : [lineOf(engine, own)];
  });
  return { lines, ratios: ratiosOf(lines) };
}

function lineOf({ name, title }: Titled, measured: readonly Measured[]): Line {
  const rates = measured.map((one) => one.transactionsPerSecond);
  const latency = (key: keyof Measured['latencyMs']): number =>
    median(measured.map(({ latencyMs }) => latencyMs[key]));
  return {
    engine: name,
    title,
    rounds: rates.length,
    transactionsPerSecond: { median: median(rates), least: Math.min(...rates), most: Math.max(...rates) },
    latencyMs: {
      average: latency('average'),
      p50: latency('p50'),
      p99: latency('p99'),
      max: latency('max'),
    },
  };
}

function ratiosOf(lines: readonly Line[]): readonly Ratio[] {
  if (lines.some(({ rounds }) => rounds < LEAST_ROUNDS)) return [];
  const rate = (name: Name): number | undefined =>
    lines.find(({ engine }) => engine === name)?.transactionsPerSecond.median;
  const ratio = (of: Name, to: Name, aim: number | undefined): readonly Ratio[] => {
    const [own, other] = [rate(of), rate(to)];
    return own === undefined || other === undefined ? [] : [{ of, to, value: own / other, aim }];
  };
  return [
    ...ratio('lockstep', 'nbdkit', AIM),
    ...ratio('lockstep', 'quorum', undefined),
    ...ratio('quorum', 'nbdkit', undefined),
    ...ratio('lockstep-1', 'nbdkit', undefined),
    ...ratio('lockstep', 'folder', undefined),
    ...ratio('nbdkit', 'folder', undefined),
  ];
}

const ROUND_HEADS = ['round', 'storage', 'transactions/s', 'average', 'p50', 'p99', 'longest'];

export function roundHead(): readonly string[] {
  return [row(ROUND_HEADS), `|${' --- |'.repeat(ROUND_HEADS.length)}`];
}

export function roundRow({ round, engine, transactionsPerSecond, latencyMs }: Measured): string {
  const { average, p50, p99, max } = latencyMs;
  return row([
    String(round),
    engine,
    transactionsPerSecond.toFixed(0),
    ...[average, p50, p99, max].map(milliseconds),
  ]);
}

export function summaryLines({ lines, ratios }: Summary): readonly string[] {
  const heads = [
    'storage',
    'rounds',
    'transactions/s, median',
    'least',
    'most',
    'average',
    'p50',
    'p99',
    'longest',
  ];
  return [
    row(heads),
    `|${' --- |'.repeat(heads.length)}`,
    ...lines.map(
      ({ engine, title, rounds, transactionsPerSecond: { median: middle, least, most }, latencyMs }) => {
        const { average, p50, p99, max } = latencyMs;
        return row([
          `${engine}: ${title}`,
          String(rounds),
          ...[middle, least, most].map((rate) => rate.toFixed(0)),
          ...[average, p50, p99, max].map(milliseconds),
        ]);
      },
    ),
    '',
    ...(ratios.length === 0
      ? [`No ratio is told from fewer than ${String(LEAST_ROUNDS)} rounds.`]
      : ratios.map(ratioLine)),
  ];
}

/** False where a ratio with an aim stays below it. */
export function isReached({ ratios }: Summary): boolean {
  return ratios.every(({ value, aim }) => aim === undefined || value >= aim);
}

function ratioLine({ of, to, value, aim }: Ratio): string {
  const verdict =
    aim === undefined
      ? ''
      : `; at least ${aim.toFixed(1)} is asked: ${value >= aim ? 'reached' : 'NOT reached'}`;
  return `- ${of} / ${to}: ${value.toFixed(2)}${verdict}`;
}

function row(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`;
}

function milliseconds(value: number): string {
  return `${value.toFixed(2)} ms`;
}
