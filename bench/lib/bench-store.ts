/** The store alone, in this process, in a folder of its own. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { HostMeta } from '../../daemon/meta/host-meta.ts';
import { REGION_BYTES } from '../../daemon/replication/units.ts';
import { systemFiles } from '../../daemon/store/files.ts';
import { LayerStore } from '../../daemon/store/layers/layer-store.ts';

/** All that is opened here is of one boot. */
export const BOOT_ID = 'bench';

export interface BenchStore {
  readonly store: LayerStore;
  readonly meta: HostMeta;
}

export async function openBenchStore(folder: string): Promise<BenchStore> {
  const meta = await HostMeta.open(join(folder, 'meta'));
  const quiet = (): void => undefined;
  const store = await LayerStore.open({
    files: systemFiles,
    catalogue: meta.catalogue,
    folder: layersIn(folder),
    bootId: BOOT_ID,
    regionBytes: REGION_BYTES,
    nowMs: Date.now,
    log: { info: quiet, warn: quiet, error: quiet },
  });
  return { store, meta };
}

export async function closeBenchStore({ store, meta }: BenchStore): Promise<void> {
  await store.close();
  await meta.close();
}

export function layersIn(folder: string): string {
  return join(folder, 'layers');
}

/** It is removed afterwards. */
export async function inFolder<Value>(work: (folder: string) => Promise<Value>): Promise<Value> {
  const folder = mkdtempSync(join(tmpdir(), 'lockstep-bench-'));
  try {
    return await work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Milliseconds. */
export async function timed(work: () => Promise<unknown> | void): Promise<number> {
  const startMs = performance.now();
  await work();
  return performance.now() - startMs;
}
