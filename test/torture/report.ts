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
  const faults = [...result.faults].map(([kind, count]) => `${kind} ${count}`).join(', ');
  const total = [...result.faults.values()].reduce((sum, count) => sum + count, 0);
  const { redundantAfterMs } = result;
  const after =
    redundantAfterMs.length === 0
      ? ''
      : `; redundant after them in ${seconds(median(redundantAfterMs)).trim()} (median), ${seconds(Math.max(...redundantAfterMs)).trim()} (worst)`;
  return `${result.rounds} rounds, ${result.operations} operations, ${result.failovers} failovers, ${total} faults (${faults})${after}; ${result.finding === undefined ? 'no finding' : '1 finding'}`;
}

const seconds = (ms: number): string => `${(ms / 1000).toFixed(3).padStart(8)} s`;
