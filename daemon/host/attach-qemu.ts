/**
 * Attaches a volume where the kernel has no nbd driver: qemu-storage-daemon is the NBD client and exports the volume
 * by FUSE onto a regular file of ours, and a loop device with direct I/O makes that file a block device.
 *
 * QEMU's FUSE export before 10.1 reads each request into one buffer per export and, while a write waits to be sent,
 * reads the next request over it: of two writes in flight the first reaches the server with the second one's bytes.
 * Measured with Debian's 7.2.22: of 256 writes of 64 KiB through the loop device 204 were wrong, and a fresh ext4 could
 * not be mounted. So the kernel is told to keep one asynchronous request in flight per export (max_background of
 * fusectl); all that may overlap it are requests that are no longer than the header of a write. With it no byte was
 * wrong. The price: writes wait for each other, about one per round trip to both zones, until QEMU is repaired.
 *
 * A killed qemu-storage-daemon leaves a mount that answers "Transport endpoint is not connected" and a loop device that
 * answers EIO. Both are known by paths below our folder, and cleared in the order file system, loop device, export:
 * once its export is unmounted a loop device no longer tells which file it stood for.
 */
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { LockstepError, messageOf } from '../sys/errors.ts';
import { runCommand, tryCommand } from './commands.ts';
import type { AttachDriver, AttachTarget } from './drivers.ts';
import {
  ATTACH_STOP_GRACE_MS,
  DEVICE_COMMAND_TIMEOUT_MS,
  DEVICE_GONE_TIMEOUT_MS,
  EXPORT_GROWN_POLL_MS,
  EXPORT_GROWN_TIMEOUT_MS,
  EXPORT_UP_TIMEOUT_MS,
  POLL_MS,
  RECONNECT_DELAY_S,
  UNMOUNT_TIMEOUT_MS,
} from './limits.ts';
import {
  deviceSizeBytes,
  listLoopDevices,
  listMounts,
  type LoopDevice,
  loopDeviceOf,
  type Mount,
  mountAt,
} from './mounts.ts';
import { poll } from './poll.ts';
import { type Monitor, withMonitor } from './qmp.ts';
import { type Belongings, logTail, type ProcessSupervisor } from './processes.ts';

const PROGRAM = 'qemu-storage-daemon';
/** Above: more than one and QEMU mixes up what is written. */
const REQUESTS_IN_FLIGHT = '1';
/** Where systemd mounts it. Where nobody has, a child does so in a mount namespace of its own, which ends with it. */
const FUSECTL = '/sys/fs/fuse/connections';
const SET_UNMOUNTED = `mount -t fusectl fusectl ${FUSECTL}; echo ${REQUESTS_IN_FLIGHT} > "$1"; cat "$1"`;

export class QemuAttach implements AttachDriver {
  readonly name = 'qemu-storage-daemon';
  readonly packages = {
    'qemu-system-common': 'qemu-storage-daemon attaches volumes where the kernel has no nbd driver',
    fuse3: 'the volume is exported as a file by FUSE',
    mount: 'losetup makes the exported file a block device',
  };
  private readonly stateDir: string;
  private readonly processes: ProcessSupervisor;

  constructor(options: { readonly stateDir: string; readonly processes: ProcessSupervisor }) {
    this.stateDir = options.stateDir;
    this.processes = options.processes;
  }

  async attach(target: AttachTarget): Promise<string> {
    const present = await this.present(target.volume);
    if (present !== undefined) {
      await this.limitRequests(target.volume);
      return present.path;
    }
    // What a crash or an attach that was cut off has left; nothing of it can hold data that anybody was promised.
    await this.clear(target.volume);
    try {
      return await this.build(target);
    } catch (error) {
      await this.clear(target.volume);
      throw error;
    }
  }

