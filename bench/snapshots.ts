/**
 * `npm run bench:snapshots [-- --rounds N] [--count N] [--alone]`: how long clients wait for a snapshot of a busy
 * replicated volume, of 1 GiB and of 1 TiB; what writes, reads and one snapshot more cost with 0 to 1,000 of them; what a
 * thousand snapshots of one volume cost. Prints tables and writes bench/results/snapshots.md and snapshots.json. Exits
 * with 1 where a client's write waited longer than 50 ms in the median round. Needs root, but with `--alone`: that
 * leaves the replicated volumes out.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { manySnapshots, snapshotCosts } from './lib/many-snapshots.ts';
import { type PauseRound, pauseRounds } from './lib/snapshot-pause.ts';
import { median, percentile } from './lib/statistics.ts';

const NETWORK = 82;
const GIB = 2 ** 30;
const MIB = 2 ** 20;
const LIMIT_MS = 50;
const COST_ROUNDS = 100;
const COST_CHANGES = 20;
const RESULTS = join(import.meta.dirname, 'results');

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '20' },
    count: { type: 'string', default: '1000' },
    alone: { type: 'boolean', default: false },
  },
});
const [rounds, count] = [whole('--rounds', values.rounds), whole('--count', values.count)];

const lines: string[] = [];
/** As soon as it is known: all of it takes some minutes. */
function tell(...more: readonly string[]): void {
  lines.push(...more, '');
  console.log(`${more.join('\n')}\n`);
}

const pauses: { readonly size: string; readonly rounds: readonly PauseRound[] }[] = [];
for (const [size, sizeBytes] of values.alone
  ? []
  : ([
      ['1 GiB', GIB],
      ['1 TiB', 1024 * GIB],
    ] as const))
  pauses.push({ size, rounds: await pauseRounds({ network: NETWORK, sizeBytes, rounds }) });
if (!values.alone)
  tell(
    `Snapshots of a busy volume with two copies, ${String(rounds)} each, 400 writes of 4 KiB a second, a flush after each 20:`,
    '',
    '| volume | call, median | call, longest | slowest write, median | slowest write, longest | without a snapshot, median | without, longest |',
    `|${' --- |'.repeat(7)}`,
    ...pauses.map(({ size, rounds: of }) => {
      const cells = (['callMs', 'slowestMs', 'slowestBeforeMs'] as const).flatMap((key) => {
        const found = of.map((round) => round[key]);
        return [ms(median(found)), ms(Math.max(...found))];
      });
      return `| ${[size, ...cells].join(' | ')} |`;
    }),
  );

const costs = await snapshotCosts([0, 1, 8, 64, count], {
  rounds: COST_ROUNDS,
  changes: COST_CHANGES,
});
tell(
  'A write and a read of 4 KiB in a region that is the volume’s own, and one snapshot more, in the store alone:',
  '',
  '| snapshots | write, median | p99 | read, median | p99 | take | list | compare | delete |',
  `|${' --- |'.repeat(9)}`,
  ...costs.map(({ snapshots, writes, reads, takes, lists, diffs, deletes }) => {
    const accesses = [writes, reads].flatMap((of) => {
      const sorted = of.toSorted((x, y) => x - y);
      return [`${median(sorted).toFixed(2)} us`, `${percentile(sorted, 99).toFixed(2)} us`];
    });
    const changes = [takes, lists, diffs, deletes].map((of) => `${median(of).toFixed(2)} ms`);
    return `| ${[String(snapshots), ...accesses, ...changes].join(' | ')} |`;
  }),
);

const many = await manySnapshots(count, GIB);
tell(
  `${String(count)} snapshots of one volume of 1 GiB, a region written before each:`,
  '',
  '| what | median | p99 | longest |',
  '| --- | --- | --- | --- |',
  ...(['takes', 'lists', 'deletes'] as const).map((key) => {
    const sorted = many[key].toSorted((a, b) => a - b);
    return `| ${key} | ${ms(median(sorted))} | ${ms(percentile(sorted, 99))} | ${ms(Math.max(...sorted))} |`;
  }),
  '',
  `opened again in ${ms(many.openMs)}; ${(many.residentBytes / MIB).toFixed(1)} MiB of memory; all merged after the last delete ${many.settleMs === undefined ? 'NOT within a minute' : `in ${ms(many.settleMs)}`}`,
);
const slowest = pauses.map(({ rounds: of }) => median(of.map(({ slowestMs }) => slowestMs)));
const isShort = slowest.every((value) => value <= LIMIT_MS);
if (!values.alone)
  tell(`a snapshot holds a write for at most ${String(LIMIT_MS)} ms: ${isShort ? 'yes' : 'NO'}`);
const machine = `${String(cpus().length)} x ${cpus()[0]?.model ?? ''}, ${String(Math.round(totalmem() / GIB))} GiB, Linux ${release()}, Node ${process.version}`;
const text = `# Snapshots\n\n${machine}, ${new Date().toISOString()}\n\n${lines.join('\n')}\n`;
mkdirSync(RESULTS, { recursive: true });
writeFileSync(join(RESULTS, 'snapshots.md'), text);
writeFileSync(
  join(RESULTS, 'snapshots.json'),
  `${JSON.stringify({ machine, pauses, costs, many }, null, 2)}\n`,
);
if (!isShort) process.exitCode = 1;

function whole(option: string, value: string): number {
  const number = Number(value);
  if (Number.isInteger(number) && number >= 1) return number;
  throw new Error(`${option} is ${value}; allowed: a whole number from 1`);
}

function ms(value: number): string {
  return `${value.toFixed(1)} ms`;
}
