/** Our daemons under load with V8's profiler on: for each of them a CPU profile and its flame graph. */
import { execFile } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';
import { busyShare, clipped, type CpuProfile, nameOf, placeOf, selfTimes } from './cpu-profile.ts';
import { fill, fio, type FioOptions } from './fio.ts';
import { flameGraph } from './flame-graph.ts';
import { startDaemons } from './lockstep.ts';
import type { Setup } from './setup.ts';
import { withSpinners } from './spinners.ts';
import { rateText, table } from './tables.ts';
import type { Work } from './works.ts';

const run = promisify(execFile);
const ROOT = realpathSync(join(import.meta.dirname, '..', '..', '..'));
const INTERVAL_US = 500;
const US_PER_S = 1e6;
const NS_PER_US = 1000;
const TOP = 15;
/** A daemon that does less is not what limits anything: its functions are not listed. */
const LEAST_BUSY = 0.05;
/** Of a thread: CPU.date.time.pid.thread.count.cpuprofile. */
const FILE = /^CPU\.\d+\.\d+\.(\d+)\.(\d+)\.\d+\.cpuprofile$/;
const MAIN_THREAD = '0';

const profileSchema = z.object({
  nodes: z.array(
    z.looseObject({
      id: z.number(),
      callFrame: z.looseObject({ functionName: z.string(), url: z.string(), lineNumber: z.number() }),
      children: z.array(z.number()).optional(),
    }),
  ),
  startTime: z.number(),
  endTime: z.number(),
  samples: z.array(z.number()),
  timeDeltas: z.array(z.number()),
});

export interface ProfilePlan extends FioOptions {
  readonly works: readonly Work[];
  /** Of our own. */
  readonly setups: readonly Setup[];
  /** Where the files are left. */
  readonly out: string;
}

interface Loaded {
  readonly work: Work;
  readonly rate: number;
  /** Microseconds of the monotonic clock, as V8's. */
  readonly fromUs: number;
  readonly toUs: number;
}

interface ThreadProfile {
  /** The host, and the thread where it is not the main one. */
  readonly name: string;
  readonly profile: CpuProfile;
}

export async function profileAll(
  plan: ProfilePlan,
  tell: (what: string) => void,
  print: (text: string) => void,
): Promise<void> {
  mkdirSync(plan.out, { recursive: true });
  for (const setup of plan.setups) {
    tell(`starting ${setup.title}, profiled`);
    const { loads, threads } = await profiled(setup, plan, tell);
    for (const load of loads) {
      print(`## ${load.work.title} (${load.work.name}), ${setup.title}\n`);
      print(`${rateText(load.rate, load.work.unit)} while it was profiled, which slows it.\n`);
      for (const thread of threads) print(left(load, setup, thread, plan.out));
    }
  }
}

async function profiled(
  setup: Setup,
  plan: ProfilePlan,
  tell: (what: string) => void,
): Promise<{ readonly loads: readonly Loaded[]; readonly threads: readonly ThreadProfile[] }> {
  const folder = mkdtempSync(join(tmpdir(), 'lockstep-profile-'));
  await using running = new AsyncDisposableStack();
  running.defer(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  const flags = ['--cpu-prof', `--cpu-prof-dir=${folder}`, `--cpu-prof-interval=${String(INTERVAL_US)}`];
  const served = await startDaemons(setup.copies === 2 ? 2 : 1, plan, { NODE_OPTIONS: flags.join(' ') });
  running.defer(() => served.stop());
  await fill(served.target, plan);
  const loads: Loaded[] = [];
  for (const work of plan.works) {
    tell(`${work.name} on ${setup.title}`);
    await run('sync');
    plan.signal?.throwIfAborted();
    const { rate } = await withSpinners(work.needsSpinners, () => fio(work, served.target, plan), plan.cpus);
    const toUs = monotonicUs();
    loads.push({ work, rate, fromUs: toUs - plan.seconds * US_PER_S, toUs });
  }
  await served.endDaemons();
  const hosts = new Map(served.daemons.map(({ host, pid }) => [String(pid), host]));
  return { loads, threads: threadProfiles(folder, hosts) };
}

function threadProfiles(folder: string, hosts: ReadonlyMap<string, string>): readonly ThreadProfile[] {
  const found = readdirSync(folder).flatMap((file) => {
    const [, pid = '', thread = ''] = FILE.exec(file) ?? [];
    const host = hosts.get(pid);
    if (host === undefined) return [];
    const name = thread === MAIN_THREAD ? host : `${host}-thread-${thread}`;
    return [{ name, profile: profileSchema.parse(JSON.parse(readFileSync(join(folder, file), 'utf8'))) }];
  });
  for (const host of hosts.values())
    if (!found.some(({ name }) => name === host)) throw new Error(`the daemon of ${host} left no profile`);
  return found.toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

/** Leaves the files of one thread under one load; answers what is to be said of it. */
function left(load: Loaded, setup: Setup, { name, profile }: ThreadProfile, out: string): string {
  const part = clipped(profile, load.fromUs, load.toUs);
  const busy = busyShare(part);
  const title = `${load.work.name} on ${setup.title}: ${name}, busy ${percent(busy)} of the time`;
  const path = join(out, `${load.work.name}-${setup.name}-${name}`);
  writeFileSync(`${path}.cpuprofile`, JSON.stringify(part));
  writeFileSync(`${path}.svg`, flameGraph(part, title, ROOT));
  const head = `### ${name}: busy ${percent(busy)} of the time; ${path}.cpuprofile and .svg\n`;
  if (busy < LEAST_BUSY) return head;
  const times = selfTimes(part);
  const allUs = times.reduce((sum, { us }) => sum + us, 0);
  const rows = times
    .slice(0, TOP)
    .map(({ frame, us }) => [`${nameOf(frame)} ${placeOf(frame, ROOT)}`.trim(), percent(us / allUs)]);
  return `${head}\n${table(['function', 'itself'], rows).join('\n')}\n`;
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}

function monotonicUs(): number {
  return Number(process.hrtime.bigint()) / NS_PER_US;
}
