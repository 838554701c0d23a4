/** What two hosts make of disks that have room, and of one that has none. */
import { randomBytes } from 'node:crypto';
import t from 'tap';
import { NO_LIMITS } from '../support/open-volumes.ts';
import { Pair, write } from '../support/pair.ts';

const MIB = 1024 ** 2;
const SIZE = 4 * MIB;

t.test('zeroes that were written take no room where a replica is seeded', async (t) => {
  const pair = new Pair(SIZE);
  t.teardown(() => pair.stop());
  const [a, b] = [await pair.start('a'), await pair.start('b')];
  await a.volumes.create('v', SIZE);
  pair.promote('a');
  await pair.until(() => a.volume().state === 'SOLO');
  await a.submit(write(0, Buffer.alloc(2 * MIB)));
  await a.submit(write(3 * MIB, randomBytes(MIB)));
  t.ok(a.volume().file.allocatedBytes >= 3 * MIB, 'the primary stored them');
  await b.volumes.create('v', SIZE);
  await pair.reseed(a, 'b');
  t.ok(b.volume().file.allocatedBytes <= MIB + 64 * 1024, String(b.volume().file.allocatedBytes));
  t.ok(b.data().equals(a.data()));
});

t.test('a secondary without room is given up, and brought up to date once it has some', async (t) => {
  const pair = new Pair(SIZE);
  t.teardown(() => pair.stop());
  // More than any disk has.
  pair.space.set('b', { ...NO_LIMITS, reserveBytes: Number.MAX_SAFE_INTEGER });
  const { a, b } = await pair.inSync();
  const data = randomBytes(MIB);
  t.strictSame(await a.submit(write(0, data)), { ok: true }, 'the client is told of nothing');
  t.equal(a.volume().state, 'SOLO');
  t.strictSame(pair.record.inSync, ['a']);
  await b.stop();
  pair.space.delete('b');
  const again = await pair.start('b');
  await pair.reseed(a, 'b');
  t.ok(again.data().subarray(0, MIB).equals(data));
});
