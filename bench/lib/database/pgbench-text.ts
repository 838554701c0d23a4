/** What pgbench prints and logs. PURE. */

export interface Outcome {
  readonly transactions: number;
  readonly transactionsPerSecond: number;
  readonly latencyAverageMs: number;
}

/** Throws where a transaction failed: then the others were measured beside an engine that is out of order. */
export function outcomeOf(report: string): Outcome {
  const failed = numberAfter(report, /number of failed transactions: (\d+)/);
  if (failed !== 0) throw new Error(`${String(failed)} transactions failed:\n${report}`);
  return {
    transactions: numberAfter(report, /number of transactions actually processed: (\d+)/),
    transactionsPerSecond: numberAfter(report, /tps = ([\d.]+)/),
    latencyAverageMs: numberAfter(report, /latency average = ([\d.]+) ms/),
  };
}

/** The third field of each line of `--log`: client, number, latency in microseconds, script, second, microsecond. */
export function latenciesUs(log: string): readonly number[] {
  return log.split('\n').flatMap((line) => {
    const latency = line.split(' ')[2];
    return latency === undefined ? [] : [Number(latency)];
  });
}

function numberAfter(report: string, pattern: RegExp): number {
  const found = pattern.exec(report)?.[1];
  if (found === undefined) throw new Error(`pgbench said nothing of ${pattern.source}:\n${report}`);
  return Number(found);
}
