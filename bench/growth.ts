/**
 * `npm run bench:growth [-- --only memory,start] [--rounds N]`: what grows with the number of volumes, their size and
 * their snapshots, and how fast a copy goes. Writes bench/results/growth.md, growth.json and a chart for each curve; a
 * part that is not measured keeps the result that it has there. Exits with 1 where an aim is missed. Needs root and fio.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { maps } from './lib/growth/maps.ts';
import { memory } from './lib/growth/memory.ts';
import type { Part } from './lib/growth/part.ts';
import { resync } from './lib/growth/resync.ts';
import { snapshots } from './lib/growth/snapshots.ts';
import { start } from './lib/growth/start.ts';
import { throughput } from './lib/growth/throughput.ts';
import { lineChart } from './lib/line-chart.ts';

const GIB = 2 ** 30;
const RESULTS = join(import.meta.dirname, 'results');
const PARTS: readonly Part[] = [memory, maps, throughput, start, snapshots, resync];

const storedSchema = z.record(
  z.string(),
  z.object({
    date: z.string(),
    machine: z.string(),
    rounds: z.number(),
    lines: z.array(z.string()),
    goals: z.array(z.object({ what: z.string(), isReached: z.boolean() })),
    charts: z.array(z.string()),
    data: z.unknown(),
  }),
);
type Stored = z.infer<typeof storedSchema>;

const { values } = parseArgs({
  options: { only: { type: 'string', default: '' }, rounds: { type: 'string', default: '5' } },
});
const rounds = Number(values.rounds);
if (!Number.isInteger(rounds) || rounds < 1)
  throw new Error(`--rounds is ${values.rounds}; allowed: a whole number from 1`);
const chosen = chosenParts(values.only);
const machine = `${String(cpus().length)} x ${cpus()[0]?.model ?? ''}, ${String(Math.round(totalmem() / GIB))} GiB, Linux ${release()}, Node ${process.version}`;

mkdirSync(RESULTS, { recursive: true });
for (const part of chosen) {
  console.log(`\n## ${part.title}`);
  const { lines, goals, charts, data } = await part.measure({ rounds, tell: console.log });
  for (const [name, chart] of Object.entries(charts))
    writeFileSync(join(RESULTS, chartFile(name)), lineChart(chart));
  const stored: Stored = {
    ...storedResults(),
    [part.name]: {
      date: new Date().toISOString(),
      machine,
      rounds,
      lines: [...lines],
      goals: [...goals],
      charts: Object.keys(charts),
      data,
    },
  };
  writeFileSync(join(RESULTS, 'growth.json'), `${JSON.stringify(stored, null, 2)}\n`);
  writeFileSync(
    join(RESULTS, 'growth.md'),
    `# Growth\n\n${PARTS.map((one) => section(one, stored)).join('')}`,
  );
  console.log(`\n${section(part, stored)}`);
  if (goals.some(({ isReached }) => !isReached)) process.exitCode = 1;
}

function chosenParts(only: string): readonly Part[] {
  const names = only === '' ? [] : only.split(',');
  const unknown = names.find((name) => !PARTS.some((part) => part.name === name));
  if (unknown !== undefined)
    throw new Error(`--only is ${unknown}; allowed: ${PARTS.map(({ name }) => name).join(', ')}`);
  return names.length === 0 ? PARTS : PARTS.filter(({ name }) => names.includes(name));
}

function storedResults(): Stored {
  try {
    return storedSchema.parse(JSON.parse(readFileSync(join(RESULTS, 'growth.json'), 'utf8')));
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return {};
    throw error;
  }
}

function section(part: Part, stored: Stored): string {
  const result = stored[part.name];
  if (result === undefined) return '';
  const lines = [
    `## ${part.title}`,
    '',
    `\`npm run bench:growth -- --only ${part.name} --rounds ${String(result.rounds)}\`; ${result.machine}, ${result.date}`,
    '',
    ...result.lines,
    '',
    ...result.charts.flatMap((name) => [`![${part.title}](${chartFile(name)})`, '']),
    ...result.goals.flatMap(({ what, isReached }) => [`${what}: ${isReached ? 'yes' : 'NO'}`, '']),
  ];
  return `${lines.join('\n')}\n`;
}

function chartFile(name: string): string {
  return `growth-${name}.svg`;
}
