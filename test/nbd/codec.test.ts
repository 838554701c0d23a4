import { deepStrictEqual, match } from 'node:assert/strict';
import fc from 'fast-check';
import t from 'tap';
import { type NbdRequest, type Refused, RequestDecoder } from '../../daemon/nbd/codec.ts';
import { HandshakeDecoder, type HandshakeMessage } from '../../daemon/nbd/handshake-codec.ts';
import { extendedBytes, optionBytes, READ, requestBytes, WRITE } from '../support/nbd-client.ts';

const MAXIMUM_PAYLOAD_BYTES = 64;

interface Decoder<T> {
  push(chunk: Buffer): void;
  next(): T | Refused | undefined;
}

/** Everything that comes out when the bytes go in cut at the given places. */
function decodeAll<T>(decoder: Decoder<T>, bytes: Buffer, cuts: readonly number[]): (T | Refused)[] {
  const decoded: (T | Refused)[] = [];
  const places = [0, ...cuts.filter((cut) => cut < bytes.length).sort((a, b) => a - b), bytes.length];
  for (const [index, start] of places.slice(0, -1).entries()) {
    decoder.push(Buffer.from(bytes.subarray(start, places[index + 1])));
    for (let message = decoder.next(); message !== undefined; message = decoder.next()) {
      decoded.push(message);
      if (isRefused(message)) return decoded;
    }
  }
  return decoded;
}

function isRefused(message: unknown): message is Refused {
  return (message as Refused).kind === 'refused';
}

function requests(bytes: Buffer, cuts: readonly number[] = []): (NbdRequest | Refused)[] {
  return decodeAll(
    new RequestDecoder({ maximumPayloadBytes: MAXIMUM_PAYLOAD_BYTES, extended: false }),
    bytes,
    cuts,
  );
}

function handshake(bytes: Buffer, cuts: readonly number[] = []): (HandshakeMessage | Refused)[] {
  return decodeAll(new HandshakeDecoder(), bytes, cuts);
}

const writeFields = fc.record({
  command: fc.constant(WRITE),
  flags: fc.nat(0xffff),
  cookie: fc.bigInt(0n, 2n ** 64n - 1n),
  offset: fc.bigInt(0n, 2n ** 53n),
  payload: fc.uint8Array({ maxLength: 2 * MAXIMUM_PAYLOAD_BYTES }).map((bytes) => Buffer.from(bytes)),
});
const otherFields = fc.record({
  command: fc.nat(0xffff).filter((command) => command !== WRITE),
  flags: fc.nat(0xffff),
  cookie: fc.bigInt(0n, 2n ** 64n - 1n),
  offset: fc.bigInt(0n, 2n ** 53n),
  length: fc.nat(0xffff_ffff),
});
const stream = fc.array(fc.oneof(writeFields, otherFields), { minLength: 1, maxLength: 6 });

t.test('requests come out as they were put in, wherever the stream is cut', async () => {
  fc.assert(
    fc.property(stream, fc.array(fc.nat(600)), (all, cuts) => {
      const decoded = requests(Buffer.concat(all.map(requestBytes)), cuts);
      deepStrictEqual(decoded.length, all.length);
      for (const [index, fields] of all.entries()) {
        const request = decoded[index];
        if (request?.kind !== 'request') throw new Error('refused');
        const cookie = (BigInt(request.cookieHigh >>> 0) << 32n) | BigInt(request.cookieLow >>> 0);
        const payload = 'payload' in fields ? fields.payload : undefined;
        const kept = payload !== undefined && payload.length > 0 && payload.length <= MAXIMUM_PAYLOAD_BYTES;
        deepStrictEqual(
          [request.command, request.flags, cookie, request.offset, request.length, request.payload],
          [
            fields.command,
            fields.flags,
            fields.cookie,
            Number(fields.offset),
            'length' in fields ? fields.length : payload?.length,
            kept ? payload : undefined,
          ],
        );
      }
    }),
    { numRuns: 60 },
  );
});

