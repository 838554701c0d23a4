import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { setTimeout as delay } from 'node:timers/promises';
import t from 'tap';
import type { RequestReport } from '../../daemon/nbd/diagnostics.ts';
import { DISC, FLUSH, optionBytes, READ, requestBytes, TRIM, WRITE } from '../support/nbd-client.ts';
import { MIB, serve } from '../support/served.ts';

t.test('what is written is read back', async (t) => {
  const { ready } = await serve(t);
  const client = await ready();
  client.send(requestBytes({ command: WRITE, cookie: 1n, offset: 7n, payload: Buffer.from('hello') }));
  t.strictSame(await client.reply(), { error: 0, cookie: 1n });
  client.send(requestBytes({ command: READ, cookie: 2n ** 64n - 1n, offset: 6n, length: 7 }));
  t.strictSame(await client.reply(), { error: 0, cookie: 2n ** 64n - 1n });
  t.equal((await client.read(7)).toString('latin1'), '\0hello\0');
});

t.test('a request sent behind GO in the same packet is served', async (t) => {
  const { client } = await serve(t);
  const hasty = client();
  const go = optionBytes(
    7,
    Buffer.concat([Buffer.from([0, 0, 0, 6]), Buffer.from('orders'), Buffer.from([0, 0])]),
  );
  hasty.send(Buffer.concat([Buffer.from([0, 0, 0, 3]), go, requestBytes({ command: FLUSH, cookie: 9n })]));
  await hasty.read(18 + 32 + 20);
  t.strictSame(await hasty.reply(), { error: 0, cookie: 9n });
});

t.test('requests are answered in the order in which the backend answers them', async (t) => {
  const { backend, ready } = await serve(t, { hold: true });
  const client = await ready();
  const reads = [1n, 2n, 3n].map((cookie) =>
    requestBytes({ command: READ, cookie, offset: cookie, length: 1 }),
  );
  client.send(Buffer.concat(reads));
  await backend.untilSubmitted(3);
  for (const held of backend.held.toReversed()) held.release();
  const cookies: bigint[] = [];
  for (let count = 0; count < 3; count += 1) {
    cookies.push((await client.reply()).cookie);
    await client.read(1);
  }
  t.strictSame(cookies, [3n, 2n, 1n]);
});

t.test('a failure of the backend is told by the number of the protocol and carries no data', async (t) => {
  const { backend, ready } = await serve(t, { hold: true });
  const client = await ready();
  client.send(requestBytes({ command: READ, cookie: 1n, length: 512 }));
  await backend.untilSubmitted(1);
  backend.held[0]?.release({ ok: false, failure: 'ESHUTDOWN' });
  t.strictSame(await client.reply(), { error: 108, cookie: 1n });
  client.send(requestBytes({ command: TRIM, cookie: 2n, length: 512 }));
  await backend.untilSubmitted(2);
  backend.held[1]?.release();
  t.strictSame(await client.reply(), { error: 0, cookie: 2n });
});

t.test('a refused WRITE is swallowed whole, and only the first refusal is logged', async (t) => {
  const { backend, logged, ready } = await serve(t);
  const client = await ready();
  const beyond = requestBytes({
    command: WRITE,
    cookie: 1n,
    offset: BigInt(MIB),
    payload: Buffer.alloc(100_000),
  });
  client.send(Buffer.concat([beyond, beyond, requestBytes({ command: FLUSH, cookie: 2n })]));
  t.strictSame(await client.reply(), { error: 28, cookie: 1n });
  t.strictSame(await client.reply(), { error: 28, cookie: 1n });
  t.strictSame(await client.reply(), { error: 0, cookie: 2n });
  t.strictSame(backend.submitted, [{ kind: 'flush' }]);
  t.equal(logged.length, 1);
  t.match(logged[0], /"export":"orders","command":"WRITE","field":"length","value":100000/);
});

t.test('a WRITE above the maximum payload is refused, and the connection goes on', async (t) => {
  const { ready } = await serve(t);
  const client = await ready();
  client.send(requestBytes({ command: WRITE, cookie: 1n, payload: Buffer.alloc(32 * MIB + 1) }));
  t.strictSame(await client.reply(), { error: 22, cookie: 1n });
  client.send(requestBytes({ command: FLUSH, cookie: 2n }));
  t.strictSame(await client.reply(), { error: 0, cookie: 2n });
});