  /**
   * QEMU's NBD client keeps the size that it was told when it connected. So a second connection is made, which is told
   * the new one, and the node that the export stands on is moved over to it: what is in flight ends on the first, what
   * comes goes to the second. Measured: 1 ms. The loop device then takes the size from the file.
   */
  async grow(target: AttachTarget): Promise<string> {
    const { volume, sizeBytes } = target;
    const loop = await this.present(volume);
    if (loop === undefined)
      throw new LockstepError('FAILED_PRECONDITION', `volume ${volume} is not attached to this host`, {
        reason: 'NOT_ATTACHED',
        metadata: { volume },
      });
    if ((await deviceSizeBytes(loop.device)) === sizeBytes) return loop.path;
    await withMonitor(this.monitorSocket(volume), (monitor) => moveToNewConnection(monitor, target));
    await this.waitForFileSize(target);
    await runCommand('losetup', ['--set-capacity', loop.path], { timeoutMs: DEVICE_COMMAND_TIMEOUT_MS });
    await this.checkSize(target, loop.path);
    return loop.path;
  }

  async deviceOf(volume: string): Promise<string | undefined> {
    return (await this.present(volume))?.path;
  }

  async detach(volume: string, options: { readonly force: boolean }): Promise<void> {
    if (options.force || (await this.present(volume)) === undefined) return this.clear(volume);
    const loop = await loopDeviceOf(this.exportFile(volume));
    if (loop !== undefined) {
      const mounted = (await listMounts()).find((mount) => mount.device === loop.device);
      if (mounted !== undefined) throw stillMounted(volume, mounted);
      await this.detachLoop(loop);
    }
    // On SIGTERM it writes back, unmounts the export and closes its connection in order.
    const grace = { signal: 'SIGTERM', graceMs: ATTACH_STOP_GRACE_MS } as const;
    await this.processes.stop(processName(volume), { ...grace, ...this.belongings(volume) });
    await this.clear(volume);
  }

  async traces(): Promise<readonly string[]> {
    return readdir(this.folder).catch(() => []);
  }

  private async build(target: AttachTarget): Promise<string> {
    const { volume } = target;
    const file = this.exportFile(volume);
    await mkdir(this.folder, { recursive: true, mode: 0o700 });
    await writeFile(file, '', { mode: 0o600 });
    await this.processes.start({
      name: processName(volume),
      program: PROGRAM,
      args: qemuArguments(target, { file, monitor: this.monitorSocket(volume) }),
      belongings: this.belongings(volume),
      logFile: this.logFile(volume),
    });
    await this.waitForExport(target);
    const options = { timeoutMs: DEVICE_COMMAND_TIMEOUT_MS };
    // Opening the file also waits until qemu has answered FUSE's first message, which sets max_background.
    const loop = ['--find', '--show', '--direct-io=on', '--sector-size', '512', file];
    const device = (await runCommand('losetup', loop, options)).trim();
    await this.limitRequests(volume);
    await this.checkSize(target, device);
    return device;
  }

  /** The loop device asks the kernel, which asks QEMU again when somebody looks at the file. */
  private async waitForFileSize({ volume, sizeBytes }: AttachTarget): Promise<void> {
    const options = { timeoutMs: DEVICE_COMMAND_TIMEOUT_MS };
    const args = ['--format=%s', this.exportFile(volume)];
    const look = async () =>
      Number(await runCommand('stat', args, options)) >= sizeBytes ? true : undefined;
    await poll(look, { everyMs: EXPORT_GROWN_POLL_MS, timeoutMs: EXPORT_GROWN_TIMEOUT_MS });
  }

  private async waitForExport({ volume, nbdSocket }: AttachTarget): Promise<void> {
    const up = async () => {
      if ((await mountAt(this.exportFile(volume))) !== undefined) return 'up';
      return (await this.processes.isAlive(processName(volume))) ? undefined : 'ended';
    };
    const outcome = await poll(up, { everyMs: POLL_MS, timeoutMs: EXPORT_UP_TIMEOUT_MS });
    if (outcome === 'up') return;
    const tail = (await logTail(this.logFile(volume))).slice(-3).join(' | ');
    throw new LockstepError(
      'UNAVAILABLE',
      `cannot attach volume ${volume} from ${nbdSocket}: ${PROGRAM} ` +
        (outcome === 'ended'
          ? `ended: ${tail}`
          : `had no export after ${String(EXPORT_UP_TIMEOUT_MS)} ms: ${tail}`),
      { reason: 'ATTACH_FAILED', metadata: { volume } },
    );
  }