t.test('one request gives the same result split at every byte', async (t) => {
  const bytes = requestBytes({
    command: WRITE,
    cookie: 7n,
    offset: 512n,
    payload: Buffer.from('0123456789'),
  });
  const whole = requests(bytes);
  for (let cut = 1; cut < bytes.length; cut += 1)
    t.strictSame(requests(bytes, [cut]), whole, `cut at ${String(cut)}`);
});

t.test('a payload that is in one chunk is not copied', async (t) => {
  const bytes = requestBytes({ command: WRITE, payload: Buffer.from('abc') });
  const decoder = new RequestDecoder({ maximumPayloadBytes: MAXIMUM_PAYLOAD_BYTES, extended: false });
  decoder.push(bytes);
  const request = decoder.next();
  t.equal(request?.kind === 'request' && request.payload?.buffer, bytes.buffer);
});

t.test('a payload above the limit is dropped, and the next request is still understood', async (t) => {
  const large = requestBytes({
    command: WRITE,
    cookie: 1n,
    payload: Buffer.alloc(MAXIMUM_PAYLOAD_BYTES + 1),
  });
  const decoded = requests(
    Buffer.concat([large, requestBytes({ command: READ, cookie: 2n, length: 4 })]),
    [40, 70],
  );
  t.match(decoded, [
    { length: MAXIMUM_PAYLOAD_BYTES + 1, payload: undefined },
    { command: READ, cookieLow: 2, length: 4 },
  ]);
});

t.test('an offset beyond 2^53 is not rounded to below it', async (t) => {
  const [request] = requests(requestBytes({ command: READ, offset: 2n ** 64n - 1n, length: 1 }));
  t.ok(request?.kind === 'request' && request.offset >= 2 ** 53);
});

t.test('garbage instead of a request is refused with a reason and never throws', async () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 28, maxLength: 200 }), fc.array(fc.nat(200)), (garbage, cuts) => {
      fc.pre(Buffer.from(garbage).readUInt32BE() !== 0x25609513);
      const [refusal] = requests(Buffer.from(garbage), cuts);
      match(
        refusal?.kind === 'refused' ? refusal.reason : '',
        /^request magic is 0x[0-9a-f]{8}, not 0x25609513$/,
      );
    }),
  );
});

t.test('a refusal is final', async (t) => {
  const decoder = new RequestDecoder({ maximumPayloadBytes: MAXIMUM_PAYLOAD_BYTES, extended: false });
  decoder.push(Buffer.concat([requestBytes({ command: READ, magic: 1 }), requestBytes({ command: READ })]));
  t.match(decoder.next(), { kind: 'refused' });
  t.match(decoder.next(), { kind: 'refused' });
});

t.test('options come out as they were put in, wherever the stream is cut', async () => {
  const option = fc.record({ option: fc.nat(0xffff_ffff), data: fc.uint8Array({ maxLength: 40 }) });
  fc.assert(
    fc.property(
      fc.nat(0xffff_ffff),
      fc.array(option, { maxLength: 5 }),
      fc.array(fc.nat(300)),
      (flags, all, cuts) => {
        const flagBytes = Buffer.alloc(4);
        flagBytes.writeUInt32BE(flags);
        const bytes = Buffer.concat([
          flagBytes,
          ...all.map((one) => optionBytes(one.option, Buffer.from(one.data))),
        ]);
        deepStrictEqual(handshake(bytes, cuts), [
          { kind: 'clientFlags', flags },
          ...all.map((one) => ({ kind: 'option', option: one.option, data: Buffer.from(one.data) })),
        ]);
      },
    ),
    { numRuns: 60 },
  );
});

