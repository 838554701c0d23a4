/**
 * What a host leaves in the kernel: mounts and loop devices below its folder. They are read from the kernel itself,
 * and taken away innermost first, so that this works from any half state.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { tryCommand } from '../../daemon/host/commands.ts';
import { listLoopDevices, listMounts, type LoopDevice } from '../../daemon/host/mounts.ts';
import { LockstepError } from '../../daemon/sys/errors.ts';

const COMMAND_TIMEOUT_MS = 20_000;
const MAX_ROUNDS = 20;
/** A device that was in use at its unmount goes when the last user has closed it. */
const ROUND_PAUSE_MS = 100;

export interface Traces {
  /** Mount points, in the order of mounting. */
  readonly mounts: readonly string[];
  readonly loops: readonly LoopDevice[];
}

export async function tracesOf(folder: string): Promise<Traces> {
  const [mounts, loops] = await Promise.all([listMounts(), listLoopDevices()]);
  return {
    mounts: mounts.map((mount) => mount.mountPoint).filter((path) => isBelow(path, folder)),
    loops: loops.filter((loop) => isBelow(loop.backingFile.replace(/ ?\(deleted\)$/, ''), folder)),
  };
}

/**
 * File systems on loop devices go first, then the devices, then the files that the devices were on, which are mounts
 * (FUSE) themselves: without its mount, the kernel no longer tells which file a device is on. Lazily, since the
 * processes behind may be dead: what was not written is lost, as in a crash.
 */
export async function sweep(folder: string): Promise<readonly string[]> {
  const removed = new Set<string>();
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    const { mounts, loops } = await tracesOf(folder);
    if (mounts.length + loops.length === 0) return [...removed];
    const isFile = (path: string): boolean => loops.some((loop) => loop.backingFile === path);
    const innermostFirst = mounts.toReversed();
    for (const path of innermostFirst) if (!isFile(path)) await attempt('umount', ['--lazy', path]);
    for (const loop of loops) await attempt('losetup', ['--detach', loop.path]);
    for (const path of innermostFirst) if (isFile(path)) await attempt('umount', ['--lazy', path]);
    for (const name of [...innermostFirst, ...loops.map((loop) => loop.path)]) removed.add(name);
    await sleep(ROUND_PAUSE_MS);
  }
  const { mounts, loops } = await tracesOf(folder);
  if (mounts.length + loops.length === 0) return [...removed];
  const left = [...mounts, ...loops.map((loop) => loop.path)].join(', ');
  throw new LockstepError('INTERNAL', `still there after ${String(MAX_ROUNDS)} attempts: ${left}`, {
    reason: 'NOT_CLEAN',
  });
}

/** What is gone by itself meanwhile is no failure: the next round looks at what is left. */
async function attempt(program: string, programArguments: readonly string[]): Promise<void> {
  await tryCommand(program, programArguments, { timeoutMs: COMMAND_TIMEOUT_MS }).catch(() => undefined);
}

function isBelow(path: string, folder: string): boolean {
  return path === folder || path.startsWith(`${folder}/`);
}
