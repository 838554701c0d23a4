/**
 * `npm run bench:failover [-- --rounds N]`: time from the loss of the primary's host to the first commit through the
 * alias, by phase. Prints a table and writes bench/results/failover.json and failover.md.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type FailoverRound, failoverRounds } from './lib/failover-rounds.ts';
import { Installation } from './lib/installation.ts';
import { median } from './lib/statistics.ts';

const NETWORK = 77;
const SIZE_MIB = 1024;
const PHASES = ['detect', 'fence', 'promote', 'attach_and_mount', 'engine_recovery', 'alias'] as const;
const RESULTS = join(import.meta.dirname, 'results');

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '5' } } });
const rounds = Number(values.rounds);
if (!Number.isInteger(rounds) || rounds < 1)
  throw new Error(`--rounds is ${values.rounds}; allowed: a whole number from 1`);

const installation = await Installation.start({ network: NETWORK });
try {
  const startedAtMs = performance.now();
  await installation.createDatabase('orders', { sizeMiB: SIZE_MIB });
  const provisionMs = performance.now() - startedAtMs;
  console.log(`provisioned in ${(provisionMs / 1000).toFixed(1)} s`);
  const results: FailoverRound[] = [];
  for await (const round of failoverRounds(installation, 'orders', rounds)) {
    results.push(round);
    console.log(rowOf(String(results.length), round));
  }
  report(provisionMs, results);
} finally {
  await installation.destroy();
}

function report(provisionMs: number, results: readonly FailoverRound[]): void {
  const totals = results.map((round) => round.firstCommitMs);
  const table = [
    `| round | killed | first commit | ${PHASES.join(' | ')} | resync | acknowledged | lost | doubled | amcheck | copies |`,
    `|${' --- |'.repeat(PHASES.length + 9)}`,
    ...results.map((round, index) => rowOf(String(index + 1), round)),
    medianRow(results),
  ].join('\n');
  const worst = Math.max(...totals);
  const summary = `first commit after the kill: median ${seconds(median(totals))}, worst ${seconds(worst)}, ${String(results.length)} rounds`;
  const machine = `${String(cpus().length)} x ${cpus()[0]?.model ?? ''}, ${String(Math.round(totalmem() / 2 ** 30))} GiB, Linux ${release()}, Node ${process.version}`;
  const text = `# Failover\n\n${machine}, ${new Date().toISOString()}\n\nprovisioned in ${seconds(provisionMs)}; ${summary}\n\n${table}\n`;
  mkdirSync(RESULTS, { recursive: true });
  writeFileSync(join(RESULTS, 'failover.md'), text);
  writeFileSync(
    join(RESULTS, 'failover.json'),
    `${JSON.stringify({ machine, provisionMs, rounds: results }, null, 2)}\n`,
  );
  console.log(`\n${text}`);
}

function rowOf(name: string, round: FailoverRound): string {
  const phases = PHASES.map((phase) => seconds(round.phases[phase] ?? 0));
  const cells = [
    name,
    round.killed,
    seconds(round.firstCommitMs),
    ...phases,
    seconds(round.resyncMs),
    String(round.acknowledged),
    String(round.lost.length),
    String(round.doubled.length),
    round.amcheck === '' ? 'clean' : round.amcheck.slice(0, 60),
    round.firstDifference === undefined ? 'identical' : `differ at ${String(round.firstDifference)}`,
  ];
  return `| ${cells.join(' | ')} |`;
}

function medianRow(results: readonly FailoverRound[]): string {
  const phases = PHASES.map((phase) => seconds(median(results.map((round) => round.phases[phase] ?? 0))));
  const total = seconds(median(results.map((round) => round.firstCommitMs)));
  const resync = seconds(median(results.map((round) => round.resyncMs)));
  return `| median |  | ${total} | ${phases.join(' | ')} | ${resync} |  |  |  |  |  |`;
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(2)} s`;
}
