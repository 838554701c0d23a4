/** What a replica held before a copy, on real files: kept once, given back, and found whole after any crash. */
import { closeSync, copyFileSync, existsSync, openSync, statSync, truncateSync, writeSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import type { DiskFailure } from '../../daemon/replication/interface.ts';
import { REGION_BYTES, type Region } from '../../daemon/replication/units.ts';
import { Fallback } from '../../daemon/store/fallback.ts';
import type { Store } from '../../daemon/store/store.ts';
import type { LayeredDisk } from '../../daemon/store/layered-disk.ts';
import { openDisk } from '../support/layered-disk.ts';

const REGIONS = 8;
const SIZE_BYTES = REGIONS * REGION_BYTES;
const HEADER_BYTES = 512;

interface World {
  readonly volume: LayeredDisk;
  readonly path: string;
  readonly open: (store?: Partial<Store>) => Fallback;
}

async function worldFor(t: Test): Promise<World> {
  const { opened, disk: volume } = await openDisk(t, SIZE_BYTES);
  const path = join(opened.folder, 'fallback');
  const open = (store: Partial<Store> = {}): Fallback => {
    const layered = {
      readRegion: volume.readRegion.bind(volume),
      warm: volume.warm.bind(volume),
      write: volume.write.bind(volume),
      zero: volume.zero.bind(volume),
      flush: volume.flush.bind(volume),
      ...store,
    };
    const fallback = new Fallback(path, layered);
    t.teardown(() => {
      fallback.close();
    });
    return fallback;
  };
  return { volume, path, open };
}

const all = (volume: LayeredDisk): Buffer => volume.read({ offset: 0, length: SIZE_BYTES });
const preserve = (fallback: Fallback, ...regions: Region[]): Promise<DiskFailure | undefined> =>
  new Promise((resolve) => {
    fallback.preserve(regions, resolve);
  });
const revert = (fallback: Fallback): Promise<DiskFailure | undefined> =>
  new Promise((resolve) => {
    fallback.revert(resolve);
  });
const fill = (volume: LayeredDisk, region: Region, byte: number): void => {
  volume.write(region * REGION_BYTES, Buffer.alloc(REGION_BYTES, byte));
};
const failing = (code: string): Error => Object.assign(new Error(code), { code });

t.test(
  'the volume is given back what it was before the copy, and the next process can do it again',
  async (t) => {
    const { volume, path, open } = await worldFor(t);
    volume.write(0, randomBytes(4 * REGION_BYTES));
    volume.zero({ offset: REGION_BYTES, length: REGION_BYTES }, { keepSpace: true });
    const before = all(volume);
    const fallback = open();
    t.equal(await preserve(fallback, 0, 1, 2), undefined);
    t.equal(await preserve(fallback, 3, 6), undefined);
    t.equal(statSync(path).size, 3 * REGION_BYTES + 5 * HEADER_BYTES, 'zeroes take no space');
    volume.write(0, randomBytes(SIZE_BYTES - REGION_BYTES));
    volume.zero({ offset: 5 * REGION_BYTES, length: REGION_BYTES }, { keepSpace: false });
    // The others were not changed, as far as the fallback knows.
    const after = all(volume);
    before.copy(after, 0, 0, 4 * REGION_BYTES);
    after.fill(0, 6 * REGION_BYTES, 7 * REGION_BYTES);
    t.equal(await revert(fallback), undefined);
    t.ok(all(volume).equals(after));
    fallback.close();
    volume.write(0, randomBytes(4 * REGION_BYTES));
    const next = open();
    t.strictSame([...next.regions].sort(), [0, 1, 2, 3, 6]);
    t.equal(await revert(next), undefined);
    t.ok(all(volume).equals(after));
  },
);

t.test('a region is kept once: what it holds later is of the copy', async (t) => {
  const { volume, path, open } = await worldFor(t);
  fill(volume, 1, 1);
  const fallback = open();
  await preserve(fallback, 1, 1);
  const { size } = statSync(path);
  fill(volume, 1, 2);
  await Promise.all([preserve(fallback, 1), preserve(fallback, 1)]);
  fallback.close();
  const next = open();
  fill(volume, 1, 3);
  await preserve(next, 1);
  t.equal(statSync(path).size, size);
  await revert(next);
  t.equal(volume.read({ offset: REGION_BYTES, length: 1 })[0], 1);
});

t.test('what is asked while another is written is answered together with its like', async (t) => {
  const { volume, open } = await worldFor(t);
  fill(volume, 1, 1);
  const fallback = open();
  const answers: string[] = [];
  const told = (name: string) => () => answers.push(name);
  await Promise.all([
    preserve(fallback, 0).then(told('first')),
    preserve(fallback, 1).then(told('second')),
    preserve(fallback, 2, 3).then(told('third')),
    revert(fallback).then(told('revert')),
    preserve(fallback, 4).then(told('fourth')),
  ]);
  t.strictSame(answers, ['first', 'second', 'third', 'revert', 'fourth']);
  t.strictSame(fallback.regions, [0, 1, 2, 3, 4]);
});

t.test('a crash at any byte of the file loses what was not answered, and nothing else', async (t) => {
  const { volume, path, open } = await worldFor(t);
  volume.write(0, randomBytes(SIZE_BYTES));
  volume.zero({ offset: REGION_BYTES, length: REGION_BYTES }, { keepSpace: false });
  const before = all(volume);
  const fallback = open();
  await preserve(fallback, 0);
  await preserve(fallback, 1, 2);
  await preserve(fallback, 3);
  fallback.close();
  const whole = `${path}.whole`;
  copyFileSync(path, whole);
  const entry = HEADER_BYTES + REGION_BYTES;
  const ends = [entry, entry + HEADER_BYTES, 2 * entry + HEADER_BYTES, 3 * entry + HEADER_BYTES];
  const places = new Set([
    0,
    1,
    ...ends.flatMap((end) => [end - 1, end, end + 1, end + 7, end + 511, end + 512, end + 513]),
  ]);
  for (let at = 4096; at < (ends.at(-1) ?? 0); at += 4096) places.add(at);
  volume.write(0, randomBytes(SIZE_BYTES));
  const mixed = all(volume);
  for (const size of places) {
    if (size > (ends.at(-1) ?? 0)) continue;
    copyFileSync(whole, path);
    truncateSync(path, size);
    const kept = ends.filter((end) => end <= size).length;
    const next = open();
    t.strictSame(next.regions, [0, 1, 2, 3].slice(0, kept), `cut at ${String(size)}`);
    t.equal(statSync(path).size, ends[kept - 1] ?? 0, 'the torn entry is cut off');
    volume.write(0, mixed);
    t.equal(await revert(next), undefined);
    t.ok(
      all(volume)
        .subarray(0, kept * REGION_BYTES)
        .equals(before.subarray(0, kept * REGION_BYTES)),
    );
    t.ok(
      all(volume)
        .subarray(kept * REGION_BYTES)
        .equals(mixed.subarray(kept * REGION_BYTES)),
    );
    // And goes on from there.
    t.equal(await preserve(next, 7), undefined);
    t.strictSame(next.regions, [...[0, 1, 2, 3].slice(0, kept), 7]);
    next.close();
  }
});

/** Overwrites a part of a file, as a crash that lost some of its sectors, or a disk that lost its mind. */
function overwrite(path: string, at: number, bytes: Buffer): void {
  const fd = openSync(path, 'r+');
  writeSync(fd, bytes, 0, bytes.length, at);
  closeSync(fd);
}

t.test('an entry whose sectors did not all become durable is none, and none behind it', async (t) => {
  const { volume, path, open } = await worldFor(t);
  volume.write(0, randomBytes(SIZE_BYTES));
  const fallback = open();
  await preserve(fallback, 0);
  // One write to stable storage: a crash before its end leaves any part of it.
  await preserve(fallback, 1, 2, 3);
  fallback.close();
  const entry = HEADER_BYTES + REGION_BYTES;
  copyFileSync(path, `${path}.whole`);
  for (const [at, kept] of [
    [entry, [0]],
    [entry + HEADER_BYTES + 4096, [0]],
    [2 * entry, [0, 1]],
    [3 * entry - 512, [0, 1]],
    [3 * entry + 20_000, [0, 1, 2]],
  ] as const) {
    copyFileSync(`${path}.whole`, path);
    overwrite(path, at, Buffer.alloc(512));
    const next = open();
    t.strictSame(next.regions, kept, `a sector at ${String(at)} lost`);
    next.close();
  }
});

t.test('an entry that was on stable storage and is gone is not taken for a torn one', async (t) => {
  const { volume, path, open } = await worldFor(t);
  volume.write(0, randomBytes(SIZE_BYTES));
  const fallback = open();
  for (const region of [0, 1, 2]) await preserve(fallback, region);
  fallback.close();
  overwrite(path, HEADER_BYTES + REGION_BYTES, Buffer.alloc(512));
  t.throws(() => open(), { code: 'INTERNAL', reason: 'FALLBACK_DAMAGED', message: /no entry at byte 66048/ });
});

t.test('a region whose bytes were damaged is not written back', async (t) => {
  const { volume, path, open } = await worldFor(t);
  fill(volume, 0, 1);
  const fallback = open();
  await preserve(fallback, 0);
  fill(volume, 0, 2);
  overwrite(path, HEADER_BYTES + 100, Buffer.from([7]));
  t.equal(await revert(fallback), 'EIO');
  t.equal(volume.read({ offset: 0, length: 1 })[0], 2);
});

t.test('a fallback that was dropped keeps nothing, and begins anew', async (t) => {
  const { volume, path, open } = await worldFor(t);
  fill(volume, 0, 1);
  const fallback = open();
  await preserve(fallback, 0, 1);
  await fallback.drop();
  t.notOk(existsSync(path));
  t.strictSame(fallback.regions, []);
  fill(volume, 0, 2);
  t.equal(await revert(fallback), undefined);
  t.equal(volume.read({ offset: 0, length: 1 })[0], 2, 'nothing to give back');
  await preserve(fallback, 0);
  fill(volume, 0, 3);
  await revert(fallback);
  t.equal(volume.read({ offset: 0, length: 1 })[0], 2);
  await fallback.drop();
  await fallback.drop();
});

t.test('where a region cannot be read or kept, none of those asked with it is', async (t) => {
  const { volume, path, open } = await worldFor(t);
  volume.write(0, randomBytes(SIZE_BYTES));
  let broken: Region | undefined = 2;
  const readRegion: Store['readRegion'] = (region, options) => {
    if (region === broken) throw failing(region === 2 ? 'EIO' : 'ENOSPC');
    return volume.readRegion(region, options);
  };
  const fallback = open({ readRegion });
  t.equal(await preserve(fallback, 0), undefined);
  t.equal(await preserve(fallback, 1, 2, 3), 'EIO');
  broken = 3;
  t.equal(await preserve(fallback, 1, 2, 3), 'ENOSPC');
  t.strictSame(fallback.regions, [0]);
  t.equal(statSync(path).size, HEADER_BYTES + REGION_BYTES, 'what was begun is cut off');
  broken = undefined;
  t.equal(await preserve(fallback, 1, 2, 3), undefined);
  t.strictSame(fallback.regions, [0, 1, 2, 3]);
});

t.test('a volume that cannot be written or flushed is not reverted', async (t) => {
  const { volume, open } = await worldFor(t);
  fill(volume, 0, 1);
  const first = open({
    write: () => {
      throw failing('ENOSPC');
    },
  });
  await preserve(first, 0);
  t.equal(await revert(first), 'ENOSPC');
  first.close();
  const second = open({
    flush: (done) => {
      setImmediate(done, 'EIO');
    },
  });
  t.equal(await revert(second), 'EIO');
});

t.test('nothing is called back after it was closed, and the file is whole', async (t) => {
  const { volume, open } = await worldFor(t);
  volume.write(0, randomBytes(SIZE_BYTES));
  const fallback = open();
  await preserve(fallback, 0);
  fallback.preserve([1, 2], () => t.fail('nobody is there'));
  fallback.revert(() => t.fail('nobody is there'));
  fallback.close();
  await new Promise((resolve) => setTimeout(resolve, 50));
  t.strictSame(open().regions, [0, 1, 2]);
});
