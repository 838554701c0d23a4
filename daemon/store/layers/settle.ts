/**
 * Puts in order what a process left of a volume's open layers: what was on its way is decided, so that nothing that is
 * read from now on can change by a later crash.
 *
 * In the same boot the page cache has all that was written: it is synced, and what was on its way has arrived. After
 * another boot it may be gone: what was not known to be on stable storage is taken back, and its older layer shows.
 */
import { LockstepError } from '../../sys/errors.ts';
import type { Layer } from './layer.ts';
import { ABSENT, COMING, LEAVING, type LayerMap, PRESENT } from './layer-map.ts';
import { Transitional } from './transitional.ts';

/**
 * `layers`: from the lowest up. On stable storage when it resolves. Where it rejects all is taken back the next time:
 * what a sync that failed should have made stable may look as if it were.
 */
export async function settle(layers: readonly Layer[], bootId: string, regionBytes: number): Promise<void> {
  try {
    await settleNow(layers, bootId, regionBytes);
  } catch (error) {
    // A map that is damaged is left as it is found: nothing of it was lost on its way.
    if (!(error instanceof LockstepError)) disown(layers);
    throw error;
  }
}

/** A header that cannot be written, either, leaves what is on its way to be believed in this boot. */
export function disown(layers: readonly Layer[]): void {
  for (const { map } of layers)
    try {
      map?.disown();
    } catch {
      // There is nothing else to be done on a disk that fails.
    }
}

async function settleNow(layers: readonly Layer[], bootId: string, regionBytes: number): Promise<void> {
  if (layers.every(({ map }) => map === undefined)) return;
  // What one layer lets go of another one has to keep: of a volume that failed nothing is believed.
  const isDisowned = layers.some(({ map }) => map?.isDisowned === true);
  const kept = layers.filter(({ map }) => map === undefined || map.bootId === bootId);
  if (!isDisowned) await Promise.all(kept.map((layer) => layer.sync('data')));
  for (const layer of layers) {
    const { map } = layer;
    if (map === undefined) continue;
    const found = transitional(map);
    const { coming, leaving } = found;
    const isKept = !isDisowned && map.bootId === bootId;
    try {
      for (const run of coming) map.set(run, isKept ? PRESENT : ABSENT);
      for (const run of leaving) map.set(run, isKept ? ABSENT : PRESENT);
      await layer.sync('map');
    } catch (error) {
      unsettle(map, found);
      throw error;
    }
    if (map.bootId === bootId) continue;
    // Only now: with this boot's id the entries would have been believed.
    map.renewBootId(bootId);
    await layer.sync('map');
    for (const { first, count } of coming)
      layer.data.zero({ offset: first * regionBytes, length: count * regionBytes }, { keepSpace: false });
  }
}

/**
 * As they were before: entries that were lost on their way to the disk would pass for durable in the page cache. What
 * cannot be written stays as it is.
 */
export function unsettle(map: LayerMap, { coming, leaving }: Transitional): void {
  try {
    for (const run of coming) map.set(run, COMING);
    for (const run of leaving) map.set(run, LEAVING);
  } catch {
    // There is nothing else to be done on a disk that fails.
  }
}

function transitional(map: LayerMap): Transitional {
  const found = new Transitional();
  for (const [region, entry] of map.entries()) {
    const run = { first: region, count: 1 };
    if (entry === COMING) found.come(run);
    if (entry === LEAVING) found.leave(run);
  }
  return found;
}
