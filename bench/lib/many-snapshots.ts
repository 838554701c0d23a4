/** The store alone, in this process: many snapshots of one volume, and what they cost those who write to it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { HostMeta } from '../../daemon/meta/host-meta.ts';
import { REGION_BYTES } from '../../daemon/replication/units.ts';
import { systemFiles } from '../../daemon/store/files.ts';
import { LayerStore } from '../../daemon/store/layers/layer-store.ts';

export interface ManySnapshots {
  /** Milliseconds of each. */
  readonly takes: readonly number[];
  readonly lists: readonly number[];
  readonly deletes: readonly number[];
  readonly openMs: number;
  /** What the process has more with all of them than before the first. */
  readonly residentBytes: number;
  /** Milliseconds until all is merged again after they were deleted; undefined: longer than is waited for. */
  readonly settleMs: number | undefined;
}

export interface WriteCost {
  readonly snapshots: number;
  /** Microseconds of each 4 KiB write to a region that is the volume's own. */
  readonly writes: readonly number[];
}

const VOLUME = 'bench';
const MIB = 2 ** 20;
const SETTLE_LIMIT_MS = 60_000;
const BLOCK = Buffer.alloc(4096, 'b');

interface Opened {
  readonly store: LayerStore;
  readonly meta: HostMeta;
}

async function open(folder: string): Promise<Opened> {
  const meta = await HostMeta.open(join(folder, 'meta'));
  const quiet = (): void => undefined;
  const store = await LayerStore.open({
    files: systemFiles,
    catalogue: meta.catalogue,
    folder: join(folder, 'layers'),
    bootId: 'bench',
    regionBytes: REGION_BYTES,
    nowMs: Date.now,
    log: { info: quiet, warn: quiet, error: quiet },
  });
  return { store, meta };
}

async function close({ store, meta }: Opened): Promise<void> {
  await store.close();
  await meta.close();
}

async function inFolder<Value>(work: (folder: string) => Promise<Value>): Promise<Value> {
  const folder = mkdtempSync(join(tmpdir(), 'lockstep-bench-'));
  try {
    return await work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function timed(work: () => Promise<unknown> | void): Promise<number> {
  const startMs = performance.now();
  await work();
  return performance.now() - startMs;
}

/** One region is written between two of them. */
export function manySnapshots(count: number, sizeBytes: number): Promise<ManySnapshots> {
  return inFolder(async (folder) => {
    let opened = await open(folder);
    const residentBefore = process.memoryUsage.rss();
    const regions = sizeBytes / REGION_BYTES;
    await opened.store.create(VOLUME, sizeBytes);
    const takes: number[] = [];
    const take = { quiesced: false, purpose: 'kept' } as const;
    for (let index = 0; index < count; index++) {
      const region = (index * 7919) % regions;
      opened.store.volume(VOLUME).write(region * REGION_BYTES, BLOCK);
      takes.push(await timed(() => opened.store.snapshot(VOLUME, `s${String(index)}`, take)));
    }
    await close(opened);
    const openMs = await timed(async () => {
      opened = await open(folder);
    });
    opened.store.volume(VOLUME).read({ offset: 0, length: Math.min(sizeBytes, 64 * MIB) });
    const residentBytes = process.memoryUsage.rss() - residentBefore;
    const lists = [await timed(() => void opened.store.lineage(VOLUME))];
    const deletes: number[] = [];
    for (let index = 0; index < count; index++)
      deletes.push(await timed(() => opened.store.deleteSnapshot(VOLUME, `s${String(index)}`)));
    let isSettled = false;
    const settleMs = await timed(async () => {
      const giveUpAtMs = performance.now() + SETTLE_LIMIT_MS;
      while (!isSettled && performance.now() < giveUpAtMs) isSettled = !(await opened.store.step());
    });
    await close(opened);
    return { takes, lists, deletes, openMs, residentBytes, settleMs: isSettled ? settleMs : undefined };
  });
}

/** The volumes take turns, so that what else the machine does meets all of them. */
export function writeCosts(counts: readonly number[], rounds: number): Promise<readonly WriteCost[]> {
  return inFolder(async (folder) => {
    const opened = await open(folder);
    const regions = 256;
    const take = { quiesced: false, purpose: 'kept' } as const;
    for (const count of counts) {
      const name = `v${String(count)}`;
      await opened.store.create(name, regions * REGION_BYTES);
      const fill = (): void => {
        for (let region = 0; region < regions; region++)
          opened.store.volume(name).write(region * REGION_BYTES, BLOCK);
      };
      fill();
      for (let index = 0; index < count; index++) {
        opened.store.volume(name).write(index * REGION_BYTES, BLOCK);
        await opened.store.snapshot(name, `s${String(index)}`, take);
      }
      fill();
    }
    const costs = counts.map((snapshots) => ({ snapshots, writes: [] as number[] }));
    for (let round = 0; round < rounds; round++)
      for (const { snapshots, writes } of costs) {
        const volume = opened.store.volume(`v${String(snapshots)}`);
        for (let region = 0; region < regions; region++) {
          const startMs = performance.now();
          volume.write(region * REGION_BYTES + ((round * 4096) % REGION_BYTES), BLOCK);
          writes.push((performance.now() - startMs) * 1000);
        }
      }
    await close(opened);
    return costs;
  });
}
