/**
 * A secondary whose daemon is killed and away for a while under a steady load, and comes back: what is copied to it,
 * and what the clients notice of that.
 */
import { openSync, closeSync, readSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { REGION_BYTES } from '../../daemon/replication/units.ts';
import type { CopyProgress } from '../../proto/gen/lockstep/agent/v1/agent.ts';
import { type BareVolume, PRIMARY, SECONDARY, VOLUME } from './bare-volume.ts';
import { NbdWriter } from './nbd-writer.ts';
import { percentile } from './statistics.ts';
import { type Sample, WriteLoad } from './write-load.ts';

export interface ResyncPlan {
  readonly rounds: number;
  readonly changedRegions: number;
  readonly writesPerSecond: number;
  readonly writesPerFlush: number;
  /** With both copies in sync, before the secondary is killed and again after the resync. */
  readonly inSyncMs: number;
  readonly absenceMs: number;
}

export interface Latency {
  readonly samples: number;
  readonly medianMs: number;
  readonly p99Ms: number;
}

export interface ResyncRound {
  readonly mode: string;
  /** Regions that a client wrote to from the kill to the end of the copy. */
  readonly changedRegions: number;
  /** As data, over the link. */
  readonly copiedBytes: number;
  /** From the start of the daemon, and from the first sign of the copy, to both in sync. */
  readonly backMs: number;
  readonly resyncMs: number;
  /** Both copies in sync, before and after. */
  readonly without: Latency;
  readonly alone: Latency;
  readonly during: Latency;
  /** Over all lives of the copy, as the status showed them. */
  readonly limitsBytesPerSecond: readonly number[];
  /** The first of the written regions that is not the same on both hosts; undefined: none. */
  readonly firstDifference: number | undefined;
}

/** What is under way at the kill, and until control has consented, is neither one nor the other. */
const MARGIN_MS = 500;
const SETTLE_MS = 3000;
const POLL_MS = 20;
const IN_SYNC_LIMIT_MS = 10 * 60_000;

/** Spread evenly over the volume, so that they are also spread over its maps. */
export function regionsOf(volume: BareVolume, count: number): readonly number[] {
  const step = Math.floor(volume.sizeBytes / REGION_BYTES / count);
  return Array.from({ length: count }, (_, index) => index * step);
}

export async function* resyncRounds(volume: BareVolume, plan: ResyncPlan): AsyncGenerator<ResyncRound> {
  const regions = regionsOf(volume, plan.changedRegions);
  const writer = await NbdWriter.open(volume.socketPath, VOLUME);
  try {
    // Overwritten from now on: what is measured must not be the allocation of a new file.
    for (const region of regions) await writer.write(region * REGION_BYTES, Buffer.alloc(REGION_BYTES, 1));
    await writer.flush();
    await volume.inSync(IN_SYNC_LIMIT_MS);
    for (let round = 0; round < plan.rounds; round++) yield await oneRound(volume, plan, { writer, regions });
  } finally {
    await writer.close();
  }
}

interface Client {
  readonly writer: NbdWriter;
  readonly regions: readonly number[];
}

async function oneRound(volume: BareVolume, plan: ResyncPlan, client: Client): Promise<ResyncRound> {
  const { installation } = volume;
  const load = new WriteLoad(client.writer, { ...plan, regions: client.regions });
  load.start();
  await watchedSleep(volume, plan.inSyncMs);
  const killedAtMs = performance.now();
  await installation.killHost(SECONDARY);
  await watchedSleep(volume, plan.absenceMs);
  const startedAtMs = performance.now();
  await installation.startHost(SECONDARY);
  const copy = await watchCopy(volume);
  const changedRegions = load.touchedSince(killedAtMs);
  await watchedSleep(volume, plan.inSyncMs);
  await load.stop();
  const between = (from: number, to: number): readonly Sample[] =>
    load.writes.filter(({ atMs }) => atMs >= from && atMs < to);
  await client.writer.flush();
  return {
    mode: copy.last.mode,
    changedRegions,
    copiedBytes: copy.sentBytes,
    backMs: copy.endedAtMs - startedAtMs,
    resyncMs: copy.endedAtMs - copy.beganAtMs,
    without: latencyOf([
      ...between(0, killedAtMs - MARGIN_MS),
      ...between(copy.endedAtMs + MARGIN_MS, Infinity),
    ]),
    alone: latencyOf(between(killedAtMs + SETTLE_MS, startedAtMs)),
    during: latencyOf(between(copy.beganAtMs, copy.endedAtMs)),
    limitsBytesPerSecond: copy.limits,
    firstDifference: firstDifference(volume, client.regions),
  };
}

/** The primary is asked as often as during a copy, which costs it and this process something. */
async function watchedSleep(volume: BareVolume, ms: number): Promise<void> {
  const endMs = performance.now() + ms;
  while (performance.now() < endMs) {
    await volume.primary();
    await sleep(POLL_MS);
  }
}

interface WatchedCopy {
  readonly beganAtMs: number;
  readonly endedAtMs: number;
  readonly last: CopyProgress;
  readonly sentBytes: number;
  readonly limits: readonly number[];
}

/** From its first sign to both in sync. One that broke off and began anew has sent what it sent. */
async function watchCopy(volume: BareVolume): Promise<WatchedCopy> {
  let beganAtMs: number | undefined;
  let last: CopyProgress | undefined;
  let sentBefore = 0;
  const limits = new Set<number>();
  const giveUpAtMs = performance.now() + IN_SYNC_LIMIT_MS;
  for (;;) {
    const { state, copy } = await volume.primary();
    if (copy !== undefined && (copy.phase !== 'DONE' || state === 'SERVING' || beganAtMs !== undefined)) {
      beganAtMs ??= performance.now();
      if (last !== undefined && copy.sentBytes < last.sentBytes) sentBefore += Number(last.sentBytes);
      last = copy;
      limits.add(Number(copy.limitBytesPerSecond));
    }
    if (state === 'SERVING' && last !== undefined && beganAtMs !== undefined)
      return {
        beganAtMs,
        endedAtMs: performance.now(),
        last,
        sentBytes: sentBefore + Number(last.sentBytes),
        limits: [...limits],
      };
    if (performance.now() > giveUpAtMs) throw new Error(`not in sync: ${state}`);
    await sleep(POLL_MS);
  }
}

function latencyOf(samples: readonly Sample[]): Latency {
  const sorted = samples.map(({ latencyMs }) => latencyMs).sort((a, b) => a - b);
  return { samples: sorted.length, medianMs: percentile(sorted, 50), p99Ms: percentile(sorted, 99) };
}

/** Of the files as they are in the kernel, while nothing is written. */
function firstDifference(volume: BareVolume, regions: readonly number[]): number | undefined {
  const files = [PRIMARY, SECONDARY].map((host) => openSync(volume.dataFile(host), 'r'));
  const [a, b] = [Buffer.alloc(REGION_BYTES), Buffer.alloc(REGION_BYTES)];
  try {
    return regions.find((region) => {
      readSync(files[0] ?? -1, a, { position: region * REGION_BYTES });
      readSync(files[1] ?? -1, b, { position: region * REGION_BYTES });
      return !a.equals(b);
    });
  } finally {
    for (const file of files) closeSync(file);
  }
}