t.test('garbage instead of an option is refused with a reason and never throws', async () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 20, maxLength: 100 }), fc.array(fc.nat(100)), (garbage, cuts) => {
      fc.pre(Buffer.from(garbage).toString('latin1', 4, 12) !== 'IHAVEOPT');
      const [, refusal] = handshake(Buffer.from(garbage), cuts);
      match(
        refusal?.kind === 'refused' ? refusal.reason : '',
        /^option magic is 0x[0-9a-f]+, not "IHAVEOPT"$/,
      );
    }),
  );
});

t.test('an option that announces more data than the limit is refused before the data comes', async (t) => {
  const header = optionBytes(3);
  header.writeUInt32BE(0xffff_ffff, 12);
  t.match(handshake(Buffer.concat([Buffer.alloc(4), header])), [
    { kind: 'clientFlags' },
    { kind: 'refused', reason: 'option 3 has 4294967295 bytes; limit 16384' },
  ]);
});

const PAYLOAD_LEN = 32;

function extendedRequests(bytes: Buffer, cuts: readonly number[] = []): (NbdRequest | Refused)[] {
  const options = { maximumPayloadBytes: MAXIMUM_PAYLOAD_BYTES, extended: true };
  return decodeAll(new RequestDecoder(options), bytes, cuts);
}

t.test('an extended request has a length of 64 bits, and a payload only with PAYLOAD_LEN', async (t) => {
  const bytes = Buffer.concat([
    extendedBytes({ command: READ, cookie: 1n, length: 2n ** 40n }),
    extendedBytes({ command: WRITE, cookie: 2n, length: 5n }),
    extendedBytes({ command: WRITE, flags: PAYLOAD_LEN, cookie: 3n, payload: Buffer.from('hello') }),
    extendedBytes({ command: READ, flags: PAYLOAD_LEN, cookie: 4n, payload: Buffer.from('drop me') }),
    extendedBytes({ command: READ, cookie: 5n, offset: 2n ** 64n - 1n }),
  ]);
  const whole = extendedRequests(bytes);
  t.match(whole, [
    { cookieLow: 1, length: 2 ** 40, payload: undefined },
    { cookieLow: 2, length: 5, payload: undefined },
    { cookieLow: 3, length: 5, payload: Buffer.from('hello') },
    { cookieLow: 4, length: 7, payload: undefined },
    { cookieLow: 5, wideOffset: 2n ** 64n - 1n },
  ]);
  for (let cut = 1; cut < bytes.length; cut += 1)
    t.strictSame(extendedRequests(bytes, [cut]), whole, `cut at ${String(cut)}`);
});

t.test('a payload that nobody could send in this life ends the session', async (t) => {
  const bytes = extendedBytes({ command: WRITE, flags: PAYLOAD_LEN, length: 2n ** 32n });
  t.match(extendedRequests(bytes), [{ kind: 'refused', reason: /payload of 4294967296 bytes/ }]);
});

t.test('a compact header where extended ones were negotiated is refused', async (t) => {
  t.match(extendedRequests(Buffer.concat([requestBytes({ command: READ }), Buffer.alloc(4)])), [
    { kind: 'refused', reason: 'request magic is 0x25609513, not 0x21e41c71' },
  ]);
});

t.test('a payload that is not here yet gets a buffer only when there is room for it', async (t) => {
  let hasRoom = false;
  const decoder = new RequestDecoder({
    maximumPayloadBytes: MAXIMUM_PAYLOAD_BYTES,
    extended: false,
    mayAllocate: () => hasRoom,
  });
  const bytes = requestBytes({ command: WRITE, payload: Buffer.from('0123456789') });
  decoder.push(bytes.subarray(0, 30));
  t.equal(decoder.next(), undefined);
  t.ok(decoder.isBlocked);
  t.equal(decoder.allocatedBytes, 0);
  hasRoom = true;
  t.equal(decoder.next(), undefined);
  t.notOk(decoder.isBlocked);
  t.equal(decoder.allocatedBytes, 10);
  decoder.push(bytes.subarray(30));
  t.match(decoder.next(), { payload: Buffer.from('0123456789') });
  t.equal(decoder.allocatedBytes, 0);
});
