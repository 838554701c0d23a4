/** A layered store of its own on real files and a real level database, and volumes of it as a replica uses them. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Test } from 'tap';
import { HostMeta } from '../../daemon/meta/host-meta.ts';
import type { DiskFailure } from '../../daemon/replication/interface.ts';
import { REGION_BYTES } from '../../daemon/replication/units.ts';
import { type Files, systemFiles } from '../../daemon/store/files.ts';
import { LayeredDisk } from '../../daemon/store/layered-disk.ts';
import { LayerStore } from '../../daemon/store/layers/layer-store.ts';
import type { Store } from '../../daemon/store/store.ts';
import type { Log } from '../../daemon/sys/log.ts';
import { quietLog } from './quiet-log.ts';

export interface StoreOptions {
  /** Of the store that is opened again, or on a file system of its own. */
  readonly folder?: string;
  readonly bootId?: string;
  readonly files?: Files;
  readonly log?: Log;
}

export interface OpenStore {
  readonly folder: string;
  readonly meta: HostMeta;
  readonly store: LayerStore;
  /** The disk of a volume that is there. */
  disk(volume: string): LayeredDisk;
  /** Of a new volume. */
  create(volume: string, sizeBytes: number): Promise<LayeredDisk>;
  /** The names of the files of layers, in order. */
  layers(): readonly string[];
  /** As the background does, until nothing is left. */
  settle(): Promise<void>;
  /** Idempotent. */
  close(): Promise<void>;
  /** As after a restart of the daemon, or of the machine with another boot id. */
  again(options?: Pick<StoreOptions, 'bootId' | 'log'>): Promise<OpenStore>;
}

/** Closed on teardown, and its folder removed. */
export async function openStore(t: Test, options: StoreOptions = {}): Promise<OpenStore> {
  const { bootId = 'one boot', files = systemFiles, log = quietLog } = options;
  const folder = options.folder ?? mkdtempSync(join(tmpdir(), 'lockstep-store-'));
  const layersFolder = join(folder, 'layers');
  // First, so that it is done last: also where the store cannot be opened.
  t.teardown(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  const meta = await HostMeta.open(join(folder, 'meta'));
  t.teardown(() => meta.close());
  const { catalogue } = meta;
  const store = await LayerStore.open({
    files,
    catalogue,
    folder: layersFolder,
    bootId,
    regionBytes: REGION_BYTES,
    nowMs: Date.now,
    log,
  });
  let closed: Promise<void> | undefined;
  const close = (): Promise<void> =>
    (closed ??= (async () => {
      await store.close();
      await meta.close();
    })());
  t.teardown(close);
  const disk = (volume: string): LayeredDisk => new LayeredDisk(store, store.volume(volume));
  return {
    folder,
    meta,
    store,
    disk,
    create: async (volume, sizeBytes) => {
      await store.create(volume, sizeBytes);
      return disk(volume);
    },
    layers: () => readdirSync(layersFolder).sort(),
    settle: async () => {
      let isLeft = true;
      while (isLeft) isLeft = await store.step();
    },
    close,
    again: async (changes = {}) => {
      await close();
      return openStore(t, { ...options, ...changes, folder });
    },
  };
}

/** One volume, of all zeroes, in a store of its own. */
export async function openDisk(
  t: Test,
  sizeBytes: number,
  options: StoreOptions = {},
): Promise<{ readonly opened: OpenStore; readonly disk: LayeredDisk }> {
  const opened = await openStore(t, options);
  return { opened, disk: await opened.create('v', sizeBytes) };
}

export function flushed(disk: Pick<Store, 'flush'>): Promise<DiskFailure | undefined> {
  return new Promise((resolve) => {
    disk.flush(resolve);
  });
}
