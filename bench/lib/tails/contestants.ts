/** Who is measured: this build with some flags of Node's, and the peers with two copies. */
import { readFileSync, statSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { BareVolume, PRIMARY, SECONDARY, VOLUME } from '../bare-volume.ts';
import { quorumNbdkit, quorumQemuNbd } from '../speed/peers.ts';
import type { Served, Setup, StartOptions } from '../speed/setup.ts';
import { type Garbage, garbageOf, TRACE_FLAGS } from './gc-log.ts';

export interface Contestant {
  readonly name: string;
  start(options: StartOptions): Promise<Running>;
}

export interface Running extends Served {
  /** From now on. */
  watchGarbage(): () => readonly (readonly [host: string, garbage: Garbage])[];
  /** Resident memory of the primary's daemon, in bytes. */
  residentBytes(): Promise<number | undefined>;
}

const FIRST_NETWORK = 94;
const IN_SYNC_MS = 120_000;
/** The snapshot that the second copy was made from is merged behind it. */
const MERGE_MS = 1000;

export const peers: readonly Contestant[] = [quorumNbdkit, quorumQemuNbd].map((setup) => ({
  name: setup.title,
  start: (options) => startPeer(setup, options),
}));

/** `index`: of several at a time. */
export function lockstep(index: number, nodeFlags: readonly string[] = []): Contestant {
  return {
    name: ['Lockstep', ...nodeFlags].join(' '),
    start: ({ sizeBytes }) => startLockstep(FIRST_NETWORK + index, nodeFlags, sizeBytes),
  };
}

async function startPeer(setup: Setup, options: StartOptions): Promise<Running> {
  const served = await setup.start(options);
  return { ...served, watchGarbage: () => () => [], residentBytes: () => Promise.resolve(undefined) };
}

async function startLockstep(
  network: number,
  nodeFlags: readonly string[],
  sizeBytes: number,
): Promise<Running> {
  const volume = await BareVolume.start({ network, sizeBytes, nodeFlags: [...nodeFlags, ...TRACE_FLAGS] });
  try {
    await volume.inSync(IN_SYNC_MS);
    await sleep(MERGE_MS);
  } catch (error) {
    await volume.destroy();
    throw error;
  }
  return {
    target: { uri: `nbd+unix:///${VOLUME}?socket=${volume.socketPath}` },
    stop: () => volume.destroy(),
    watchGarbage: () => {
      const logs = [PRIMARY, SECONDARY].map((host) => {
        const path = volume.installation.host(host).log;
        return { host, path, from: statSync(path).size };
      });
      return () =>
        logs.map(({ host, path, from }) => {
          const log = readFileSync(path).subarray(from).toString();
          return [host, garbageOf(log)] as const;
        });
    },
    residentBytes: () => volume.residentBytes(PRIMARY),
  };
}
