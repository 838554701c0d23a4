/** A folder of the real file system, with a real level database beside the layers. */
import { join } from 'node:path';
import { HostMeta } from '../../../daemon/meta/host-meta.ts';
import { systemFiles } from '../../../daemon/store/files.ts';
import type { Catalogue } from '../../../daemon/store/layers/catalogue.ts';
import type { StoreHost } from './host.ts';

export class RealHost implements StoreHost {
  readonly files = systemFiles;
  readonly folder: string;
  readonly #meta: HostMeta;
  /** The real one takes its time by itself: there is always something to wait for. */
  readonly waiting = 1;

  private constructor(folder: string, meta: HostMeta) {
    this.folder = join(folder, 'layers');
    this.#meta = meta;
  }

  static async open(folder: string): Promise<RealHost> {
    return new RealHost(folder, await HostMeta.open(join(folder, 'meta')));
  }

  get catalogue(): Catalogue {
    return this.#meta.catalogue;
  }

  readonly nowMs = (): number => performance.now();

  readonly fired = 0;

  sparing<Value>(work: () => Value): Value {
    return work();
  }

  finishOne(): void {
    // The kernel does.
  }

  async close(): Promise<void> {
    await this.#meta.close();
  }
}
