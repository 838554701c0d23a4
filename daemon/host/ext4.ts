/** ext4 on an attached volume. All of it runs in child processes: see commands.ts. */
import { mkdir } from 'node:fs/promises';
import { LockstepError } from '../sys/errors.ts';
import { commandFailed, runCommand, tryCommand } from './commands.ts';
import type { FileSystemDriver } from './drivers.ts';
import {
  DEVICE_COMMAND_TIMEOUT_MS,
  MAKE_FILE_SYSTEM_TIMEOUT_MS,
  MOUNT_TIMEOUT_MS,
  UNMOUNT_TIMEOUT_MS,
} from './limits.ts';
import { deviceNumberOf, listMounts, mountAt } from './mounts.ts';

/** blkid's exit status when it finds nothing that it knows. */
const NOTHING_FOUND = 2;

/**
 * nodiscard: a new volume is empty, and discarding all of it would be one more pass over the link.
 * lazy_*=0: inode tables and journal are zeroed now, as a few "write zeroes" that cost nothing, rather than by the
 * kernel in the background, as writes in the first minutes of the database. -m 0: nobody but the engine writes here.
 * -b 4096: mke2fs takes 1024 for small volumes, and a page of the engine would be eight blocks.
 */
const MAKE = ['-q', '-b', '4096', '-m', '0', '-E', 'nodiscard,lazy_itable_init=0,lazy_journal_init=0'];

/**
 * errors=remount-ro: after a failed write the engine must not go on as if nothing were, and the host must not panic.
 * nodiscard: freed blocks are not discarded one by one in the commit path. Barriers are on by default, and stay on.
 */
const MOUNT = 'noatime,nodiscard,errors=remount-ro,nosuid,nodev';

export const ext4: FileSystemDriver = {
  type: 'ext4',

  async make(device) {
    const found = await signatureOf(device);
    if (found['TYPE'] === 'ext4') return;
    if (Object.keys(found).length > 0) throw foreignContent(device, found);
    // mke2fs writes the superblock last: a device where it was cut off has none and is made again.
    await runCommand('mkfs.ext4', [...MAKE, device], { timeoutMs: MAKE_FILE_SYSTEM_TIMEOUT_MS });
  },

  async mount(device, mountPoint) {
    const number = await deviceNumberOf(device);
    const present = await mountAt(mountPoint);
    if (present === undefined) {
      await mkdir(mountPoint, { recursive: true, mode: 0o711 });
      await runCommand('mount', ['-t', 'ext4', '-o', MOUNT, device, mountPoint], {
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
      throw new LockstepError('UNAVAILABLE', `the file system on ${device} is not writable after its mount`, {
        reason: 'READ_ONLY',
        metadata: { device, mount_point: mountPoint },
      });
  },

  async unmount(mountPoint, { force }) {
    while (await isMounted(mountPoint)) {
      const args = force ? ['--lazy', mountPoint] : [mountPoint];
      const result = await tryCommand('umount', args, { timeoutMs: UNMOUNT_TIMEOUT_MS });
      if (result.status !== 0 && (await isMounted(mountPoint))) throw commandFailed('umount', args, result);
    }
  },
};

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
