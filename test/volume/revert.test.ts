/** A volume that goes back to a snapshot on all of its replicas, and who is kept away from it meanwhile. */
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import t, { type Test } from 'tap';
import type { Store } from '../../daemon/store/store.ts';
import { revertVolume } from '../../daemon/volume/revert.ts';
import { openVolumes, soloVolume } from '../support/open-volumes.ts';
import { layered, Pair, type TestHost, VOLUME, write } from '../support/pair.ts';

const REGION = 65_536;
const SIZE = 64 * REGION;

async function withPair(t: Test): Promise<{ pair: Pair; a: TestHost; b: TestHost }> {
  const pair = new Pair(SIZE);
  t.teardown(() => pair.stop());
  return { pair, ...(await pair.inSync()) };
}

/** Data, then the snapshot, then other data, a trim of what was there, and data where there was none. */
async function change(host: TestHost): Promise<Buffer> {
  await host.submit(write(0, randomBytes(6 * REGION)));
  await host.volumes.store.snapshot(VOLUME, 'monday', { quiesced: false, purpose: 'kept' });
  const before = host.data();
  await host.submit(write(REGION, randomBytes(2 * REGION)));
  await host.submit({ kind: 'trim', offset: 4 * REGION, length: REGION, fua: false });
  await host.submit(write(40 * REGION - 700, randomBytes(REGION)));
  return before;
}

t.test('a revert makes every replica what the snapshot is', async (t) => {
  const { pair, a, b } = await withPair(t);
  const before = await change(a);
  const changed = await revertVolume(a.volumes, VOLUME, 'monday');
  t.ok(changed >= 5 * REGION && changed < SIZE, `${String(changed)} bytes`);
  t.ok(a.data().equals(before));
  await pair.until(() => b.data().equals(before));
  t.equal(a.volume().state, 'SERVING', 'the other replica is still in sync');
  t.equal(await revertVolume(a.volumes, VOLUME, 'monday'), 0, 'there is nothing left to do');
});

t.test('a region that was a hole is one again', async (t) => {
  const { a } = await withPair(t);
  await change(a);
  await revertVolume(a.volumes, VOLUME, 'monday');
  const extents = [...a.volume().extents({ offset: 0, length: SIZE })];
  t.strictSame(
    extents.map(({ kind, offset }) => [kind, offset / REGION]),
    [
      ['data', 0],
      ['hole', 6],
    ],
  );
});

t.test('it is refused where clients are connected, on a secondary, and back to nothing', async (t) => {
  const { a, b } = await withPair(t);
  const before = await change(a);
  const found = a.volumes.exports.find(VOLUME);
  if (!found.ok) throw new Error(found.message);
  const client = found.found.open(() => undefined);
  await t.rejects(revertVolume(a.volumes, VOLUME, 'monday'), {
    reason: 'CLIENTS_CONNECTED',
    message: '1 NBD client of volume v',
  });
  client.close();
  await b.volumes.store.snapshot(VOLUME, 'monday', { quiesced: false, purpose: 'kept' });
  await t.rejects(revertVolume(b.volumes, VOLUME, 'monday'), {
    reason: 'NOT_SERVING',
    message: /SECONDARY/,
  });
  await t.rejects(revertVolume(a.volumes, VOLUME, 'friday'), { code: 'NOT_FOUND' });
  t.notOk(a.data().equals(before), 'nothing was changed');
  t.match(a.volumes.exports.find(VOLUME), { ok: true });
});

t.test('nobody gets to the volume while it is reverted, and its snapshot is not deleted', async (t) => {
  const { a } = await withPair(t);
  await change(a);
  const reverting = revertVolume(a.volumes, VOLUME, 'monday');
  t.match(a.volumes.exports.find(VOLUME), { ok: false, reason: 'NOT_SERVING', message: /being reverted/ });
  await t.rejects(revertVolume(a.volumes, VOLUME, 'monday'), { code: 'ABORTED', reason: 'REVERT_UNDER_WAY' });
  await t.rejects(a.volumes.store.deleteSnapshot(VOLUME, 'monday'), {
    reason: 'SNAPSHOT_IN_USE',
    message: /a revert/,
  });
  await reverting;
  t.match(a.volumes.exports.find(VOLUME), { ok: true });
});

t.test('one that was cut off keeps clients away, also after a restart, until it has ended', async (t) => {
  const pair = new Pair(SIZE);
  t.teardown(() => pair.stop());
  let left = Infinity;
  pair.layers.set('a', (store: Store) =>
    layered(store, {
      write: (offset, data) => {
        if (left-- <= 0) throw Object.assign(new Error('no room'), { code: 'ENOSPC' });
        store.write(offset, data);
      },
    }),
  );
  const { a, b } = await pair.inSync();
  await b.stop();
  await pair.until(() => a.volume().state === 'SOLO');
  await a.submit(write(0, randomBytes(SIZE)));
  await a.volumes.store.snapshot(VOLUME, 'monday', { quiesced: false, purpose: 'kept' });
  const before = a.data();
  await a.submit(write(0, randomBytes(SIZE)));
  left = 2;
  await t.rejects(revertVolume(a.volumes, VOLUME, 'monday'), { code: 'INTERNAL', reason: 'REVERT_CUT_OFF' });
  left = Infinity;
  t.match(a.volumes.exports.find(VOLUME), { ok: false, message: /was cut off.*revert again/ });
  await a.stop();
  const again = await pair.start('a');
  await pair.until(() => again.volume().state === 'SOLO');
  t.match(again.volumes.exports.find(VOLUME), { ok: false, message: /monday was cut off/ });
  await revertVolume(again.volumes, VOLUME, 'monday');
  t.ok(again.data().equals(before));
  t.match(again.volumes.exports.find(VOLUME), { ok: true });
  t.notOk(existsSync(again.volumes.revertMark(VOLUME)));
});

t.test('a replica that is away is told of what was reverted when it is back', async (t) => {
  const { pair, a, b } = await withPair(t);
  const before = await change(a);
  await b.stop();
  await pair.until(() => a.volume().state === 'SOLO');
  await revertVolume(a.volumes, VOLUME, 'monday');
  const back = await pair.start('b');
  await pair.reseed(a, 'b');
  t.ok(back.data().equals(before));
});

t.test('what was written behind the end that the volume had then differs from the snapshot', async (t) => {
  const { volumes } = await openVolumes(t);
  await soloVolume(volumes, 'v', SIZE);
  await volumes.store.snapshot('v', 'short', { quiesced: false, purpose: 'kept' });
  await volumes.store.resize('v', 2 * SIZE);
  volumes.store.volume('v').write(SIZE + REGION, randomBytes(REGION));
  t.strictSame(volumes.store.diff('v', 'short'), [{ first: 65, count: 1 }]);
  const view = volumes.store.openSnapshot('v', 'short');
  t.ok(view.read({ offset: SIZE + REGION, length: REGION }).equals(Buffer.alloc(REGION)));
  view.close();
});