t.test('garbage instead of a request ends the connection', async (t) => {
  const { exports, logged, ready } = await serve(t);
  const client = await ready();
  client.send(Buffer.alloc(28, 'x'));
  t.equal((await client.closed()).length, 0);
  await exports.untilUnused();
  t.match(logged, [/request magic is 0x78787878/]);
});

t.test('DISC is let wait for what is outstanding, and takes nothing that follows', async (t) => {
  const { backend, exports, ready } = await serve(t, { hold: true });
  const client = await ready();
  const write = requestBytes({ command: WRITE, cookie: 1n, payload: Buffer.from('x') });
  const flush = requestBytes({ command: FLUSH, cookie: 2n });
  client.send(Buffer.concat([write, requestBytes({ command: DISC }), flush]));
  client.socket.end();
  await backend.untilSubmitted(1);
  backend.held[0]?.release();
  t.strictSame(await client.reply(), { error: 0, cookie: 1n });
  t.equal((await client.closed()).length, 0);
  await exports.untilUnused();
  t.equal(backend.submitted.length, 1);
});

t.test('answers for a dead connection go nowhere, least of all to the next one', async (t) => {
  const { backend, exports, ready } = await serve(t, { hold: true });
  const dead = await ready();
  dead.send(requestBytes({ command: READ, cookie: 1n, length: 4 }));
  await backend.untilSubmitted(1);
  dead.destroy();
  await exports.untilUnused();
  const alive = await ready();
  alive.send(requestBytes({ command: FLUSH, cookie: 2n }));
  await backend.untilSubmitted(2);
  for (const held of backend.held) held.release();
  t.strictSame(await alive.reply(), { error: 0, cookie: 2n });
});

t.test('a client that closes its half without DISC is gone', async (t) => {
  const { backend, exports, ready } = await serve(t, { hold: true });
  const client = await ready();
  client.send(requestBytes({ command: FLUSH }));
  await backend.untilSubmitted(1);
  client.socket.end();
  await exports.untilUnused();
  t.equal((await client.closed()).length, 0);
});

t.test('a revoked export closes its connections, and its late answers are dropped', async (t) => {
  const { backend, exports, ready } = await serve(t, { hold: true });
  const clients = [await ready(), await ready()];
  for (const client of clients) client.send(requestBytes({ command: FLUSH }));
  await backend.untilSubmitted(2);
  exports.revoke();
  for (const client of clients) t.equal((await client.closed()).length, 0);
  await exports.untilUnused();
  for (const held of backend.held) held.release();
});

t.test('INFO leaves the export unused', async (t) => {
  const { client, exports } = await serve(t);
  const asking = client();
  const data = Buffer.concat([Buffer.from([0, 0, 0, 6]), Buffer.from('orders'), Buffer.from([0, 0])]);
  asking.send(Buffer.concat([Buffer.from([0, 0, 0, 3]), optionBytes(6, data)]));
  await asking.read(18 + 32 + 20);
  t.equal(exports.userCount, 0);
});

t.test('ABORT is acknowledged before the connection is closed', async (t) => {
  const { client } = await serve(t);
  const leaving = client();
  leaving.send(Buffer.concat([Buffer.from([0, 0, 0, 3]), optionBytes(2)]));
  const said = await leaving.closed();
  t.equal(said.length, 18 + 20);
  t.equal(said.readUInt32BE(18 + 12), 1);
});

t.test('a client that chooses no export in time is hung up on', async (t) => {
  const { client, logged } = await serve(t, { limits: { handshakeTimeoutMs: 30 } });
  t.equal((await client().closed()).length, 18);
  t.match(logged, [/no export chosen within 30 ms/]);
});

t.test('a client in the transmission phase may be silent for longer than a handshake may last', async (t) => {
  const { ready } = await serve(t, { limits: { handshakeTimeoutMs: 100 } });
  const client = await ready();
  await delay(150);
  client.send(requestBytes({ command: FLUSH, cookie: 1n }));
  t.strictSame(await client.reply(), { error: 0, cookie: 1n });
});

