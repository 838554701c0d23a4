/** Which regions may differ between two layers of one origin: those that are held between them and where they parted. */
import { assert } from '../../sys/errors.ts';
import type { Layer } from './layer.ts';
import { COMING, PRESENT, type RegionRun } from './layer-map.ts';

export function changedRuns(a: Layer, b: Layer): RegionRun[] {
  const below = new Set(downFrom(a));
  const parted = [...downFrom(b)].find((layer) => below.has(layer));
  const held = new Set<number>();
  for (const top of [a, b])
    for (const layer of downFrom(top)) {
      if (layer === parted) break;
      assert(layer.map !== undefined, 'two layers that are compared have a common one below');
      for (const [region, entry] of layer.map.entries())
        if (entry === COMING || entry === PRESENT) held.add(region);
    }
  return runsOf([...held].sort((x, y) => x - y));
}

/** Of regions in order. */
export function runsOf(regions: Iterable<number>): RegionRun[] {
  const runs: { first: number; count: number }[] = [];
  for (const region of regions) {
    const last = runs.at(-1);
    if (last !== undefined && last.first + last.count === region) last.count++;
    else runs.push({ first: region, count: 1 });
  }
  return runs;
}

function* downFrom(top: Layer): Generator<Layer> {
  for (let layer: Layer | undefined = top; layer !== undefined; layer = layer.parent) yield layer;
}