  private async limitRequests(volume: string): Promise<void> {
    const mount = await mountAt(this.exportFile(volume));
    const connection = mount?.device.split(':')[1];
    try {
      if (connection === undefined) throw new Error('the export is not mounted');
      const now = await setMaxBackground(connection);
      if (now !== REQUESTS_IN_FLIGHT) throw new Error(`max_background stays ${now}`);
    } catch (cause) {
      throw new LockstepError(
        'FAILED_PRECONDITION',
        `cannot limit FUSE to one request in flight for volume ${volume}, without which ${PROGRAM} mixes up writes: ` +
          messageOf(cause),
        { reason: 'FUSE_LIMIT', metadata: { volume }, cause },
      );
    }
  }

  private async checkSize({ volume, sizeBytes }: AttachTarget, device: string): Promise<void> {
    const loop = await loopDeviceOf(this.exportFile(volume));
    const found = loop?.path === device ? await deviceSizeBytes(loop.device) : undefined;
    if (found === sizeBytes) return;
    throw new LockstepError(
      'FAILED_PRECONDITION',
      `the export of volume ${volume} has ${String(found ?? 0)} bytes, its record says ${String(sizeBytes)}`,
      { reason: 'SIZE_MISMATCH', metadata: { volume } },
    );
  }

  /** The loop device, if the process, the export and the device are all there. */
  private async present(volume: string): Promise<LoopDevice | undefined> {
    const file = this.exportFile(volume);
    const [alive, mount, loop] = await Promise.all([
      this.processes.isAlive(processName(volume)),
      mountAt(file),
      loopDeviceOf(file),
    ]);
    return alive && mount !== undefined ? loop : undefined;
  }

  /** Removes whatever there is. The process goes first: with it FUSE fails all I/O, so that nothing below can hang. */
  private async clear(volume: string): Promise<void> {
    const file = this.exportFile(volume);
    const left = await this.processes.killTree(processName(volume), this.belongings(volume));
    const loops = await loopsOf(file);
    for (const mount of await listMounts())
      if (loops.some((loop) => loop.device === mount.device)) await this.unmountLazily(mount.mountPoint);
    for (const loop of loops) await this.detachLoop(loop);
    while ((await mountAt(file)) !== undefined) await this.unmountLazily(file);
    // The file may be a mount point no more, so this is the regular file below it.
    await rm(file, { force: true });
    await rm(this.monitorSocket(volume), { force: true });
    if (left.length > 0)
      throw new LockstepError(
        'UNAVAILABLE',
        `${PROGRAM} of volume ${volume} does not end: pid ${left.join(', ')}`,
        {
          reason: 'PROCESS_STUCK',
          metadata: { volume },
        },
      );
  }

  private async unmountLazily(mountPoint: string): Promise<void> {
    await runCommand('umount', ['--lazy', mountPoint], { timeoutMs: UNMOUNT_TIMEOUT_MS });
  }

  /** A device that is still open goes by itself with its last user; that is waited for, up to a bound. */
  private async detachLoop(loop: LoopDevice): Promise<void> {
    await tryCommand('losetup', ['--detach', loop.path], { timeoutMs: DEVICE_COMMAND_TIMEOUT_MS });
    const gone = async () => {
      const now = await loopDeviceOf(loop.backingFile);
      return now?.name === loop.name ? undefined : true;
    };
    const went = await poll(gone, { everyMs: POLL_MS, timeoutMs: DEVICE_GONE_TIMEOUT_MS });
    if (went === undefined)
      throw new LockstepError('UNAVAILABLE', `${loop.path} is in use and cannot be detached`, {
        reason: 'DEVICE_BUSY',
        metadata: { device: loop.path },
      });
  }

  private belongings(volume: string): Belongings {
    return { programs: [PROGRAM], marker: this.exportFile(volume) };
  }

  private get folder(): string {
    return join(this.stateDir, 'attach');
  }

  private monitorSocket(volume: string): string {
    return join(this.stateDir, 'run', `attach-${volume}.qmp`);
  }

