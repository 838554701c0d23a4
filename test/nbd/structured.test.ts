import { setTimeout as delay } from 'node:timers/promises';
import t from 'tap';
import { PIECE_ALIGNMENT, PIECE_BYTES, PIECE_DATA_BYTES } from '../../daemon/nbd/limits.ts';
import {
  BLOCK_STATUS,
  CACHE,
  DISC,
  extendedBytes,
  FLUSH,
  READ,
  requestBytes,
  TRIM,
  WRITE,
  WRITE_ZEROES,
} from '../support/nbd-client.ts';
import type { MemoryBackend } from '../support/memory-backend.ts';
import { MIB, serve } from '../support/served.ts';

const FUA = 1;
const DF = 4;
const REQ_ONE = 8;
const FAST_ZERO = 16;
const PAYLOAD_LEN = 32;
const [NONE, OFFSET_DATA, OFFSET_HOLE, STATUS, STATUS_EXT, ERROR] = [0, 1, 2, 5, 6, 0x8001];
const HOLE_AND_ZERO = 3;

t.test('with structured replies a READ is told in chunks, its holes by their length', async (t) => {
  const { negotiated } = await serve(t);
  const client = await negotiated('structured');
  const data = Buffer.alloc(8192, 'x');
  client.send(requestBytes({ command: WRITE, cookie: 1n, offset: 65536n, payload: data }));
  t.match(await client.chunks(), [{ type: 'simple', cookie: 1n, payload: Buffer.alloc(4) }]);
  client.send(requestBytes({ command: READ, cookie: 2n, offset: 0n, length: 131072 }));
  const chunks = await client.chunks();
  t.match(chunks, [
    { type: OFFSET_HOLE, done: false, cookie: 2n },
    { type: OFFSET_DATA, done: false },
    { type: OFFSET_HOLE, done: true },
  ]);
  t.strictSame(
    chunks.map(({ payload }) => payload.readBigUInt64BE()),
    [0n, 65536n, 73728n],
  );
  t.equal(chunks[0]?.payload.readUInt32BE(8), 65536);
  t.ok(chunks[1]?.payload.subarray(8).equals(data));
  t.equal(chunks[2]?.payload.readUInt32BE(8), 131072 - 73728);
});

t.test('a READ with DF is one chunk of data, never a simple reply', async (t) => {
  const { negotiated } = await serve(t);
  const client = await negotiated('structured');
  for (const length of [512, 65536, MIB]) {
    client.send(requestBytes({ command: READ, flags: DF, length }));
    const [chunk, ...others] = await client.chunks();
    t.strictSame(others, []);
    t.match(chunk, { type: OFFSET_DATA, done: true });
    t.equal(chunk?.payload.length, 8 + length);
  }
});

t.test('a READ that is refused is told in a chunk with a text, never by a simple reply', async (t) => {
  const { negotiated } = await serve(t);
  const client = await negotiated('structured');
  client.send(requestBytes({ command: READ, flags: DF, cookie: 3n, offset: BigInt(MIB), length: 1 }));
  const [chunk] = await client.chunks();
  t.match(chunk, { type: ERROR, done: true, cookie: 3n });
  t.equal(chunk?.payload.readUInt32BE(), 22);
  t.equal(chunk?.payload.readUInt16BE(4), (chunk?.payload.length ?? 0) - 6);
  t.match(chunk?.payload.toString('utf8', 6), /^READ: length is 1; allowed: 0 bytes/);
});

t.test('a READ of nothing is a success without content', async (t) => {
  const { negotiated } = await serve(t);
  for (const style of ['structured', 'extended'] as const) {
    const client = await negotiated(style);
    client.send(style === 'structured' ? requestBytes({ command: READ }) : extendedBytes({ command: READ }));
    t.match(await client.chunks(), [{ type: NONE, done: true, payload: Buffer.alloc(0) }]);
  }
});

t.test('a failure of the backend is a chunk too', async (t) => {
  const { backend, negotiated } = await serve(t, { hold: true });
  const client = await negotiated('structured');
  client.send(requestBytes({ command: WRITE, payload: Buffer.alloc(512) }));
  await backend.untilSubmitted(1);
  backend.held[0]?.release({ ok: false, failure: 'ENOSPC' });
  const [chunk] = await client.chunks();
  t.equal(chunk?.type, ERROR);
  t.equal(chunk?.payload.readUInt32BE(), 28);
});

