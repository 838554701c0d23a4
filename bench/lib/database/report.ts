/** The tables of a whole run, with what it ran on: printed, and left in bench/results. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { nbdkit } from '../speed/peers.ts';
import { version } from './pgbench.ts';
import type { Measured, Plan } from './rounds.ts';
import { isReached, roundHead, roundRow, summarize, summaryLines } from './summary.ts';

const GIB = 2 ** 30;
const RESULTS = join(import.meta.dirname, '..', '..', 'results');

/** Answers whether what is asked was reached. */
export async function report(plan: Plan, measured: readonly Measured[]): Promise<boolean> {
  const { engines, scale, clients, seconds } = plan;
  const summary = summarize(engines, measured);
  const machine = `${String(cpus().length)} x ${cpus()[0]?.model ?? ''}, ${String(Math.round(totalmem() / GIB))} GiB, Linux ${release()}, Node ${process.version}`;
  const versions = [await version(), await nbdkit.version()].filter((one) => one !== undefined).join(', ');
  const date = new Date().toISOString();
  const text = [
    '# A database',
    '',
    `${machine}, ${versions}, ${date}`,
    '',
    `pgbench, scale ${String(scale)}, ${String(clients)} clients, ${String(seconds)} s a round, fsync on:`,
    '',
    ...summaryLines(summary),
    '',
    ...roundHead(),
    ...measured.map(roundRow),
    '',
  ].join('\n');
  mkdirSync(RESULTS, { recursive: true });
  writeFileSync(join(RESULTS, 'database.md'), text);
  writeFileSync(
    join(RESULTS, 'database.json'),
    `${JSON.stringify({ machine, versions, date, ...summary, measured }, null, 2)}\n`,
  );
  console.log(`\n${text}`);
  return isReached(summary);
}
