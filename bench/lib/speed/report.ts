/** A run's results as files: every single measurement, the tables, and from enough rounds the chart. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { chart } from './chart.ts';
import type { Measured } from './rounds.ts';
import type { Setup } from './setup.ts';
import { LEAST_ROUNDS } from './summary.ts';
import { markdown, type Run } from './tables.ts';

const NAME = 'speed';

export function leave(
  folder: string,
  run: Run,
  setups: readonly Setup[],
  measured: readonly Measured[],
): void {
  mkdirSync(folder, { recursive: true });
  const { cpu, cpuCount } = run.machine;
  const { rounds, seconds } = run.options;
  const under = `Medians of ${String(rounds)} rounds of ${String(seconds)} s in turn, ${String(cpuCount)} x ${cpu}, ${run.date.slice(0, 10)}`;
  writeFileSync(join(folder, `${NAME}.md`), markdown(run, setups));
  writeFileSync(join(folder, `${NAME}.json`), `${JSON.stringify({ ...run, measured }, null, 2)}\n`);
  // Its bars are ratios.
  if (rounds >= LEAST_ROUNDS) writeFileSync(join(folder, `${NAME}.svg`), chart(run.rows, setups, under));
}
