/** Two hosts of which one has a disk that fails or hangs. */
import { randomBytes } from 'node:crypto';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import t from 'tap';
import { layered, Pair, read, write } from '../support/pair.ts';

const MIB = 1024 * 1024;
const SIZE = 4 * MIB;
const REGION = 65_536;
const failing = (): never => {
  throw Object.assign(new Error('EIO'), { code: 'EIO' });
};

t.test('a region that the primary cannot read is read from the secondary, and written anew', async (t) => {
  const pair = new Pair(SIZE);
  t.teardown(() => pair.stop());
  const broken = new Set<number>();
  const check = (offset: number, length: number): void => {
    for (let at = Math.floor(offset / REGION); at * REGION < offset + length; at++)
      if (broken.has(at)) failing();
  };
  pair.layers.set('a', (store) =>
    layered(store, {
      readCached: (range, into) => {
        check(range.offset, range.length);
        return store.readCached(range, into);
      },
      readRegion: (region, options) => {
        check(region * REGION, REGION);
        return store.readRegion(region, options);
      },
      write: (offset, data) => {
        store.write(offset, data);
        if (data.length === REGION) broken.delete(offset / REGION);
      },
    }),
  );
  const repairs: unknown[] = [];
  const listener = (message: unknown): void => {
    repairs.push(message);
  };
  subscribe('lockstep:replica:repaired', listener);
  t.teardown(() => unsubscribe('lockstep:replica:repaired', listener));
  const { a, b } = await pair.inSync();
  const data = randomBytes(4 * REGION);
  await a.submit(write(0, data));
  broken.add(1).add(2);
  const answer = await a.submit(read(REGION + 100, REGION));
  t.ok(answer.ok && answer.data?.equals(data.subarray(REGION + 100, 2 * REGION + 100)));
  t.equal(broken.size, 0);
  t.strictSame(repairs, [{ volume: 'v' }, { volume: 'v' }]);
  t.equal(a.volume().status.repairedRegions, 2);
  t.ok(a.data().equals(b.data()));
  t.equal(a.volume().state, 'SERVING');
});

t.test('a secondary whose disk hangs is dropped with consent, and what waited is acknowledged', async (t) => {
  const pair = new Pair(SIZE);
  t.teardown(() => pair.stop());
  let hangs = false;
  pair.layers.set('b', (store) =>
    layered(store, {
      flush: (done) => {
        if (!hangs) store.flush(done);
      },
    }),
  );
  const { a } = await pair.inSync();
  await a.submit(write(0, Buffer.from('x')));
  hangs = true;
  const startedAtMs = performance.now();
  t.strictSame(await a.submit({ kind: 'flush' }), { ok: true });
  const tookMs = performance.now() - startedAtMs;
  t.ok(tookMs > 900 && tookMs < 3000, `${String(tookMs)} ms with a limit of 1000`);
  t.equal(a.volume().state, 'SOLO');
  t.strictSame(pair.record.inSync, ['a']);
});

t.test('a primary whose disk hangs steps down', async (t) => {
  const pair = new Pair(SIZE);
  t.teardown(() => pair.stop());
  let hangs = false;
  pair.layers.set('a', (store) =>
    layered(store, {
      flush: (done) => {
        if (!hangs) store.flush(done);
      },
    }),
  );
  const { a, b } = await pair.inSync();
  const data = randomBytes(4096);
  await a.submit(write(0, data));
  hangs = true;
  const flushed = a.submit({ kind: 'flush' });
  await pair.until(() => a.volume().state === 'STEPPED_DOWN' || a.volume().state === 'FENCED');
  pair.promote('b');
  await pair.until(() => b.volume().state === 'SOLO');
  t.match(await flushed, { ok: false });
  const answer = await b.submit(read(0, 4096));
  t.ok(answer.ok && answer.data?.equals(data));
});

t.test('after a handover nobody waits for the lease', async (t) => {
  const pair = new Pair(SIZE);
  t.teardown(() => pair.stop());
  const { a, b } = await pair.inSync();
  await a.submit(write(0, Buffer.from('x')));
  a.volume().run({ type: 'step-down' });
  await pair.until(() => a.volume().state === 'STEPPED_DOWN');
  await new Promise((resolve) => setTimeout(resolve, 20));
  const promotedAtMs = performance.now();
  pair.promote('b');
  await pair.until(() => b.volume().state === 'SOLO');
  const tookMs = performance.now() - promotedAtMs;
  t.ok(tookMs < 200, `${String(tookMs)} ms with a lease of 400`);
});

t.test('a target that cannot keep what it held before is copied to all the same', async (t) => {
  const pair = new Pair(SIZE);
  t.teardown(() => pair.stop());
  const { a, b } = await pair.inSync();
  await a.submit(write(0, randomBytes(SIZE)));
  await a.submit({ kind: 'flush' });
  await b.stop();
  await pair.until(() => a.volume().state === 'SOLO');
  await a.submit(write(0, randomBytes(MIB)));
  let reads = 0;
  // What is read live on a target that is sent data is what the fallback is to keep.
  pair.layers.set('b', (store) =>
    layered(store, {
      readRegion: (region, options) => (++reads > 3 ? failing() : store.readRegion(region, options)),
    }),
  );
  const again = await pair.start('b');
  await pair.reseed(a, 'b');
  t.ok(reads > 3);
  t.ok(a.data().equals(again.data()));
  await pair.until(() => !again.hasFallback());
});
