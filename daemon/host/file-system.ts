/** File systems on attached volumes. All of it runs in child processes: see commands.ts. */
import { mkdir } from 'node:fs/promises';
import { LockstepError } from '../sys/errors.ts';
import { commandFailed, runCommand, tryCommand } from './commands.ts';
import type { FileSystemDriver } from './drivers.ts';
import {
  DEVICE_COMMAND_TIMEOUT_MS,
  GROW_FILE_SYSTEM_TIMEOUT_MS,
  MAKE_FILE_SYSTEM_TIMEOUT_MS,
  MOUNT_TIMEOUT_MS,
  UNMOUNT_TIMEOUT_MS,
} from './limits.ts';
import { hasCapability } from './capabilities.ts';
import { deviceNumberOf, listMounts, mountAt } from './mounts.ts';

/** blkid's exit status when it finds nothing that it knows. */
const NOTHING_FOUND = 2;

type Command = readonly [program: string, ...args: string[]];

export interface FileSystemFacts {
  readonly type: FileSystemDriver['type'];
  readonly packages: Readonly<Record<string, string>>;
  readonly make: (device: string) => Command;
  readonly mountOptions: string;
  /** While it is mounted; nothing where it is as large already. */
  readonly grow: (device: string, mountPoint: string) => Command;
  /** The number of the capability that the kernel asks for beside CAP_SYS_ADMIN: capabilities(7). */
  readonly growthCapability?: number;
}

export function fileSystem(facts: FileSystemFacts): FileSystemDriver {
  const { type, packages, mountOptions } = facts;
  return {
    type,
    packages,

    async make(device) {
      const found = await signatureOf(device);
      if (found['TYPE'] === type) return;
      if (Object.keys(found).length > 0) throw foreignContent(device, found);
      const [program, ...args] = facts.make(device);
      await runCommand(program, args, { timeoutMs: MAKE_FILE_SYSTEM_TIMEOUT_MS });
    },

    async mount(device, mountPoint) {
      const number = await deviceNumberOf(device);
      const present = await mountAt(mountPoint);
      if (present === undefined) {
        await mkdir(mountPoint, { recursive: true, mode: 0o711 });
        await runCommand('mount', ['-t', type, '-o', mountOptions, device, mountPoint], {
          timeoutMs: MOUNT_TIMEOUT_MS,
        });
      } else if (number === undefined || present.device !== number) {
        throw new LockstepError(
          'FAILED_PRECONDITION',
          `${mountPoint} is a mount of ${present.source}, not of ${device}; unmount that first`,
          { reason: 'MOUNT_POINT_IN_USE', metadata: { mount_point: mountPoint } },
        );
      }
      const now = await mountAt(mountPoint);
      if (now === undefined || now.superOptions.includes('ro'))
        throw new LockstepError(
          'UNAVAILABLE',
          `the file system on ${device} is not writable after its mount`,
          { reason: 'READ_ONLY', metadata: { device, mount_point: mountPoint } },
        );
    },

    async checkGrowth(device) {
      const { growthCapability: needed } = facts;
      if (needed !== undefined && !(await hasCapability(needed))) throw notPermitted(type, device);
    },

    async grow(device, mountPoint) {
      const [program, ...args] = facts.grow(device, mountPoint);
      const result = await tryCommand(program, args, { timeoutMs: GROW_FILE_SYSTEM_TIMEOUT_MS });
      if (result.status === 0) return;
      if (/permission denied|operation not permitted/i.test(result.stderr)) throw notPermitted(type, device);
      throw commandFailed(program, args, result);
    },
  };
}

export async function unmount(mountPoint: string, { force }: { readonly force: boolean }): Promise<void> {
  while (await isMounted(mountPoint)) {
    const args = force ? ['--lazy', mountPoint] : [mountPoint];
    const result = await tryCommand('umount', args, { timeoutMs: UNMOUNT_TIMEOUT_MS });
    if (result.status !== 0 && (await isMounted(mountPoint))) throw commandFailed('umount', args, result);
  }
}

/** Of what blkid sees on the device; undefined where it sees nothing. */
export async function fileSystemTypeOn(device: string): Promise<string | undefined> {
  return (await signatureOf(device))['TYPE'];
}

async function isMounted(mountPoint: string): Promise<boolean> {
  return (await listMounts()).some((mount) => mount.mountPoint === mountPoint);
}

/** What blkid sees on the device by probing it, never from its cache. */
async function signatureOf(device: string): Promise<Readonly<Record<string, string>>> {
  const args = ['-p', '-o', 'export', device];
  const result = await tryCommand('blkid', args, { timeoutMs: DEVICE_COMMAND_TIMEOUT_MS });
  if (result.status === NOTHING_FOUND) return {};
  // Also when it is ambivalent (8), which means that there are several signatures: not ours to write over.
  if (result.status !== 0) throw commandFailed('blkid', args, result);
  const pairs = result.stdout.split('\n').map((line) => line.split('='));
  return Object.fromEntries(
    pairs.flatMap(([key, value]) => (key && value && key !== 'DEVNAME' ? [[key, value]] : [])),
  );
}

function foreignContent(device: string, found: Readonly<Record<string, string>>): LockstepError {
  const kind = found['TYPE'] ?? found['PTTYPE'] ?? 'unknown';
  return new LockstepError(
    'FAILED_PRECONDITION',
    `${device} already holds something (${kind}); nothing is made on it`,
    { reason: 'DEVICE_NOT_EMPTY', metadata: { device, kind } },
  );
}

function notPermitted(type: string, device: string): LockstepError {
  return new LockstepError(
    'FAILED_PRECONDITION',
    `the kernel does not let this daemon make the ${type} on ${device} larger while it is mounted`,
    {
      reason: 'GROWTH_NOT_PERMITTED',
      metadata: {
        device,
        next:
          'For ext4 the daemon needs the capability CAP_SYS_RESOURCE, which containers may lack: give it to the ' +
          'daemon and ask again. Or have new databases on XFS, which needs none: storage.file_system = "xfs".',
      },
    },
  );
}
