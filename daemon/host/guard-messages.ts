/** What a daemon tells the guard of its engines, a line of JSON each, over the Unix socket that the guard listens on. */
import { join } from 'node:path';
import { z } from 'zod';

export const guardMessageSchema = z.discriminatedUnion('kind', [
  /** The process that all of this engine descend from. */
  z.object({ kind: z.literal('engine'), volume: z.string(), pid: z.int(), startTicks: z.int() }),
  /** When the engine has to be silent, in milliseconds of CLOCK_BOOTTIME; null: not by the mere passing of time. */
  z.object({ kind: z.literal('lease'), volume: z.string(), silentAtMs: z.number().nullable() }),
]);

export type GuardMessage = Readonly<z.output<typeof guardMessageSchema>>;

/** From the guard, for the daemon's log. */
export const guardReportSchema = z.object({
  volume: z.string(),
  event: z.enum(['frozen', 'thawed']),
  /** How many processes it took, and how long. */
  processes: z.int(),
  tookMs: z.number(),
});

export type GuardReport = Readonly<z.output<typeof guardReportSchema>>;

export const guardSocket = (stateDir: string): string => join(stateDir, 'run', 'guard.sock');

/** Whole lines of a stream that arrives in pieces. */
export function lineReader(onLine: (line: string) => void): (chunk: Buffer) => void {
  let rest = '';
  return (chunk) => {
    const lines = (rest + chunk.toString('utf8')).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) onLine(line);
  };
}
