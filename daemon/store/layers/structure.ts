/**
 * What the records of the store add up to: which layers nobody needs, which one a volume may write in place, and which
 * two may become one. All of it follows from the records, so a crash leaves nothing half decided.
 */
import type { CatalogueContents, LayerId, LayerRecord, SnapshotRecord, VolumeRecord } from './catalogue.ts';

export type Records = Pick<CatalogueContents, 'layers' | 'volumes' | 'snapshots'>;

export interface Merge {
  readonly upper: LayerId;
  readonly lower: LayerId;
}

export class Structure {
  readonly #layers: ReadonlyMap<LayerId, LayerRecord>;
  readonly #children = new Map<LayerId, LayerId[]>();
  readonly #heads = new Map<LayerId, VolumeRecord>();
  readonly #named = new Map<LayerId, SnapshotRecord[]>();

  constructor({ layers, volumes, snapshots }: Records) {
    this.#layers = new Map(layers.map((layer) => [layer.id, layer]));
    for (const { id, parent } of layers) push(this.#children, parent, id);
    for (const volume of volumes) this.#heads.set(volume.head, volume);
    for (const snapshot of snapshots) push(this.#named, snapshot.layer, snapshot);
  }

  /** Layers that no volume and no snapshot shows. */
  garbage(): LayerId[] {
    const needed = new Set<LayerId>();
    for (const start of [...this.#heads.keys(), ...this.#named.keys()])
      for (const id of this.chain(start)) {
        if (needed.has(id)) break;
        needed.add(id);
      }
    return [...this.#layers.keys()].filter((id) => !needed.has(id));
  }

  /** The layer below a head that only this head shows, so that it may be written in place. */
  openable(head: LayerId): LayerId | undefined {
    const below = this.#layers.get(head)?.parent ?? '';
    return below !== '' && this.#isOnlyFor(below, head) ? below : undefined;
  }

  /** Sealed neighbours of which the lower is shown only through the upper. */
  merges(): Merge[] {
    const merges: Merge[] = [];
    for (const { id: lower, sealed } of this.#layers.values()) {
      const [upper] = this.#children.get(lower) ?? [];
      if (!sealed || upper === undefined || !this.#isOnlyFor(lower, upper)) continue;
      if (this.#layers.get(upper)?.sealed === true) merges.push({ upper, lower });
    }
    return merges;
  }

  childrenOf(id: LayerId): readonly LayerId[] {
    return this.#children.get(id) ?? [];
  }

  /** From a layer down to its bottom. Ends early where a record is missing, or where they go round in a circle. */
  *chain(from: LayerId): Generator<LayerId> {
    const seen = new Set<LayerId>();
    for (let layer = this.#layers.get(from); layer !== undefined; layer = this.#layers.get(layer.parent)) {
      if (seen.has(layer.id)) return;
      seen.add(layer.id);
      yield layer.id;
    }
  }

  #isOnlyFor(lower: LayerId, upper: LayerId): boolean {
    const children = this.#children.get(lower) ?? [];
    return (
      children.length === 1 && children[0] === upper && !this.#named.has(lower) && !this.#heads.has(lower)
    );
  }
}

function push<V>(map: Map<string, V[]>, key: string, value: V): void {
  const values = map.get(key);
  if (values === undefined) map.set(key, [value]);
  else values.push(value);
}
