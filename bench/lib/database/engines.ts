/**
 * The same PostgreSQL, with the settings that the product installs it with, on several kinds of storage: a database of
 * the product, whose volume has two copies; other disks behind the product's own attach driver and file system, which
 * are QEMU's quorum of two copies, a volume of the product with one, and nbdkit; and a folder of this machine.
 */
import { execFile } from 'node:child_process';
import { chmodSync, mkdirSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { PORTS } from '../../../client/quickstart/plan.ts';
import { HostDrivers } from '../../../daemon/host/host.ts';
import { postgresql } from '../../../daemon/engines/postgresql.ts';
import { HostedEngine } from '../../../daemon/host/engine-driver.ts';
import { ProcessSupervisor } from '../../../daemon/host/processes.ts';
import { Installation } from '../installation.ts';
import { layerFile } from '../layer-file.ts';
import { lockstepOne } from '../speed/lockstep.ts';
import { nbdkit, quorumNbdkit } from '../speed/peers.ts';
import type { Target } from '../speed/fio.ts';
import type { Setup } from '../speed/setup.ts';

export interface EngineOptions {
  /** Of its own, empty; the engine's user can pass through it and through all above it. */
  readonly folder: string;
  readonly sizeBytes: number;
}

export interface Address {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly database: string;
  readonly password: string;
}

export interface RunningEngine {
  readonly address: Address;
  /** Processes, mounts and devices, also after a failure. */
  stop(): Promise<void>;
}

export interface MeasuredEngine {
  readonly name: 'lockstep' | 'quorum' | 'lockstep-1' | 'nbdkit' | 'folder';
  readonly title: string;
  start(options: EngineOptions): Promise<RunningEngine>;
}

/** Third numbers of the addresses; other measurements take others. */
const NETWORK = 86;
const ADDRESSES = {
  nbdkit: '127.0.86.20',
  folder: '127.0.86.21',
  quorum: '127.0.86.22',
  'lockstep-1': '127.0.86.23',
} as const;
const DATABASE = 'bench';
const VOLUME = 'bench-volume';
const USER = 'lockstep';
const PASSWORD = 'of a measurement';
const MIB = 2 ** 20;
const PASSABLE = 0o711;
const STORAGE_HOSTS = ['host-a', 'host-b'] as const;
const IN_SYNC_MS = 120_000;

const run = promisify(execFile);
const quiet = { info: () => undefined, warn: () => undefined };

const lockstep: MeasuredEngine = {
  name: 'lockstep',
  title: 'Lockstep, two copies in step',
  async start({ sizeBytes }) {
    const installation = await Installation.start({ network: NETWORK });
    try {
      await installation.createDatabase(DATABASE, { sizeMiB: sizeBytes / MIB });
      const { endpoint } = await installation.inSync(DATABASE, IN_SYNC_MS);
      if (endpoint === undefined) throw new Error(`${DATABASE} has no endpoint`);
      const { password } = await installation.client.databases.claimPassword(DATABASE);
      await settled(installation);
      const { address: host, port, user, database } = endpoint;
      return {
        address: { host, port, user, database, password },
        stop: () => installation.destroy(),
      };
    } catch (error) {
      await installation.destroy();
      throw error;
    }
  },
};

/** `title`: of what the disk is. */
function over(name: Exclude<keyof typeof ADDRESSES, 'folder'>, setup: Setup, title: string): MeasuredEngine {
  return {
    name,
    title: `${title}, same attach and file system`,
    async start({ folder, sizeBytes }) {
      const cpus = `0-${String(availableParallelism() - 1)}`;
      const served = await setup.start({ folder, sizeBytes, cpus });
      const { socket, exported } = exportOf(served.target);
      const stateDir = join(folder, 's');
      const address = ADDRESSES[name];
      const drivers = new HostDrivers({ stateDir, host: name, address, nbdSocket: socket, log: quiet });
      const stop = async (): Promise<void> => {
        try {
          await drivers.releaseAll({ force: true });
        } finally {
          await served.stop();
        }
      };
      const engine = {
        engine: 'postgresql',
        database: DATABASE,
        volume: exported,
        port: PORTS.engine,
        user: USER,
        parameters: {},
        version: '',
      };
      try {
        await drivers.attach(exported, sizeBytes);
        await drivers.makeFileSystem(exported);
        await drivers.mount(exported);
        await drivers.initializeEngine(engine, PASSWORD);
        await drivers.startEngine(engine);
      } catch (error) {
        await stop();
        throw error;
      }
      return { address: addressAt(address), stop };
    },
  };
}

/** nbdkit gives its disk under any name. */
function exportOf(target: Target): { readonly socket: string; readonly exported: string } {
  if (!('uri' in target)) throw new Error('a plain file has no export');
  const { pathname, searchParams } = new URL(target.uri);
  const socket = searchParams.get('socket');
  if (socket === null) throw new Error(`${target.uri} has no socket`);
  return { socket, exported: pathname.slice(1) || VOLUME };
}

const inFolder: MeasuredEngine = {
  name: 'folder',
  title: "a folder on the machine's disk",
  async start({ folder }) {
    const stateDir = join(folder, 's');
    const mountPoint = join(folder, 'data');
    for (const one of [stateDir, mountPoint]) mkdirSync(one, { mode: PASSABLE });
    const processes = new ProcessSupervisor({ runDir: join(stateDir, 'run'), host: 'folder' });
    const driver = new HostedEngine(postgresql, { stateDir, processes });
    const spec = {
      engine: 'postgresql',
      database: DATABASE,
      volume: VOLUME,
      address: ADDRESSES.folder,
      port: PORTS.engine,
      user: USER,
      mountPoint,
      parameters: {},
      version: '',
    };
    // The driver starts no engine where nothing is mounted.
    await run('mount', ['--bind', mountPoint, mountPoint]);
    const stop = async (): Promise<void> => {
      await driver.stop(spec, { kill: true });
      await run('umount', [mountPoint]);
    };
    try {
      await driver.initialize(spec, PASSWORD);
      await driver.start(spec);
    } catch (error) {
      await stop();
      throw error;
    }
    return { address: addressAt(ADDRESSES.folder), stop };
  },
};

export const engines: readonly MeasuredEngine[] = [
  lockstep,
  over('quorum', quorumNbdkit, 'QEMU quorum of two copies'),
  over('lockstep-1', lockstepOne, 'Lockstep, one copy'),
  over('nbdkit', nbdkit, 'nbdkit, one copy'),
  inFolder,
];

/** A folder of its own for each, below one that the engine's user can pass. */
export function folderFor(parent: string, { name }: MeasuredEngine): string {
  chmodSync(parent, PASSABLE);
  const folder = join(parent, name);
  mkdirSync(folder, { mode: PASSABLE });
  return folder;
}

/** A seed's snapshot is merged first: a volume is without one most of its life. */
async function settled(installation: Installation): Promise<void> {
  for (const id of STORAGE_HOSTS) {
    const { stateDir } = installation.host(id);
    const [volume] = await readdir(join(stateDir, 'volumes'));
    if (volume === undefined) throw new Error(`${id} has no volume`);
    await layerFile(stateDir, volume, IN_SYNC_MS);
  }
}

function addressAt(host: string): Address {
  return { host, port: PORTS.engine, user: USER, database: DATABASE, password: PASSWORD };
}
