/** Reads that wait for the disk while a volume is written: what each is given is what the volume holds at that moment. */
import fc from 'fast-check';
import { setImmediate as nextTurn } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { REGION_BYTES } from '../../daemon/replication/units.ts';
import type { LayeredDisk } from '../../daemon/store/layered-disk.ts';
import { ColdFiles } from '../support/cold-files.ts';
import { flushed, openDisk, type OpenStore } from '../support/layered-disk.ts';

const REGIONS = 4;
const SIZE_BYTES = REGIONS * REGION_BYTES;
const PAGE_BYTES = 4096;
const FIRST = { offset: 0, length: PAGE_BYTES };

async function coldDisk(t: Test): Promise<{
  readonly cold: ColdFiles;
  readonly opened: OpenStore;
  readonly disk: LayeredDisk;
}> {
  const cold = new ColdFiles();
  const { opened, disk } = await openDisk(t, SIZE_BYTES, { files: cold.files });
  return { cold, opened, disk };
}

t.test('what is not in memory is not waited for, and answered in a later turn', async (t) => {
  const { cold, disk } = await coldDisk(t);
  disk.write(0, Buffer.alloc(PAGE_BYTES, 1));
  t.equal(disk.readCached(FIRST)?.[0], 1, 'it is in memory');
  cold.isCold = true;
  t.equal(disk.readCached(FIRST), undefined);
  let found: unknown;
  disk.readLater(FIRST, (data) => {
    found = data;
  });
  await nextTurn();
  t.equal(found, undefined);
  cold.finish();
  t.strictSame(found, Buffer.alloc(PAGE_BYTES, 1));
});

t.test('a read that a write overtook shows all of the write', async (t) => {
  const { cold, disk } = await coldDisk(t);
  disk.write(0, Buffer.alloc(PAGE_BYTES, 1));
  let found: unknown;
  disk.readLater(FIRST, (data) => {
    found = data;
  });
  await nextTurn();
  disk.write(0, Buffer.alloc(PAGE_BYTES, 2));
  cold.finish();
  t.strictSame(found, Buffer.alloc(PAGE_BYTES, 2));
});

t.test('a read that is overtaken again and again ends', async (t) => {
  const { cold, disk } = await coldDisk(t);
  cold.isCold = true;
  let found: unknown;
  disk.readLater(FIRST, (data) => {
    found = data;
  });
  let rounds = 0;
  for (; found === undefined && rounds < 100; rounds++) {
    await nextTurn();
    disk.write(0, Buffer.alloc(PAGE_BYTES, rounds));
    cold.finish();
  }
  t.strictSame(found, Buffer.alloc(PAGE_BYTES, rounds - 1));
  t.ok(rounds > 1);
});

t.test('what the disk fails is told, unless it was written meanwhile', async (t) => {
  const { cold, disk } = await coldDisk(t);
  cold.failure = Object.assign(new Error('EIO'), { code: 'EIO' });
  const found: unknown[] = [];
  disk.readLater(FIRST, (data) => found.push(data));
  disk.readLater({ offset: REGION_BYTES, length: PAGE_BYTES }, (data) => found.push(data));
  await nextTurn();
  disk.write(REGION_BYTES, Buffer.alloc(PAGE_BYTES, 3));
  cold.finish();
  cold.finish();
  t.strictSame(found, [cold.failure, Buffer.alloc(PAGE_BYTES, 3)]);
});

t.test('a read from a snapshot that is closed meanwhile fails: its layer may be written since', async (t) => {
  const { cold, opened, disk } = await coldDisk(t);
  disk.write(0, Buffer.alloc(PAGE_BYTES, 1));
  await opened.store.snapshot('v', 's', { quiesced: false, purpose: 'kept' });
  const view = opened.store.openSnapshot('v', 's');
  let found: unknown;
  view.readLater(FIRST, (data) => {
    found = data;
  });
  await nextTurn();
  view.close();
  await opened.store.deleteSnapshot('v', 's');
  await opened.settle();
  disk.write(0, Buffer.alloc(PAGE_BYTES, 2));
  cold.finish();
  t.match(found, { code: 'EIO' });
});

t.test('a layer that goes while it is read stays open until then', async (t) => {
  const { cold, opened, disk } = await coldDisk(t);
  disk.write(0, Buffer.alloc(PAGE_BYTES, 1));
  await opened.store.snapshot('v', 's', { quiesced: false, purpose: 'kept' });
  disk.write(PAGE_BYTES, Buffer.alloc(PAGE_BYTES, 2));
  let found: unknown;
  disk.readLater({ offset: 0, length: 2 * PAGE_BYTES }, (data) => {
    found = data;
  });
  await nextTurn();
  await opened.store.deleteSnapshot('v', 's');
  await opened.settle();
  t.equal(opened.layers().filter((name) => name.endsWith('.data')).length, 1, 'the head is gone');
  while (cold.waiting > 0) cold.finish();
  t.strictSame(found, Buffer.concat([Buffer.alloc(PAGE_BYTES, 1), Buffer.alloc(PAGE_BYTES, 2)]));
});

