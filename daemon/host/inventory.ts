/** What there is of volumes on this host, wherever it came from: records, processes, mounts, devices. Changes nothing. */
import { join } from 'node:path';
import { ENGINES } from '../engines/registry.ts';
import type { AttachDriver } from './drivers.ts';
import { listLoopDevices, listMounts } from './mounts.ts';
import { argumentsOf, livingProcesses, withDescendants } from './proc.ts';
import { COMMAND_NAME_BYTES, containsPath, type ProcessSupervisor } from './processes.ts';
import type { HostRecords } from './records.ts';

export interface FoundProcess {
  readonly name: string;
  readonly pid: number;
  /** Empty: it cannot be told. */
  readonly volume: string;
  readonly alive: boolean;
}

export interface HostInventory {
  /** With their records, dead ones among them, and living ones that have none. */
  readonly processes: readonly FoundProcess[];
  readonly mounts: readonly {
    readonly mountPoint: string;
    readonly source: string;
    readonly volume: string;
  }[];
  /** `device` empty: only a file of an attach is left. */
  readonly devices: readonly { readonly device: string; readonly volume: string }[];
  /** `engine` empty: it is attached, without one. */
  readonly records: readonly { readonly volume: string; readonly engine: string }[];
}

export interface InventoryParts {
  readonly stateDir: string;
  readonly driver: AttachDriver;
  readonly records: HostRecords;
  readonly processes: ProcessSupervisor;
}

/** Programs that the daemon starts: a shell of a person that looks at a path of ours is none of our business. */
const OUR_PROGRAMS: ReadonlySet<string> = new Set([
  'qemu-storage-da',
  ...ENGINES.flatMap(({ programs }) => programs).map((name) => name.slice(0, COMMAND_NAME_BYTES)),
]);
const DELETED = / ?\(deleted\)$/;

export async function takeInventory(parts: InventoryParts): Promise<HostInventory> {
  const recorded = await parts.records.list();
  const [processes, mounts, devices] = await Promise.all([
    findProcesses(parts),
    findMounts(parts.stateDir),
    findDevices(parts),
  ]);
  const records = recorded.map(({ volume, engine }) => ({ volume, engine: engine?.engine ?? '' }));
  return { processes, mounts, devices, records };
}

/** The folders in which each volume has one entry of its name. */
const foldersOf = (stateDir: string): readonly string[] => [join(stateDir, 'mnt'), join(stateDir, 'attach')];

/** The volume that a path below the state folder belongs to. */
function volumeAt(stateDir: string, path: string): string | undefined {
  const folder = foldersOf(stateDir).find((candidate) => path.startsWith(`${candidate}/`));
  return folder === undefined ? undefined : path.slice(folder.length + 1).split('/')[0];
}

async function findMounts(stateDir: string): Promise<HostInventory['mounts']> {
  return (await listMounts()).flatMap(({ mountPoint, source }) => {
    const volume = volumeAt(stateDir, mountPoint);
    return volume === undefined ? [] : [{ mountPoint, source, volume }];
  });
}

async function findDevices({ stateDir, driver }: InventoryParts): Promise<HostInventory['devices']> {
  const loops = (await listLoopDevices()).flatMap(({ path, backingFile }) => {
    const volume = volumeAt(stateDir, backingFile.replace(DELETED, ''));
    return volume === undefined ? [] : [{ device: path, volume }];
  });
  const known = new Set(loops.map(({ volume }) => volume));
  const traces = (await driver.traces()).filter((volume) => !known.has(volume));
  const others = traces.map(async (volume) => ({ device: (await driver.deviceOf(volume)) ?? '', volume }));
  return [...loops, ...(await Promise.all(others))];
}

async function findProcesses({ stateDir, processes }: InventoryParts): Promise<readonly FoundProcess[]> {
  const recorded = (await processes.list()).map(({ name, pid, alive }) => {
    const [, volume = ''] = /^(?:attach|engine)-(.+)$/.exec(name) ?? [];
    return { name, pid, alive, volume };
  });
  return [...recorded, ...(await findUnrecorded(stateDir, recorded))];
}

/** A daemon that was killed between a fork and its record leaves a child that only its arguments tell of. */
async function findUnrecorded(
  stateDir: string,
  recorded: readonly FoundProcess[],
): Promise<readonly FoundProcess[]> {
  const living = await livingProcesses();
  const roots = recorded.filter(({ alive }) => alive).map(({ pid }) => pid);
  const known = new Set(withDescendants(roots, living).map(({ pid }) => pid));
  const ours = living.filter(({ pid, command }) => !known.has(pid) && OUR_PROGRAMS.has(command));
  const found = await Promise.all(
    ours.map(async ({ pid, command }) => {
      const named = (await argumentsOf(pid)).filter((argument) =>
        foldersOf(stateDir).some((folder) => containsPath(argument, folder)),
      );
      if (named.length === 0) return [];
      const volumes = named.flatMap((argument) => volumeIn(stateDir, argument) ?? []);
      return [{ name: command, pid, volume: volumes[0] ?? '', alive: true }];
    }),
  );
  return found.flat();
}

/** Of an option such as `type=fuse,mountpoint=/state/attach/orders,writable=on`. */
function volumeIn(stateDir: string, argument: string): string | undefined {
  const start = argument.indexOf(`${stateDir}/`);
  return start < 0 ? undefined : volumeAt(stateDir, argument.slice(start).split(/[,\s]/)[0] ?? '');
}