t.test('extended replies echo the offset of the request, and there is no other kind', async (t) => {
  const { negotiated } = await serve(t);
  const client = await negotiated('extended');
  const payload = Buffer.alloc(512, 'y');
  client.send(
    extendedBytes({ command: WRITE, flags: PAYLOAD_LEN | FUA, cookie: 1n, offset: 4096n, payload }),
  );
  t.match(await client.chunks(), [{ type: NONE, done: true, cookie: 1n, offset: 4096n }]);
  client.send(extendedBytes({ command: READ, cookie: 2n, offset: 4096n, length: 512n }));
  const [chunk] = await client.chunks();
  t.match(chunk, { type: OFFSET_DATA, offset: 4096n });
  t.ok(chunk?.payload.subarray(8).equals(payload));
  client.send(extendedBytes({ command: FLUSH, cookie: 3n }));
  t.match(await client.chunks(), [{ type: NONE, cookie: 3n, offset: 0n }]);
  client.send(extendedBytes({ command: READ, offset: 2n ** 64n - 512n, length: 1024n }));
  t.match(await client.chunks(), [{ type: ERROR, offset: 2n ** 64n - 512n }]);
});

t.test('an extended request with a payload that it may not have is drained and refused', async (t) => {
  const { backend, negotiated } = await serve(t);
  const client = await negotiated('extended');
  const payload = Buffer.alloc(100_000);
  client.send(extendedBytes({ command: TRIM, flags: PAYLOAD_LEN, cookie: 1n, payload }));
  client.send(extendedBytes({ command: WRITE, cookie: 2n, length: 512n }));
  client.send(extendedBytes({ command: FLUSH, cookie: 3n }));
  t.match(await client.chunks(), [{ type: ERROR, cookie: 1n }]);
  t.match(await client.chunks(), [{ type: ERROR, cookie: 2n }]);
  t.match(await client.chunks(), [{ type: NONE, cookie: 3n }]);
  t.strictSame(backend.submitted, [{ kind: 'flush' }]);
});

t.test('BLOCK_STATUS tells what is a hole, cut to the range', async (t) => {
  const { negotiated } = await serve(t);
  const client = await negotiated('structured', ['base:allocation']);
  client.send(requestBytes({ command: WRITE, offset: 8192n, payload: Buffer.alloc(4096, 'x') }));
  await client.chunks();
  client.send(requestBytes({ command: BLOCK_STATUS, offset: 4000n, length: 20_000 }));
  const [chunk, ...others] = await client.chunks();
  t.strictSame(others, []);
  t.match(chunk, { type: STATUS, done: true });
  t.strictSame(words(chunk?.payload), [1, 4192, HOLE_AND_ZERO, 4096, 0, 11712, HOLE_AND_ZERO]);
});

t.test('BLOCK_STATUS with REQ_ONE is one descriptor no longer than was asked for', async (t) => {
  const { negotiated } = await serve(t);
  const client = await negotiated('structured', ['base:allocation']);
  client.send(requestBytes({ command: BLOCK_STATUS, flags: REQ_ONE, offset: 4096n, length: 4096 }));
  const [chunk] = await client.chunks();
  t.strictSame(words(chunk?.payload), [1, 4096, HOLE_AND_ZERO]);
});

t.test(
  'BLOCK_STATUS has a chunk for each context: differences from a peer and from a snapshot',
  async (t) => {
    const differences = [
      { kind: 'dirty', name: 'b' },
      { kind: 'diff', name: 'monday' },
    ] as const;
    const { backend, negotiated } = await serve(t, { entry: { differences } });
    backend.differingPages.set('dirty/b', new Set([1]));
    const contexts = ['base:allocation', 'lockstep:dirty/b', 'lockstep:diff/monday'];
    const client = await negotiated('extended', contexts);
    client.send(extendedBytes({ command: BLOCK_STATUS, offset: 0n, length: 12_288n }));
    const chunks = await client.chunks();
    t.match(chunks, [{ type: STATUS_EXT }, { type: STATUS_EXT }, { type: STATUS_EXT, done: true }]);
    const [allocation, dirty, diff] = chunks.map(({ payload }) => longs(payload));
    t.strictSame(allocation, [1, 1, 12_288, HOLE_AND_ZERO]);
    t.strictSame(dirty, [2, 3, 4096, 0, 4096, 1, 4096, 0]);
    t.strictSame(diff, [3, 1, 12_288, 1], 'of a snapshot that is gone nothing is known to be equal');
  },
);

