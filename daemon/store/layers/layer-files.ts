/** The files of layers: `<id>.data`, `<id>.map` of all but the bottom of a stack, `<id>.sums` of sealed ones. */
import { join } from 'node:path';
import { LockstepError, messageOf } from '../../sys/errors.ts';
import type { Files } from '../files.ts';
import type { LayerId } from './catalogue.ts';
import { Layer } from './layer.ts';
import { LayerMap } from './layer-map.ts';
import { LayerSums } from './layer-sums.ts';

export interface LayerFilesOptions {
  readonly files: Files;
  readonly folder: string;
  readonly bootId: string;
  readonly regionBytes: number;
}

const SUFFIXES = ['data', 'map', 'sums'] as const;
type Suffix = (typeof SUFFIXES)[number];

export class LayerFiles {
  readonly #options: LayerFilesOptions;

  constructor(options: LayerFilesOptions) {
    this.#options = options;
    options.files.makeFolder(options.folder);
  }

  get isEmpty(): boolean {
    return this.#options.files.list(this.#options.folder).every((name) => layerOf(name) === undefined);
  }

  path(id: LayerId, suffix: Suffix): string {
    return join(this.#options.folder, `${id}.${suffix}`);
  }

  /** Empty, and on stable storage when it resolves. */
  async create(id: LayerId, sizeBytes: number, parent: Layer | undefined): Promise<Layer> {
    const { files, folder, bootId, regionBytes } = this.#options;
    const data = files.create(this.path(id, 'data'), sizeBytes);
    let layer: Layer | undefined;
    try {
      layer = new Layer(id, data, { map: undefined, parent, regionBytes });
      if (parent !== undefined) {
        const header = { layer: id, regionBytes, bootId };
        layer.map = LayerMap.create(files, this.path(id, 'map'), header, sizeBytes / regionBytes);
        await layer.sync('map');
      }
      await layer.sync('data');
      await files.syncFolder(folder);
      return layer;
    } catch (error) {
      layer?.close();
      this.remove(id);
      throw error;
    }
  }

  open(id: LayerId, parent: Layer | undefined, sizeBytes: number): Layer {
    const { files, regionBytes } = this.#options;
    const data = this.#openData(id);
    try {
      if (data.sizeBytes < sizeBytes)
        throw new LockstepError(
          'INTERNAL',
          `${data.path} has ${String(data.sizeBytes)} of its ${String(sizeBytes)} bytes`,
          { reason: 'LAYER_TRUNCATED', metadata: { layer: id } },
        );
      const map =
        parent === undefined
          ? undefined
          : LayerMap.open(files, this.path(id, 'map'), { layer: id, regionBytes }, sizeBytes / regionBytes);
      return new Layer(id, data, { map, parent, regionBytes });
    } catch (error) {
      data.close();
      throw error;
    }
  }

  /** The file alone, whatever else there is of the layer. */
  data(id: LayerId): Layer['data'] {
    return this.#openData(id);
  }

  /** The map alone. Throws if it is none of this layer, or ends before its regions. */
  map(id: LayerId, regions: number): LayerMap {
    const { files, regionBytes } = this.#options;
    return LayerMap.open(files, this.path(id, 'map'), { layer: id, regionBytes }, regions);
  }

  hasMap(id: LayerId): boolean {
    return this.#options.files.exists(this.path(id, 'map'));
  }

  hasSums(id: LayerId): boolean {
    return this.#options.files.exists(this.path(id, 'sums'));
  }

  /** In place of what there was. On stable storage after its `sync` and `syncFolder`. */
  createSums(id: LayerId, sizeBytes: number): LayerSums {
    const { files, regionBytes } = this.#options;
    return LayerSums.create(
      files,
      this.path(id, 'sums'),
      { layer: id, regionBytes },
      sizeBytes / regionBytes,
    );
  }

  openSums(id: LayerId): LayerSums {
    const { files, regionBytes } = this.#options;
    return LayerSums.open(files, this.path(id, 'sums'), { layer: id, regionBytes });
  }

  syncFolder(): Promise<void> {
    const { files, folder } = this.#options;
    return files.syncFolder(folder);
  }

  /** Of a layer that no record names: what a crash leaves of it goes at the next `sweep`. */
  remove(id: LayerId): void {
    for (const suffix of SUFFIXES) this.#options.files.remove(this.path(id, suffix));
  }

  removeSums(id: LayerId): void {
    this.#options.files.remove(this.path(id, 'sums'));
  }

  /** The bottom of a stack needs no map. */
  removeMap(id: LayerId): void {
    this.#options.files.remove(this.path(id, 'map'));
  }

  /** Removes what a crash left of layers that no record names. Files that are not of layers stay. */
  sweep(known: ReadonlySet<LayerId>): readonly string[] {
    const { files, folder } = this.#options;
    const left = files.list(folder).filter((name) => {
      const id = layerOf(name);
      return id !== undefined && !known.has(id);
    });
    for (const name of left) files.remove(join(folder, name));
    return left;
  }

  has(id: LayerId): boolean {
    return this.#options.files.exists(this.path(id, 'data'));
  }

  /** Takes in a file that holds a whole volume. On stable storage when it resolves; again, it finds its work done. */
  async takeIn(path: string, id: LayerId): Promise<void> {
    const { files, folder } = this.#options;
    if (!this.has(id)) files.rename(path, this.path(id, 'data'));
    await files.syncFolder(folder);
  }

  #openData(id: LayerId): Layer['data'] {
    try {
      return this.#options.files.open(this.path(id, 'data'));
    } catch (cause) {
      throw new LockstepError('INTERNAL', `layer ${id} cannot be opened: ${messageOf(cause)}`, {
        reason: 'LAYER_MISSING',
        metadata: { layer: id },
        cause,
      });
    }
  }
}

function layerOf(name: string): LayerId | undefined {
  const [suffix] = SUFFIXES.filter((known) => name.endsWith(`.${known}`));
  if (suffix === undefined) return undefined;
  const id = name.slice(0, -suffix.length - 1);
  return /\.[0-9]+$/.test(id) ? id : undefined;
}
