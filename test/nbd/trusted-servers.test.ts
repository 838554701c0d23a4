/** What servers that people trust get wrong, each with the server and the promise that it breaks. */
import { setTimeout as delay } from 'node:timers/promises';
import fc from 'fast-check';
import t from 'tap';
import { DEFAULT_LIMITS, OPTIONS_PER_SESSION } from '../../daemon/nbd/limits.ts';
import {
  FLUSH,
  FLAGS_BYTES,
  infoData,
  metaData,
  optionBytes,
  RawClient,
  READ,
  requestBytes,
  SET_META_CONTEXT,
  STRUCTURED_REPLY,
  TRIM,
  WRITE,
  WRITE_ZEROES,
} from '../support/nbd-client.ts';
import { MIB, serve } from '../support/served.ts';

const [LIST, INFO, ABORT] = [3, 6, 2];
const [EINVAL, ENOSPC] = [22, 28];
const FAST_ZERO = 16;
const DF = 4;

t.test('a client flag that nobody knows ends the session (nbd-server goes on)', async (t) => {
  const { client, logged } = await serve(t);
  const strange = client();
  await strange.read(18);
  strange.send(Buffer.concat([Buffer.from([0, 0, 0, 7]), optionBytes(LIST)]));
  t.equal((await strange.closed()).length, 0);
  t.match(logged, [/unknown client flags 0x4/]);
});

t.test('ABORT is acknowledged, and then the server closes (nbd-server only closes)', async (t) => {
  const { client } = await serve(t);
  const leaving = client();
  await leaving.greet();
  t.match(await leaving.option(ABORT, Buffer.from('bye')), [{ option: ABORT, type: 1 }]);
  await leaving.closed();
});

t.test('INFO tells the size (nbd-server says 0)', async (t) => {
  const { client } = await serve(t);
  const asking = client();
  await asking.greet();
  const [info] = await asking.option(INFO, infoData('orders', []));
  t.equal(info?.data.readUInt16BE(0), 0);
  t.equal(info?.data.readBigUInt64BE(2), BigInt(MIB));
});

t.test(
  'a READ with DF gets no simple reply once replies are structured (nbd-server 3.27 sends one)',
  async (t) => {
    const { negotiated } = await serve(t);
    const client = await negotiated('structured');
    client.send(requestBytes({ command: READ, flags: DF, length: 65536 }));
    t.match(await client.chunks(), [{ type: 1, done: true }]);
  },
);

t.test('a write past the end is ENOSPC (qemu-nbd says EINVAL)', async (t) => {
  const { ready } = await serve(t);
  const client = await ready();
  client.send(requestBytes({ command: WRITE, offset: BigInt(MIB - 1), payload: Buffer.alloc(2) }));
  t.equal((await client.reply()).error, ENOSPC);
  client.send(requestBytes({ command: WRITE_ZEROES, offset: BigInt(MIB), length: 512 }));
  t.equal((await client.reply()).error, ENOSPC);
});

t.test('a FAST_ZERO that was never advertised is EINVAL (nbdkit 1.32 aborts)', async (t) => {
  const { backend, client } = await serve(t);
  backend.zeroesFast = false;
  const wild = client();
  await wild.greet();
  const flags = await wild.goOn('orders');
  t.equal(flags & (1 << 11), 0);
  wild.send(requestBytes({ command: WRITE_ZEROES, flags: FAST_ZERO, length: 512 }));
  t.equal((await wild.reply()).error, EINVAL);
  wild.send(requestBytes({ command: FLUSH, cookie: 2n }));
  t.strictSame(await wild.reply(), { error: 0, cookie: 2n });
});

t.test('a payload above the maximum is drained and refused, and never kept', async (t) => {
  const { backend, ready, server } = await serve(t);
  const client = await ready();
  client.send(requestBytes({ command: WRITE, cookie: 1n, length: 33 * MIB }));
  const piece = Buffer.alloc(MIB);
  let most = 0;
  for (let sent = 0; sent < 33; sent += 1) {
    await new Promise((resolve) => client.socket.write(piece, resolve));
    most = Math.max(most, server.heldBytes);
  }
  t.strictSame(await client.reply(), { error: EINVAL, cookie: 1n });
  t.equal(most, 0);
  client.send(requestBytes({ command: FLUSH, cookie: 2n }));
  t.strictSame(await client.reply(), { error: 0, cookie: 2n });
  t.strictSame(backend.submitted, [{ kind: 'flush' }]);
});

t.test('payloads of 32 MiB are served both ways', async (t) => {
  const { ready } = await serve(t, { sizeBytes: 32 * MIB });
  const client = await ready();
  const payload = Buffer.alloc(32 * MIB, 'payload');
  client.send(requestBytes({ command: WRITE, payload }));
  t.equal((await client.reply()).error, 0);
  client.send(requestBytes({ command: READ, length: 32 * MIB }));
  t.equal((await client.reply()).error, 0);
  t.ok((await client.read(32 * MIB)).equals(payload));
});

t.test('offset and length are added in 64 bits', async (t) => {
  const { backend, ready } = await serve(t);
  const client = await ready();
  for (const command of [READ, TRIM]) {
    client.send(requestBytes({ command, offset: 2n ** 64n - 512n, length: 1024 }));
    t.equal((await client.reply()).error, EINVAL);
  }
  client.send(requestBytes({ command: WRITE_ZEROES, offset: 2n ** 64n - 512n, length: 1024 }));
  t.equal((await client.reply()).error, ENOSPC);
  t.equal(backend.submitted.length, 0);
});

