/** What the commits of a catalogue left: never changed, but replaced by the next. */
import type {
  CatalogueChange,
  CatalogueContents,
  FormatRecord,
  LayerRecord,
  MergeRecord,
  SnapshotRecord,
  VolumeRecord,
} from '../../../daemon/store/layers/catalogue.ts';

export class CatalogueState {
  static readonly empty = new CatalogueState();
  #format: FormatRecord | undefined;
  #lastLayer = 0;
  readonly #layers: Map<string, LayerRecord>;
  readonly #volumes: Map<string, VolumeRecord>;
  readonly #snapshots: Map<string, SnapshotRecord>;
  readonly #merges: Map<string, MergeRecord>;

  private constructor(from?: CatalogueState) {
    this.#format = from?.#format;
    this.#lastLayer = from === undefined ? 0 : from.#lastLayer;
    this.#layers = new Map(from?.#layers);
    this.#volumes = new Map(from?.#volumes);
    this.#snapshots = new Map(from?.#snapshots);
    this.#merges = new Map(from?.#merges);
  }

  /** As level lists them: by key. */
  get contents(): CatalogueContents {
    return {
      format: this.#format,
      lastLayer: this.#lastLayer,
      layers: sorted(this.#layers),
      volumes: sorted(this.#volumes),
      snapshots: sorted(this.#snapshots),
      merges: sorted(this.#merges),
    };
  }

  after(changes: readonly CatalogueChange[]): CatalogueState {
    const state = new CatalogueState(this);
    for (const change of changes) state.#apply(change);
    return state;
  }

  #apply(change: CatalogueChange): void {
    switch (change.type) {
      case 'format':
        this.#format = change.record;
        return;
      case 'last-layer':
        this.#lastLayer = change.number;
        return;
      case 'layer':
        this.#layers.set(change.record.id, change.record);
        return;
      case 'volume':
        this.#volumes.set(change.record.volume, change.record);
        return;
      case 'snapshot':
        this.#snapshots.set(`${change.record.volume}@${change.record.name}`, change.record);
        return;
      case 'merge':
        this.#merges.set(change.record.source, change.record);
        return;
      case 'no-layer':
        this.#layers.delete(change.id);
        return;
      case 'no-volume':
        this.#volumes.delete(change.volume);
        return;
      case 'no-snapshot':
        this.#snapshots.delete(`${change.volume}@${change.name}`);
        return;
      case 'no-merge':
        this.#merges.delete(change.source);
        return;
    }
  }
}

function sorted<Value>(records: ReadonlyMap<string, Value>): Value[] {
  return [...records].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, record]) => record);
}
