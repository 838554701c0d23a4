/** A log that nobody reads, for parts that insist on one. LOG=1 shows it. */
import type { Log } from '../../daemon/sys/log.ts';

const write =
  (level: string) =>
  (facts: Readonly<Record<string, unknown>>, message: string): void => {
    if (process.env['LOG'] === '1') console.error(level, message, JSON.stringify(facts));
  };

export const quietLog: Log = {
  debug: () => undefined,
  info: write('info'),
  warn: write('warn'),
  error: write('error'),
};