t.test('an answer goes to the connection that asked, and to no later one', async (t) => {
  const { backend, exports, ready } = await serve(t, { hold: true });
  const first = await ready();
  first.send(requestBytes({ command: READ, cookie: 7n, length: 512 }));
  await backend.untilSubmitted(1);
  first.destroy();
  await exports.untilUnused();
  const second = await ready();
  backend.held[0]?.release();
  second.send(requestBytes({ command: FLUSH, cookie: 7n }));
  await backend.untilSubmitted(2);
  backend.held[1]?.release();
  t.strictSame(await second.reply(), { error: 0, cookie: 7n });
  await delay(20);
  second.destroy();
  t.equal((await second.closed()).length, 0);
});

t.test('what a dead connection still had to say never lands behind a newer write', async (t) => {
  const { backend, ready, logged } = await serve(t, { hold: true, limits: { inFlightRequests: 1 } });
  const first = await ready();
  const write = (text: string, cookie: bigint): Buffer =>
    requestBytes({ command: WRITE, cookie, payload: Buffer.from(text) });
  // The second write waits in the socket, behind the limit.
  first.send(write('submitted', 1n));
  await backend.untilSubmitted(1);
  first.send(write('unread', 2n));
  await delay(20);
  first.destroy();
  await new Promise((resolve) => first.socket.once('close', resolve));
  const second = await ready();
  second.send(write('newer', 3n));
  await backend.untilSubmitted(2);
  backend.hold = false;
  for (const held of backend.held) held.release();
  t.strictSame(await second.reply(), { error: 0, cookie: 3n });
  await delay(20);
  t.match(backend.submitted, [{ data: Buffer.from('submitted') }, { data: Buffer.from('newer') }]);
  t.equal(backend.submitted.length, 2);
  t.match(logged, [/its client is gone, and another one came for the export/]);
});

t.test('a connection whose client is there is not touched when another one comes', async (t) => {
  const { backend, ready } = await serve(t, { hold: true, limits: { inFlightRequests: 1 } });
  const first = await ready();
  first.send(requestBytes({ command: FLUSH, cookie: 1n }));
  await backend.untilSubmitted(1);
  first.send(requestBytes({ command: FLUSH, cookie: 2n }));
  await ready();
  backend.hold = false;
  backend.held[0]?.release();
  t.strictSame(await first.reply(), { error: 0, cookie: 1n });
  t.strictSame(await first.reply(), { error: 0, cookie: 2n });
});

t.test('a handshake has 10 s, and a bounded number of options', async (t) => {
  t.equal(DEFAULT_LIMITS.handshakeTimeoutMs, 10_000);
  const { client } = await serve(t, { limits: { handshakeTimeoutMs: 50 } });
  const slow = client();
  await slow.greet();
  // One option after the other does not make it longer.
  const begun = performance.now();
  const asking = setInterval(() => {
    slow.send(optionBytes(77));
  }, 10);
  await slow.closed();
  clearInterval(asking);
  t.ok(performance.now() - begun < 5000);
  const { client: other, logged } = await serve(t);
  const endless = other();
  const options = Array.from({ length: OPTIONS_PER_SESSION + 1 }, () => optionBytes(77));
  endless.send(Buffer.concat([FLAGS_BYTES, ...options]));
  await endless.closed();
  t.match(logged, [/more than 32 options/]);
});

t.test('connections are bounded', async (t) => {
  const { client, ready } = await serve(t, { limits: { connections: 2 } });
  await ready();
  await ready();
  t.equal((await client().closed()).length, 0);
});

t.test('nothing is opened before the negotiation ends', async (t) => {
  const { client, exports } = await serve(t);
  const asking = client();
  await asking.greet();
  await asking.option(LIST);
  await asking.option(INFO, infoData('orders', []));
  await asking.option(STRUCTURED_REPLY);
  await asking.option(SET_META_CONTEXT, metaData('orders', ['base:allocation']));
  t.equal(exports.openCount, 0);
  t.equal(exports.findCount, 2);
  await asking.goOn('orders');
  t.equal(exports.openCount, 1);
});

t.test('no assertion depends on what a client says', async (t) => {
  const { port } = await serve(t, { sizeBytes: 65536 });
  const command = fc.record({
    command: fc.nat(12),
    flags: fc.oneof(fc.nat(63), fc.nat(0xffff)),
    offset: fc.bigInt(0n, 2n ** 64n - 1n).map((any) => (any % 3n === 0n ? any % 70_000n : any)),
    length: fc.oneof(fc.nat(70_000), fc.nat(0xffff_ffff)),
    payload: fc.option(
      fc.uint8Array({ maxLength: 64 }).map((bytes) => Buffer.from(bytes)),
      { nil: undefined },
    ),
  });
  const option = fc.record({ option: fc.nat(12), data: fc.uint8Array({ maxLength: 40 }) });
  const session = fc.record({
    options: fc.array(option, { maxLength: 4 }),
    style: fc.constantFrom(undefined, 8, 11),
    commands: fc.array(command, { maxLength: 6 }),
  });
  await fc.assert(
    fc.asyncProperty(session, async ({ options, style, commands }) => {
      const client = new RawClient({ port });
      client.send(
        Buffer.concat([
          FLAGS_BYTES,
          ...options.map(({ option, data }) => optionBytes(option, Buffer.from(data))),
          ...(style === undefined ? [] : [optionBytes(style)]),
          optionBytes(7, infoData('orders', [])),
          ...commands.map(({ payload, ...fields }) =>
            requestBytes(payload === undefined ? fields : { ...fields, payload }),
          ),
        ]),
      );
      client.socket.end();
      await client.closed();
    }),
    { numRuns: 150 },
  );
  // An assertion ends the process, and the test with it.
  const after = new RawClient({ port });
  await after.go('orders');
  after.send(requestBytes({ command: FLUSH, cookie: 1n }));
  t.strictSame(await after.reply(), { error: 0, cookie: 1n });
  after.destroy();
});
