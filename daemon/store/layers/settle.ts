/**
 * Puts in order what a process left of a volume's open layers: what was on its way is decided, so that nothing that is
 * read from now on can change by a later crash.
 *
 * In the same boot the page cache has all that was written: it is synced, and what was on its way has arrived. After
 * another boot it may be gone: what was not known to be on stable storage is taken back, and its older layer shows.
 */
import type { Layer } from './layer.ts';
import { ABSENT, COMING, LEAVING, PRESENT, type RegionRun } from './layer-map.ts';

/** `layers`: from the lowest up. On stable storage when it resolves. */
export async function settle(layers: readonly Layer[], bootId: string, regionBytes: number): Promise<void> {
  if (layers.every(({ map }) => map === undefined)) return;
  const kept = layers.filter(({ map }) => map === undefined || map.bootId === bootId);
  await Promise.all(kept.map((layer) => layer.sync('data')));
  for (const layer of layers) {
    const { map } = layer;
    if (map === undefined) continue;
    const { coming, leaving } = transitional(layer);
    const isKept = map.bootId === bootId;
    for (const run of coming) map.set(run, isKept ? PRESENT : ABSENT);
    for (const run of leaving) map.set(run, isKept ? ABSENT : PRESENT);
    await layer.sync('map');
    if (isKept) continue;
    // Only now: with this boot's id the entries would have been believed.
    map.renewBootId(bootId);
    await layer.sync('map');
    for (const { first, count } of coming)
      layer.data.zero({ offset: first * regionBytes, length: count * regionBytes }, { keepSpace: false });
  }
}

function transitional({ map }: Layer): { readonly coming: RegionRun[]; readonly leaving: RegionRun[] } {
  const found = { coming: [] as RegionRun[], leaving: [] as RegionRun[] };
  for (const [region, entry] of map?.entries() ?? []) {
    if (entry === COMING) found.coming.push({ first: region, count: 1 });
    if (entry === LEAVING) found.leaving.push({ first: region, count: 1 });
  }
  return found;
}
