/** Which regions may differ between two layers of one origin: those that are held between them and where they parted. */
import { assert } from '../../sys/errors.ts';
import type { Layer } from './layer.ts';
import { COMING, PRESENT, type RegionRun } from './layer-map.ts';

/** Of the regions `within`; in order. It takes a byte for each of them while it works. */
export function changedRuns(a: Layer, b: Layer, within: RegionRun): RegionRun[] {
  const below = new Set(downFrom(a));
  const parted = [...downFrom(b)].find((layer) => below.has(layer));
  const end = within.first + within.count;
  const changed = new Uint8Array(within.count);
  for (const top of [a, b])
    for (const layer of downFrom(top)) {
      if (layer === parted) break;
      assert(layer.map !== undefined, 'two layers that are compared have a common one below');
      for (const [region, entry] of layer.map.entries(within.first)) {
        if (region >= end) break;
        if (entry === COMING || entry === PRESENT) changed[region - within.first] = 1;
      }
    }
  return runsOf(changed, within.first);
}

function runsOf(changed: Uint8Array, first: number): RegionRun[] {
  const runs: RegionRun[] = [];
  for (let at = changed.indexOf(1); at >= 0;) {
    const next = changed.indexOf(0, at);
    const end = next < 0 ? changed.length : next;
    runs.push({ first: first + at, count: end - at });
    at = changed.indexOf(1, end);
  }
  return runs;
}

function* downFrom(top: Layer): Generator<Layer> {
  for (let layer: Layer | undefined = top; layer !== undefined; layer = layer.parent) yield layer;
}
