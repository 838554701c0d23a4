/**
 * `npm run bench:control [-- --seconds N] [--only WORK,WORK]`: what the control side answers while a volume with two
 * copies runs flat out: heartbeats of hosts to control, the lease that the primary asks of the secondary, DNS queries,
 * scrapes of the busy primary's /metrics, calls of its API. Beside them a bare HTTP server on the same processors, which
 * tells what the machine adds by itself. Prints tables and writes bench/results/control.md and control.json. Exits with 1
 * where a p99 is not below 20 ms. Needs fio, and root.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { BareVolume, VOLUME } from './lib/bare-volume.ts';
import { boundMs, type Buckets, countOf } from './lib/control-path/scrape.ts';
import { type Busy, whileBusy } from './lib/control-path/while-busy.ts';
import { watchInterruption } from './lib/interruption.ts';
import { fill } from './lib/speed/fio.ts';
import { chosenWorks } from './lib/speed/works.ts';
import { percentile } from './lib/statistics.ts';

const NETWORK = 93;
const GIB = 2 ** 30;
const LIMIT_MS = 20;
const IN_SYNC_MS = 60_000;
/** As a configuration without one has it. */
const ZONE = 'db.lockstep.internal';
const RESULTS = join(import.meta.dirname, 'results');

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '20' },
    only: { type: 'string', default: 'write4k-qd64,write128k-qd8,fsync4k-qd16' },
  },
});
const seconds = Number(values.seconds);
if (!Number.isInteger(seconds) || seconds < 1)
  throw new Error(`--seconds is ${values.seconds}; allowed: a whole number from 1`);
const works = chosenWorks(values.only.split(','));

interface Row {
  readonly what: string;
  readonly samples: number;
  readonly p50: string;
  readonly p99Ms: number;
  readonly p99: string;
  readonly longest: string;
  readonly failures: string;
  readonly isOurs: boolean;
}

const volume = await BareVolume.start({ network: NETWORK, sizeBytes: GIB });
const found: Busy[] = [];
const isInterrupted = watchInterruption();
try {
  await volume.inSync(IN_SYNC_MS);
  const processors = `0-${String(availableParallelism() - 1)}`;
  const target = { uri: `nbd+unix:///${VOLUME}?socket=${volume.socketPath}` };
  await fill(target, { sizeBytes: volume.sizeBytes, cpus: processors });
  for (const work of works) {
    if (isInterrupted()) break;
    found.push(await whileBusy(volume, work, { seconds, cpus: processors, zone: ZONE }));
  }
} finally {
  await volume.destroy();
}
report();

function report(): void {
  const rows = found.map((busy) => rowsOf(busy));
  const late = rows
    .flat()
    .filter(({ isOurs, p99Ms, failures }) => isOurs && (!(p99Ms <= LIMIT_MS) || failures !== ''));
  const lines = [
    `A volume of ${String(volume.sizeBytes / GIB)} GiB with two copies, ${String(seconds)} s a load. Latencies count from when a question was due.`,
    'Of heartbeats and leases the daemons keep histograms: what is told is the upper bound of the bucket.',
    ...found.flatMap((busy, index) => [
      '',
      `${busy.work}, ${busy.rate.toFixed(0)} a second (MB/s for 128k):`,
      '',
      '| what | samples | p50 | p99 | longest | failed |',
      `|${' --- |'.repeat(6)}`,
      ...(rows[index] ?? []).map(
        ({ what, samples, p50, p99, longest, failures }) =>
          `| ${[what, String(samples), p50, p99, longest, failures].join(' | ')} |`,
      ),
      '',
      `longest delay of a turn of the event loop: ${Object.entries(busy.longestTurnMs)
        .map(([host, ms]) => `${host} ${ms.toFixed(1)} ms`)
        .join(', ')}`,
    ]),
    '',
    `every p99 is below ${String(LIMIT_MS)} ms, and nothing failed: ${late.length === 0 ? 'yes' : 'NO'}`,
  ];
  const machine = `${String(cpus().length)} x ${cpus()[0]?.model ?? ''}, ${String(Math.round(totalmem() / GIB))} GiB, Linux ${release()}, Node ${process.version}`;
  const text = `# Control beside a busy volume\n\n${machine}, ${new Date().toISOString()}\n\n${lines.join('\n')}\n`;
  mkdirSync(RESULTS, { recursive: true });
  writeFileSync(join(RESULTS, 'control.md'), text);
  const plain = found.map(({ heartbeats, leases, ...rest }) => ({
    ...rest,
    heartbeats: [...heartbeats],
    leases: [...leases],
  }));
  writeFileSync(
    join(RESULTS, 'control.json'),
    `${JSON.stringify({ machine, seconds, found: plain }, null, 2)}\n`,
  );
  console.log(text);
  if (late.length > 0) process.exitCode = 1;
}

function rowsOf({ answers, heartbeats, failedHeartbeats, leases }: Busy): readonly Row[] {
  const asked = answers.map(({ name, latenciesMs, failures }, index): Row => {
    const sorted = latenciesMs.toSorted((a, b) => a - b);
    const p99Ms = percentile(sorted, 99);
    return {
      what: name,
      samples: sorted.length,
      p50: ms(percentile(sorted, 50)),
      p99Ms,
      p99: ms(p99Ms),
      longest: ms(sorted.at(-1) ?? Number.NaN),
      failures: failures.count === 0 ? '' : `${String(failures.count)}: ${failures.first}`,
      isOurs: index < answers.length - 1,
    };
  });
  return [
    observed('heartbeat, host to control', heartbeats, failedHeartbeats),
    observed('lease, primary to secondary', leases, 0),
    ...asked,
  ];
}

function observed(what: string, buckets: Buckets, failed: number): Row {
  const bound = (percent: number): string => `at most ${boundMs(buckets, percent).toFixed(1)} ms`;
  return {
    what,
    samples: countOf(buckets),
    p50: bound(50),
    p99Ms: boundMs(buckets, 99),
    p99: bound(99),
    longest: bound(100),
    failures: failed === 0 ? '' : String(failed),
    isOurs: true,
  };
}

function ms(value: number): string {
  return `${value.toFixed(2)} ms`;
}
