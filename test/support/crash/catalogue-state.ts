/** What the commits of a catalogue left: never changed, but replaced by the next. */
import type {
  CatalogueChange,
  CatalogueContents,
  FormatRecord,
} from '../../../daemon/store/layers/catalogue.ts';

/** The records of each kind, by what tells them apart. */
type Kind = Exclude<keyof CatalogueContents, 'format' | 'lastLayer'>;
type Tables = { readonly [K in Kind]: ReadonlyMap<string, CatalogueContents[K][number]> };

interface State {
  readonly format: FormatRecord | undefined;
  readonly lastLayer: number;
  readonly tables: Tables;
}

export class CatalogueState {
  static readonly empty = new CatalogueState({
    format: undefined,
    lastLayer: 0,
    tables: {
      layers: new Map(),
      volumes: new Map(),
      snapshots: new Map(),
      merges: new Map(),
      scrubs: new Map(),
    },
  });
  readonly #state: State;

  private constructor(state: State) {
    this.#state = state;
  }

  /** In the order of their keys. */
  get contents(): CatalogueContents {
    const { format, lastLayer, tables } = this.#state;
    return {
      format,
      lastLayer,
      layers: sorted(tables.layers),
      volumes: sorted(tables.volumes),
      snapshots: sorted(tables.snapshots),
      merges: sorted(tables.merges),
      scrubs: sorted(tables.scrubs),
    };
  }

  after(changes: readonly CatalogueChange[]): CatalogueState {
    return new CatalogueState(changes.reduce(changed, this.#state));
  }
}

function changed(state: State, change: CatalogueChange): State {
  switch (change.type) {
    case 'format':
      return { ...state, format: change.record };
    case 'last-layer':
      return { ...state, lastLayer: change.number };
    case 'layer':
      return put(state, 'layers', change.record.id, change.record);
    case 'volume':
      return put(state, 'volumes', change.record.volume, change.record);
    case 'snapshot':
      return put(state, 'snapshots', `${change.record.volume}@${change.record.name}`, change.record);
    case 'merge':
      return put(state, 'merges', change.record.source, change.record);
    case 'scrub':
      return put(state, 'scrubs', change.record.volume, change.record);
    case 'no-layer':
      return put(state, 'layers', change.id, undefined);
    case 'no-volume':
      return put(state, 'volumes', change.volume, undefined);
    case 'no-snapshot':
      return put(state, 'snapshots', `${change.volume}@${change.name}`, undefined);
    case 'no-merge':
      return put(state, 'merges', change.source, undefined);
    case 'no-scrub':
      return put(state, 'scrubs', change.volume, undefined);
  }
}

/** Undefined: it is gone. */
function put<K extends Kind>(
  state: State,
  kind: K,
  key: string,
  record: CatalogueContents[K][number] | undefined,
): State {
  const table = new Map<string, CatalogueContents[K][number]>(state.tables[kind]);
  if (record === undefined) table.delete(key);
  else table.set(key, record);
  return { ...state, tables: { ...state.tables, [kind]: table } };
}

function sorted<Value>(records: ReadonlyMap<string, Value>): Value[] {
  return [...records].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, record]) => record);
}
