/** Where a store lives: a disk in memory or a real one. */
import type { Files } from '../../../daemon/store/files.ts';
import type { Catalogue } from '../../../daemon/store/layers/catalogue.ts';
import { LayerStore, type LayerStoreOptions } from '../../../daemon/store/layers/layer-store.ts';
import { REGION_BYTES } from './geometry.ts';

export interface StoreHost {
  readonly files: Files;
  readonly catalogue: Catalogue;
  /** Of the layers. */
  readonly folder: string;
  /** What takes time and may be let go on by `finishOne`. */
  readonly waiting: number;
  finishOne(below: (end: number) => number): void;
  /** How many operations failed. */
  readonly fired: number;
  /** Nothing fails meanwhile. */
  sparing<Value>(work: () => Value): Value;
  /** Another one at each call. */
  readonly nowMs: () => number;
}

const QUIET: LayerStoreOptions['log'] = {
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};

export function openStore(
  { files, catalogue, folder, nowMs }: StoreHost,
  bootId: string,
): Promise<LayerStore> {
  return LayerStore.open({ files, catalogue, folder, bootId, regionBytes: REGION_BYTES, nowMs, log: QUIET });
}
