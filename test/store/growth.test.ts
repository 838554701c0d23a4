/** A volume that grows while its layers change: what each of them has room for, and what is recorded of it. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import t from 'tap';
import { REGION_BYTES } from '../../daemon/replication/units.ts';
import type { LayeredDisk } from '../../daemon/store/layered-disk.ts';
import { openDisk, type OpenStore } from '../support/layered-disk.ts';

const OLD_BYTES = 8 * REGION_BYTES;
/** Of more regions than one page of a map has. */
const REGIONS = 9000;
const NEW_BYTES = REGIONS * REGION_BYTES;
const last = Buffer.alloc(REGION_BYTES, 7);

const writeLast = (disk: LayeredDisk): void => {
  disk.write(NEW_BYTES - REGION_BYTES, last);
};

/** A layer with a map, below which there is a snapshot. */
async function onSnapshot(opened: OpenStore, disk: LayeredDisk): Promise<void> {
  disk.write(0, Buffer.alloc(512, 1));
  await opened.store.snapshot('v', 'small', { quiesced: false, purpose: 'kept' });
  disk.write(REGION_BYTES, Buffer.alloc(512, 2));
}

async function findings({ store }: OpenStore): Promise<readonly unknown[]> {
  const check = store.newCheck('v');
  let isLeft = true;
  while (isLeft) isLeft = await store.checkStep(check);
  check.close();
  return check.findings;
}

t.test(
  'a seed that ends for want of room while the volume grows leaves layers that are as large',
  async (t) => {
    const { opened, disk } = await openDisk(t, OLD_BYTES);
    await onSnapshot(opened, disk);
    const seed = await disk.takeSeed('s');
    const volume = opened.store.volume('v');
    const [frozen] = volume.frozen;
    t.ok(frozen);
    const growing = opened.store.resize('v', NEW_BYTES);
    while (volume.head.data.sizeBytes < NEW_BYTES) await nextTurn();
    t.equal(volume.sizeBytes, OLD_BYTES, 'it has not grown yet');
    // As the write does that finds no room.
    t.ok(frozen !== undefined && volume.thawFrom(frozen));
    t.equal(seed.id, 's');
    await growing;
    writeLast(disk);
    await opened.close();
    const again = await opened.again();
    const content = again.disk('v').read({ offset: NEW_BYTES - REGION_BYTES, length: REGION_BYTES });
    t.ok(content.equals(last));
  },
);

t.test('a layer of a smaller volume that becomes its head is recorded as large as that', async (t) => {
  const { opened, disk } = await openDisk(t, OLD_BYTES);
  await onSnapshot(opened, disk);
  await opened.store.resize('v', NEW_BYTES);
  writeLast(disk);
  await opened.store.deleteSnapshot('v', 'small');
  await opened.settle();
  t.strictSame(opened.layers(), ['v.1.data']);
  t.strictSame(await findings(opened), []);
});
