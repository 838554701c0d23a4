/**
 * A file system that is frozen holds every write until it is thawed, and has put all on its device that it held in
 * memory: what is taken of the device then needs no repair of its journal. Whatever happens, it is thawed again.
 */
import { runCommand, tryCommand } from './commands.ts';
import { FREEZE_TIMEOUT_MS, THAW_TIMEOUT_MS } from './limits.ts';
import { mountAt } from './mounts.ts';

/** `isFrozen` is false where nothing is mounted, or where it does not come to rest in time. */
export async function whileFrozen<Value>(
  mountPoint: string,
  work: (isFrozen: boolean) => Promise<Value>,
): Promise<Value> {
  if ((await mountAt(mountPoint)) === undefined) return work(false);
  try {
    return await work(await freeze(mountPoint));
  } finally {
    await thaw(mountPoint);
  }
}

/** Also of what a daemon that died has left frozen; nothing where nothing is. */
export async function thaw(mountPoint: string): Promise<void> {
  if ((await mountAt(mountPoint)) === undefined) return;
  // EINVAL: it is not frozen.
  await tryCommand('fsfreeze', ['--unfreeze', mountPoint], { timeoutMs: THAW_TIMEOUT_MS });
}

async function freeze(mountPoint: string): Promise<boolean> {
  try {
    await runCommand('fsfreeze', ['--freeze', mountPoint], { timeoutMs: FREEZE_TIMEOUT_MS });
    return true;
  } catch {
    return false;
  }
}
