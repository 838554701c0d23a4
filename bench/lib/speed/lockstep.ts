/**
 * This build as it is installed: daemons with control, replication over TCP on loopback, checksums, generations, dirty
 * maps and metrics as they are by default. Nothing in it knows that it is measured.
 */
import { execFile } from 'node:child_process';
import { createServer } from 'node:net';
import { promisify } from 'node:util';
import { daemonOf } from '../../../client/quickstart/daemons.ts';
import { PORTS } from '../../../client/quickstart/plan.ts';
import manifest from '../../../package.json' with { type: 'json' };
import { BareVolume, PRIMARY, SECONDARY, VOLUME } from '../bare-volume.ts';
import type { Served, Setup, StartOptions } from './setup.ts';
import { LOCKSTEP_ONE, LOCKSTEP_TWO } from './summary.ts';

const run = promisify(execFile);
const IN_SYNC_MS = 120_000;
/** Third numbers of the addresses of installations; another run on this machine may have some of them. */
const NETWORKS = { first: 94, last: 110 } as const;
const CONTROL = 'control';
/** A daemon gives its engines this long, and has none here. */
const END_MS = 15_000;

export const lockstepOne = lockstep(1);
export const lockstepTwo = lockstep(2);

interface ServedByDaemons extends Served {
  readonly daemons: readonly Daemon[];
  /** In order, by SIGTERM: each has written what it writes at its end. To be stopped still. */
  endDaemons(): Promise<void>;
}

interface Daemon {
  readonly host: string;
  readonly pid: number;
}

interface Lockstep extends Setup {
  readonly copies: 1 | 2;
}

function lockstep(copies: 1 | 2): Lockstep {
  return {
    name: copies === 1 ? LOCKSTEP_ONE : LOCKSTEP_TWO,
    title: copies === 1 ? 'Lockstep, one copy' : 'Lockstep, two copies',
    copies,
    version: () => Promise.resolve(`lockstep ${manifest.version}, node ${process.version}`),
    start: (options) => startDaemons(copies, options),
  };
}

/** `environment`: of each daemon, beside what it has by itself. */
export async function startDaemons(
  copies: 1 | 2,
  { sizeBytes, cpus }: Pick<StartOptions, 'sizeBytes' | 'cpus'>,
  environment: Readonly<Record<string, string>> = {},
): Promise<ServedByDaemons> {
  const volume = await BareVolume.start({ network: await freeNetwork(), sizeBytes, copies, environment });
  const daemons: Daemon[] = [];
  try {
    if (copies === 2) await volume.inSync(IN_SYNC_MS);
    else await volume.installation.killHost(SECONDARY);
    const hosts = copies === 2 ? [PRIMARY, SECONDARY] : [PRIMARY];
    // A seed's snapshot is merged first: as a volume is most of its life.
    for (const host of hosts) await volume.dataFile(host);
    for (const host of [...hosts, CONTROL]) daemons.push({ host, pid: await pinned(volume, host, cpus) });
  } catch (error) {
    await volume.destroy();
    throw error;
  }
  return {
    target: { uri: `nbd+unix:///${VOLUME}?socket=${volume.socketPath}` },
    daemons,
    endDaemons: async () => {
      for (const { pid } of daemons) process.kill(pid, 'SIGTERM');
      for (const { host } of daemons) {
        const isGone = async (): Promise<boolean> => !(await volume.installation.isRunning(host));
        await volume.installation.until(`the daemon of ${host} has ended`, isGone, END_MS);
      }
    },
    stop: () => volume.destroy(),
  };
}

/** One where nobody listens: daemons of somebody else would be taken for ours. */
async function freeNetwork(): Promise<number> {
  for (let network = NETWORKS.first; network <= NETWORKS.last; network++)
    if (await isFree(`127.0.${String(network)}.10`)) return network;
  throw new Error(`daemons listen in all networks from 127.0.${String(NETWORKS.first)}.0 on`);
}

function isFree(address: string): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => {
      resolve(false);
    });
    server.listen(PORTS.api, address, () => {
      server.close(() => {
        resolve(true);
      });
    });
  });
}

/** Answers its pid. */
async function pinned(volume: BareVolume, host: string, cpus: string): Promise<number> {
  const daemon = await daemonOf(volume.installation.host(host));
  if (daemon === undefined) throw new Error(`the daemon of ${host} does not run`);
  await run('taskset', ['--all-tasks', '--cpu-list', '--pid', cpus, String(daemon.pid)]);
  return daemon.pid;
}
