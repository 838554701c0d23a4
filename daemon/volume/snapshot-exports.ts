/**
 * Snapshots as NBD clients see them, at `VOLUME@SNAPSHOT`, read-only. All clients of one share a view of it, which keeps
 * it from being deleted.
 */
import { LockstepError } from '../sys/errors.ts';
import type { Export, ExportRefusal, OpenExport } from '../nbd/block.ts';
import type { LayerStore } from '../store/layers/layer-store.ts';
import type { SnapshotView } from '../store/layers/snapshot-view.ts';
import type { SnapshotRecord } from '../store/layers/catalogue.ts';
import { differencesOf, regionsOf } from './differences.ts';
import { ReadOnlyView } from './read-only-view.ts';

interface Shared {
  readonly view: SnapshotView;
  /** Of each connection: what cuts it off. */
  readonly clients: Set<() => void>;
}

export class SnapshotExports {
  readonly #store: () => LayerStore;
  /** By `volume@snapshot`. */
  readonly #shared = new Map<string, Shared>();

  constructor(store: () => LayerStore) {
    this.#store = store;
  }

  list(volume: string): Export[] {
    return this.#kept(volume).map((record) => this.#export(record));
  }

  find(volume: string, snapshot: string): Export | undefined {
    const record = this.#kept(volume).find(({ name }) => name === snapshot);
    return record === undefined ? undefined : this.#export(record);
  }

  /** Of one that is found: a layer of it is damaged. */
  whyUnusable(volume: string, snapshot: string): ExportRefusal | undefined {
    try {
      this.#store().openSnapshot(volume, snapshot).close();
      return undefined;
    } catch (error) {
      if (!(error instanceof LockstepError)) throw error;
      return { ok: false, reason: 'NOT_SERVING', message: error.message };
    }
  }

  /** The volume is about to be deleted, with its snapshots. */
  revokeAll(volume: string): void {
    for (const [name, shared] of [...this.#shared])
      if (shared.view.record.volume === volume) {
        this.#end(name, shared);
        for (const cutOff of shared.clients) cutOff();
      }
  }

  #kept(volume: string): SnapshotRecord[] {
    return this.#store()
      .snapshots(volume)
      .filter(({ purpose }) => purpose === 'kept');
  }

  #export(record: SnapshotRecord): Export {
    const { volume, name, createdAtMs, quiesced, sizeBytes } = record;
    const others = this.#kept(volume).filter((other) => other.name !== name);
    const how = quiesced ? ', quiesced' : '';
    return {
      name: `${volume}@${name}`,
      description: `read-only, snapshot of ${new Date(createdAtMs).toISOString()}${how}`,
      sizeBytes,
      isReadOnly: true,
      offersFastZero: false,
      differences: others.map((other) => ({ kind: 'diff', name: other.name })),
      open: (onRevoke) => this.#open(record, onRevoke),
    };
  }

  /** Throws where the snapshot was deleted since it was found, or cannot be read. */
  #open({ volume, name }: SnapshotRecord, onRevoke: () => void): OpenExport {
    const store = this.#store();
    const full = `${volume}@${name}`;
    const shared = this.#shared.get(full) ?? this.#share(full, volume, name);
    const cutOff = (): void => {
      onRevoke();
    };
    shared.clients.add(cutOff);
    const backend = new ReadOnlyView(shared.view, {
      mayRead: () => this.#shared.get(full) === shared,
      differences: ({ kind, name: other }, range) => {
        if (kind !== 'diff' || this.find(volume, other) === undefined) return undefined;
        return differencesOf(range, store.diff(volume, other, name, regionsOf(range)));
      },
    });
    const close = (): void => {
      shared.clients.delete(cutOff);
      if (shared.clients.size === 0) this.#end(full, shared);
    };
    return { backend, close };
  }

  #share(full: string, volume: string, name: string): Shared {
    const clients = new Set<() => void>();
    const reader = (): string => `${String(clients.size)} NBD client${clients.size === 1 ? '' : 's'}`;
    const shared = { view: this.#store().openSnapshot(volume, name, reader), clients };
    this.#shared.set(full, shared);
    return shared;
  }

  #end(full: string, shared: Shared): void {
    if (this.#shared.get(full) !== shared) return;
    this.#shared.delete(full);
    shared.view.close();
  }
}
