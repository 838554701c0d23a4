/** A volume that is made larger while it is used, or smaller: its replicas, its connections, and what comes back. */
import { randomBytes } from 'node:crypto';
import t, { type Test } from 'tap';
import { revertVolume } from '../../daemon/volume/revert.ts';
import { RawClient, requestBytes, WRITE } from '../support/nbd-client.ts';
import { layered, Pair, read, type TestHost, VOLUME, write } from '../support/pair.ts';

const REGION = 65_536;
const OLD = 4 * REGION;
const NEW = 40 * REGION;
const ENOSPC = 28;
/** Of one region, where a test has to do something in the middle of a copy. */
const SLOW_WRITE_MS = 5;
const sleep = new Int32Array(new SharedArrayBuffer(4));

async function withPair(t: Test): Promise<{ pair: Pair; a: TestHost; b: TestHost }> {
  const pair = new Pair(OLD);
  t.teardown(() => pair.stop());
  return { pair, ...(await pair.inSync()) };
}

const grow = (host: TestHost, sizeBytes = NEW): Promise<void> => host.volumes.grow(VOLUME, sizeBytes);

async function growBoth(a: TestHost, b: TestHost): Promise<void> {
  await grow(b);
  await grow(a);
}

const contentOf = (host: TestHost, length = NEW): Buffer => host.volume().file.read({ offset: 0, length });

t.test('what was added holds zeroes, and then what is written, on both replicas', async (t) => {
  const { a, b } = await withPair(t);
  const old = randomBytes(OLD);
  await a.submit(write(0, old));
  await growBoth(a, b);
  t.match(await a.submit(read(OLD, NEW - OLD)), { ok: true, data: Buffer.alloc(NEW - OLD) });
  const data = randomBytes(3 * REGION);
  t.strictSame(await a.submit(write(OLD - 100, data)), { ok: true });
  t.strictSame(await a.submit({ kind: 'flush' }), { ok: true });
  const expected = Buffer.concat([old, Buffer.alloc(NEW - OLD)]);
  data.copy(expected, OLD - 100);
  t.ok(contentOf(a).equals(expected));
  t.ok(contentOf(b).equals(expected));
});

t.test('a connection that stands may use what was added, and a new one is told of it', async (t) => {
  const { a, b } = await withPair(t);
  const client = new RawClient({ path: a.nbdSocket });
  t.teardown(() => {
    client.destroy();
  });
  await client.go(VOLUME);
  const payload = Buffer.alloc(512, 7);
  const beyond = (cookie: bigint): Buffer =>
    requestBytes({ command: WRITE, cookie, offset: BigInt(NEW - 512), payload });
  client.send(beyond(1n));
  t.strictSame(await client.reply(), { error: ENOSPC, cookie: 1n });
  await growBoth(a, b);
  client.send(beyond(2n));
  t.strictSame(await client.reply(), { error: 0, cookie: 2n });
  const found = a.volumes.exports.find(VOLUME);
  t.equal(found.ok && found.found.sizeBytes, NEW);
});

t.test('growth outlives the processes', async (t) => {
  const { pair, a, b } = await withPair(t);
  await growBoth(a, b);
  const data = randomBytes(REGION);
  await a.submit(write(NEW - REGION, data));
  await b.stop();
  await a.stop();
  const [again, other] = [await pair.start('a'), await pair.start('b')];
  await pair.until(() => again.volume().serves && again.volume().state !== 'RECOVERING');
  t.equal(again.volume().sizeBytes, NEW);
  t.equal(other.volume().sizeBytes, NEW);
  t.match(await again.submit(read(NEW - REGION, REGION)), { ok: true, data });
});

t.test('a replica that was away is copied to once it is as large, and gets all of it', async (t) => {
  const { pair, a, b } = await withPair(t);
  await b.stop();
  await pair.until(() => a.volume().state === 'SOLO');
  await grow(a);
  await a.submit(write(OLD - 10, randomBytes(2 * REGION)));
  const again = await pair.start('b');
  await t.rejects(pair.reseed(a, 'b'), { message: /size 2621440, here 262144/ });
  // As control asks before it copies.
  await again.volumes.create(VOLUME, NEW);
  await pair.reseed(a, 'b');
  t.ok(contentOf(a).equals(contentOf(again)));
});

