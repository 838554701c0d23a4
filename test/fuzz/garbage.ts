/** Memory that is in use, told from memory that nobody has collected yet. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Memory } from './tally.ts';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

export async function memoryInUse(): Promise<Memory> {
  // Buffers are freed a turn after what held them.
  for (let turn = 0; turn < 3; turn++) {
    collect();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const { heapUsed, heapTotal, external, rss } = process.memoryUsage();
  // On a busy machine the collector makes itself more and more room, all of it free now.
  return { heapBytes: heapUsed + external, residentBytes: rss - (heapTotal - heapUsed) };
}
