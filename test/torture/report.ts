/** What is told of a run, and of a finding. */
import { median } from '../../bench/lib/statistics.ts';
import type { DoneFault } from './faults.ts';
import type { Finding, Operation } from './judge.ts';
import type { TortureResult } from './run.ts';

/** Faults long before a finding have little to do with it. */
const TOLD_FAULTS = 60;
const TOLD_OPERATIONS = 60;

export function findingText(facts: {
  readonly finding: Finding;
  readonly seed: number;
  readonly folder: string;
  readonly faults: readonly DoneFault[];
  readonly history: readonly Operation[];
}): string {
  const { finding, seed, folder, faults, history } = facts;
  const times = faults.slice(-TOLD_FAULTS).map(({ atMs, text }) => `  ${seconds(atMs)}  ${text}`);
  const operations = history.slice(-TOLD_OPERATIONS).map((operation) => `  ${describe(operation, finding)}`);
  return [
    `FINDING with seed ${seed}: ${finding.what}`,
    `the last faults:`,
    ...times,
    ...(operations.length === 0 ? [] : [`what was done to sector ${finding.sector ?? ''}:`, ...operations]),
    `logs and data are kept in ${folder}`,
  ].join('\n');
}

function describe(
  { begunMs, endedMs, kind, session, range, stamp, result, stamps }: Operation,
  finding: Finding,
) {
  const span = `${seconds(begunMs)} to ${endedMs === undefined ? '  never' : seconds(endedMs)}`;
  const value =
    kind === 'write'
      ? ` ${stamp}`
      : stamps === undefined
        ? ''
        : ` ${stamps[(finding.sector ?? 0) - range.first] ?? ''}`;
  return `${span}  ${kind}${value}  sectors ${range.first}+${range.count}  ${session}  ${result}`;
}

export function summaryText(result: TortureResult): string {
  const { rounds, operations, failovers, faults, copies, redundantAfterMs, finding } = result;
  const total = [...faults.values()].reduce((sum, count) => sum + count, 0);
  const lines = [
    `${rounds} rounds, ${operations} operations, ${failovers} failovers`,
    `${total} faults: ${listed(faults)}`,
    `copies: ${listed(copies)}`,
  ];
  if (redundantAfterMs.length > 0) {
    const [middle, worst] = [median(redundantAfterMs), Math.max(...redundantAfterMs)];
    lines.push(
      `redundant after the faults of a round: median ${seconds(middle).trim()}, worst ${seconds(worst).trim()}`,
    );
  }
  return [...lines, finding === undefined ? 'no finding' : '1 finding'].join('\n');
}

const listed = (counts: ReadonlyMap<string, number>): string =>
  [...counts].map(([name, count]) => `${name} ${count}`).join(', ');

const seconds = (ms: number): string => `${(ms / 1000).toFixed(3).padStart(8)} s`;
