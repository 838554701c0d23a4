/** What a run came to, as text that is read in a terminal and as Markdown alike. PURE. */
import type { Machine } from './machine.ts';
import type { Options } from './options.ts';
import type { Setup } from './setup.ts';
import { type Cell, LEAST_ROUNDS, type Ratio, type Row } from './summary.ts';
import type { Unit } from './works.ts';

export interface Version {
  readonly setup: string;
  readonly version: string;
}

export interface Run {
  readonly machine: Machine;
  readonly versions: readonly Version[];
  readonly notInstalled: readonly string[];
  /** As ISO 8601 has it. */
  readonly date: string;
  readonly options: Pick<Options, 'rounds' | 'seconds' | 'sizeMib' | 'cpus'>;
  readonly rows: readonly Row[];
}

type Named = Pick<Setup, 'name' | 'title'>;

const GIB = 2 ** 30;
const HEADS = ['setup', 'median', 'least – most', 'p50', 'p99', 'p99.9', 'longest'];
/** The page cache answers in less than one. */
const TENTHS_BELOW_US = 10;
const NONE = '–';

export function markdown(run: Run, setups: readonly Named[]): string {
  return [
    '# Beside its peers',
    '',
    ...aboutLines(run),
    ...run.rows.flatMap((row) => ['', ...rowLines(row, setups)]),
    '',
  ].join('\n');
}

/** Where and with what it was measured. */
export function aboutLines({ machine, versions, notInstalled, date, options }: Run): readonly string[] {
  const { cpu, cpuCount, memoryBytes, kernel, fileSystem } = machine;
  const memory = `${String(Math.round(memoryBytes / GIB))} GiB`;
  const { rounds, seconds, sizeMib, cpus } = options;
  return [
    `${String(cpuCount)} x ${cpu}, ${memory}, Linux ${kernel}, data on ${fileSystem}, ${date}`,
    '',
    `Rounds: ${String(rounds)}, in turn; ${String(seconds)} s each; ${String(sizeMib)} MiB, all of it written before; processors ${cpus} for everybody.`,
    '',
    ...versions.map(({ setup, version }) => `- ${setup}: ${version}`),
    ...(notInstalled.length === 0
      ? []
      : ['', `Not installed, and therefore left out: ${notInstalled.join(', ')}.`]),
  ];
}

/** One work: a line for each setup, and the ratios. */
export function rowLines({ work, cells, ratios }: Row, setups: readonly Named[]): readonly string[] {
  const titleOf = (name: string): string => setups.find((setup) => setup.name === name)?.title ?? name;
  return [
    `## ${work.title} (${work.name}), ${work.unit}`,
    '',
    ...table(
      HEADS,
      cells.map((cell) => [titleOf(cell.setup), ...cellTexts(cell, work.unit)]),
    ),
    '',
    ...ratioLines(cells, ratios, titleOf),
  ];
}

/** A rate in its unit, short enough for a table. */
export function rateText(value: number, unit: Unit): string {
  return `${grouped(value)} ${unit}`;
}

/** Cells as wide as the widest of their column: Markdown that stands in line where nobody renders it. */
export function table(heads: readonly string[], lines: readonly (readonly string[])[]): readonly string[] {
  const widths = heads.map((head, at) =>
    Math.max(...[head, ...lines.map((cells) => cells[at] ?? '')].map(({ length }) => length)),
  );
  const row = (cells: readonly string[]): string => {
    const padded = widths.map((wide, at) => {
      const cell = cells[at] ?? '';
      const space = ' '.repeat(wide - cell.length);
      return at === 0 ? `${cell}${space}` : `${space}${cell}`;
    });
    return `| ${padded.join(' | ')} |`;
  };
  const rule = widths.map((wide, at) => `${'-'.repeat(wide - (at === 0 ? 0 : 1))}${at === 0 ? '' : ':'}`);
  return [row(heads), `| ${rule.join(' | ')} |`, ...lines.map(row)];
}

function cellTexts({ median, least, most, latencyUs }: Cell, unit: Unit): readonly string[] {
  const { p50, p99, p999, max } = latencyUs;
  return [
    rateText(median, unit),
    `${grouped(least)} – ${grouped(most)}`,
    ...[p50, p99, p999, max].map(microseconds),
  ];
}

function ratioLines(
  cells: readonly Cell[],
  ratios: readonly Ratio[],
  titleOf: (name: string) => string,
): readonly string[] {
  const rounds = Math.min(...cells.map((cell) => cell.rounds));
  if (rounds < LEAST_ROUNDS)
    return [
      `No ratio is told from fewer than ${String(LEAST_ROUNDS)} rounds, and there are ${String(rounds)}: it would say more of the machine than of what ran on it.`,
    ];
  if (ratios.length === 0)
    return ['No ratio: Lockstep and a peer with as many copies were not both measured.'];
  return ratios.map(({ of, to, value, aim }) => {
    const words = `- ${titleOf(of)} to ${titleOf(to)}: ${ratioText(value)}`;
    if (aim === undefined) return `${words}; only measured`;
    return `${words}; at least ${aim.toFixed(1)} is asked: ${value >= aim ? 'reached' : 'NOT reached'}`;
  });
}

/** Never rounded up: 1.996 is not the 2 that is asked. */
export function ratioText(value: number): string {
  // 1.15 times 100 is a little less than 115.
  return (Math.floor(value * 100 + 1e-9) / 100).toFixed(2);
}

function microseconds(value: number): string {
  if (!Number.isFinite(value)) return NONE;
  return `${value < TENTHS_BELOW_US ? value.toFixed(1) : grouped(value)} us`;
}

function grouped(value: number): string {
  return Math.round(value).toLocaleString('en');
}
