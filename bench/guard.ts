/**
 * `npm run bench:guard [-- --rounds N] [--seconds N] [--short]`: against sliding back, in numbers that the machine's speed
 * does not change: bytes that a request allocates, system calls that it makes, and two copies of ours beside nbdkit in the
 * same run. `--short` leaves the last out: that much a test does on every run of CI. Prints a table and writes
 * bench/results/guard.md and guard.json. Exits with 1 where a bound of bench/lib/guard/bounds.ts does not hold. Needs
 * strace for the system calls, and root, fio and nbdkit without `--short`.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { BOUNDS, LEAST_OF_NBDKIT } from './lib/guard/bounds.ts';
import { canTrace, leastAllocated, systemCallsPerRequest } from './lib/guard/measured-pair.ts';
import { lockstepTwo } from './lib/speed/lockstep.ts';
import { nbdkit } from './lib/speed/peers.ts';
import { type Measured, measure } from './lib/speed/rounds.ts';
import { LEAST_ROUNDS } from './lib/speed/summary.ts';
import { chosenWorks } from './lib/speed/works.ts';
import { median } from './lib/statistics.ts';

const GIB = 2 ** 30;
const WORK = 'write4k-qd16';
const RAMP_SECONDS = 1;
const RESULTS = join(import.meta.dirname, 'results');

interface Guarded {
  readonly what: string;
  readonly found: number;
  readonly bound: number;
  /** A bound from above, or from below. */
  readonly side: 'at most' | 'at least';
}

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '5' },
    short: { type: 'boolean', default: false },
  },
});
const rounds = whole('--rounds', values.rounds, LEAST_ROUNDS);
const seconds = whole('--seconds', values.seconds, 1);
const guarded: Guarded[] = [];
const traces = await canTrace();
for (const kind of ['write', 'read'] as const) {
  const { heapBytes, bufferBytes } = await leastAllocated(kind);
  const bounds = BOUNDS[kind];
  guarded.push(
    atMost(`${kind}: bytes on the heap`, heapBytes, bounds.heapBytes),
    atMost(`${kind}: bytes of buffers`, bufferBytes, bounds.bufferBytes),
  );
  if (!traces) continue;
  const calls = [...(await systemCallsPerRequest(kind)).values()];
  const sum = calls.reduce((total, count) => total + count, 0);
  guarded.push(atMost(`${kind}: system calls`, sum, bounds.systemCalls));
}
if (!values.short) guarded.push(await besideNbdkit());
report();

function atMost(what: string, found: number, bound: number): Guarded {
  return { what, found, bound, side: 'at most' };
}

async function besideNbdkit(): Promise<Guarded> {
  const measured: Measured[] = [];
  const plan = {
    works: chosenWorks([WORK]),
    setups: [nbdkit, lockstepTwo],
    rounds,
    seconds,
    rampSeconds: RAMP_SECONDS,
    sizeBytes: GIB,
    cpus: `0-${String(availableParallelism() - 1)}`,
  };
  for await (const one of measure(plan, console.log)) measured.push(one);
  const rateOf = (name: string): number =>
    median(measured.filter(({ setup }) => setup === name).map(({ rate }) => rate));
  return {
    what: `two copies to nbdkit's one, ${WORK}, ${String(rounds)} rounds in turn`,
    found: rateOf(lockstepTwo.name) / rateOf(nbdkit.name),
    bound: LEAST_OF_NBDKIT,
    side: 'at least',
  };
}

function isKept({ found, bound, side }: Guarded): boolean {
  return side === 'at most' ? found <= bound : found >= bound;
}

function report(): void {
  const machine = `${String(cpus().length)} x ${cpus()[0]?.model ?? ''}, ${String(Math.round(totalmem() / GIB))} GiB, Linux ${release()}, Node ${process.version}`;
  const lines = [
    'What a request of 4 KiB costs both replicas together, and how fast it is beside a peer:',
    '',
    '| what | found | bound | kept |',
    '| --- | --- | --- | --- |',
    ...guarded.map((one) => {
      const cells = [one.what, told(one.found), `${one.side} ${told(one.bound)}`, isKept(one) ? 'yes' : 'NO'];
      return `| ${cells.join(' | ')} |`;
    }),
    ...(traces ? [] : ['', 'system calls were not counted: strace is not installed, or may not trace']),
  ];
  const text = `# Guard\n\n${machine}, ${new Date().toISOString()}\n\n${lines.join('\n')}\n`;
  mkdirSync(RESULTS, { recursive: true });
  writeFileSync(join(RESULTS, 'guard.md'), text);
  writeFileSync(join(RESULTS, 'guard.json'), `${JSON.stringify({ machine, guarded }, null, 2)}\n`);
  console.log(`\n${text}`);
  if (!guarded.every(isKept)) process.exitCode = 1;
}

function told(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toFixed(2);
}

function whole(option: string, value: string, least: number): number {
  const number = Number(value);
  if (Number.isInteger(number) && number >= least) return number;
  throw new Error(`${option} is ${value}; allowed: a whole number from ${String(least)}`);
}
