/**
 * `npm run bench:cold [-- --gib N] [--rounds N] [--seconds N] [--only SCENE]`: how long a client's hot writes at depth 1 take beside what
 * keeps a disk busy: cold reads at random (depth 16), a large discard, the deletion of a snapshot. Two copies. Prints a
 * table and writes bench/results/cold.md and cold.json. Exits with 1 where the writer's p99 is three times what it is
 * alone, or the replica left its service. Needs root, and twice the volume's size of disk.
 */
import { mkdirSync, statfsSync, writeFileSync } from 'node:fs';
import { cpus, release, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { BareVolume } from './lib/bare-volume.ts';
import { type ColdPlan, ColdRounds, type Latency, type Measured, type Scene } from './lib/cold-rounds.ts';
import { median } from './lib/statistics.ts';

const NETWORK = 87;
const GIB = 2 ** 30;
const IN_SYNC_MS = 120_000;
const FULL_GIB = 20;
const SMALL_GIB = 8;
/** Free, for the full size: two copies, and what else is written. */
const ROOMY_GIB = 60;
const LIMIT = 3;
const RESULTS = join(import.meta.dirname, 'results');

const { values } = parseArgs({
  options: {
    gib: { type: 'string' },
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '3' },
    only: { type: 'string', multiple: true, default: [] },
  },
});
const { bavail, bsize } = statfsSync(tmpdir());
const freeGib = Math.floor((bavail * bsize) / GIB);
const gib = whole('--gib', values.gib ?? String(freeGib >= ROOMY_GIB ? FULL_GIB : SMALL_GIB));
const rounds = whole('--rounds', values.rounds);
const plan: ColdPlan = {
  rounds,
  seconds: whole('--seconds', values.seconds),
  discardBytes: Math.min(2, Math.floor((gib - 2) / rounds) || 0.5) * GIB,
  snapshotBytes: GIB,
  floorBytes: 2 * GIB,
};

const NAMES = ['reads', 'hot', 'floor', 'deletion', 'discard'] as const;
const unknown = values.only.find((name) => !NAMES.some((known) => known === name));
if (unknown !== undefined) throw new Error(`--only is ${unknown}; allowed: ${NAMES.join(', ')}`);

const measured: Measured[] = [];
const volume = await BareVolume.start({ network: NETWORK, sizeBytes: gib * GIB });
try {
  await volume.inSync(IN_SYNC_MS);
  console.log(`${String(freeGib)} GiB are free: a volume of ${String(gib)} GiB, filled, no spinners`);
  const scenes = await ColdRounds.fill(volume, plan);
  // What is discarded cannot be read cold any more: last.
  const all = {
    reads: () => scenes.coldReads(),
    hot: () => scenes.hotReads(),
    floor: () => scenes.floor(),
    deletion: (round: number) => scenes.deletion(round),
    discard: (round: number) => scenes.discard(round),
  };
  for (const name of NAMES)
    for (let round = 0; round < rounds; round++)
      if (values.only.length === 0 || values.only.includes(name)) tell(await all[name](round));
} finally {
  await volume.destroy();
}
report();

function tell(one: Measured): void {
  measured.push(one);
  console.log(
    `${one.scene}: p99 ${us(one.alone.p99Us)} alone, ${us(one.beside.p99Us)} beside ${one.what}; ${one.states.join(', ')}`,
  );
}

function report(): void {
  const scenes = [...new Set(measured.map(({ scene }) => scene))];
  const rows = scenes.map((scene) => rowOf(scene));
  const states = new Set(measured.flatMap((one) => one.states));
  const stayed = [...states].every((state) => state === 'SERVING');
  const longest = Math.max(...measured.map(({ longestAnswerMs }) => longestAnswerMs));
  const isLevel = rows.every(({ ratio, isFloor }) => isFloor || ratio < LIMIT);
  const machine = `${String(cpus().length)} x ${cpus()[0]?.model ?? ''}, ${String(Math.round(totalmem() / GIB))} GiB, Linux ${release()}, Node ${process.version}`;
  const text = `# Beside cold reads, discards and deletions

${machine}, ${new Date().toISOString()}

4 KiB writes to 64 MiB of hot blocks at depth 1, two copies of ${String(gib)} GiB; medians of ${String(rounds)} rounds, in each of which the writer is measured alone and then beside. No spinners: they take time from the virtual disk.

| beside | p50 alone | p50 beside | p99 alone | p99 beside | ratio of p99 | longest alone | longest beside | what |
|${' --- |'.repeat(9)}
${rows.map(({ cells }) => `| ${cells.join(' | ')} |`).join('\n')}

Hot reads show what the processors make of it, the plain file what the disk does. Of the others, p99 below ${String(LIMIT)} times what it is alone: ${isLevel ? 'yes' : 'NO'}. The primary was ${[...states].join(', ')} whenever it was asked, and answered within ${longest.toFixed(0)} ms.
`;
  console.log(`\n${text}`);
  mkdirSync(RESULTS, { recursive: true });
  writeFileSync(join(RESULTS, 'cold.md'), text);
  writeFileSync(join(RESULTS, 'cold.json'), `${JSON.stringify({ machine, gib, plan, measured }, null, 2)}\n`);
  if (!isLevel || !stayed) process.exitCode = 1;
}

interface Row {
  readonly cells: readonly string[];
  readonly ratio: number;
  readonly isFloor: boolean;
}

function rowOf(scene: Scene): Row {
  const of = measured.filter((one) => one.scene === scene);
  const middle = (side: 'alone' | 'beside', key: keyof Latency): number =>
    median(of.map((one) => one[side][key]));
  const ratio = median(of.map(({ alone, beside }) => beside.p99Us / alone.p99Us));
  const latencies = (['p50Us', 'p99Us'] as const).flatMap((key) => [
    middle('alone', key),
    middle('beside', key),
  ]);
  const longest = [middle('alone', 'maxUs'), middle('beside', 'maxUs')];
  const cells = [scene, ...latencies.map(us), ratio.toFixed(2), ...longest.map(us), of[0]?.what ?? ''];
  return { cells, ratio, isFloor: scene === 'cold reads of a plain file' || scene === 'hot reads' };
}

function us(value: number): string {
  return value < 1000 ? `${value.toFixed(0)} us` : `${(value / 1000).toFixed(1)} ms`;
}

function whole(option: string, value: string): number {
  const number = Number(value);
  if (Number.isInteger(number) && number >= 1) return number;
  throw new Error(`${option} is ${value}; allowed: a whole number from 1`);
}
