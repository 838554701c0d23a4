/** Which way of attaching this host gets. */
import { access } from 'node:fs/promises';
import { LockstepError } from '../sys/errors.ts';
import { KernelAttach } from './attach-kernel.ts';
import { QemuAttach } from './attach-qemu.ts';
import { tryCommand } from './commands.ts';
import type { AttachDriver } from './drivers.ts';
import { DEVICE_COMMAND_TIMEOUT_MS } from './limits.ts';
import type { ProcessSupervisor } from './processes.ts';

export interface AttachOptions {
  readonly stateDir: string;
  readonly processes: ProcessSupervisor;
  /** Absent: qemu-storage-daemon. The kernel's driver has to be asked for, until it can hold I/O as this one does. */
  readonly prefer?: AttachDriver['name'];
}

export async function chooseAttachDriver(options: AttachOptions): Promise<AttachDriver> {
  if (options.prefer !== 'kernel-nbd') return new QemuAttach(options);
  if (await kernelHasNbd()) return new KernelAttach(options);
  throw new LockstepError(
    'FAILED_PRECONDITION',
    "this host's kernel has no nbd driver and none can be loaded",
    {
      reason: 'NO_KERNEL_NBD',
    },
  );
}

export async function kernelHasNbd(): Promise<boolean> {
  if (await exists('/sys/module/nbd')) return true;
  try {
    await tryCommand('modprobe', ['nbd'], { timeoutMs: DEVICE_COMMAND_TIMEOUT_MS });
  } catch {
    // A host without modprobe has no modules either.
  }
  return exists('/sys/module/nbd');
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
