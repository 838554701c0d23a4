/**
 * A scrub of a volume with a single copy: there is nobody to compare with, so that what its layers and those of its
 * snapshots hold is held against the checksums there (daemon/store/layers/scrub.ts).
 */
import type { ScrubStatus } from '../replication/interface.ts';
import { REGION_BYTES } from '../replication/units.ts';
import type { LayerStore } from '../store/layers/layer-store.ts';
import type { Volume } from './volume.ts';

/** As of a scrub of replicas. */
const MAX_TOLD = 100;

/** It has nobody to compare with, and is not about to have. */
export function isAlone({ state, status }: Volume): boolean {
  const { join } = status;
  return state === 'SOLO' && (join === undefined || join.phase === 'DONE' || join.phase === 'FAILED');
}

/** Nothing where one runs. */
export async function startLoneScrub(store: LayerStore, volume: string): Promise<void> {
  if (store.scrub(volume)?.finishedAtMs !== 0) await store.startScrub(volume);
}

/** Undefined: there was none. What was looked at counts in its cursor, in the order of the layers. */
export function loneScrubStatus(store: LayerStore, volume: Volume, host: string): ScrubStatus | undefined {
  const record = store.scrub(volume.name);
  if (record === undefined) return undefined;
  const { checkedRegions, damaged, finishedAtMs } = record;
  const hasEnded = finishedAtMs !== 0;
  const left = hasEnded ? 0 : Math.ceil(volume.file.allocatedBytes / REGION_BYTES);
  return {
    phase: hasEnded ? 'DONE' : 'RUNNING',
    cursor: checkedRegions,
    regionsTotal: Math.max(checkedRegions, left),
    repairedRegions: 0,
    mismatchedRegions: damaged.length,
    mismatches: damaged.slice(0, MAX_TOLD).map(({ region }) => ({ region, differ: [], damaged: [host] })),
    limitBytesPerSecond: 0,
    error: '',
  };
}
