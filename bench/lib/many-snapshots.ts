/** The store alone, in this process: many snapshots of one volume, and what they cost those who write to it. */
import { REGION_BYTES } from '../../daemon/replication/units.ts';
import type { LayerStore } from '../../daemon/store/layers/layer-store.ts';
import { closeBenchStore as close, inFolder, openBenchStore as open, timed } from './bench-store.ts';

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

export interface SnapshotCost {
  readonly snapshots: number;
  /** Microseconds of each 4 KiB write to a region that is the volume's own. */
  readonly writes: readonly number[];
  /** Microseconds of each 4 KiB read. */
  readonly reads: readonly number[];
  /** Milliseconds of one snapshot more: to take it, to list all, to compare it with the volume, to delete it. */
  readonly takes: readonly number[];
  readonly lists: readonly number[];
  readonly diffs: readonly number[];
  readonly deletes: readonly number[];
}

const VOLUME = 'bench';
const MIB = 2 ** 20;
const SETTLE_LIMIT_MS = 60_000;
const BLOCK = Buffer.alloc(4096, 'b');
const COST_REGIONS = 256;
const KEPT = { quiesced: false, purpose: 'kept' } as const;

/** One region is written between two of them. */
export function manySnapshots(count: number, sizeBytes: number): Promise<ManySnapshots> {
  return inFolder(async (folder) => {
    let opened = await open(folder);
    const residentBefore = process.memoryUsage.rss();
    const regions = sizeBytes / REGION_BYTES;
    await opened.store.create(VOLUME, sizeBytes);
    const takes: number[] = [];
    for (let index = 0; index < count; index++) {
      const region = (index * 7919) % regions;
      opened.store.volume(VOLUME).write(region * REGION_BYTES, BLOCK);
      takes.push(await timed(() => opened.store.snapshot(VOLUME, `s${String(index)}`, KEPT)));
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
export function snapshotCosts(
  counts: readonly number[],
  { rounds, changes }: { readonly rounds: number; readonly changes: number },
): Promise<readonly SnapshotCost[]> {
  return inFolder(async (folder) => {
    const opened = await open(folder);
    const { store } = opened;
    for (const count of counts) await makeSnapshots(store, count);
    // Checksums and merges are not what is measured.
    while (await store.step());
    const costs = counts.map((snapshots) => ({
      snapshots,
      writes: [] as number[],
      reads: [] as number[],
      takes: [] as number[],
      lists: [] as number[],
      diffs: [] as number[],
      deletes: [] as number[],
    }));
    for (let round = 0; round < rounds; round++)
      for (const { snapshots, writes, reads } of costs) {
        const volume = store.volume(volumeOf(snapshots));
        for (let region = 0; region < COST_REGIONS; region++) {
          const offset = region * REGION_BYTES + ((round * BLOCK.length) % REGION_BYTES);
          const startMs = performance.now();
          volume.write(offset, BLOCK);
          const writtenMs = performance.now();
          volume.read({ offset: ((region * 37) % COST_REGIONS) * REGION_BYTES, length: BLOCK.length });
          reads.push((performance.now() - writtenMs) * 1000);
          writes.push((writtenMs - startMs) * 1000);
        }
      }
    for (let change = 0; change < changes; change++)
      for (const { snapshots, takes, lists, diffs, deletes } of costs) {
        const name = volumeOf(snapshots);
        store.volume(name).write(change * REGION_BYTES, BLOCK);
        takes.push(await timed(() => store.snapshot(name, 'one', KEPT)));
        lists.push(await timed(() => void store.lineage(name)));
        store.volume(name).write(change * REGION_BYTES, BLOCK);
        diffs.push(await timed(() => void store.diff(name, 'one')));
        deletes.push(await timed(() => store.deleteSnapshot(name, 'one')));
        while (await store.step());
      }
    await close(opened);
    return costs;
  });
}

/** A volume with so many, that has a region of its own wherever it is written and read afterwards. */
async function makeSnapshots(store: LayerStore, count: number): Promise<void> {
  const name = volumeOf(count);
  await store.create(name, COST_REGIONS * REGION_BYTES);
  const fill = (): void => {
    for (let region = 0; region < COST_REGIONS; region++)
      store.volume(name).write(region * REGION_BYTES, BLOCK);
  };
  fill();
  for (let index = 0; index < count; index++) {
    store.volume(name).write((index % COST_REGIONS) * REGION_BYTES, BLOCK);
    await store.snapshot(name, `s${String(index)}`, KEPT);
  }
  fill();
}

function volumeOf(snapshots: number): string {
  return `v${String(snapshots)}`;
}
