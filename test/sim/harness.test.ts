/** The harness itself: a disk that keeps too much, or a history that forgives too much, finds nothing. */
import fc from 'fast-check';
import t from 'tap';
import { VirtualStore } from '../support/harness/control-store.ts';
import { VirtualDisk } from '../support/harness/disk.ts';
import { damaged, SECTOR_BYTES, stamped, stampsOf } from '../support/harness/payload.ts';
import { History } from '../support/harness/history.ts';
import { Random } from '../support/harness/random.ts';
import { fewest } from '../support/harness/shrink.ts';

const SIZE_BYTES = 65_536;
const first = { first: 0, count: 1 };

function write(disk: VirtualDisk, sector: number, stamp: number): void {
  const range = { offset: sector * SECTOR_BYTES, length: SECTOR_BYTES };
  disk.write(range, stamped(stamp, SECTOR_BYTES));
}

/** What sector 0 may be after a loss of power, tried often enough. */
function afterPowerLoss(fill: (disk: VirtualDisk) => void): Set<number> {
  const random = new Random(1);
  const found = Array.from({ length: 200 }, () => {
    const disk = new VirtualDisk(SIZE_BYTES);
    fill(disk);
    disk.losePower((end) => random.below(end));
    return disk.stamps[0] ?? 0;
  });
  return new Set(found.sort((a, b) => a - b));
}

t.test('a flush covers what was written before it was asked for, and nothing later', async (t) => {
  const kept = afterPowerLoss((disk) => {
    write(disk, 0, 1);
    write(disk, 0, 2);
    const asked = disk.changes;
    write(disk, 0, 3);
    disk.flushed(asked);
    write(disk, 0, 4);
  });
  t.strictSame([...kept], [2, 3, 4]);
});

t.test(
  'what no flush covered may all be there after a loss of power, or none, or anything between',
  async (t) => {
    const kept = afterPowerLoss((disk) => {
      write(disk, 0, 1);
      write(disk, 0, 2);
    });
    t.strictSame([...kept], [0, 1, 2]);
  },
);

t.test(
  'pages that a failed flush left in the cache are there until they are not, although later flushes succeed',
  async (t) => {
    const random = new Random(1);
    const seen = new Set<string>();
    for (let round = 0; round < 100; round++) {
      const disk = new VirtualDisk(SIZE_BYTES);
      write(disk, 0, 1);
      disk.flushFailed((end) => random.below(end));
      const before = disk.stamps[0] ?? 0;
      disk.flushed(disk.changes);
      disk.forget();
      seen.add(`${before} ${disk.stamps[0] ?? 0}`);
    }
    t.strictSame([...seen].sort(), ['0 0', '1 0', '1 1']);
  },
);

t.test('a sector that cannot be read can be once it was written', async (t) => {
  const disk = new VirtualDisk(SIZE_BYTES);
  disk.spoil(0, 2);
  write(disk, 0, 1);
  t.ok(disk.isReadable({ offset: 0, length: SECTOR_BYTES }));
  t.notOk(disk.isReadable({ offset: 0, length: 2 * SECTOR_BYTES }));
});

t.test('of real bytes and of a payload of the harness the stamps are read alike', async (t) => {
  const bytes = Buffer.alloc(2 * SECTOR_BYTES);
  bytes.writeUInt32LE(0x8000_0001, 0);
  bytes.writeUInt32LE(0x8000_0001, SECTOR_BYTES);
  t.strictSame(stampsOf(bytes), stampsOf(stamped(0x8000_0001, bytes.length)));
  t.equal(stamped(1, bytes.length).length, bytes.length);
});

t.test('what arrives damaged is wrong in its first sector, and what was sent is not', async (t) => {
  const sent = stamped(7, 2 * SECTOR_BYTES);
  const arrived = damaged(sent);
  t.not(stampsOf(arrived)[0], 7);
  t.equal(stampsOf(arrived)[1], 7);
  t.equal(arrived.length, sent.length);
  t.strictSame([...stampsOf(sent)], [7, 7]);
  t.ok(
    stamped(7, SECTOR_BYTES).every((byte) => byte === 0),
    'the memory in common is as it was',
  );
});

/** Writes are acknowledged one after the other; the first `flushed` of them are flushed. */
function historyOf(writes: number, flushed: number): History {
  const history = new History(1);
  for (let stamp = 1; stamp <= writes; stamp++) {
    const begun = history.writeBegan(history.nextStamp(), first, {});
    history.writeAcknowledged(begun);
    if (stamp === flushed) history.flushAnswered(history.now());
  }
  return history;
}

const read = (history: History, stamp: number): string | undefined =>
  history.readAnswered(first, history.now(), stamped(stamp, SECTOR_BYTES));

t.test(
  'after a loss of power a read shows the last flushed value or a later one, and decides it',
  async (t) => {
    for (const stamp of [0, 1, 2, 3, 4]) {
      const history = historyOf(4, 2);
      history.powerLost(() => false);
      const problem = read(history, stamp);
      if (stamp < 2) t.ok(problem, `${stamp} was overwritten by what was flushed`);
      else {
        t.equal(problem, undefined, `${stamp} may be there`);
        t.equal(read(history, stamp), undefined);
        t.ok(read(history, stamp === 2 ? 3 : 2), 'and nothing else any more');
      }
    }
  },
);

t.test('without a loss of power a value that was overwritten is not read again', async (t) => {
  const history = historyOf(2, 0);
  t.ok(read(history, 1));
});

t.test('a store that comes back older has neither the lost records nor what was written since', async (t) => {
  const record = (generation: number) => ({
    volume: 'v',
    database: 'v',
    sizeBytes: 1,
    generation,
    primary: 'a',
    inSync: ['a'],
    replicas: ['a'],
  });
  const store = new VirtualStore(record(1));
  store.commit({ record: record(2) });
  store.commit({ isUnconfirmed: true });
  store.commit({ record: record(3) });
  store.loseRecords(2);
  t.equal(store.content.record.generation, 1);
  t.equal(store.content.isUnconfirmed, false);
});

t.test('what is left of the faults still fails, and with one less does not', async () => {
  const lists = fc.uniqueArray(fc.nat(30), { maxLength: 12 });
  fc.assert(
    fc.property(lists, lists, (all, wanted) => {
      const needed = wanted.filter((one) => all.includes(one));
      const fails = (kept: readonly number[]): boolean => needed.every((one) => kept.includes(one));
      return [...fewest(all, fails)].sort().join() === [...needed].sort().join();
    }),
  );
});