  private exportFile(volume: string): string {
    return join(this.folder, volume);
  }

  private logFile(volume: string): string {
    return join(this.stateDir, 'log', `attach-${volume}.log`);
  }
}

function processName(volume: string): string {
  return `attach-${volume}`;
}

/** What the export stands on; its child is the connection of the day. */
const NODE = 'volume';
const connectionName = ({ sizeBytes }: AttachTarget): string => `connection-${String(sizeBytes)}`;

function connectionNode(target: AttachTarget): object {
  return {
    driver: 'nbd',
    'node-name': connectionName(target),
    server: { type: 'unix', path: target.nbdSocket },
    export: target.volume,
    'reconnect-delay': RECONNECT_DELAY_S,
    discard: 'unmap',
  };
}

function volumeNode(target: AttachTarget): object {
  return { driver: 'raw', 'node-name': NODE, file: connectionName(target), discard: 'unmap' };
}

function qemuArguments(
  target: AttachTarget,
  { file, monitor }: { readonly file: string; readonly monitor: string },
): readonly string[] {
  // Commas in QEMU's option strings are doubled. The mount's permission check leaves the file to root alone.
  const escaped = (path: string): string => path.replaceAll(',', ',,');
  const fuse = `type=fuse,id=volume,node-name=${NODE},mountpoint=${escaped(file)},writable=on,growable=off,allow-other=off`;
  return [
    ...['--chardev', `socket,id=monitor,path=${escaped(monitor)},server=on,wait=off`],
    ...['--monitor', 'chardev=monitor'],
    ...['--blockdev', JSON.stringify(connectionNode(target))],
    ...['--blockdev', JSON.stringify(volumeNode(target))],
    ...['--export', fuse],
  ];
}

const nodesSchema = z.array(
  z.object({ 'node-name': z.string(), image: z.object({ 'virtual-size': z.number() }) }),
);

/** May have been cut off anywhere, and is done again. */
async function moveToNewConnection(monitor: Monitor, target: AttachTarget): Promise<void> {
  const { volume, sizeBytes } = target;
  const name = connectionName(target);
  const nodes = async () => nodesSchema.parse(await monitor('query-named-block-nodes', { flat: true }));
  const before = (await nodes()).map((node) => node['node-name']);
  if (!before.includes(name)) await monitor('blockdev-add', connectionNode(target));
  const size = (await nodes()).find((node) => node['node-name'] === name)?.image['virtual-size'];
  if (size !== sizeBytes) {
    await monitor('blockdev-del', { 'node-name': name });
    throw new LockstepError(
      'FAILED_PRECONDITION',
      `the server of volume ${volume} tells ${String(size)} bytes, its record says ${String(sizeBytes)}`,
      { reason: 'SIZE_MISMATCH', metadata: { volume } },
    );
  }
  await monitor('blockdev-reopen', { options: [volumeNode(target)] });
  for (const old of before)
    if (old.startsWith('connection-') && old !== name) await monitor('blockdev-del', { 'node-name': old });
}

/** Answers what the kernel has then. */
async function setMaxBackground(connection: string): Promise<string> {
  const file = join(FUSECTL, connection, 'max_background');
  const timeout = { timeoutMs: DEVICE_COMMAND_TIMEOUT_MS };
  if ((await mountAt(FUSECTL)) === undefined)
    return (
      await runCommand('unshare', ['--mount', 'sh', '-ceu', SET_UNMOUNTED, 'lockstep', file], timeout)
    ).trim();
  await writeFile(file, REQUESTS_IN_FLIGHT);
  return (await readFile(file, 'latin1')).trim();
}

async function loopsOf(file: string): Promise<readonly LoopDevice[]> {
  return (await listLoopDevices()).filter((loop) => loop.backingFile === file);
}

function stillMounted(volume: string, mount: Mount): LockstepError {
  return new LockstepError(
    'FAILED_PRECONDITION',
    `volume ${volume} is still mounted at ${mount.mountPoint}; unmount it first`,
    { reason: 'STILL_MOUNTED', metadata: { volume, mount_point: mount.mountPoint } },
  );
}
