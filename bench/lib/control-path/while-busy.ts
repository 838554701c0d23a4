/** One load at full speed on a volume with two copies, and what the control side answers meanwhile. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { PORTS } from '../../../client/quickstart/plan.ts';
import { type BareVolume, PRIMARY, SECONDARY, VOLUME } from '../bare-volume.ts';
import { fio } from '../speed/fio.ts';
import type { Work } from '../speed/works.ts';
import { told } from '../told.ts';
import type { Answers } from './paced.ts';
import type { Questions } from './prober.ts';
import { between, type Buckets, type Scrape, scrape } from './scrape.ts';

export interface Busy {
  readonly work: string;
  /** Of the load, in the unit of the work. */
  readonly rate: number;
  readonly answers: readonly Answers[];
  /** Of both hosts, to control. */
  readonly heartbeats: Buckets;
  readonly failedHeartbeats: number;
  /** Of the primary, to the secondary. */
  readonly leases: Buckets;
  readonly longestTurnMs: Readonly<Record<string, number>>;
}

const LEAD_MS = 2000;
const TAIL_SECONDS = 2;
const RAMP_SECONDS = 1;
/** The prober connects and asks once before it begins. */
const PROBER_START_SECONDS = 1;
const MS_PER_SECOND = 1000;
const DAEMONS = [PRIMARY, SECONDARY, 'control'];
const HERE = import.meta.dirname;

/** `zone` is what control's responder answers for. */
export async function whileBusy(
  volume: BareVolume,
  work: Work,
  { seconds, cpus, zone }: { readonly seconds: number; readonly cpus: string; readonly zone: string },
): Promise<Busy> {
  const { installation } = volume;
  const url = (host: string): string =>
    `http://${installation.host(host).address}:${String(PORTS.metrics)}/metrics`;
  const target = { uri: `nbd+unix:///${VOLUME}?socket=${volume.socketPath}` };
  await using echo = await child('echo-server.ts');
  const port = (await told(echo.process)) as number;
  await using prober = await child('prober.ts');
  const loadSeconds = LEAD_MS / MS_PER_SECOND + PROBER_START_SECONDS + seconds + TAIL_SECONDS - RAMP_SECONDS;
  const load = fio(work, target, {
    seconds: loadSeconds,
    rampSeconds: RAMP_SECONDS,
    sizeBytes: volume.sizeBytes,
    cpus,
  });
  // Its failure is told below; until then it must not count as one that nobody handles.
  load.catch(() => undefined);
  await sleep(LEAD_MS);
  const before = await scrapes(url);
  const questions: Questions = {
    seconds,
    dns: { host: installation.host('control').address, port: installation.plan.dnsPort, name: `ns.${zone}` },
    metricsUrl: url(PRIMARY),
    agent: `${installation.host(PRIMARY).address}:${String(PORTS.api)}`,
    volume: VOLUME,
    echoUrl: `http://127.0.0.1:${String(port)}/`,
  };
  prober.process.send(questions);
  const answers = (await told(prober.process)) as readonly Answers[];
  const after = await scrapes(url);
  const { rate } = await load;
  const grown = (key: 'heartbeats' | 'leases'): Buckets =>
    between(
      DAEMONS.map((host) => [before.get(host)?.[key] ?? new Map(), after.get(host)?.[key] ?? new Map()]),
    );
  const failed = (of: ReadonlyMap<string, Scrape>): number =>
    [...of.values()].reduce((sum, { failedHeartbeats }) => sum + failedHeartbeats, 0);
  return {
    work: work.title,
    rate,
    answers,
    heartbeats: grown('heartbeats'),
    failedHeartbeats: failed(after) - failed(before),
    leases: grown('leases'),
    longestTurnMs: Object.fromEntries(
      // The prober's scrapes begin the primary's measurement anew each time.
      [...after]
        .filter(([host]) => host !== PRIMARY)
        .map(([host, { longestTurnMs }]) => [host, longestTurnMs]),
    ),
  };
}

async function scrapes(url: (host: string) => string): Promise<ReadonlyMap<string, Scrape>> {
  return new Map(await Promise.all(DAEMONS.map(async (host) => [host, await scrape(url(host))] as const)));
}

async function child(file: string): Promise<{ readonly process: ChildProcess } & AsyncDisposable> {
  const process = fork(join(HERE, file), { detached: true, execArgv: [] });
  await once(process, 'spawn');
  return {
    process,
    [Symbol.asyncDispose]: async () => {
      if (process.exitCode !== null || process.signalCode !== null) return;
      const ended = once(process, 'exit');
      process.kill('SIGKILL');
      await ended;
    },
  };
}
