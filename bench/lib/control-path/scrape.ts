/** What a daemon tells at /metrics, as far as it is about heartbeats and turns of its event loop. */

/** Of a histogram: upper bound in seconds → observations up to it, of all labels together. */
export type Buckets = ReadonlyMap<number, number>;

export interface Scrape {
  readonly heartbeats: Buckets;
  readonly leases: Buckets;
  readonly failedHeartbeats: number;
  /** Since the scrape before. */
  readonly longestTurnMs: number;
}

const HEARTBEATS = 'lockstep_heartbeat_duration_seconds';
const LEASES = 'lockstep_replica_lease_round_trip_seconds';
const LONGEST_TURN = 'lockstep_nodejs_eventloop_lag_max_seconds';
const MS_PER_SECOND = 1000;
const PERCENT = 100;

export async function scrape(url: string): Promise<Scrape> {
  const text = await (await fetch(url)).text();
  const samples = text
    .split('\n')
    .map((line) => /^(\w+)(\{.*\})? (\S+)$/.exec(line))
    .flatMap((found) =>
      found === null ? [] : [{ name: found[1] ?? '', labels: found[2] ?? '', value: Number(found[3]) }],
    );
  const bucketsOf = (name: string): Buckets => {
    const buckets = new Map<number, number>();
    for (const sample of samples.filter((one) => one.name === `${name}_bucket`)) {
      const bound = /le="([^"]+)"/.exec(sample.labels)?.[1] ?? '';
      const seconds = bound === '+Inf' ? Infinity : Number(bound);
      buckets.set(seconds, (buckets.get(seconds) ?? 0) + sample.value);
    }
    return buckets;
  };
  const failed = samples.find(
    ({ name, labels }) => name === `${HEARTBEATS}_count` && labels.includes('outcome="failed"'),
  );
  const longest = samples.find(({ name }) => name === LONGEST_TURN);
  return {
    heartbeats: bucketsOf(HEARTBEATS),
    leases: bucketsOf(LEASES),
    failedHeartbeats: failed?.value ?? 0,
    longestTurnMs: (longest?.value ?? Number.NaN) * MS_PER_SECOND,
  };
}

/** What was observed between two scrapes, by several hosts. */
export function between(pairs: readonly (readonly [before: Buckets, after: Buckets])[]): Buckets {
  const sum = new Map<number, number>();
  for (const [before, after] of pairs)
    for (const [bound, count] of after)
      sum.set(bound, (sum.get(bound) ?? 0) + count - (before.get(bound) ?? 0));
  return sum;
}

export function countOf(buckets: Buckets): number {
  return buckets.get(Infinity) ?? 0;
}

/** The bound that so many of a hundred do not exceed, in milliseconds. Of no observation: NaN. */
export function boundMs(buckets: Buckets, percent: number): number {
  const count = countOf(buckets);
  if (count === 0) return Number.NaN;
  const bounds = [...buckets].toSorted(([a], [b]) => a - b);
  const least = Math.ceil((count * percent) / PERCENT);
  const [bound = Infinity] = bounds.find(([, upTo]) => upTo >= least) ?? [];
  return bound * MS_PER_SECOND;
}
