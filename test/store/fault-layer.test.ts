import t, { type Test } from 'tap';
import { REGION_BYTES } from '../../daemon/replication/units.ts';
import { type DiskFault, DiskFaults } from '../../daemon/store/fault-layer.ts';
import type { Store } from '../../daemon/store/store.ts';
import { openDisk } from '../support/layered-disk.ts';

const SECTOR_BYTES = 512;

interface FaultyVolume {
  readonly faults: DiskFaults;
  readonly store: Store;
  nowMs: number;
}

async function faultyVolume(t: Test): Promise<FaultyVolume> {
  const { disk } = await openDisk(t, REGION_BYTES);
  const world = { nowMs: 0 };
  const faults = new DiskFaults(() => world.nowMs);
  const store = faults.over(disk);
  return Object.assign(world, { faults, store });
}

const fault = (change: Partial<DiskFault>): DiskFault => ({
  operation: 'write',
  failure: 'EIO',
  perMille: 1000,
  delayMs: 0,
  durationMs: 0,
  badSectors: undefined,
  dropsUnflushed: false,
  ...change,
});

t.test('a write that fails has written its first half, in whole sectors', async (t) => {
  const { faults, store } = await faultyVolume(t);
  faults.set([fault({ failure: 'ENOSPC' })]);
  t.throws(() => store.write(0, Buffer.alloc(3 * SECTOR_BYTES, 7)), { code: 'ENOSPC' });
  const found = store.read({ offset: 0, length: 2 * SECTOR_BYTES });
  t.ok(found.subarray(0, SECTOR_BYTES).every((byte) => byte === 7));
  t.ok(found.subarray(SECTOR_BYTES).every((byte) => byte === 0));
});

t.test('of a share, every n-th operation is hit, and the count of them is answered', async (t) => {
  const { faults, store } = await faultyVolume(t);
  faults.set([fault({ operation: 'read', perMille: 250 })]);
  let failed = 0;
  for (let tries = 0; tries < 100; tries++)
    try {
      store.read({ offset: 0, length: SECTOR_BYTES });
    } catch {
      failed++;
    }
  t.equal(failed, 25);
  t.equal(faults.set([]), 25);
});

t.test('a fault is over when its time is', async (t) => {
  const world = await faultyVolume(t);
  world.faults.set([fault({ durationMs: 100 })]);
  t.throws(() => world.store.write(0, Buffer.alloc(SECTOR_BYTES)));
  world.nowMs = 100;
  world.store.write(0, Buffer.alloc(SECTOR_BYTES));
});

t.test('a bad sector fails every read that touches it, until it is written as a whole', async (t) => {
  const { faults, store } = await faultyVolume(t);
  const badSectors = { offset: 4 * SECTOR_BYTES, length: SECTOR_BYTES };
  faults.set([fault({ operation: 'read', badSectors })]);
  t.throws(() => store.read({ offset: 0, length: 5 * SECTOR_BYTES }), { code: 'EIO' });
  t.throws(() => store.readRegion(0, { from: 'live', digest: false }), { code: 'EIO' });
  store.read({ offset: 0, length: 4 * SECTOR_BYTES });
  store.write(badSectors.offset, Buffer.alloc(SECTOR_BYTES - 1));
  t.throws(() => store.read(badSectors), { code: 'EIO' });
  store.write(badSectors.offset, Buffer.alloc(SECTOR_BYTES));
  store.read(badSectors);
});

t.test('a flush fails later, never in the turn that asked for it', async (t) => {
  const { faults, store } = await faultyVolume(t);
  faults.set([fault({ operation: 'flush' })]);
  const { promise, resolve } = Promise.withResolvers<string | undefined>();
  let isSameTurn = true;
  store.flush((failure) => resolve(isSameTurn ? 'at once' : failure));
  isSameTurn = false;
  t.equal(await promise, 'EIO');
});

t.test('what is late is done all the same', async (t) => {
  const { faults, store } = await faultyVolume(t);
  faults.set([fault({ failure: undefined, delayMs: 20 })]);
  const startedMs = performance.now();
  store.write(0, Buffer.alloc(SECTOR_BYTES, 5));
  t.ok(performance.now() - startedMs >= 19);
  t.equal(store.read({ offset: 0, length: 1 })[0], 5);
});

t.test('the loss of power takes back what was not flushed, and nothing else', async (t) => {
  const { faults, store } = await faultyVolume(t);
  const sectors = REGION_BYTES / SECTOR_BYTES;
  const flush = (): Promise<unknown> => new Promise((resolve) => store.flush(resolve));
  const write = (value: number, length = REGION_BYTES): void => store.write(0, Buffer.alloc(length, value));
  const found = (): Map<number, number> => {
    const counts = new Map<number, number>();
    for (let sector = 0; sector < sectors; sector++) {
      const bytes = store.read({ offset: sector * SECTOR_BYTES, length: SECTOR_BYTES });
      t.ok(
        bytes.every((byte) => byte === bytes[0]),
        'no sector is torn',
      );
      counts.set(bytes[0] ?? -1, (counts.get(bytes[0] ?? -1) ?? 0) + 1);
    }
    return counts;
  };
  write(1);
  await flush();
  write(2);
  const flushing = flush();
  write(3, REGION_BYTES / 2);
  faults.losePower(5);
  const lost = found();
  t.ok((lost.get(1) ?? 0) > sectors / 4, 'the flush was not answered: the value before it is back');
  t.strictSame([...lost.keys()].sort(), [1, 2, 3]);
  await flushing;
  write(4);
  await flush();
  faults.losePower(6);
  t.strictSame([...found()], [[4, sectors]]);
});

t.test(
  'a flush that fails may lose what it was to make durable, once, and not what came later',
  async (t) => {
    const { faults, store } = await faultyVolume(t);
    const flush = (): Promise<unknown> => new Promise((resolve) => store.flush(resolve));
    store.write(0, Buffer.alloc(REGION_BYTES, 1));
    faults.set([fault({ operation: 'flush', dropsUnflushed: true })]);
    const failing = flush();
    store.write(0, Buffer.alloc(SECTOR_BYTES, 2));
    t.equal(await failing, 'EIO');
    const bytes = store.read({ offset: 0, length: REGION_BYTES });
    t.ok(bytes.subarray(0, SECTOR_BYTES).every((byte) => byte === 2));
    t.ok(bytes.includes(0) && bytes.includes(1), 'some of it is gone');
    t.equal(await flush(), undefined);
  },
);
