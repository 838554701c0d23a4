/**
 * Attaches a volume by the kernel's nbd driver, with Debian's nbd-client.
 *
 * NOT TESTED: written where no kernel with the driver was at hand; the tests in a guest are to come. nbd-client 3.24
 * cannot set the driver's dead-connection timeout (NBD_ATTR_DEAD_CONN_TIMEOUT of its netlink interface), so I/O that
 * meets a restart of our daemon may get EIO before -persist has connected again, which the interface rules out. So
 * detect.ts takes this driver only where it is asked for by name.
 */
import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { LockstepError } from '../sys/errors.ts';
import { runCommand, tryCommand } from './commands.ts';
import type { AttachDriver, AttachTarget } from './drivers.ts';
import { readRecord, writeRecord } from './durable.ts';
import { DEVICE_COMMAND_TIMEOUT_MS, RECONNECT_DELAY_S, UNMOUNT_TIMEOUT_MS } from './limits.ts';
import { deviceNumberOf, deviceSizeBytes, listMounts } from './mounts.ts';

const PROGRAM = 'nbd-client';
const SYS_BLOCK = '/sys/block';

export class KernelAttach implements AttachDriver {
  readonly name = 'kernel-nbd';
  readonly packages = { 'nbd-client': "nbd-client attaches volumes by the kernel's nbd driver" };
  private readonly stateDir: string;

  constructor(options: { readonly stateDir: string }) {
    this.stateDir = options.stateDir;
  }

  async attach({ volume, nbdSocket }: AttachTarget): Promise<string> {
    const present = await this.deviceOf(volume);
    if (present !== undefined) return present;
    const device = await freeDevice();
    // Written first: a device that was connected and is not in the record could not be told from somebody else's.
    await writeRecord(this.recordPath(volume), device);
    const target = ['-unix', nbdSocket, '-name', volume, device];
    const hold = ['-persist', '-timeout', String(RECONNECT_DELAY_S), '-nonetlink', '-systemd-mark'];
    await runCommand(PROGRAM, [...target, ...hold], { timeoutMs: DEVICE_COMMAND_TIMEOUT_MS });
    return device;
  }

  /** nbd-client tells the driver a size once, when it connects. */
  async grow({ volume, sizeBytes }: AttachTarget): Promise<string> {
    const device = await this.deviceOf(volume);
    const number = device === undefined ? undefined : await deviceNumberOf(device);
    if (device !== undefined && number !== undefined && (await deviceSizeBytes(number)) === sizeBytes)
      return device;
    throw new LockstepError(
      'FAILED_PRECONDITION',
      `volume ${volume} is attached by the kernel's nbd driver, which keeps the size that it had`,
      {
        reason: 'GROWTH_NEEDS_ATTACH',
        metadata: { volume, next: 'Stop the database and start it again: it is attached anew then.' },
      },
    );
  }

  async deviceOf(volume: string): Promise<string | undefined> {
    const device = await readRecord(this.recordPath(volume));
    if (typeof device !== 'string') return undefined;
    return (await isConnected(device.replace('/dev/', ''))) ? device : undefined;
  }

  async detach(volume: string, { force }: { readonly force: boolean }): Promise<void> {
    const device = await this.deviceOf(volume);
    if (device !== undefined) {
      if (force) await this.unmountLazily(device);
      await tryCommand(PROGRAM, ['-d', device], { timeoutMs: DEVICE_COMMAND_TIMEOUT_MS });
    }
    await rm(this.recordPath(volume), { force: true });
  }

  async traces(): Promise<readonly string[]> {
    const names = await readdir(join(this.stateDir, 'run')).catch(() => []);
    return names.flatMap((name) => /^nbd-(.+)\.json$/.exec(name)?.slice(1) ?? []);
  }

  private async unmountLazily(device: string): Promise<void> {
    const number = await deviceNumberOf(device);
    for (const mount of await listMounts())
      if (mount.device === number)
        await tryCommand('umount', ['--lazy', mount.mountPoint], { timeoutMs: UNMOUNT_TIMEOUT_MS });
  }

  private recordPath(volume: string): string {
    return join(this.stateDir, 'run', `nbd-${volume}.json`);
  }
}

async function isConnected(name: string): Promise<boolean> {
  // The driver shows a pid while a device is connected.
  return readFile(`${SYS_BLOCK}/${name}/pid`, 'utf8').then(
    () => true,
    () => false,
  );
}

async function freeDevice(): Promise<string> {
  const names = (await readdir(SYS_BLOCK)).filter((name) => /^nbd\d+$/.test(name));
  for (const name of names) if (!(await isConnected(name))) return `/dev/${name}`;
  throw new LockstepError('RESOURCE_EXHAUSTED', 'every nbd device of this host is in use', {
    reason: 'NO_DEVICE',
    metadata: { devices: String(names.length) },
  });
}
