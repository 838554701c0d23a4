/**
 * `npm run bench:memory`: what the store keeps in memory of a volume of 1 TiB, and how long it takes to open: with
 * nothing written, with every region in a map, with 64 snapshots. Each case in a process of its own, which looks at
 * every page of the maps. Prints a table and writes bench/results/memory.md and memory.json. Exits with 1 where the
 * maps take more than 64 MiB. No bytes of regions are written but for the snapshots' 4 KiB writes: the full maps are
 * written into their files by the product's own code for them, over data that is one hole.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { memoryCase, type MemoryCaseName } from './lib/store-memory.ts';

const MIB = 2 ** 20;
const GIB = 2 ** 30;
const LIMIT_BYTES = 64 * MIB;
const RESULTS = join(import.meta.dirname, 'results');

const cases: readonly (readonly [MemoryCaseName, string])[] = [
  ['empty', 'nothing written'],
  ['full', 'every region in the map of the head'],
  ['unflushed', 'the same, of a process that died before its first flush'],
  ['snapshots', '64 snapshots, 250 writes all over the volume before each'],
];
const results = cases.map(([name, what]) => ({ what, ...memoryCase(name) }));
const mapsBytes = results.map(({ used }) => used.heapBytes + used.externalBytes);
const isSmall = mapsBytes.every((bytes) => bytes <= LIMIT_BYTES);
const lines = [
  'A volume of 1 TiB, more than before it was opened, after a collection of garbage:',
  '',
  '| volume | opened in | heap | external | resident | all maps looked at in | heap | external | resident |',
  `|${' --- |'.repeat(9)}`,
  ...results.map(({ what, openMs, opened, useMs, used }) => {
    const cells = [opened, used].map((one) =>
      [one.heapBytes, one.externalBytes, one.residentBytes].map(mebibytes).join(' | '),
    );
    return `| ${what} | ${openMs.toFixed(0)} ms | ${String(cells[0])} | ${useMs.toFixed(0)} ms | ${String(cells[1])} |`;
  }),
  '',
  `heap and external of the maps are at most ${mebibytes(LIMIT_BYTES)}: ${isSmall ? 'yes' : 'NO'}`,
];
const machine = `${String(cpus().length)} x ${cpus()[0]?.model ?? ''}, ${String(Math.round(totalmem() / GIB))} GiB, Linux ${release()}, Node ${process.version}`;
const text = `# Memory of the maps\n\n${machine}, ${new Date().toISOString()}\n\n${lines.join('\n')}\n`;
mkdirSync(RESULTS, { recursive: true });
writeFileSync(join(RESULTS, 'memory.md'), text);
writeFileSync(join(RESULTS, 'memory.json'), `${JSON.stringify({ machine, results }, null, 2)}\n`);
console.log(text);
if (!isSmall) process.exitCode = 1;

function mebibytes(bytes: number): string {
  return `${(bytes / MIB).toFixed(1)} MiB`;
}