t.test('a primary that was not reached goes on with a secondary that has grown', async (t) => {
  const { pair, a, b } = await withPair(t);
  await grow(b);
  await a.submit(write(0, randomBytes(REGION)));
  await a.stop();
  const again = await pair.start('a');
  await pair.until(() => again.volume().state === 'SERVING');
  t.equal(again.volume().sizeBytes, OLD);
  await grow(again);
  t.strictSame(await again.submit(write(NEW - 512, Buffer.alloc(512, 9))), { ok: true });
  t.ok(contentOf(again).equals(contentOf(b)));
});

t.test('a larger replica is not copied to before its primary is as large', async (t) => {
  const { pair, a, b } = await withPair(t);
  await b.stop();
  await pair.until(() => a.volume().state === 'SOLO');
  const larger = await pair.start('b');
  await grow(larger);
  // What it may have beyond the end of its primary nobody would copy, and it would be there once that has grown.
  await t.rejects(pair.reseed(a, 'b'), { message: /size 262144, here 2621440/ });
  await grow(a);
  await pair.reseed(a, 'b');
});

t.test(
  'a volume that has grown goes back to a smaller snapshot, and a clone of that has its size',
  async (t) => {
    const { pair, a, b } = await withPair(t);
    const old = randomBytes(OLD);
    await a.submit(write(0, old));
    await a.volumes.store.snapshot(VOLUME, 'small', { quiesced: false, purpose: 'kept' });
    await growBoth(a, b);
    await a.submit(write(REGION, randomBytes(20 * REGION)));
    await a.volumes.clone(VOLUME, 'small', 'copy');
    t.equal(a.volumes.require('copy').sizeBytes, OLD);
    await revertVolume(a.volumes, VOLUME, 'small');
    const expected = Buffer.concat([old, Buffer.alloc(NEW - OLD)]);
    t.ok(contentOf(a).equals(expected));
    await pair.until(() => contentOf(b).equals(expected));
  },
);

t.test('growth is asked for again without harm, and makes nothing smaller', async (t) => {
  const { a, b } = await withPair(t);
  await growBoth(a, b);
  await a.submit(write(NEW - 512, Buffer.alloc(512, 5)));
  await grow(a, OLD);
  t.equal(a.volume().sizeBytes, NEW);
  await t.rejects(grow(a, NEW + 1), { message: /a multiple of 65536/ });
  await t.rejects(a.volumes.grow('nobody', NEW), { message: /nobody/ });
  t.ok(contentOf(a).equals(contentOf(b)));
});

const shrink = (host: TestHost, sizeBytes = OLD): Promise<void> => host.volumes.shrink(VOLUME, sizeBytes);

const discard = (host: TestHost, offset: number, length: number) =>
  host.submit({ kind: 'trim', offset, length, fua: false });

t.test(
  'a volume whose end was discarded is made smaller, and has zeroes there when it grows again',
  async (t) => {
    const { pair, a, b } = await withPair(t);
    await growBoth(a, b);
    await a.submit(write(0, randomBytes(20 * REGION)));
    await a.volumes.store.snapshot(VOLUME, 'large', { quiesced: false, purpose: 'kept' });
    await a.submit(write(18 * REGION, randomBytes(REGION)));
    await t.rejects(shrink(a), { message: /in use at 262144/ });
    await discard(a, OLD, NEW - OLD);
    await shrink(a);
    await shrink(b);
    await shrink(b);
    t.strictSame([a.volume().sizeBytes, b.volume().sizeBytes], [OLD, OLD]);
    const left = contentOf(a, OLD);
    t.match(await a.submit(read(0, OLD)), { ok: true, data: left });
    t.ok(contentOf(b, OLD).equals(left));
    await b.stop();
    await a.stop();
    const [again, other] = [await pair.start('a'), await pair.start('b')];
    await pair.until(() => again.volume().serves && again.volume().state !== 'RECOVERING');
    t.equal(again.volume().sizeBytes, OLD);
    await pair.until(() => again.volume().state === 'SERVING' || again.volume().state === 'SOLO');
    if (again.volume().state === 'SOLO') await pair.reseed(again, 'b');
    await growBoth(again, other);
    const expected = Buffer.concat([left, Buffer.alloc(NEW - OLD)]);
    t.ok(contentOf(again).equals(expected));
    t.ok(contentOf(other).equals(expected));
  },
);

