/** Are two copies of a volume the same, byte for byte? Asked while the file system is frozen, so that they rest. */
import { execFile } from 'node:child_process';
import { open, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { Installation } from './installation.ts';
import { layerFile } from './layer-file.ts';

const run = promisify(execFile);
const CHUNK_BYTES = 4 * 1024 * 1024;
/** What is in flight when the freeze answers has long arrived by then. */
const SETTLE_MS = 100;

/** Offset of the first difference, or undefined. */
export async function firstDifference(
  installation: Installation,
  primary: string,
  hosts: readonly [string, string] = ['host-a', 'host-b'],
): Promise<number | undefined> {
  const mountPoint = await mountPointOf(installation, primary);
  const [a, b] = await Promise.all(hosts.map((id) => dataFile(installation, id)));
  await run('fsfreeze', ['--freeze', mountPoint]);
  try {
    await sleep(SETTLE_MS);
    return await compare(a ?? '', b ?? '');
  } finally {
    await run('fsfreeze', ['--unfreeze', mountPoint]);
  }
}

export async function mountPointOf(installation: Installation, host: string): Promise<string> {
  const { stateDir } = installation.host(host);
  const mounts = (await readFile('/proc/self/mounts', 'utf8')).split('\n').map((line) => line.split(' '));
  const found = mounts.find(([, point]) => point?.startsWith(`${stateDir}/mnt/`));
  if (found?.[1] === undefined) throw new Error(`${host} has no file system mounted`);
  return found[1];
}

async function dataFile(installation: Installation, host: string): Promise<string> {
  const { stateDir } = installation.host(host);
  const [volume] = await readdir(join(stateDir, 'volumes'));
  return layerFile(stateDir, volume ?? '');
}

async function compare(left: string, right: string): Promise<number | undefined> {
  await using a = await open(left);
  await using b = await open(right);
  const [ofA, ofB] = [Buffer.alloc(CHUNK_BYTES), Buffer.alloc(CHUNK_BYTES)];
  for (let at = 0; ; at += CHUNK_BYTES) {
    const [fromA, fromB] = await Promise.all([
      a.read(ofA, 0, CHUNK_BYTES, at),
      b.read(ofB, 0, CHUNK_BYTES, at),
    ]);
    if (fromA.bytesRead !== fromB.bytesRead) return at + Math.min(fromA.bytesRead, fromB.bytesRead);
    if (fromA.bytesRead === 0) return undefined;
    const [x, y] = [ofA.subarray(0, fromA.bytesRead), ofB.subarray(0, fromB.bytesRead)];
    if (!x.equals(y)) return at + x.findIndex((byte, index) => byte !== y[index]);
  }
}