t.test('what a write has to read first is told, and only that', async (t) => {
  const { cold, opened, disk } = await coldDisk(t);
  disk.write(0, Buffer.alloc(SIZE_BYTES, 1));
  cold.isCold = true;
  t.equal(disk.warmForWrite(FIRST), undefined, 'whole pages in place');
  t.not(disk.warmForWrite({ offset: 512, length: PAGE_BYTES }), undefined, 'parts of two pages');
  t.equal(cold.waiting, 2);
  await opened.store.snapshot('v', 's', { quiesced: false, purpose: 'kept' });
  t.equal(disk.warmForWrite({ offset: 0, length: REGION_BYTES }), undefined, 'a whole region');
  t.not(disk.warmForWrite(FIRST), undefined, 'a part of a region that a snapshot shares');
  t.equal(cold.waiting, 3);
  while (cold.waiting > 0) cold.finish();
});

const page = fc.nat(SIZE_BYTES / PAGE_BYTES - 1);
const pages = fc.tuple(page, fc.integer({ min: 1, max: 20 })).map(([first, count]) => {
  const offset = first * PAGE_BYTES;
  return { offset, length: Math.min(count * PAGE_BYTES, SIZE_BYTES - offset) };
});
const step = fc.oneof(
  {
    arbitrary: fc.record({ kind: fc.constant('write' as const), range: pages, fill: fc.nat(255) }),
    weight: 5,
  },
  { arbitrary: fc.record({ kind: fc.constant('zero' as const), range: pages }), weight: 2 },
  { arbitrary: fc.record({ kind: fc.constant('read' as const), range: pages }), weight: 6 },
  { arbitrary: fc.record({ kind: fc.constant('finish' as const), at: fc.nat(20) }), weight: 6 },
  { arbitrary: fc.record({ kind: fc.constant('cold' as const), isCold: fc.boolean() }), weight: 1 },
  { arbitrary: fc.record({ kind: fc.constant('snapshot' as const) }), weight: 1 },
  { arbitrary: fc.record({ kind: fc.constant('delete' as const) }), weight: 1 },
  { arbitrary: fc.record({ kind: fc.constant('flush' as const) }), weight: 1 },
  { arbitrary: fc.record({ kind: fc.constant('background' as const) }), weight: 3 },
);

t.test('whatever changes meanwhile, a late read shows one moment', async (t) => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 50 }), async (steps) => {
      const { cold, opened, disk } = await coldDisk(t);
      const oracle = Buffer.alloc(SIZE_BYTES);
      const snapshots: string[] = [];
      const problems: string[] = [];
      let reads = 0;
      for (const [at, one] of steps.entries()) {
        switch (one.kind) {
          case 'write':
            disk.write(one.range.offset, Buffer.alloc(one.range.length, one.fill));
            oracle.fill(one.fill, one.range.offset, one.range.offset + one.range.length);
            break;
          case 'zero':
            disk.zero(one.range, { keepSpace: false });
            oracle.fill(0, one.range.offset, one.range.offset + one.range.length);
            break;
          case 'read': {
            const { offset, length } = one.range;
            reads++;
            disk.readLater(one.range, (found) => {
              reads--;
              if (!Buffer.isBuffer(found) || !found.equals(oracle.subarray(offset, offset + length)))
                problems.push(`the read of step ${String(at)} shows what was not there`);
            });
            await nextTurn();
            break;
          }
          case 'finish':
            if (cold.waiting > 0) cold.finish(one.at % cold.waiting);
            break;
          case 'cold':
            cold.isCold = one.isCold;
            break;
          case 'snapshot':
            snapshots.push(`s${String(at)}`);
            await opened.store.snapshot('v', `s${String(at)}`, { quiesced: false, purpose: 'kept' });
            break;
          case 'delete': {
            const gone = snapshots.shift();
            if (gone !== undefined) await opened.store.deleteSnapshot('v', gone);
            break;
          }
          case 'flush':
            await flushed(disk);
            break;
          case 'background': {
            const stepped = opened.store.step();
            for (let turn = 0; turn < 40; turn++) {
              await nextTurn();
              if (cold.isCold && cold.waiting > reads) cold.finish(cold.waiting - 1);
            }
            cold.isCold = false;
            while (cold.waiting > 0) {
              cold.finish();
              await nextTurn();
            }
            await stepped;
            break;
          }
        }
      }
      cold.isCold = false;
      while (cold.waiting > 0) {
        cold.finish();
        await nextTurn();
      }
      await opened.close();
      if (reads > 0) problems.push(`${String(reads)} reads were not answered`);
      if (problems.length > 0) throw new Error(problems.join('; '));
    }),
    { numRuns: 60 },
  );
});