t.test('a primary that is smaller than its member pulls what is in both', async (t) => {
  const { pair, a, b } = await withPair(t);
  await growBoth(a, b);
  await a.submit(write(0, randomBytes(NEW)));
  await discard(a, OLD, NEW - OLD);
  await shrink(a);
  await a.submit(write(0, randomBytes(REGION)));
  const left = contentOf(a, OLD);
  await a.stop();
  const again = await pair.start('a');
  await pair.until(() => again.volume().state === 'SERVING');
  t.ok(contentOf(again, OLD).equals(left));
  await shrink(b);
  t.equal(b.volume().sizeBytes, OLD);
});

t.test('nothing is made smaller that somebody uses, or that others may hold more of', async (t) => {
  const { pair, a, b } = await withPair(t);
  await growBoth(a, b);
  const client = new RawClient({ path: a.nbdSocket });
  t.teardown(() => {
    client.destroy();
  });
  await client.go(VOLUME);
  await t.rejects(shrink(a), { message: /clients are connected/ });
  client.destroy();
  await pair.until(() => a.volumes.exports.clientsOf(VOLUME) === 0);
  await t.rejects(shrink(a, OLD - 1), { message: /a multiple of 65536/ });
  await b.stop();
  await pair.until(() => a.volume().state === 'SOLO');
  await t.rejects(shrink(a), { message: /not every replica is known to be in sync/ });
});

t.test('a target that has not grown does not become a member of a volume that has', async (t) => {
  const { pair, a, b } = await withPair(t);
  await b.stop();
  await pair.until(() => a.volume().state === 'SOLO');
  const again = await pair.start('b');
  const volume = a.volume();
  volume.run({ type: 'seed', target: 'b', snapshot: 's' });
  await pair.until(() => volume.status.join?.phase === 'SEEDED');
  await grow(a);
  t.match(volume.status.join, { phase: 'FAILED' });
  await t.rejects(pair.reseed(a, 'b'), { message: /size 2621440, here 262144/ });
  t.strictSame(pair.record.inSync, ['a']);
  await grow(again);
  await pair.reseed(a, 'b');
});

t.test('a scrub that runs while the volume grows ends when what was added is compared, too', async (t) => {
  const regions = 2000;
  const pair = new Pair(regions * REGION);
  t.teardown(() => pair.stop());
  const { a, b } = await pair.inSync();
  await a.submit(write(0, randomBytes(300 * REGION)));
  const volume = a.volume();
  volume.run({ type: 'scrub', anew: true });
  await grow(b, 2 * regions * REGION);
  await grow(a, 2 * regions * REGION);
  t.match(volume.status.scrub, { phase: 'RUNNING', regionsTotal: 2 * regions });
  await a.submit(write((2 * regions - 1) * REGION, randomBytes(REGION)));
  await pair.until(() => volume.status.scrub?.phase !== 'RUNNING');
  t.match(volume.status.scrub, { phase: 'DONE', cursor: 2 * regions, mismatchedRegions: 0 });
});

t.test('a target that grew before it was copied to can go back to what it held', async (t) => {
  const { pair, a, b } = await withPair(t);
  const old = randomBytes(OLD);
  await a.submit(write(0, old));
  await a.submit({ kind: 'flush' });
  await b.stop();
  await pair.until(() => a.volume().state === 'SOLO');
  await grow(a);
  await a.submit(write(100, randomBytes(NEW - REGION)));
  pair.layers.set('b', (store) =>
    layered(store, {
      write: (offset, data) => {
        Atomics.wait(sleep, 0, 0, SLOW_WRITE_MS);
        store.write(offset, data);
      },
    }),
  );
  const target = await pair.start('b');
  await grow(target);
  const copy = t.rejects(pair.reseed(a, 'b'), /broke off/);
  await pair.until(() => (a.volume().status.join?.sentBytes ?? 0) > 10 * REGION);
  await a.stop();
  await copy;
  const expected = Buffer.concat([old, Buffer.alloc(NEW - OLD)]);
  t.notOk(contentOf(target).subarray(OLD).equals(expected.subarray(OLD)), 'a mixture of two times');
  await target.stop();
  const again = await pair.start('b');
  pair.force('b');
  await pair.until(() => again.volume().state === 'SOLO');
  t.ok(contentOf(again).equals(expected));
});
