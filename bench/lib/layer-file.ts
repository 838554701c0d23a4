/** The one file that has all bytes of a volume, for those who compare copies behind the daemons' backs. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const POLL_MS = 50;
/** After a seed its layer is emptied into the one below, at 8 MiB a second and more. */
const LIMIT_MS = 60_000;

/**
 * Waits until the volume has one layer, which holds all of it; rejects where that takes too long. From there on the
 * path stays good as long as nobody takes a snapshot.
 */
export async function layerFile(stateDir: string, volume: string, limitMs = LIMIT_MS): Promise<string> {
  const folder = join(stateDir, 'layers');
  const endMs = performance.now() + limitMs;
  for (;;) {
    const names = (await readdir(folder)).filter((name) => volumeOf(name) === volume);
    const [only] = names;
    // A map beside it: it does not hold all, or is just becoming the only one.
    if (only?.endsWith('.data') === true && names.length === 1) return join(folder, only);
    if (performance.now() > endMs)
      throw new Error(`${volume} has not one layer after ${String(limitMs)} ms: ${names.join(', ')}`);
    await sleep(POLL_MS);
  }
}

/** Of `<volume>.<number>.data`, `.map` or `.sums`; checksums stand beside a file that holds all, too. */
function volumeOf(name: string): string | undefined {
  return /^(?<volume>.+)\.[0-9]+\.(?:data|map)$/.exec(name)?.groups?.['volume'];
}
