/** What a volume answers after a sync of its files failed. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { mayBeLost } from '../../../daemon/store/layers/failures.ts';
import { flushed } from '../../../daemon/store/layers/flushed.ts';
import type { LayeredVolume } from '../../../daemon/store/layers/layered-volume.ts';
import type { LayerStore } from '../../../daemon/store/layers/layer-store.ts';
import { Transitional } from '../../../daemon/store/layers/transitional.ts';
import { Disk } from '../../support/crash/disk.ts';
import type { FaultKind, FaultSource } from '../../support/crash/faults.ts';
import { REGION_BYTES } from '../../support/crash/geometry.ts';
import { openStore } from '../../support/crash/host.ts';
import { Kernel } from '../../support/crash/kernel.ts';
import { Random } from '../../support/harness/random.ts';

const KEPT = { quiesced: false, purpose: 'kept' } as const;
const OLD = Buffer.alloc(REGION_BYTES, 'o');
const NEW = Buffer.alloc(REGION_BYTES, 'n');
const REGION = { offset: 0, length: REGION_BYTES };

/** So many of the next operations of one kind fail. */
class Next implements FaultSource {
  readonly random = Random.of(1, 'failed sync');
  fired = 0;
  #kind: FaultKind = 'sync';
  #left = 0;

  fail(kind: FaultKind, count = 1): void {
    this.#kind = kind;
    this.#left = count;
  }

  meets(kind: FaultKind): 'EIO' | undefined {
    if (kind !== this.#kind || this.#left === 0) return undefined;
    this.#left--;
    this.fired++;
    return 'EIO';
  }

  sparing<Value>(work: () => Value): Value {
    return work();
  }
}

interface Rig {
  readonly disk: Disk;
  readonly next: Next;
  readonly store: LayerStore;
  readonly volume: LayeredVolume;
}

/** A volume whose region 0 is OLD in its snapshot. */
async function rig(t: Test): Promise<Rig> {
  const [disk, next] = [new Disk(), new Next()];
  const store = await openStore(new Kernel(disk, { isManual: false, faults: next }), 'boot');
  t.teardown(() => store.close());
  const volume = await store.create('v', 8 * REGION_BYTES);
  volume.write(0, OLD);
  await store.snapshot('v', 's', KEPT);
  while (await store.step());
  return { disk, next, store, volume };
}

function flush(volume: LayeredVolume): Promise<string> {
  return new Promise((resolve) => {
    volume.flush((error) => {
      resolve(error === undefined ? 'flushed' : 'failed');
    });
  });
}

t.test('a client is told of a failed sync that the store asked for, and once', async (t) => {
  const { next, store, volume } = await rig(t);
  volume.write(0, NEW);
  next.fail('sync');
  await t.rejects(flushed(volume), { code: 'EIO' });
  await store.step();
  t.ok(volume.hasFailed, 'nobody who relies on it knows yet');
  t.equal(await flush(volume), 'failed');
  await store.step();
  t.notOk(volume.hasFailed);
  t.equal(await flush(volume), 'flushed');
});

t.test('a sync that fails before its flush was asked for is told at once, for somebody to ask', async (t) => {
  const { next, volume } = await rig(t);
  let told = 0;
  volume.onFailed = () => {
    told++;
  };
  volume.write(0, NEW);
  next.fail('sync');
  t.equal(await flush(volume), 'failed');
  await nextTurn();
  t.equal(told, 0, 'whoever asked knows');

  const other = await rig(t);
  other.volume.onFailed = () => {
    told++;
  };
  for (let count = 0; count < 8; count++) {
    other.volume.write(0, NEW);
    await flush(other.volume);
  }
  other.next.fail('sync');
  other.volume.write(0, OLD);
  for (let turn = 0; turn < 8; turn++) await nextTurn();
  t.ok(other.volume.hasFailed, 'the sync began with the write');
  t.equal(told, 1);
  await other.store.step();
  t.ok(other.volume.hasFailed, 'nothing is taken back before somebody was told');
  t.equal(await flush(other.volume), 'failed');
});

t.test('what was on its way is taken back, down to what was flushed', async (t) => {
  const { disk, next, store, volume } = await rig(t);
  volume.write(0, NEW);
  next.fail('sync');
  t.equal(await flush(volume), 'failed');
  await store.step();
  t.same(volume.read(REGION), OLD);
  volume.write(0, NEW);
  t.equal(await flush(volume), 'flushed');
  const after = await openStore(
    new Kernel(
      disk.withoutPower(() => 0),
      { isManual: false },
    ),
    'next boot',
  );
  t.same(after.volume('v').read(REGION), NEW);
  await after.close();
});

t.test('no snapshot is taken of what may be lost, also if it was asked for before', async (t) => {
  const { next, store, volume } = await rig(t);
  volume.write(0, NEW);
  next.fail('sync');
  t.equal(await flush(volume), 'failed');
  await t.rejects(store.snapshot('v', 'two', KEPT), { message: mayBeLost('v').message });
  const healed = store.step();
  const asked = store.snapshot('v', 'two', KEPT);
  await t.rejects(asked, { message: mayBeLost('v').message });
  await healed;
  await store.snapshot('v', 'two', KEPT);
});

t.test('a merge that cannot read a region does not leave it out', async (t) => {
  const { next, store, volume } = await rig(t);
  volume.write(REGION_BYTES, NEW);
  await store.snapshot('v', 'two', KEPT);
  while (await store.step());
  await store.deleteSnapshot('v', 's');
  next.fail('read', 2);
  await store.step().catch(() => undefined);
  while (await store.step().catch(() => true));
  t.ok(next.fired > 0, 'a read failed');
  const view = store.openSnapshot('v', 'two');
  t.same(view.read(REGION), OLD);
  t.same(view.read({ offset: REGION_BYTES, length: REGION_BYTES }), NEW);
  view.close();
});

t.test('regions that come in order are kept as one run', async (t) => {
  const runs = new Transitional();
  for (let region = 0; region < 1000; region++) runs.come({ first: region, count: 1 });
  runs.come({ first: 2000, count: 5 });
  runs.leave({ first: 1000, count: 1 });
  t.same(runs.coming, [
    { first: 0, count: 1000 },
    { first: 2000, count: 5 },
  ]);
  t.same(runs.leaving, [{ first: 1000, count: 1 }]);
});
