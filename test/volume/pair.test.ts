import t, { type Test } from 'tap';
import { randomBytes, randomInt } from 'node:crypto';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { setImmediate } from 'node:timers/promises';
import { Pair, read, type TestHost, VOLUME, write } from '../support/pair.ts';

const SIZE = 4 * 1024 * 1024;

async function withPair(
  t: Test,
  body: (pair: Pair, hosts: { a: TestHost; b: TestHost }) => Promise<void>,
): Promise<void> {
  const pair = new Pair(SIZE);
  t.teardown(() => pair.stop());
  await body(pair, await pair.inSync());
}

t.test('an acknowledged write is in the files of both hosts', async (t) => {
  await withPair(t, async (_pair, { a, b }) => {
    const data = randomBytes(10_000);
    t.strictSame(await a.submit(write(70_000, data)), { ok: true });
    t.ok(a.data().subarray(70_000, 80_000).equals(data));
    t.ok(b.data().subarray(70_000, 80_000).equals(data));
  });
});

t.test('trimmed and zeroed ranges read as zeroes on both hosts', async (t) => {
  await withPair(t, async (_pair, { a, b }) => {
    await a.submit(write(0, randomBytes(SIZE)));
    t.ok((await a.submit({ kind: 'trim', offset: 1000, length: 200_000, fua: true })).ok);
    t.ok((await a.submit({ kind: 'zero', offset: 300_000, length: 5000, mayTrim: false, fua: false })).ok);
    t.ok((await a.submit({ kind: 'flush' })).ok);
    t.ok(a.data().equals(b.data()));
    t.ok(b.data().subarray(1000, 201_000).equals(Buffer.alloc(200_000)));
    t.ok(b.data().subarray(300_000, 305_000).equals(Buffer.alloc(5000)));
  });
});

t.test(
  'while the secondary is gone writes wait until control consents, and are then acknowledged',
  async (t) => {
    await withPair(t, async (pair, { a, b }) => {
      pair.controlIsDown = true;
      await b.stop();
      await pair.until(() => a.volume().state === 'HOLDING');
      let answered = false;
      const waiting = a.submit(write(0, Buffer.from('held'))).then((result) => {
        answered = true;
        return result;
      });
      await new Promise((resolve) => setTimeout(resolve, 700));
      t.notOk(answered, 'not acknowledged with one copy and without consent');
      pair.controlIsDown = false;
      t.ok((await waiting).ok);
      t.equal(a.volume().state, 'SOLO');
      t.strictSame(pair.record, { generation: 3, primary: 'a', inSync: ['a'] });
    });
  },
);

t.test('a secondary that was away is made equal again while clients write', async (t) => {
  await withPair(t, async (pair, { a, b }) => {
    await b.stop();
    await pair.until(() => a.volume().state === 'SOLO');
    await a.submit(write(500_000, randomBytes(100_000)));
    const again = await pair.start('b');
    let writing = true;
    const writer = (async () => {
      while (writing) {
        const offset = randomInt(SIZE - 9000);
        await a.submit(write(offset, randomBytes(9000)));
        // Alone, a write is answered in the turn that it comes in: without this nothing else would get one.
        await setImmediate();
      }
    })();
    await pair.reseed(a, 'b');
    writing = false;
    await writer;
    t.ok(a.data().equals(again.data()));
    t.strictSame(pair.record.inSync, ['a', 'b']);
  });
});

t.test(
  'the promoted secondary has every acknowledged write, and the old primary serves nobody',
  async (t) => {
    await withPair(t, async (pair, { a, b }) => {
      const data = randomBytes(4096);
      await a.submit(write(8192, data));
      pair.promote('b');
      await pair.until(() => b.volume().state === 'SOLO');
      const answer = await b.submit(read(8192, 4096));
      t.ok(answer.ok && answer.data?.equals(data));
      await pair.until(() => a.volume().state === 'FENCED');
      t.strictSame(await a.submit(read(0, 512)), { ok: false, failure: 'ESHUTDOWN' });
      t.equal(a.volumes.exports.find('v').ok, false);
    });
  },
);

t.test('the promoted secondary does not serve before the lease that it granted is over', async (t) => {
  await withPair(t, async (pair, { a, b }) => {
    await a.submit(write(0, Buffer.from('x')));
    const promotedAtMs = performance.now();
    pair.promote('b');
    t.equal(b.volume().state, 'PROMOTING');
    await pair.until(() => b.volume().state === 'SOLO');
    t.ok(performance.now() - promotedAtMs > 250, 'waited for most of the 400 ms lease');
  });
});

t.test(
  'a primary that restarts pulls what only the secondary has, and serves in the same generation',
  async (t) => {
    await withPair(t, async (pair, { a, b }) => {
      const data = randomBytes(4096);
      // As if the primary had died between the secondary's answer and its own write.
      b.volume().file.write(65_536, data);
      await a.submit(write(65_536 + 8192, randomBytes(512)));
      await a.stop();
      const again = await pair.start('a');
      t.equal(again.volume().state, 'RECOVERING');
      await pair.until(() => again.volume().state === 'SERVING');
      t.ok(
        again
          .data()
          .subarray(65_536, 65_536 + 4096)
          .equals(data),
      );
      t.ok(again.data().equals(b.data()));
      t.equal(pair.record.generation, 2);
    });
  },
);

t.test(
  'after both processes restarted the primary goes on alone and the other is compared with it',
  async (t) => {
    await withPair(t, async (pair, { a, b }) => {
      await a.submit(write(0, randomBytes(300_000)));
      await a.stop();
      await b.stop();
      const [a2, b2] = [await pair.start('a'), await pair.start('b')];
      await pair.until(() => a2.volume().state === 'SOLO');
      await pair.until(() => b2.volume().state === 'STALE');
      await pair.reseed(a2, 'b');
      t.ok(a2.data().equals(b2.data()));
      t.equal(a2.volume().status.join?.sentBytes, 0, 'nothing differed, so nothing was sent');
    });
  },
);

t.test('a copy becomes in sync under commits without costing the link', async (t) => {
  await withPair(t, async (pair, { a, b }) => {
    await b.stop();
    await pair.until(() => a.volume().state === 'SOLO');
    await pair.start('b');
    const holds: unknown[] = [];
    const listener = (change: unknown): void => {
      if ((change as { readonly to: string }).to === 'HOLDING') holds.push(change);
    };
    subscribe('lockstep:replica:state', listener);
    t.teardown(() => unsubscribe('lockstep:replica:state', listener));
    let writing = true;
    const committers = Array.from({ length: 4 }, async () => {
      while (writing) {
        await a.submit(write(randomInt(SIZE - 512), randomBytes(512)));
        await a.submit({ kind: 'flush' });
      }
    });
    await pair.reseed(a, 'b');
    writing = false;
    await Promise.all(committers);
    t.strictSame(holds, []);
  });
});

t.test('the primary tells how long the lease took that it asked of the secondary', async (t) => {
  await withPair(t, async (pair) => {
    const told: { readonly volume: string; readonly roundTripMs: number }[] = [];
    const listener = (message: unknown): void => {
      told.push(message as (typeof told)[number]);
    };
    subscribe('lockstep:replica:lease', listener);
    t.teardown(() => unsubscribe('lockstep:replica:lease', listener));
    await pair.until(() => told.length >= 3);
    t.ok(told.every(({ volume, roundTripMs }) => volume === VOLUME && roundTripMs >= 0 && roundTripMs < 400));
  });
});
