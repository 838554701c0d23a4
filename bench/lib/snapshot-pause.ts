/** What clients of a busy, replicated volume notice of a snapshot: their slowest write during it, and at other times. */
import { REGION_BYTES } from '../../daemon/replication/units.ts';
import { BareVolume, VOLUME } from './bare-volume.ts';
import { NbdWriter } from './nbd-writer.ts';
import { WriteLoad } from './write-load.ts';

export interface PauseRound {
  /** Of the whole call through control, flush and records included. */
  readonly callMs: number;
  /** The slowest write that was due during the call or just after it. */
  readonly slowestMs: number;
  /** In the same time before it. */
  readonly slowestBeforeMs: number;
}

const WRITES_PER_SECOND = 400;
const WRITES_PER_FLUSH = 20;
/** Spread over all of the volume. */
const REGIONS = 1000;
const WARM_UP_MS = 3000;
/** After the call: a stall at its very end is one of it. */
const AFTER_MS = 100;
const BETWEEN_MS = 400;
const IN_SYNC_MS = 120_000;

export async function pauseRounds(options: {
  readonly network: number;
  readonly sizeBytes: number;
  readonly rounds: number;
}): Promise<readonly PauseRound[]> {
  const volume = await BareVolume.start(options);
  try {
    await volume.inSync(IN_SYNC_MS);
    const writer = await NbdWriter.open(volume.socketPath, VOLUME);
    const every = Math.floor(options.sizeBytes / REGION_BYTES / REGIONS);
    const regions = Array.from({ length: REGIONS }, (_, index) => index * every);
    const load = new WriteLoad(writer, {
      regions,
      writesPerSecond: WRITES_PER_SECOND,
      writesPerFlush: WRITES_PER_FLUSH,
    });
    load.start();
    await pause(WARM_UP_MS);
    const calls: { readonly startMs: number; readonly endMs: number }[] = [];
    for (let round = 0; round < options.rounds; round++) {
      await pause(BETWEEN_MS);
      const startMs = performance.now();
      await volume.installation.client.snapshots.create(VOLUME, `bench-${String(round)}`);
      calls.push({ startMs, endMs: performance.now() });
    }
    await pause(BETWEEN_MS);
    await load.stop();
    await writer.close();
    const slowest = (fromMs: number, toMs: number): number =>
      Math.max(
        0,
        ...load.writes.filter(({ atMs }) => atMs >= fromMs && atMs <= toMs).map(({ latencyMs }) => latencyMs),
      );
    return calls.map(({ startMs, endMs }) => {
      const lengthMs = endMs - startMs + AFTER_MS;
      return {
        callMs: endMs - startMs,
        slowestMs: slowest(startMs, startMs + lengthMs),
        slowestBeforeMs: slowest(startMs - lengthMs, startMs),
      };
    });
  } finally {
    await volume.destroy();
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}