t.test('connections above the limit are closed unanswered, and there is room again afterwards', async (t) => {
  const { client, exports, ready } = await serve(t, { limits: { connections: 1 } });
  const first = await ready();
  t.equal((await client().closed()).length, 0);
  first.destroy();
  await exports.untilUnused();
  await t.resolves(ready());
});

t.test('a client that asks faster than it is served is not read further', async (t) => {
  const { backend, ready } = await serve(t, { hold: true, limits: { inFlightRequests: 4 } });
  const client = await ready();
  const all = Array.from({ length: 10 }, (_, index) =>
    requestBytes({ command: FLUSH, cookie: BigInt(index) }),
  );
  client.send(Buffer.concat(all));
  await backend.untilSubmitted(4);
  await delay(20);
  t.equal(backend.submitted.length, 4);
  backend.hold = false;
  for (const held of backend.held) held.release();
  for (let count = 0; count < 10; count += 1) await client.reply();
  t.equal(backend.submitted.length, 10);
});

t.test('bytes in flight are bounded even when all requests come in one packet', async (t) => {
  const { backend, ready } = await serve(t, { hold: true, limits: { inFlightBytes: 3 * MIB } });
  const client = await ready();
  client.send(Buffer.concat(Array.from({ length: 20 }, () => requestBytes({ command: READ, length: MIB }))));
  await backend.untilSubmitted(4);
  await delay(20);
  t.equal(backend.submitted.length, 4);
  backend.hold = false;
  for (const held of backend.held) held.release();
  await client.read(20 * (16 + MIB));
});

t.test('a client that does not take its answers is not read further', async (t) => {
  const { backend, ready } = await serve(t, { limits: { unsentBytes: MIB } });
  const client = await ready();
  client.socket.pause();
  client.send(Buffer.concat(Array.from({ length: 64 }, () => requestBytes({ command: READ, length: MIB }))));
  await backend.untilSubmitted(1);
  await delay(100);
  t.ok(backend.submitted.length < 32, `${String(backend.submitted.length)} of 64 submitted`);
  client.socket.resume();
  await client.read(64 * (16 + MIB));
});

t.test('close answers what is outstanding before it hangs up', async (t) => {
  const { backend, ready, server } = await serve(t, { hold: true, limits: { closeDrainMs: 5000 } });
  const client = await ready();
  client.send(requestBytes({ command: FLUSH, cookie: 5n }));
  await backend.untilSubmitted(1);
  const closed = server.close();
  backend.held[0]?.release();
  t.strictSame(await client.reply(), { error: 0, cookie: 5n });
  await client.closed();
  await closed;
});

t.test('close does not wait for ever for a held request', async (t) => {
  const { backend, ready, server } = await serve(t, { hold: true, limits: { closeDrainMs: 20 } });
  const client = await ready();
  client.send(requestBytes({ command: FLUSH }));
  await backend.untilSubmitted(1);
  await server.close();
  t.equal((await client.closed()).length, 0);
});

t.test('requests are reported with their duration and failure while somebody listens', async (t) => {
  const { backend, ready } = await serve(t, { hold: true });
  const reports: RequestReport[] = [];
  const onReport = (report: unknown) => reports.push(report as RequestReport);
  subscribe('lockstep:nbd:request', onReport);
  t.teardown(() => unsubscribe('lockstep:nbd:request', onReport));
  const client = await ready();
  client.send(requestBytes({ command: WRITE, payload: Buffer.alloc(512) }));
  client.send(requestBytes({ command: FLUSH }));
  await backend.untilSubmitted(2);
  backend.held[0]?.release();
  backend.held[1]?.release({ ok: false, failure: 'EIO' });
  await client.read(32);
  t.match(reports, [
    { kind: 'write', length: 512, durationMs: Number },
    { kind: 'flush', length: 0, failure: 'EIO' },
  ]);
});

t.test('connections are reported when they come and go', async (t) => {
  const reports: unknown[] = [];
  const onReport = (report: unknown) => reports.push(report);
  subscribe('lockstep:nbd:connection', onReport);
  t.teardown(() => unsubscribe('lockstep:nbd:connection', onReport));
  const { exports, ready, server } = await serve(t);
  const client = await ready();
  t.strictSame(reports, [{ open: true }]);
  client.destroy();
  await exports.untilUnused();
  await server.close();
  t.strictSame(reports, [{ open: true }, { open: false }]);
});