t.test(
  'BLOCK_STATUS fails where a read would: nobody is told a hole by a host that serves no more',
  async (t) => {
    const { backend, negotiated } = await serve(t, { hold: true });
    const client = await negotiated('structured', ['base:allocation']);
    client.send(requestBytes({ command: BLOCK_STATUS, offset: 0n, length: 4096 }));
    await backend.untilSubmitted(1);
    backend.held[0]?.release({ ok: false, failure: 'ESHUTDOWN' });
    const [chunk] = await client.chunks();
    t.match(chunk, { type: ERROR, done: true });
    t.equal(chunk?.payload.readUInt32BE(), 108);
  },
);

t.test('CACHE is a hint with a bound, and always a success inside the export', async (t) => {
  const { backend, ready } = await serve(t, { sizeBytes: 64 * MIB });
  const client = await ready();
  client.send(requestBytes({ command: CACHE, cookie: 1n, offset: 4096n, length: 60 * MIB }));
  t.strictSame(await client.reply(), { error: 0, cookie: 1n });
  t.strictSame(backend.prefetched, [{ offset: 4096, length: 32 * MIB }]);
  client.send(requestBytes({ command: CACHE, flags: DF, cookie: 2n, length: 1 }));
  t.strictSame(await client.reply(), { error: 22, cookie: 2n });
});

t.test('FAST_ZERO is refused with ENOTSUP while it would be slow, and changes nothing then', async (t) => {
  const { backend, negotiated } = await serve(t);
  const client = await negotiated('structured');
  client.send(requestBytes({ command: WRITE_ZEROES, flags: FAST_ZERO, cookie: 1n, length: 4096 }));
  t.match(await client.chunks(), [{ type: 'simple', cookie: 1n, payload: Buffer.alloc(4) }]);
  backend.zeroesFast = false;
  client.send(requestBytes({ command: WRITE_ZEROES, flags: FAST_ZERO, cookie: 2n, length: 4096 }));
  const [chunk] = await client.chunks();
  t.equal(chunk?.payload.readUInt32BE(), 95);
  client.send(requestBytes({ command: WRITE_ZEROES, cookie: 3n, length: 4096 }));
  t.match(await client.chunks(), [{ type: 'simple', cookie: 3n, payload: Buffer.alloc(4) }]);
  t.equal(backend.submitted.length, 2);
});

t.test('FUA goes on to the backend with WRITE, TRIM and WRITE_ZEROES', async (t) => {
  const { backend, ready } = await serve(t);
  const client = await ready();
  client.send(
    Buffer.concat([
      requestBytes({ command: WRITE, flags: FUA, payload: Buffer.alloc(512) }),
      requestBytes({ command: TRIM, flags: FUA, length: 512 }),
      requestBytes({ command: WRITE_ZEROES, flags: FUA, length: 512 }),
    ]),
  );
  for (let count = 0; count < 3; count += 1) t.equal((await client.reply()).error, 0);
  t.match(backend.submitted, [
    { kind: 'write', fua: true },
    { kind: 'trim', fua: true },
    { kind: 'zero', fua: true },
  ]);
});

/** As if it were so large, and all of it a hole. */
function largeHole(backend: MemoryBackend): void {
  Object.defineProperty(backend, 'sizeBytes', { value: 2 ** 42 });
  Object.defineProperty(backend, 'extents', {
    value: (range: object) => [{ ...range, kind: 'hole' }],
  });
}

