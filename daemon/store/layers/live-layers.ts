/** The layers whose files are open, and why those are not that cannot be used. */
import { messageOf } from '../../sys/errors.ts';
import type { LayerId, VolumeRecord } from './catalogue.ts';
import { unusable } from './failures.ts';
import type { Layer } from './layer.ts';
import type { LayerFiles } from './layer-files.ts';
import type { LayerSums } from './layer-sums.ts';
import type { StoreRecords } from './records.ts';
import { settle } from './settle.ts';

export interface StoreLog {
  info(facts: object, message: string): void;
  warn(facts: object, message: string): void;
  error(facts: object, message: string): void;
}

interface LiveOptions {
  readonly records: StoreRecords;
  readonly files: LayerFiles;
  readonly bootId: string;
  readonly regionBytes: number;
  readonly log: StoreLog;
}

export class LiveLayers {
  readonly #options: LiveOptions;
  readonly #layers = new Map<LayerId, Layer>();
  readonly #sums = new Map<LayerId, LayerSums>();
  /** All that stands on one of these cannot be used either. */
  readonly #damaged = new Map<LayerId, string>();

  constructor(options: LiveOptions) {
    this.#options = options;
  }

  get(id: LayerId): Layer | undefined {
    return this.#layers.get(id);
  }

  values(): Iterable<Layer> {
    return this.#layers.values();
  }

  add(layer: Layer): void {
    this.#damaged.delete(layer.id);
    this.#layers.set(layer.id, layer);
  }

  /**
   * Opens a layer and all below it, and puts in order what is not sealed of them. `sizeBytes`: of what they are for. A
   * layer that cannot be used is remembered with the reason, and left alone.
   */
  async open(
    top: LayerId,
    { of, sizeBytes }: { readonly of: string; readonly sizeBytes: number },
  ): Promise<void> {
    const { records, files, bootId, regionBytes } = this.#options;
    const ids = [...records.structure.chain(top)].reverse();
    const unsealed: Layer[] = [];
    let parent: Layer | undefined;
    for (const id of ids) {
      const record = records.layer(id);
      try {
        if (record === undefined || (parent === undefined && record.parent !== ''))
          throw unusable(of, this.whyDamaged(id));
        parent = this.#layers.get(id) ?? files.open(id, parent, record.sizeBytes);
        this.#layers.set(id, parent);
        if (!record.sealed) unsealed.push(parent);
      } catch (error) {
        this.#damage(id, of, error);
        return;
      }
    }
    try {
      for (const layer of unsealed) layer.makeRoom(sizeBytes, regionBytes);
      await settle(unsealed, bootId, regionBytes);
    } catch (error) {
      for (const layer of unsealed) {
        this.#damage(layer.id, of, error);
        this.#layers.delete(layer.id);
        layer.close();
      }
    }
  }

  /** The head and the unsealed layers below it, from the lowest up. */
  unsealed(head: Layer): Layer[] {
    const open: Layer[] = [];
    for (let at: Layer | undefined = head; at !== undefined; at = at.parent) {
      if (this.#options.records.layer(at.id)?.sealed === true) break;
      open.unshift(at);
    }
    return open;
  }

  /**
   * Layers that are about to be written in place, below one of the heads. What may fail goes before the commit: a layer
   * that is recorded as open and is not would never be sealed again.
   */
  readyToOpen(opened: readonly LayerId[], heads: readonly VolumeRecord[]): void {
    for (const { head, sizeBytes } of heads) {
      const below = this.#layers.get(head)?.parent;
      if (below === undefined || !opened.includes(below.id)) continue;
      below.makeRoom(sizeBytes, this.#options.regionBytes);
      // It may be sealed since another boot, and what comes to it now must be believed in this one.
      below.map?.renewBootId(this.#options.bootId);
    }
  }

  whyDamaged(top: LayerId): string {
    for (const id of this.#options.records.structure.chain(top)) {
      const why = this.#damaged.get(id);
      if (why !== undefined) return why;
    }
    return `a layer below ${top} is missing`;
  }

  /** Of a layer that has all its checksums. Throws if they cannot be used. */
  sums(layer: Layer): LayerSums {
    const open = this.#sums.get(layer.id) ?? this.#options.files.openSums(layer.id);
    this.#sums.set(layer.id, open);
    return open;
  }

  /** They are opened anew when they are asked for. */
  forgetSums(id: LayerId): void {
    this.#sums.get(id)?.close();
    this.#sums.delete(id);
  }

  /** The layer is written from here on. */
  removeSums(id: LayerId): void {
    this.forgetSums(id);
    this.#layers.get(id)?.foundDamaged([]);
    this.#options.files.removeSums(id);
  }

  /** What the last scrubs found: it is not read any more as if nothing were wrong. */
  markDamaged(): void {
    const { records } = this.#options;
    const found = records.scrubs.flatMap(({ damaged }) => damaged);
    for (const layer of this.#layers.values())
      layer.foundDamaged(found.filter(({ layer: id }) => id === layer.id).map(({ region }) => region));
  }

  /** No record names it any more. */
  drop(id: LayerId): void {
    this.forgetSums(id);
    this.#layers.get(id)?.close();
    this.#layers.delete(id);
    this.#damaged.delete(id);
    this.#options.files.remove(id);
  }

  closeAll(): void {
    for (const id of [...this.#sums.keys()]) this.forgetSums(id);
    for (const layer of this.#layers.values()) layer.close();
    this.#layers.clear();
  }

  #damage(id: LayerId, of: string, error: unknown): void {
    this.#damaged.set(id, messageOf(error));
    this.#options.log.error({ layer: id, of, error: messageOf(error) }, 'a layer cannot be used');
  }
}
