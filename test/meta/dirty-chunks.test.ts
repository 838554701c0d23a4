/** Dirty maps on a real level database, against plain maps in memory. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import t, { type Test } from 'tap';
import { HostMeta } from '../../daemon/meta/host-meta.ts';
import type { MapChange, MapChunk } from '../../daemon/replication/interface.ts';
import { anew, changed, chunk, record } from './records.ts';

type Maps = Map<string, Map<number, number>>;

/** By volume and host: the byte that fills each chunk. */
async function mapsOf(meta: HostMeta): Promise<Record<string, Record<string, Record<number, number>>>> {
  const kept = await meta.list();
  return Object.fromEntries(
    kept.map(({ volume, maps }) => [
      volume,
      plain(new Map([...maps].map(([host, chunks]) => [host, bytesOf(chunks)]))),
    ]),
  );
}

function bytesOf(chunks: readonly MapChunk[]): Map<number, number> {
  return new Map(chunks.map(({ at, bits }) => [at, bits[0] ?? -1]));
}

function plain(maps: Maps): Record<string, Record<number, number>> {
  return Object.fromEntries([...maps].map(([host, bytes]) => [host, Object.fromEntries(bytes)]));
}

async function openMeta(t: Test): Promise<{ meta: HostMeta; again: () => Promise<HostMeta> }> {
  const folder = mkdtempSync(join(tmpdir(), 'lockstep-meta-'));
  let meta = await HostMeta.open(folder);
  t.teardown(async () => {
    await meta.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const again = async (): Promise<HostMeta> => {
    await meta.close();
    meta = await HostMeta.open(folder);
    return meta;
  };
  return { meta, again };
}

t.test('maps are found by the next process, in the order of their chunks', async (t) => {
  const { meta, again } = await openMeta(t);
  await meta.put(record('v', 1), [changed('b', chunk(11, 3), chunk(2, 1)), changed('c', chunk(0, 9))]);
  const [found] = await (await again()).list();
  t.strictSame(
    found?.maps,
    new Map([
      ['b', [chunk(2, 1), chunk(11, 3)]],
      ['c', [chunk(0, 9)]],
    ]),
  );
});

t.test('a map that is begun anew forgets what the process before knew of it', async (t) => {
  const { meta, again } = await openMeta(t);
  await meta.put(record('v', 1), [changed('b', chunk(1, 1), chunk(2, 2)), changed('c', chunk(1, 7))]);
  const next = await again();
  await next.put(record('v', 2), [anew('b', chunk(2, 5))]);
  t.strictSame(await mapsOf(next), { v: { b: { 2: 5 }, c: { 1: 7 } } });
  await next.put(record('v', 3), [anew('b')]);
  t.strictSame(await mapsOf(next), { v: { c: { 1: 7 } } });
});

t.test('a chunk whose last bit is cleared is gone', async (t) => {
  const { meta, again } = await openMeta(t);
  await meta.put(record('v', 1), [changed('b', chunk(1, 1), chunk(2, 2))]);
  await meta.put(record('v', 1), [changed('b', chunk(1, 0))]);
  t.strictSame(await mapsOf(await again()), { v: { b: { 2: 2 } } });
});

t.test('bits that change after they were handed in are written as they were', async (t) => {
  const { meta } = await openMeta(t);
  const one = chunk(1, 1);
  const first = meta.put(record('v', 1), [changed('b', one)]);
  one.bits.fill(2);
  await first;
  t.strictSame(await mapsOf(meta), { v: { b: { 1: 1 } } });
});

t.test('the maps of a deleted volume go with it, and those of its namesakes stay', async (t) => {
  const { meta, again } = await openMeta(t);
  for (const volume of ['v', 'v0', 'v-1', 'v.b', 'w'])
    await meta.put(record(volume, 1), [changed('b', chunk(0, 1))]);
  await meta.delete('v');
  const b = { 0: 1 };
  t.strictSame(await mapsOf(await again()), { v0: { b }, 'v-1': { b }, 'v.b': { b }, w: { b } });
});

t.test('a volume that is made again begins without a map', async (t) => {
  const { meta } = await openMeta(t);
  await meta.put(record('v', 1), [changed('b', chunk(0, 1))]);
  void meta.delete('v');
  await meta.put(record('v', 1));
  t.strictSame(await mapsOf(meta), { v: {} });
});

function apply(maps: Maps, { host, anew: begins, chunks }: MapChange): void {
  const bytes = new Map(begins ? [] : maps.get(host));
  for (const [at, byte] of bytesOf(chunks))
    if (byte === 0) bytes.delete(at);
    else bytes.set(at, byte);
  if (bytes.size === 0) maps.delete(host);
  else maps.set(host, bytes);
}

const change = fc.record({
  host: fc.constantFrom('b', 'c'),
  anew: fc.boolean(),
  chunks: fc.array(
    fc.tuple(fc.nat(4), fc.nat(3)).map(([at, byte]) => chunk(at, byte)),
    { maxLength: 4 },
  ),
});
const step = fc.record({
  volume: fc.constantFrom('v', 'v2'),
  changes: fc.array(change, { maxLength: 3 }),
  waits: fc.boolean(),
});

t.test('any changes in any company end as they would one by one, also for the next process', async (t) => {
  const { meta, again } = await openMeta(t);
  let current = meta;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
      for (const volume of ['v', 'v2']) await current.delete(volume);
      const wanted = new Map<string, Maps>();
      for (const { volume, changes, waits } of steps) {
        const put = current.put(record(volume, 1), changes);
        if (waits) await put;
        const maps: Maps = wanted.get(volume) ?? new Map<string, Map<number, number>>();
        wanted.set(volume, maps);
        for (const one of changes) apply(maps, one);
      }
      current = await again();
      t.same(
        await mapsOf(current),
        Object.fromEntries([...wanted].map(([volume, maps]) => [volume, plain(maps)])),
      );
    }),
    { numRuns: 60 },
  );
});
