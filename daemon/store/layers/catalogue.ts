/**
 * What the store knows of its volumes, layers and snapshots, beside their data. Changes of one `commit` are found all
 * or none after a crash, and commits take effect in their order.
 *
 *   key                        value
 *   store/format               FormatRecord
 *   store/last-layer           number of the newest layer: numbers are not used again
 *   store/layer/<id>           LayerRecord
 *   store/volume/<name>        VolumeRecord
 *   store/snapshot/<volume>@<name>   SnapshotRecord
 *   store/merge/<source>       MergeRecord
 *   store/scrub/<volume>       ScrubRecord
 */

/** `<volume it was made for>.<number>`, also the name of its files. */
export type LayerId = string;

export interface LayerRecord {
  readonly id: LayerId;
  /** What it does not hold itself is read from there; '': it is the bottom, and holds all. */
  readonly parent: LayerId;
  /** Its file is not shorter. */
  readonly sizeBytes: number;
  /** Nothing writes to it any more, and all of it is on stable storage. */
  readonly sealed: boolean;
  /** The checksums of its regions are complete. Of a sealed layer only. */
  readonly summed: boolean;
}

export interface VolumeRecord {
  readonly volume: string;
  readonly sizeBytes: number;
  readonly head: LayerId;
}

export interface SnapshotRecord {
  readonly volume: string;
  readonly name: string;
  readonly layer: LayerId;
  readonly sizeBytes: number;
  /** Milliseconds since the epoch. */
  readonly createdAtMs: number;
  /** What runs on the volume had been told, and had put all on the volume that it held in memory. */
  readonly quiesced: boolean;
  /** False: it was begun, and ends with the process that began it. */
  readonly complete: boolean;
  /** A seed ends with the process that took it. */
  readonly purpose: 'kept' | 'seed';
}

/** Two neighbouring layers become one: the regions of `source` are put into the files of `target`. */
export interface MergeRecord {
  readonly source: LayerId;
  readonly target: LayerId;
  /** Regions below it are there, on stable storage. */
  readonly cursor: number;
  /** Both had all their checksums: what they become has them too. */
  readonly summed: boolean;
}

export interface DamagedRegion {
  readonly layer: LayerId;
  readonly region: number;
}

/** The last scrub of a volume: how far it came, and what it found. */
export interface ScrubRecord {
  readonly volume: string;
  /** Regions of this layer below `region` were looked at. */
  readonly layer: LayerId;
  readonly region: number;
  /** Layers that were looked at to their end. */
  readonly done: readonly LayerId[];
  readonly checkedRegions: number;
  readonly damaged: readonly DamagedRegion[];
  /** Milliseconds since the epoch. */
  readonly startedAtMs: number;
  /** 0: it goes on. */
  readonly finishedAtMs: number;
}

export interface FormatRecord {
  readonly version: number;
  readonly regionBytes: number;
}

export interface CatalogueContents {
  /** Undefined: nothing was ever put into it. */
  readonly format: FormatRecord | undefined;
  readonly lastLayer: number;
  readonly layers: readonly LayerRecord[];
  readonly volumes: readonly VolumeRecord[];
  readonly snapshots: readonly SnapshotRecord[];
  readonly merges: readonly MergeRecord[];
  readonly scrubs: readonly ScrubRecord[];
}

export type CatalogueChange =
  | { readonly type: 'format'; readonly record: FormatRecord }
  | { readonly type: 'last-layer'; readonly number: number }
  | { readonly type: 'layer'; readonly record: LayerRecord }
  | { readonly type: 'volume'; readonly record: VolumeRecord }
  | { readonly type: 'snapshot'; readonly record: SnapshotRecord }
  | { readonly type: 'merge'; readonly record: MergeRecord }
  | { readonly type: 'scrub'; readonly record: ScrubRecord }
  | { readonly type: 'no-layer'; readonly id: LayerId }
  | { readonly type: 'no-volume'; readonly volume: string }
  | { readonly type: 'no-snapshot'; readonly volume: string; readonly name: string }
  | { readonly type: 'no-merge'; readonly source: LayerId }
  | { readonly type: 'no-scrub'; readonly volume: string };

export interface Catalogue {
  load(): Promise<CatalogueContents>;
  /** On stable storage when it resolves. After it has rejected nothing of the store can be relied on. */
  commit(changes: readonly CatalogueChange[]): Promise<void>;
}
