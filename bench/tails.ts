/**
 * `npm run bench:tails [-- --seconds N] [--rounds N] [--only WORK,WORK] [--flags FLAGS[;FLAGS]...] [--alone]`: p50, p99,
 * p99.9 and the longest of 4k writes with two copies at depth 1 and 16, beside the peers', and what the collection of
 * garbage has to do with it: pauses, and bytes allocated for a request. With `--flags` this build once with each of these
 * sets of Node's flags, to compare them; with `--alone` without the peers. Prints tables and writes bench/results/tails.md
 * and tails.json. Exits with 1 where p99.9 at depth 16 is more than 6 times the median. Needs fio, and root.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { watchInterruption } from './lib/interruption.ts';
import { chosenWorks, type Work } from './lib/speed/works.ts';
import { median } from './lib/statistics.ts';
import { lockstep, peers } from './lib/tails/contestants.ts';
import { type Tail, tailRounds } from './lib/tails/tail-rounds.ts';

const GIB = 2 ** 30;
const MIB = 2 ** 20;
const RAMP_SECONDS = 2;
const LIMITED_WORK = 'write4k-qd16';
const LIMIT_RATIO = 6;
const MS_PER_SECOND = 1000;
const RESULTS = join(import.meta.dirname, 'results');

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    rounds: { type: 'string', default: '3' },
    only: { type: 'string', default: 'write4k-qd1,write4k-qd16' },
    flags: { type: 'string', default: '' },
    alone: { type: 'boolean', default: false },
  },
});
const [seconds, rounds] = [whole('--seconds', values.seconds), whole('--rounds', values.rounds)];
const works = chosenWorks(values.only.split(','));
const builds = values.flags.split(';').map((flags, index) =>
  lockstep(
    index,
    flags.split(' ').filter((flag) => flag !== ''),
  ),
);
const contestants = [...builds, ...(values.alone ? [] : peers)];
const results: Tail[] = [];
const plan = {
  works,
  contestants,
  rounds,
  seconds,
  rampSeconds: RAMP_SECONDS,
  sizeBytes: GIB,
  cpus: `0-${String(availableParallelism() - 1)}`,
};
const isInterrupted = watchInterruption();
for await (const tail of tailRounds(plan, console.log)) {
  results.push(tail);
  const { p50, p99, p999, max } = tail.latencyUs;
  const cells = [p50, p99, p999, max].map((value) => value.toFixed(0)).join(' / ');
  console.log(
    `${String(tail.round)} ${tail.work} ${tail.contestant}: ${tail.rate.toFixed(0)} IOPS, ${cells} us`,
  );
  if (isInterrupted()) break;
}
report();

function report(): void {
  const ofBuild = (name: string): readonly Tail[] =>
    results.filter(({ work, contestant }) => work === LIMITED_WORK && contestant === name);
  const ratios = builds
    .map(({ name }) => median(ofBuild(name).map(({ latencyUs }) => latencyUs.p999 / latencyUs.p50)))
    .filter((ratio) => !Number.isNaN(ratio));
  const isShort = ratios.some((ratio) => ratio <= LIMIT_RATIO);
  const lines = [
    `A volume of ${String(plan.sizeBytes / GIB)} GiB with two copies, ${String(seconds)} s a run, medians of ${String(rounds)} rounds, the longest of all.`,
    ...works.flatMap((work) => ['', `${work.title}:`, '', ...latencyTable(work), '', ...garbageTable(work)]),
    ...(ratios.length === 0
      ? []
      : [
          '',
          `p99.9 at depth 16 is at most ${String(LIMIT_RATIO)} times the median: ${isShort ? 'yes' : 'NO'}`,
        ]),
  ];
  const machine = `${String(cpus().length)} x ${cpus()[0]?.model ?? ''}, ${String(Math.round(totalmem() / GIB))} GiB, Linux ${release()}, Node ${process.version}`;
  const text = `# Tails\n\n${machine}, ${new Date().toISOString()}\n\n${lines.join('\n')}\n`;
  mkdirSync(RESULTS, { recursive: true });
  writeFileSync(join(RESULTS, 'tails.md'), text);
  writeFileSync(join(RESULTS, 'tails.json'), `${JSON.stringify({ machine, seconds, results }, null, 2)}\n`);
  console.log(`\n${text}`);
  if (ratios.length > 0 && !isShort) process.exitCode = 1;
}

function latencyTable(work: Work): readonly string[] {
  return [
    '| who | IOPS | p50 | p99 | p99.9 | longest | p99.9 / p50 |',
    `|${' --- |'.repeat(7)}`,
    ...contestants.map(({ name }) => {
      const of = resultsOf(work, name);
      const middle = (value: (tail: Tail) => number): number => median(of.map(value));
      const cells = [
        middle(({ rate }) => rate).toFixed(0),
        us(middle(({ latencyUs }) => latencyUs.p50)),
        us(middle(({ latencyUs }) => latencyUs.p99)),
        us(middle(({ latencyUs }) => latencyUs.p999)),
        us(Math.max(...of.map(({ latencyUs }) => latencyUs.max))),
        middle(({ latencyUs }) => latencyUs.p999 / latencyUs.p50).toFixed(1),
      ];
      return `| ${[name, ...cells].join(' | ')} |`;
    }),
  ];
}

function garbageTable(work: Work): readonly string[] {
  return [
    '| daemon | collections a second | full ones | paused, ms a second | longest pause | bytes allocated a request | resident |',
    `|${' --- |'.repeat(7)}`,
    ...builds.flatMap(({ name }) => {
      const of = resultsOf(work, name);
      const hosts = of[0]?.garbage.map(([host]) => host) ?? [];
      return hosts.map((host, index) => {
        const all = of.flatMap(({ garbage, rate }) =>
          garbage.filter(([of]) => of === host).map(([, one]) => ({ ...one, rate })),
        );
        const ranSeconds = seconds + RAMP_SECONDS;
        const [resident] = index > 0 ? [] : of.map(({ residentBytes }) => residentBytes ?? Number.NaN);
        const cells = [
          (median(all.map(({ collections }) => collections)) / ranSeconds).toFixed(1),
          (median(all.map(({ full }) => full)) / ranSeconds).toFixed(2),
          (median(all.map(({ pausedMs }) => pausedMs)) / ranSeconds).toFixed(1),
          `${Math.max(...all.map(({ longestMs }) => longestMs)).toFixed(1)} ms`,
          median(all.map(({ allocatedBytes, rate }) => allocatedBytes / ranSeconds / rate)).toFixed(0),
          resident === undefined ? '' : `${(resident / MIB).toFixed(0)} MiB`,
        ];
        return `| ${[`${name}, ${host}`, ...cells].join(' | ')} |`;
      });
    }),
  ];
}

function resultsOf(work: Work, name: string): readonly Tail[] {
  return results.filter((tail) => tail.work === work.name && tail.contestant === name);
}

function us(value: number): string {
  return value < MS_PER_SECOND ? `${value.toFixed(0)} us` : `${(value / MS_PER_SECOND).toFixed(2)} ms`;
}

function whole(option: string, value: string): number {
  const number = Number(value);
  if (Number.isInteger(number) && number >= 1) return number;
  throw new Error(`${option} is ${value}; allowed: a whole number from 1`);
}
