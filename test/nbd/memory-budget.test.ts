import { setImmediate as nextTurn, setTimeout as delay } from 'node:timers/promises';
import t from 'tap';
import { MemoryBudget } from '../../daemon/nbd/memory-budget.ts';
import { FLUSH, READ, requestBytes, WRITE } from '../support/nbd-client.ts';
import { MIB, serve } from '../support/served.ts';

t.test('those that wait are woken in their order, as far as there is room', async (t) => {
  const budget = new MemoryBudget(10);
  const woken: string[] = [];
  budget.change(10);
  for (const name of ['a', 'b', 'c'])
    budget.wait(() => {
      woken.push(name);
      budget.change(5);
    });
  t.notOk(budget.hasRoomFor(1));
  budget.change(-10);
  t.notOk(budget.hasRoomFor(1), 'not ahead of those that wait');
  await nextTurn();
  t.strictSame(woken, ['a', 'b']);
  t.ok(budget.isWaitedFor);
  budget.change(-5);
  await nextTurn();
  t.strictSame(woken, ['a', 'b', 'c']);
  t.notOk(budget.isWaitedFor);
});

t.test('who has left is not woken', async (t) => {
  const budget = new MemoryBudget(1);
  const wake = (): void => {
    t.fail('woken');
  };
  budget.change(1);
  budget.wait(wake);
  budget.forget(wake);
  budget.change(-1);
  await nextTurn();
  t.equal(budget.usedBytes, 0);
});

const LIMITS = { serverBytes: 40 * MIB, guaranteedBytes: 64 * 1024 };

t.test('reads that all connections together have no room for wait, and small ones do not', async (t) => {
  const { backend, ready, server } = await serve(t, { hold: true, sizeBytes: 32 * MIB, limits: LIMITS });
  const [first, second, third] = [await ready(), await ready(), await ready()];
  first.send(requestBytes({ command: READ, cookie: 1n, length: 32 * MIB }));
  await backend.untilSubmitted(1);
  t.equal(server.heldBytes, 32 * MIB);
  second.send(requestBytes({ command: READ, cookie: 2n, length: 32 * MIB }));
  third.send(requestBytes({ command: READ, cookie: 3n, length: 4096 }));
  await backend.untilSubmitted(2);
  await delay(20);
  t.match(backend.submitted, [{ length: 32 * MIB }, { length: 4096 }]);
  t.equal(backend.submitted.length, 2);
  backend.hold = false;
  for (const held of backend.held) held.release();
  for (const client of [first, second]) {
    t.equal((await client.reply()).error, 0);
    await client.read(32 * MIB);
  }
  t.equal((await third.reply()).error, 0);
  await delay(20);
  t.equal(server.heldBytes, 0, 'all of it is given back');
});

t.test('a payload gets no buffer before there is room for it', async (t) => {
  const { backend, ready, server } = await serve(t, { hold: true, sizeBytes: 32 * MIB, limits: LIMITS });
  const [first, second] = [await ready(), await ready()];
  first.send(requestBytes({ command: READ, length: 32 * MIB }));
  await backend.untilSubmitted(1);
  const payload = Buffer.alloc(32 * MIB, 'x');
  second.send(requestBytes({ command: WRITE, cookie: 2n, payload }));
  await delay(50);
  t.equal(server.heldBytes, 32 * MIB);
  backend.hold = false;
  backend.held[0]?.release();
  await first.read(16 + 32 * MIB);
  t.strictSame(await second.reply(), { error: 0, cookie: 2n });
  t.ok(backend.bytes.equals(payload));
});

t.test('small writes that the backend holds are bounded over all connections too', async (t) => {
  const { backend, exports, ready, server } = await serve(t, { hold: true, sizeBytes: MIB, limits: LIMITS });
  const write = requestBytes({ command: WRITE, payload: Buffer.alloc(32 * 1024) });
  const clients = [await ready(), await ready(), await ready()];
  for (const client of clients) client.send(Buffer.concat(Array.from({ length: 1000 }, () => write)));
  while (server.heldBytes < 40 * MIB - 64 * 1024) await delay(5);
  await delay(100);
  t.ok(server.heldBytes < 41 * MIB, String(server.heldBytes));
  backend.hold = false;
  for (const held of backend.held) held.release();
  for (const client of clients) await client.read(1000 * 16);
  t.equal(backend.submitted.length, 3000);
  for (const client of clients) client.destroy();
  await exports.untilUnused();
  t.equal(server.heldBytes, 0);
});

t.test('what a connection held is given back when it dies, whatever it was doing', async (t) => {
  const { backend, exports, ready, server } = await serve(t, { hold: true, sizeBytes: 32 * MIB });
  const reading = await ready();
  reading.send(requestBytes({ command: READ, length: 16 * MIB }));
  const writing = await ready();
  writing.send(requestBytes({ command: WRITE, length: 8 * MIB }));
  writing.send(Buffer.alloc(MIB));
  await backend.untilSubmitted(1);
  while (server.heldBytes < 24 * MIB) await delay(5);
  reading.destroy();
  writing.destroy();
  await exports.untilUnused();
  t.equal(server.heldBytes, 16 * MIB, 'what is submitted is held until it is answered');
  backend.held[0]?.release();
  t.equal(server.heldBytes, 0);
});

t.test('a client that takes no answers is cut off when others wait for the memory', async (t) => {
  const limits = { ...LIMITS, stalledMs: 100 };
  const { ready, logged } = await serve(t, { sizeBytes: 32 * MIB, limits });
  const lazy = await ready();
  lazy.socket.pause();
  lazy.send(requestBytes({ command: READ, length: 32 * MIB }));
  const patient = await ready();
  await delay(50);
  patient.send(requestBytes({ command: READ, length: 32 * MIB }));
  t.equal((await patient.reply()).error, 0);
  await patient.read(32 * MIB);
  t.match(logged, [/takes no answers/]);
});

t.test('a client that announces a payload and sends none of it is cut off when others wait', async (t) => {
  const { ready, logged } = await serve(t, { sizeBytes: 32 * MIB, limits: { ...LIMITS, stalledMs: 100 } });
  const silent = await ready();
  silent.send(requestBytes({ command: WRITE, length: 32 * MIB }));
  await delay(20);
  const patient = await ready();
  patient.send(requestBytes({ command: READ, length: 32 * MIB }));
  t.equal((await patient.reply()).error, 0);
  t.match(logged, [/takes no answers/]);
});

t.test('a lazy client is left alone while nobody waits', async (t) => {
  const { ready } = await serve(t, { sizeBytes: 32 * MIB, limits: { ...LIMITS, stalledMs: 20 } });
  const lazy = await ready();
  lazy.socket.pause();
  lazy.send(requestBytes({ command: READ, length: 32 * MIB }));
  await delay(150);
  lazy.socket.resume();
  t.equal((await lazy.reply()).error, 0);
  await lazy.read(32 * MIB);
  lazy.send(requestBytes({ command: FLUSH, cookie: 1n }));
  t.strictSame(await lazy.reply(), { error: 0, cookie: 1n });
});
