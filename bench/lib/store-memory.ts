/**
 * One case of what the store keeps in memory of a volume of 1 TiB: `node --expose-gc store-memory.ts CASE` makes it in a
 * folder of its own, opens it in this process, which did nothing else before, and prints a `MemoryCase` as JSON.
 */
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { HostMeta } from '../../daemon/meta/host-meta.ts';
import { REGION_BYTES } from '../../daemon/replication/units.ts';
import { systemFiles } from '../../daemon/store/files.ts';
import { COMING, type Entry, LayerMap, PAGE_REGIONS, PRESENT } from '../../daemon/store/layers/layer-map.ts';
import { closeBenchStore, inFolder, layersIn, openBenchStore, timed } from './bench-store.ts';

/** Bytes, after a collection of garbage, more than before the store was opened. */
interface Memory {
  readonly heapBytes: number;
  /** Buffers outside of the heap. */
  readonly externalBytes: number;
  readonly residentBytes: number;
}

export interface MemoryCase {
  readonly openMs: number;
  readonly opened: Memory;
  /** After a look at every page of the maps. */
  readonly used: Memory;
  /** To look at every page of the maps once. */
  readonly useMs: number;
}

const TIB = 2 ** 40;
const VOLUME = 'v';
const REGIONS = TIB / REGION_BYTES;
const BLOCK = Buffer.alloc(4096, 'm');
const SNAPSHOTS = 64;
const WRITES_PER_SNAPSHOT = 250;
/** A prime, so that the writes are all over the volume and meet each other's regions seldom. */
const STRIDE = 7_368_787;

const cases = {
  /** One layer, nothing written. */
  empty: async (folder: string) => {
    await made(folder, async () => undefined);
  },
  /** A head over a snapshot that holds every region: its map is full, its data one hole. */
  full: (folder: string) => fullMap(folder, PRESENT),
  /** The same as a process leaves it that died before its first flush. */
  unflushed: (folder: string) => fullMap(folder, COMING),
  /** Scattered writes before each of 64 snapshots, and after the last. */
  snapshots: async (folder: string) => {
    await made(folder, async ({ store }) => {
      let region = 0;
      for (let taken = 0; taken <= SNAPSHOTS; taken++) {
        for (let write = 0; write < WRITES_PER_SNAPSHOT; write++) {
          region = (region + STRIDE) % REGIONS;
          store.volume(VOLUME).write(region * REGION_BYTES, BLOCK);
        }
        if (taken < SNAPSHOTS) await take(store, `s${String(taken)}`);
      }
    });
  },
};

export type MemoryCaseName = keyof typeof cases;

/** In a process of its own. */
export function memoryCase(name: MemoryCaseName): MemoryCase {
  const { stdout, stderr, status } = spawnSync(
    process.execPath,
    ['--expose-gc', import.meta.filename, name],
    { encoding: 'utf8' },
  );
  if (status !== 0) throw new Error(`case ${name} ended with ${String(status)}: ${stderr}`);
  return JSON.parse(stdout) as MemoryCase;
}

type Opened = Awaited<ReturnType<typeof openBenchStore>>;

async function made(folder: string, work: (opened: Opened) => Promise<void>): Promise<void> {
  const opened = await openBenchStore(folder);
  await opened.store.create(VOLUME, TIB);
  await work(opened);
  await closeBenchStore(opened);
}

function take(store: Opened['store'], name: string): Promise<unknown> {
  return store.snapshot(VOLUME, name, { quiesced: false, purpose: 'kept' });
}

async function fullMap(folder: string, entry: Entry): Promise<void> {
  await made(folder, ({ store }) => take(store, 's').then(() => undefined));
  const layers = layersIn(folder);
  const name = readdirSync(layers).find((one) => one.endsWith('.map'));
  if (name === undefined) throw new Error('the head has no map');
  const layer = { layer: name.slice(0, -'.map'.length), regionBytes: REGION_BYTES };
  const map = LayerMap.open(systemFiles, join(layers, name), layer, REGIONS);
  map.set({ first: 0, count: REGIONS }, entry);
  map.close();
}

function memory(): Memory {
  globalThis.gc?.();
  globalThis.gc?.();
  const { heapUsed, external, rss } = process.memoryUsage();
  return { heapBytes: heapUsed, externalBytes: external, residentBytes: rss };
}

function moreThan(before: Memory): Memory {
  const after = memory();
  return {
    heapBytes: after.heapBytes - before.heapBytes,
    externalBytes: after.externalBytes - before.externalBytes,
    residentBytes: after.residentBytes - before.residentBytes,
  };
}

async function measured(folder: string): Promise<MemoryCase> {
  // The database has a memory of its own, which is not of the maps.
  const warm = await HostMeta.open(join(folder, 'meta'));
  await warm.close();
  const before = memory();
  let opened: Opened | undefined;
  const openMs = await timed(async () => {
    opened = await openBenchStore(folder);
  });
  const afterOpen = moreThan(before);
  const useMs = await timed(() => {
    for (let region = 0; region < REGIONS; region += PAGE_REGIONS)
      opened?.store.volume(VOLUME).read({ offset: region * REGION_BYTES, length: BLOCK.length });
  });
  const used = moreThan(before);
  if (opened !== undefined) await closeBenchStore(opened);
  return { openMs, opened: afterOpen, used, useMs };
}

function isCase(name: string | undefined): name is MemoryCaseName {
  return name !== undefined && name in cases;
}

if (process.argv[1] === import.meta.filename) {
  const [, , name, folder] = process.argv;
  if (!isCase(name)) throw new Error(`there is no case ${String(name)}`);
  if (folder !== undefined) await cases[name](folder);
  else
    await inFolder(async (fresh) => {
      // By another process: what is left in memory of the making is not measured.
      const maker = spawnSync(process.execPath, [import.meta.filename, name, fresh], { encoding: 'utf8' });
      if (maker.status !== 0) throw new Error(maker.stderr);
      console.log(JSON.stringify(await measured(fresh)));
    });
}
