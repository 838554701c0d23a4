/** The records of the store in memory: what was committed, and nothing else. */
import { LockstepError, messageOf } from '../../sys/errors.ts';
import type {
  Catalogue,
  CatalogueChange,
  CatalogueContents,
  LayerId,
  LayerRecord,
  MergeRecord,
  ScrubRecord,
  SnapshotRecord,
  VolumeRecord,
} from './catalogue.ts';
import { withoutDamageOf } from './scrub.ts';
import { Structure } from './structure.ts';

const FORMAT_VERSION = 1;

export class StoreRecords {
  readonly #catalogue: Catalogue;
  readonly #layers = new Map<LayerId, LayerRecord>();
  readonly #volumes = new Map<string, VolumeRecord>();
  readonly #snapshots = new Map<string, SnapshotRecord>();
  readonly #merges = new Map<LayerId, MergeRecord>();
  readonly #scrubs = new Map<string, ScrubRecord>();
  #lastLayer: number;
  /** Of the records as they are now. */
  #structure: Structure | undefined;
  /** Why a commit failed: nothing is recorded after that, and nothing may be done that would have to be. */
  #broken: unknown;

  private constructor(
    catalogue: Catalogue,
    { layers, volumes, snapshots, merges, scrubs, lastLayer }: CatalogueContents,
  ) {
    this.#catalogue = catalogue;
    this.#lastLayer = lastLayer;
    for (const record of layers) this.#apply({ type: 'layer', record });
    for (const record of volumes) this.#apply({ type: 'volume', record });
    for (const record of snapshots) this.#apply({ type: 'snapshot', record });
    for (const record of merges) this.#apply({ type: 'merge', record });
    for (const record of scrubs) this.#apply({ type: 'scrub', record });
  }

  /** `isEmpty`: whether there are files of layers without any record: those are then of records that were lost. */
  static async load(
    catalogue: Catalogue,
    { regionBytes, isEmpty }: { readonly regionBytes: number; readonly isEmpty: boolean },
  ): Promise<StoreRecords> {
    const contents = await catalogue.load();
    const { format } = contents;
    if (format === undefined) {
      if (!isEmpty)
        throw refused('there are layers, and no record of them: the records are lost or of another folder');
      await catalogue.commit([{ type: 'format', record: { version: FORMAT_VERSION, regionBytes } }]);
    } else if (format.version !== FORMAT_VERSION || format.regionBytes !== regionBytes)
      throw refused(
        `it has version ${String(format.version)} with regions of ${String(format.regionBytes)} bytes; ` +
          `this build knows version ${String(FORMAT_VERSION)} with ${String(regionBytes)}`,
      );
    return new StoreRecords(catalogue, contents);
  }

  get layers(): readonly LayerRecord[] {
    return [...this.#layers.values()];
  }

  get volumes(): readonly VolumeRecord[] {
    return [...this.#volumes.values()];
  }

  get snapshots(): readonly SnapshotRecord[] {
    return [...this.#snapshots.values()];
  }

  get merges(): readonly MergeRecord[] {
    return [...this.#merges.values()];
  }

  get scrubs(): readonly ScrubRecord[] {
    return [...this.#scrubs.values()];
  }

  get structure(): Structure {
    this.#structure ??= new Structure(this);
    return this.#structure;
  }

  layer(id: LayerId): LayerRecord | undefined {
    return this.#layers.get(id);
  }

  volume(name: string): VolumeRecord | undefined {
    return this.#volumes.get(name);
  }

  scrub(volume: string): ScrubRecord | undefined {
    return this.#scrubs.get(volume);
  }

  snapshot(volume: string, name: string): SnapshotRecord | undefined {
    return this.#snapshots.get(`${volume}@${name}`);
  }

  /** For a layer of this volume, with what records that the number is taken. */
  nextLayer(volume: string): { readonly id: LayerId; readonly taken: CatalogueChange } {
    this.refuseBroken();
    const number = this.#lastLayer + 1;
    return { id: `${volume}.${String(number)}`, taken: { type: 'last-layer', number } };
  }

  /** On stable storage, and here, when it resolves. */
  async commit(changes: readonly CatalogueChange[]): Promise<void> {
    if (changes.length === 0) return;
    this.refuseBroken();
    try {
      await this.#catalogue.commit(changes);
    } catch (error) {
      this.#broken = error;
      throw error;
    }
    for (const change of changes) this.#apply(change);
  }

  /**
   * What has to follow once a snapshot or a volume is gone: layers that nobody shows go, and with them merges, also
   * those of a layer that is about to be written.
   */
  consequences(
    gone: readonly CatalogueChange[],
    opened: (after: Structure) => readonly LayerId[],
  ): {
    readonly changes: readonly CatalogueChange[];
    readonly garbage: readonly LayerId[];
    readonly opened: readonly LayerId[];
  } {
    const after = this.#after(gone);
    const garbage = after.structure.garbage();
    for (const id of garbage) after.#layers.delete(id);
    const open = opened(after.structure);
    const touched = new Set([...garbage, ...open]);
    const changes: CatalogueChange[] = [...gone, ...garbage.map((id) => ({ type: 'no-layer' as const, id }))];
    for (const { source, target } of this.merges)
      if (touched.has(source) || touched.has(target)) changes.push({ type: 'no-merge', source });
    for (const id of open) {
      const record = after.#layers.get(id);
      if (record !== undefined)
        changes.push({ type: 'layer', record: { ...record, sealed: false, summed: false } });
    }
    changes.push(...withoutDamageOf(garbage, after.scrubs));
    return { changes, garbage, opened: open };
  }

  /**
   * Layers that volumes may write in place from now on: one for each that is not drained already. One that is damaged
   * stays as it is: what is written in place has no checksums, and what is wrong would be read as if nothing were.
   */
  openable(after: Structure, isDrained: (volume: string) => boolean): LayerId[] {
    const damaged = new Set(this.scrubs.flatMap((scrub) => scrub.damaged.map(({ layer }) => layer)));
    return this.volumes.flatMap(({ volume, head }) => {
      const below = after.openable(head);
      if (below === undefined || isDrained(volume) || damaged.has(below)) return [];
      return this.layer(below)?.sealed === false ? [] : [below];
    });
  }

  /** Throws if nothing can be recorded any more. */
  refuseBroken(): void {
    if (this.#broken === undefined) return;
    throw new LockstepError(
      'FAILED_PRECONDITION',
      `the records of the store could not be written, and are not before a restart: ${messageOf(this.#broken)}`,
      { reason: 'STORE_RECORDS_BROKEN', cause: this.#broken },
    );
  }

  #after(changes: readonly CatalogueChange[]): StoreRecords {
    const { layers, volumes, snapshots, merges, scrubs } = this;
    const after = new StoreRecords(this.#catalogue, {
      format: undefined,
      lastLayer: this.#lastLayer,
      layers,
      volumes,
      snapshots,
      merges,
      scrubs,
    });
    for (const change of changes) after.#apply(change);
    return after;
  }

  #apply(change: CatalogueChange): void {
    this.#structure = undefined;
    switch (change.type) {
      case 'format':
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
      case 'scrub':
        this.#scrubs.set(change.record.volume, change.record);
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
      case 'no-scrub':
        this.#scrubs.delete(change.volume);
    }
  }
}

function refused(why: string): LockstepError {
  return new LockstepError('FAILED_PRECONDITION', `the store cannot be opened: ${why}`, {
    reason: 'STORE_FORMAT_UNKNOWN',
  });
}