t.test('a TRIM of any length is served in pieces, of which the last makes all durable', async (t) => {
  const { backend, negotiated } = await serve(t, { hold: true });
  largeHole(backend);
  const client = await negotiated('extended');
  const length = 2 * PIECE_BYTES + 512;
  client.send(
    extendedBytes({ command: TRIM, flags: FUA, cookie: 1n, offset: 4096n, length: BigInt(length) }),
  );
  for (let count = 1; count <= 3; count += 1) {
    await backend.untilSubmitted(count);
    t.equal(backend.submitted.length, count, 'one after the other');
    backend.held[count - 1]?.release({ ok: true });
  }
  t.match(await client.chunks(), [{ type: NONE, cookie: 1n }]);
  t.strictSame(backend.submitted, [
    { kind: 'trim', offset: 4096, length: PIECE_BYTES, fua: false },
    { kind: 'trim', offset: 4096 + PIECE_BYTES, length: PIECE_BYTES, fua: false },
    { kind: 'trim', offset: 4096 + 2 * PIECE_BYTES, length: 512, fua: true },
  ]);
});

t.test('a TRIM of what holds data is served in smaller pieces, each up to a whole region', async (t) => {
  const { backend, negotiated } = await serve(t, { sizeBytes: 4 * MIB });
  const client = await negotiated('structured');
  client.send(requestBytes({ command: WRITE, offset: 0n, payload: Buffer.alloc(3 * MIB, 1) }));
  await client.chunks();
  client.send(requestBytes({ command: TRIM, cookie: 1n, offset: 512n, length: 3 * MIB }));
  t.match(await client.chunks(), [{ cookie: 1n }]);
  const pieces = backend.submitted.filter(({ kind }) => kind === 'trim');
  t.ok(pieces.length > 2);
  let next = 512;
  for (const piece of pieces) {
    if (piece.kind !== 'trim') continue;
    t.equal(piece.offset, next);
    t.ok(piece.length <= PIECE_DATA_BYTES + 4096, 'with the hole behind the last');
    next += piece.length;
    if (piece !== pieces.at(-1)) t.equal(next % PIECE_ALIGNMENT, 0);
  }
  t.equal(next, 512 + 3 * MIB);
});

t.test('a piece that fails is the answer to the whole', async (t) => {
  const { backend, negotiated } = await serve(t, { hold: true });
  largeHole(backend);
  const client = await negotiated('extended');
  client.send(extendedBytes({ command: WRITE_ZEROES, length: BigInt(3 * PIECE_BYTES) }));
  await backend.untilSubmitted(1);
  backend.held[0]?.release({ ok: false, failure: 'EIO' });
  t.match(await client.chunks(), [{ type: ERROR, done: true }]);
  t.equal(backend.submitted.length, 1);
});

t.test('the pieces of a client that is gone end', async (t) => {
  const { backend, exports, negotiated } = await serve(t, { hold: true });
  largeHole(backend);
  const client = await negotiated('extended');
  client.send(extendedBytes({ command: TRIM, length: BigInt(3 * PIECE_BYTES) }));
  await backend.untilSubmitted(1);
  client.destroy();
  await exports.untilUnused();
  backend.held[0]?.release({ ok: true });
  await delay(20);
  t.equal(backend.submitted.length, 1);
});

t.test('DISC finishes what is outstanding, also with structured replies', async (t) => {
  const { backend, negotiated } = await serve(t, { hold: true });
  const client = await negotiated('structured');
  client.send(
    Buffer.concat([
      requestBytes({ command: READ, cookie: 1n, length: 512 }),
      requestBytes({ command: DISC }),
      requestBytes({ command: FLUSH, cookie: 2n }),
    ]),
  );
  await backend.untilSubmitted(1);
  backend.held[0]?.release();
  t.match(await client.chunks(), [{ type: OFFSET_DATA, cookie: 1n, done: true }]);
  t.equal((await client.closed()).length, 0);
  t.equal(backend.submitted.length, 1, 'what was said behind DISC is nothing');
});

function words(bytes: Buffer | undefined): number[] {
  const { length } = bytes ?? [];
  return Array.from({ length: (length ?? 0) / 4 }, (_, index) => bytes?.readUInt32BE(4 * index) ?? 0);
}

/** Of an extended status: the context and the count, then 64 bits each. */
function longs(bytes: Buffer): number[] {
  const values = Array.from({ length: (bytes.length - 8) / 8 }, (_, index) =>
    Number(bytes.readBigUInt64BE(8 + 8 * index)),
  );
  return [bytes.readUInt32BE(0), bytes.readUInt32BE(4), ...values];
}
