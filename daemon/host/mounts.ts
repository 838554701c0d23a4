/**
 * Mounts and loop devices as the kernel lists them. Only what lies below a path of ours is ever acted on: two daemons
 * share this machine's loop devices, and everybody's mounts are in the same table.
 */
import { readdir, readFile } from 'node:fs/promises';
import { SECTOR_BYTES } from './limits.ts';

export interface Mount {
  /** major:minor of what is mounted. */
  readonly device: string;
  readonly mountPoint: string;
  readonly type: string;
  readonly source: string;
  readonly superOptions: readonly string[];
}

/** Parses /proc/PID/mountinfo (proc(5)): six fields, optional ones, a hyphen, three more. */
export function parseMountInfo(text: string): readonly Mount[] {
  return text.split('\n').flatMap((line) => {
    const [left, right] = line.split(' - ');
    const before = left?.split(' ') ?? [];
    const [type, source, options] = right?.split(' ') ?? [];
    const [, , device, , mountPoint] = before;
    if (device === undefined || mountPoint === undefined || type === undefined) return [];
    return [
      {
        device,
        mountPoint: unescape(mountPoint),
        type,
        source: unescape(source ?? ''),
        superOptions: (options ?? '').split(','),
      },
    ];
  });
}

/** The kernel writes space, tab, newline and backslash as octal. */
function unescape(path: string): string {
  return path.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}

export async function listMounts(): Promise<readonly Mount[]> {
  return parseMountInfo(await readFile('/proc/self/mountinfo', 'utf8'));
}

/** The topmost mount on a path, or undefined. */
export async function mountAt(mountPoint: string): Promise<Mount | undefined> {
  return (await listMounts()).findLast((mount) => mount.mountPoint === mountPoint);
}

export interface LoopDevice {
  /** loop7 */
  readonly name: string;
  readonly path: string;
  /** major:minor, as in the mount table. */
  readonly device: string;
  readonly backingFile: string;
}

/** A device without a backing file is free and not listed. */
export async function listLoopDevices(): Promise<readonly LoopDevice[]> {
  const names = (await readdir('/sys/block')).filter((name) => /^loop\d+$/.test(name));
  const found = await Promise.all(names.map(describe));
  return found.filter((loop) => loop !== undefined);
}

async function describe(name: string): Promise<LoopDevice | undefined> {
  try {
    const [backingFile, device] = await Promise.all([
      readFile(`/sys/block/${name}/loop/backing_file`, 'utf8'),
      readFile(`/sys/block/${name}/dev`, 'utf8'),
    ]);
    return { name, path: `/dev/${name}`, device: device.trim(), backingFile: backingFile.replace(/\n$/, '') };
  } catch {
    return undefined;
  }
}

export async function loopDeviceOf(backingFile: string): Promise<LoopDevice | undefined> {
  return (await listLoopDevices()).find((loop) => loop.backingFile === backingFile);
}

/** Of a block device by its major:minor; asks sysfs, so no I/O reaches the device. */
export async function deviceSizeBytes(device: string): Promise<number | undefined> {
  try {
    return Number(await readFile(`/sys/dev/block/${device}/size`, 'utf8')) * SECTOR_BYTES;
  } catch {
    return undefined;
  }
}

/** major:minor of /dev/NAME. */
export async function deviceNumberOf(path: string): Promise<string | undefined> {
  try {
    return (await readFile(`/sys/class/block/${path.replace('/dev/', '')}/dev`, 'utf8')).trim();
  } catch {
    return undefined;
  }
}
