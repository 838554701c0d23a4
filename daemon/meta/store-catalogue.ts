/** The records of the store in level, beside those of the replicas. Their keys are in daemon/store/layers/catalogue.ts. */
import type {
  Catalogue,
  CatalogueChange,
  CatalogueContents,
  FormatRecord,
  LayerRecord,
  MergeRecord,
  ScrubRecord,
  SnapshotRecord,
  VolumeRecord,
} from '../store/layers/catalogue.ts';
import type { Change, GroupCommit, MetaDb } from './group-commit.ts';

const FORMAT_KEY = 'store/format';
const LAST_LAYER_KEY = 'store/last-layer';

export class StoreCatalogue implements Catalogue {
  readonly #db: MetaDb;
  readonly #writes: GroupCommit;

  constructor(db: MetaDb, writes: GroupCommit) {
    this.#db = db;
    this.#writes = writes;
  }

  async load(): Promise<CatalogueContents> {
    return {
      format: (await this.#db.get(FORMAT_KEY)) as FormatRecord | undefined,
      lastLayer: ((await this.#db.get(LAST_LAYER_KEY)) as number | undefined) ?? 0,
      layers: await this.#all<LayerRecord>('layer'),
      volumes: await this.#all<VolumeRecord>('volume'),
      snapshots: await this.#all<SnapshotRecord>('snapshot'),
      merges: await this.#all<MergeRecord>('merge'),
      scrubs: await this.#all<ScrubRecord>('scrub'),
    };
  }

  async commit(changes: readonly CatalogueChange[]): Promise<void> {
    await this.#writes.put(changes.map(toChange));
  }

  async #all<Value>(kind: string): Promise<Value[]> {
    const prefix = `store/${kind}/`;
    return (await this.#db.values({ gte: prefix, lt: `${prefix}\uffff` }).all()) as Value[];
  }
}

function toChange(change: CatalogueChange): Change {
  switch (change.type) {
    case 'format':
      return put(FORMAT_KEY, change.record);
    case 'last-layer':
      return put(LAST_LAYER_KEY, change.number);
    case 'layer':
      return put(`store/layer/${change.record.id}`, change.record);
    case 'volume':
      return put(`store/volume/${change.record.volume}`, change.record);
    case 'snapshot':
      return put(`store/snapshot/${change.record.volume}@${change.record.name}`, change.record);
    case 'merge':
      return put(`store/merge/${change.record.source}`, change.record);
    case 'scrub':
      return put(`store/scrub/${change.record.volume}`, change.record);
    case 'no-layer':
      return { type: 'del', key: `store/layer/${change.id}` };
    case 'no-volume':
      return { type: 'del', key: `store/volume/${change.volume}` };
    case 'no-snapshot':
      return { type: 'del', key: `store/snapshot/${change.volume}@${change.name}` };
    case 'no-merge':
      return { type: 'del', key: `store/merge/${change.source}` };
    case 'no-scrub':
      return { type: 'del', key: `store/scrub/${change.volume}` };
  }
}

function put(key: string, value: unknown): Change {
  return { type: 'put', key, value };
}
