/** What makes the open layers of a volume stable together. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Layer } from './layer.ts';
import { ABSENT, PRESENT, type RegionRun } from './layer-map.ts';
import { unsettle } from './settle.ts';

/** Given back in one turn: 1 MiB, about 0.2 ms. */
const REGIONS_AT_ONCE = 16;

/**
 * From the lowest up. A region is PRESENT only once its data is on stable storage, and gone from where it was only once
 * it is PRESENT below.
 */
export async function flushLayers(layers: readonly Layer[], regionBytes: number): Promise<void> {
  const taken = layers.map((layer) => ({ layer, runs: layer.takeTransitional() }));
  for (const layer of layers) layer.hold();
  try {
    await flushTaken(taken, regionBytes);
  } finally {
    for (const layer of layers) layer.release();
  }
}

async function flushTaken(
  taken: readonly { readonly layer: Layer; readonly runs: ReturnType<Layer['takeTransitional']> }[],
  regionBytes: number,
): Promise<void> {
  await Promise.all(taken.map(({ layer }) => layer.sync('data')));
  for (const { layer, runs } of taken) {
    if (runs.isEmpty) continue;
    try {
      for (const run of runs.coming) layer.map?.set(run, PRESENT);
      for (const run of runs.leaving) layer.map?.set(run, ABSENT);
      await layer.sync('map');
    } catch (error) {
      if (layer.map !== undefined) unsettle(layer.map, runs);
      throw error;
    }
  }
  for (const { layer, runs } of taken)
    for (const run of runs.leaving) await giveBack(layer, run, regionBytes);
}

/** Nobody reads it there any more, and nothing comes to it again before this is over. */
async function giveBack(layer: Layer, { first, count }: RegionRun, regionBytes: number): Promise<void> {
  for (let done = 0; done < count; done += REGIONS_AT_ONCE) {
    if (done > 0) await nextTurn();
    const length = Math.min(REGIONS_AT_ONCE, count - done) * regionBytes;
    try {
      layer.data.zero({ offset: (first + done) * regionBytes, length }, { keepSpace: false });
    } catch {
      // Its room is given back when the layer goes.
    }
  }
}
