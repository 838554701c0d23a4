/**
 * `npm run bench [-- --only WORK,WORK --setups NAME,NAME --rounds N --seconds N --size-mib N --cpus LIST --out FOLDER]`:
 * this build beside the peers that are installed, in turn within each round (docs/performance.md). Prints a table for each
 * work. A whole run of at least three rounds writes bench/results/speed.md, speed.json and speed.svg; `--out` has any run
 * write them there. Exits with 1 where an aim is missed, 2 where it was asked for what it cannot do, 130 where it was
 * stopped. With `--profile` it leaves CPU profiles and flame graphs of our daemons instead. Needs root and fio.
 */
import { join } from 'node:path';
import { availableCpus, thisMachine } from './lib/speed/machine.ts';
import { type Options, optionsOf, UsageError } from './lib/speed/options.ts';
import { takesPart } from './lib/speed/participants.ts';
import { profileAll } from './lib/speed/profile.ts';
import { requireMachine } from './lib/speed/programs.ts';
import { leave } from './lib/speed/report.ts';
import { type Measured, measure, type Plan } from './lib/speed/rounds.ts';
import { installed, setups as allSetups } from './lib/speed/setups.ts';
import { isReached, LEAST_ROUNDS, LOCKSTEP_ONE, LOCKSTEP_TWO, summarize } from './lib/speed/summary.ts';
import { aboutLines, rateText, rowLines, type Run } from './lib/speed/tables.ts';
import { chosenWorks, type Work, works as allWorks } from './lib/speed/works.ts';

const MIB = 2 ** 20;
const RAMP_SECONDS = 0.5;
/** Between two measurements: fio's start and end, and the disk's. */
const BETWEEN_SECONDS = 1;
const RESULTS = join(import.meta.dirname, 'results');
const CODES = { missed: 1, usage: 2, stopped: 130 } as const;

const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.on(signal, () => {
    if (!stop.signal.aborted) tell(`${signal}: cleaning up`);
    stop.abort();
  });

try {
  const options = optionsOf(process.argv.slice(2), {
    works: allWorks.map(({ name }) => name),
    setups: allSetups.map(({ name }) => name),
    profiled: [LOCKSTEP_TWO, LOCKSTEP_ONE],
    cpus: availableCpus(),
  });
  await requireMachine();
  await (options.profile ? profile(options) : compare(options));
} catch (error) {
  if (stop.signal.aborted) process.exitCode = CODES.stopped;
  else if (error instanceof UsageError) {
    tell(error.message);
    process.exitCode = CODES.usage;
  } else throw error;
}

async function compare(options: Options): Promise<void> {
  const wanted = allSetups.filter(({ name }) => options.setups.includes(name));
  const present = await installed(wanted);
  const setups = present.map(({ setup }) => setup);
  const notInstalled = wanted.filter((setup) => !setups.includes(setup)).map(({ name }) => name);
  if (notInstalled.length > 0) tell(`not installed, and therefore left out: ${notInstalled.join(', ')}`);
  const works = chosenWorks(options.works);
  const plan: Plan = {
    ...loadOf(options),
    works,
    setups,
    rounds: options.rounds,
    takesPart: (work, setup) => options.areSetupsNamed || takesPart(work, setup),
  };
  tell(`about ${String(Math.ceil(minutesOf(plan)))} min`);
  const measured = await measuredBy(plan);
  const run: Run = {
    machine: thisMachine(),
    versions: present.map(({ setup, version }) => ({ setup: setup.name, version })),
    notInstalled,
    date: new Date().toISOString(),
    options,
    rows: summarize(works, setups, measured).filter(({ cells }) => cells.length > 0),
  };
  print([...aboutLines(run), ...run.rows.flatMap((row) => ['', ...rowLines(row, setups)])].join('\n'));
  if (stop.signal.aborted) {
    process.exitCode = CODES.stopped;
    return;
  }
  const folder = options.out ?? (isWhole(options) ? RESULTS : undefined);
  if (folder !== undefined) {
    leave(folder, run, setups, measured);
    tell(`written to ${folder}`);
  }
  if (!isReached(run.rows)) process.exitCode = CODES.missed;
}

/** What there is of it, where it is stopped. */
async function measuredBy(plan: Plan): Promise<readonly Measured[]> {
  const measured: Measured[] = [];
  try {
    for await (const one of measure(plan, tell)) {
      measured.push(one);
      const { round, work, setup, rate } = one;
      const where = `round ${String(round)}/${String(plan.rounds)}`;
      tell(`${where}  ${work.padEnd(14)}  ${setup.padEnd(16)}  ${rateText(rate, unitOf(plan, work))}`);
    }
  } catch (error) {
    if (!stop.signal.aborted || measured.length === 0) throw error;
    tell('stopped: this is what there is');
  }
  return measured;
}

async function profile(options: Options): Promise<void> {
  const setups = allSetups.filter(({ name }) => options.setups.includes(name));
  const out = options.out ?? join(RESULTS, 'profile');
  await profileAll({ ...loadOf(options), works: chosenWorks(options.works), setups, out }, tell, print);
}

function loadOf({
  seconds,
  sizeMib,
  cpus,
}: Options): Pick<Plan, 'seconds' | 'rampSeconds' | 'sizeBytes' | 'cpus' | 'signal'> {
  return { seconds, rampSeconds: RAMP_SECONDS, sizeBytes: sizeMib * MIB, cpus, signal: stop.signal };
}

/** Nothing was left out of it, but what is not installed. */
function isWhole({ isPart, rounds }: Options): boolean {
  return !isPart && rounds >= LEAST_ROUNDS;
}

function minutesOf({ works, setups, takesPart: does, rounds, seconds, rampSeconds }: Plan): number {
  const cells = works.flatMap((work) => setups.filter((setup) => does?.(work, setup) ?? true));
  return (rounds * cells.length * (seconds + rampSeconds + BETWEEN_SECONDS)) / 60;
}

function unitOf({ works }: Plan, name: string): Work['unit'] {
  return works.find((work) => work.name === name)?.unit ?? 'IOPS';
}

function print(text: string): void {
  console.log(text);
}

/** What goes on, apart from the results. */
function tell(text: string): void {
  console.error(text);
}
