/**
 * This build as it is installed: daemons with control, replication over TCP on loopback, checksums, generations, dirty
 * maps and metrics as they are by default. Nothing in it knows that it is measured.
 */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { daemonOf } from '../../../client/quickstart/daemons.ts';
import { BareVolume, PRIMARY, SECONDARY, VOLUME } from '../bare-volume.ts';
import type { Served, Setup, StartOptions } from './setup.ts';

const run = promisify(execFile);
const IN_SYNC_MS = 120_000;
/** Of the installations; others on this machine take others. */
const NETWORKS = { 1: 94, 2: 95 } as const;

export const lockstepOne = lockstep(1);
export const lockstepTwo = lockstep(2);

function lockstep(copies: 1 | 2): Setup {
  return {
    name: `lockstep-${String(copies)}`,
    title: copies === 1 ? 'Lockstep, one copy' : 'Lockstep, two copies',
    copies,
    version: () => Promise.resolve(`lockstep, node ${process.version}`),
    start: (options) => serve(copies, options),
  };
}

async function serve(copies: 1 | 2, { sizeBytes, cpus }: StartOptions): Promise<Served> {
  const volume = await BareVolume.start({ network: NETWORKS[copies], sizeBytes, copies });
  try {
    if (copies === 2) await volume.inSync(IN_SYNC_MS);
    else await volume.installation.killHost(SECONDARY);
    for (const host of copies === 2 ? [PRIMARY, SECONDARY] : [PRIMARY]) {
      // A seed's snapshot is merged first: as a volume is most of its life.
      await volume.dataFile(host);
      await pin(volume, host, cpus);
    }
    await pin(volume, 'control', cpus);
  } catch (error) {
    await volume.destroy();
    throw error;
  }
  return {
    target: { uri: `nbd+unix:///${VOLUME}?socket=${volume.socketPath}` },
    stop: () => volume.destroy(),
  };
}

async function pin(volume: BareVolume, host: string, cpus: string): Promise<void> {
  const daemon = await daemonOf(volume.installation.host(host));
  if (daemon === undefined) throw new Error(`the daemon of ${host} does not run`);
  await run('taskset', ['--all-tasks', '--cpu-list', '--pid', cpus, String(daemon.pid)]);
}
