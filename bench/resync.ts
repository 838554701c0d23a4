/**
 * `npm run bench:resync [-- --rounds N] [--short] [--flags=FLAGS]`: a secondary that was away for 30 s under load, on a
 * volume of 10 GiB of which 100 MiB changed. What is copied, and the latency of the clients' writes with and without a
 * resync. Prints a table and writes bench/results/resync.json and resync.md. Exits with 1 where more was copied than had changed, or
 * where the copies differ. With `--flags` the daemons get these flags of Node's; the product gives them none.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { REGION_BYTES } from '../daemon/replication/units.ts';
import { BareVolume } from './lib/bare-volume.ts';
import { type ResyncPlan, type ResyncRound, resyncRounds } from './lib/resync-rounds.ts';
import { median } from './lib/statistics.ts';

const NETWORK = 73;
const GIB = 2 ** 30;
const MIB = 2 ** 20;
const LIMIT_RATIO = 2;
const RESULTS = join(import.meta.dirname, 'results');

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    short: { type: 'boolean', default: false },
    flags: { type: 'string', default: '' },
  },
});
const nodeFlags = values.flags.split(' ').filter((flag) => flag !== '');
const rounds = Number(values.rounds);
if (!Number.isInteger(rounds) || rounds < 1)
  throw new Error(`--rounds is ${values.rounds}; allowed: a whole number from 1`);
const steady = { writesPerSecond: 400, writesPerFlush: 20 };
const plan: ResyncPlan = values.short
  ? { ...steady, rounds: 1, changedRegions: 160, inSyncMs: 3000, absenceMs: 5000 }
  : { ...steady, rounds, changedRegions: 1600, inSyncMs: 10_000, absenceMs: 30_000 };
const sizeBytes = values.short ? GIB : 10 * GIB;

const volume = await BareVolume.start({ network: NETWORK, sizeBytes, nodeFlags });
try {
  const results: ResyncRound[] = [];
  for await (const round of resyncRounds(volume, plan)) {
    results.push(round);
    console.log(rowOf(String(results.length), round));
  }
  report(results);
} finally {
  await volume.destroy();
}

function report(results: readonly ResyncRound[]): void {
  const without = median(results.map((round) => round.without.p99Ms));
  const during = median(results.map((round) => round.during.p99Ms));
  const isLight = during / without < LIMIT_RATIO;
  const isExact = results.every(
    ({ changedRegions, copiedBytes }) => copiedBytes <= changedRegions * REGION_BYTES,
  );
  const isEqual = results.every(({ firstDifference }) => firstDifference === undefined);
  const lines = [
    `${String(sizeBytes / GIB)} GiB, ${String(plan.writesPerSecond)} writes of 4 KiB a second, a flush after each ${String(plan.writesPerFlush)}, away for ${String(plan.absenceMs / 1000)} s, ${[`${String(results.length)} rounds`, ...nodeFlags].join(', ')}`,
    '',
    '| round | mode | changed regions | of bytes | copied bytes | resync | back after | p99 without | p99 alone | p99 during | during / without | writes during | copies |',
    `|${' --- |'.repeat(13)}`,
    ...results.map((round, index) => rowOf(String(index + 1), round)),
    '',
    `copied no more than what changed, region-rounded: ${isExact ? 'yes' : 'NO'}`,
    `p99 of a write: median ${ms(without)} without, ${ms(during)} during a resync; ratio ${(during / without).toFixed(2)}, below ${String(LIMIT_RATIO)}: ${isLight ? 'yes' : 'NO'}`,
    `the copies are the same afterwards: ${isEqual ? 'yes' : 'NO'}`,
  ];
  const machine = `${String(cpus().length)} x ${cpus()[0]?.model ?? ''}, ${String(Math.round(totalmem() / GIB))} GiB, Linux ${release()}, Node ${process.version}`;
  const text = `# Resync\n\n${machine}, ${new Date().toISOString()}\n\n${lines.join('\n')}\n`;
  mkdirSync(RESULTS, { recursive: true });
  writeFileSync(join(RESULTS, 'resync.md'), text);
  writeFileSync(
    join(RESULTS, 'resync.json'),
    `${JSON.stringify({ machine, plan, sizeBytes, rounds: results }, null, 2)}\n`,
  );
  console.log(`\n${text}`);
  if (!isExact || !isEqual) process.exitCode = 1;
}

function rowOf(name: string, round: ResyncRound): string {
  const { without, alone, during, changedRegions, copiedBytes, firstDifference } = round;
  const cells = [
    name,
    round.mode,
    String(changedRegions),
    mebibytes(changedRegions * REGION_BYTES),
    mebibytes(copiedBytes),
    `${(round.resyncMs / 1000).toFixed(2)} s`,
    `${(round.backMs / 1000).toFixed(2)} s`,
    ms(without.p99Ms),
    ms(alone.p99Ms),
    ms(during.p99Ms),
    (during.p99Ms / without.p99Ms).toFixed(2),
    String(during.samples),
    firstDifference === undefined ? 'identical' : `differ in region ${String(firstDifference)}`,
  ];
  return `| ${cells.join(' | ')} |`;
}

function mebibytes(bytes: number): string {
  return `${(bytes / MIB).toFixed(2)} MiB`;
}

function ms(value: number): string {
  return `${value.toFixed(1)} ms`;
}
