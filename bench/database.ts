/**
 * `npm run bench:database [-- --rounds N] [--seconds N] [--only lockstep,nbdkit]`: pgbench on PostgreSQL over a
 * replicated volume of an installation; over QEMU's quorum of two copies, a volume with one copy, and nbdkit, with the
 * same attach driver, file system and settings; and straight on the machine's disk. In turn within each round; one is
 * under load at a time. Prints a table and writes bench/results/database.md and database.json. Exits with 1 where the
 * replicated volume stays below 0.9 of nbdkit's transactions per second. Needs root.
 */
import { parseArgs } from 'node:util';
import { engines } from './lib/database/engines.ts';
import { report } from './lib/database/report.ts';
import { type Measured, measure, type Plan } from './lib/database/rounds.ts';
import { roundHead, roundRow } from './lib/database/summary.ts';

const GIB = 2 ** 30;
const SCALE = 20;
const CLIENTS = 8;
const SIZE_BYTES = 2 * GIB;

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '30' },
    only: { type: 'string', default: engines.map(({ name }) => name).join(',') },
  },
});
const plan: Plan = {
  engines: chosen(values.only.split(',')),
  scale: SCALE,
  clients: CLIENTS,
  rounds: whole('--rounds', values.rounds),
  seconds: whole('--seconds', values.seconds),
  sizeBytes: SIZE_BYTES,
};

const measured: Measured[] = [];
for await (const one of measure(plan, console.log)) {
  if (measured.length === 0) console.log(roundHead().join('\n'));
  measured.push(one);
  console.log(roundRow(one));
}
if (!(await report(plan, measured))) process.exitCode = 1;

function chosen(names: readonly string[]): Plan['engines'] {
  const unknown = names.find((name) => !engines.some((engine) => engine.name === name));
  if (unknown !== undefined)
    throw new Error(`--only is ${unknown}; allowed: ${engines.map(({ name }) => name).join(', ')}`);
  return engines.filter(({ name }) => names.includes(name));
}

function whole(option: string, value: string): number {
  const number = Number(value);
  if (Number.isInteger(number) && number >= 1) return number;
  throw new Error(`${option} is ${value}; allowed: a whole number from 1`);
}
