/** The tree of a volume's snapshots, and what each takes up, from the records of the store. */
import type { LayerId, SnapshotRecord } from './catalogue.ts';
import { type Records, Structure } from './structure.ts';

export interface SnapshotLineage {
  readonly record: SnapshotRecord;
  /** The next older snapshot below it, `volume@snapshot`, of this volume or of its origin; '': none. */
  readonly parent: string;
  /** Volumes that stand right on it: the volume itself where it was taken last, and clones. */
  readonly volumes: readonly string[];
  /** What its own layer takes up: what was written between its parent and it. */
  readonly ownBytes: number;
  /** What it shares with what is below it. */
  readonly sharedBytes: number;
}

/** In the order in which they were taken; those alone that people took. */
export function lineageOf(
  volume: string,
  records: Records,
  allocatedBytes: (id: LayerId) => number,
): SnapshotLineage[] {
  const structure = new Structure(records);
  const kept = records.snapshots.filter(({ complete, purpose }) => complete && purpose === 'kept');
  const named = new Map(kept.map((record) => [record.layer, record]));
  const nearest = (from: LayerId | undefined): SnapshotRecord | undefined => {
    for (const id of from === undefined ? [] : structure.chain(from)) {
      const found = named.get(id);
      if (found !== undefined) return found;
    }
    return undefined;
  };
  const standing = new Map<SnapshotRecord, string[]>();
  for (const { volume: name, head } of records.volumes) {
    const on = nearest(head);
    if (on !== undefined) standing.set(on, [...(standing.get(on) ?? []), name]);
  }
  const whole = sizes(structure, allocatedBytes);
  return kept
    .filter((record) => record.volume === volume)
    .sort((a, b) => a.createdAtMs - b.createdAtMs)
    .map((record) => {
      const [, below] = structure.chain(record.layer);
      const parent = nearest(below);
      return {
        record,
        parent: parent === undefined ? '' : `${parent.volume}@${parent.name}`,
        volumes: standing.get(record) ?? [],
        ownBytes: allocatedBytes(record.layer),
        sharedBytes: below === undefined ? 0 : whole(below),
      };
    });
}

/** Of a layer and all below it; each is looked at once, however many stand on it. */
function sizes(structure: Structure, allocatedBytes: (id: LayerId) => number): (layer: LayerId) => number {
  const known = new Map<LayerId, number>();
  return (layer) => {
    const fresh: LayerId[] = [];
    let bytes = 0;
    for (const id of structure.chain(layer)) {
      bytes = known.get(id) ?? 0;
      if (known.has(id)) break;
      fresh.push(id);
    }
    for (const id of fresh.reverse()) known.set(id, (bytes += allocatedBytes(id)));
    return bytes;
  };
}
