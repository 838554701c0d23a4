/** One part of the growth curves: what it measures, and what is shown of it. */
import { availableParallelism } from 'node:os';
import type { Chart } from '../line-chart.ts';

/** As taskset(1) takes them: nothing is kept to some of them. */
export const ALL_CPUS = `0-${String(availableParallelism() - 1)}`;

export interface PartOptions {
  readonly rounds: number;
  /** As soon as it is known: a part takes minutes. */
  readonly tell: (what: string) => void;
}

export interface Goal {
  readonly what: string;
  readonly isReached: boolean;
}

export interface PartResult {
  /** Paragraphs and tables of Markdown, line by line. */
  readonly lines: readonly string[];
  readonly goals: readonly Goal[];
  /** By the last part of their file's name. */
  readonly charts: Readonly<Record<string, Chart>>;
  /** What was measured, as it was. */
  readonly data: unknown;
}

export interface Part {
  readonly name: string;
  readonly title: string;
  measure(options: PartOptions): Promise<PartResult>;
}

export function table(head: readonly string[], rows: readonly (readonly string[])[]): readonly string[] {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(head), `|${' --- |'.repeat(head.length)}`, ...rows.map(line)];
}

/** Each round begins with another, so that nobody is always the one behind the slowest. */
export function turned<T>(all: readonly T[], round: number): readonly T[] {
  const first = round % all.length;
  return [...all.slice(first), ...all.slice(0, first)];
}
