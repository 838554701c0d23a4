import fc from 'fast-check';
import t from 'tap';
import { MAX_PAYLOAD_BYTES, type Message } from '../../daemon/replication/messages.ts';
import { type DecodedFrame, encodeHeader, FrameDecoder, MAX_HEADER_BYTES } from '../../daemon/wire/codec.ts';
import { type Sent, sent } from './messages.ts';

const PREFIX_BYTES = 8;
const heartbeat: Message = { type: 'heartbeat', generation: 3, askedAtMs: 4, stableSequence: 5 };
const writeOf = (length: number): Message => ({
  type: 'write',
  generation: 1,
  sequence: 2,
  offset: 4096,
  length,
  kind: 'data',
  stableSequence: 1,
});

function bytesOf({ message, payload }: Sent): Buffer {
  return Buffer.concat([encodeHeader(message, payload), payload ?? Buffer.alloc(0)]);
}

function decode(chunks: readonly Buffer[]): { frames: DecodedFrame[]; refusal: string | undefined } {
  const decoder = new FrameDecoder();
  const frames: DecodedFrame[] = [];
  for (const chunk of chunks) decoder.push(chunk, (frame) => frames.push(frame));
  return { frames, refusal: decoder.refusal };
}

/** As it came, whether the decoder made views or copies. */
const plain = ({ message, payload, intact }: DecodedFrame) => ({
  message: JSON.stringify(message, (_, value: unknown) =>
    value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value,
  ),
  payload: payload === undefined ? undefined : Buffer.from(payload).toString('hex'),
  intact,
});
/** Chunks cut at the given places. */
function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const at = [0, ...new Set(places.map((place) => place % (bytes.length + 1))), bytes.length].sort(
    (a, b) => a - b,
  );
  return at.slice(1).map((end, index) => bytes.subarray(at[index], end));
}

t.test('every message comes back as it was sent', async (t) => {
  fc.assert(
    fc.property(sent, (one) => {
      const { frames, refusal } = decode([bytesOf(one)]);
      const [frame] = frames;
      if (refusal !== undefined || frame === undefined || frames.length > 1 || !frame.intact) return false;
      const keys = (message: Message): string => Object.keys(message).sort().join();
      if (keys(frame.message) !== keys(one.message)) return false;
      const found = frame.message as unknown as Record<string, unknown>;
      const same = Object.entries(one.message).every(([key, value]) => isSame(found[key], value));
      return same && isSame(frame.payload, one.payload);
    }),
    { numRuns: 1000 },
  );
  t.pass();
});

function isSame(found: unknown, wanted: unknown): boolean {
  if (wanted instanceof Uint8Array) return found instanceof Uint8Array && Buffer.compare(found, wanted) === 0;
  if (Array.isArray(wanted)) return JSON.stringify(found) === JSON.stringify(wanted);
  return found === wanted;
}

t.test('a stream cut at every single byte gives the same frames', async (t) => {
  const stream = Buffer.concat([
    bytesOf({ message: heartbeat, payload: undefined }),
    bytesOf({ message: writeOf(700), payload: Buffer.alloc(700, 'x') }),
    bytesOf({ message: { type: 'write-answer', appliedSequence: 2 }, payload: undefined }),
  ]);
  const whole = decode([stream]).frames.map(plain);
  t.equal(whole.length, 3);
  for (let at = 0; at <= stream.length; at++)
    t.strictSame(decode(cut(stream, [at])).frames.map(plain), whole, `cut at ${at}`);
  const single = Array.from(stream, (byte) => Buffer.from([byte]));
  t.strictSame(decode(single).frames.map(plain), whole, 'byte by byte');
});

t.test('streams of any messages, cut anywhere, give the same frames', async (t) => {
  fc.assert(
    fc.property(
      fc.array(sent, { maxLength: 6 }),
      fc.array(fc.nat(200_000), { maxLength: 12 }),
      (all, places) => {
        const stream = Buffer.concat(all.map(bytesOf));
        const whole = decode([stream]);
        const pieces = decode(cut(stream, places));
        return (
          whole.frames.length === all.length &&
          JSON.stringify(pieces.frames.map(plain)) === JSON.stringify(whole.frames.map(plain))
        );
      },
    ),
  );
  t.pass();
});

t.test('garbage is refused with a reason, or waits for more; it never throws', async (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (noise) => {
      const { refusal } = decode([Buffer.from(noise)]);
      return refusal === undefined || refusal.length > 0;
    }),
    { numRuns: 2000 },
  );
  t.pass();
});

t.test(
  'garbage where a header should be is refused, or is a message whose numbers are numbers',
  async (t) => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 200 }), (header) => {
        const prefix = Buffer.alloc(PREFIX_BYTES);
        prefix.writeUInt32BE(header.length, 0);
        const { frames, refusal } = decode([Buffer.concat([prefix, header])]);
        if (refusal !== undefined) return frames.length === 0 && refusal.length > 0;
        return frames.every((frame) => Object.values(frame.message).every(isSound));
      }),
      { numRuns: 5000 },
    );
    t.pass();
  },
);

t.test('a sound frame with any one byte changed is refused, damaged, or another sound message', async (t) => {
  const bytes = bytesOf({ message: writeOf(64), payload: Buffer.alloc(64, 'y') });
  fc.assert(
    fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
      const changed = Buffer.from(bytes);
      changed[at] = (changed[at] ?? 0) ^ flip;
      const { frames } = decode([changed]);
      return frames.every((frame) => Object.values(frame.message).every(isSound));
    }),
    { numRuns: 2000 },
  );
  t.pass();
});

function isSound(value: unknown): boolean {
  return typeof value !== 'number' || (Number.isSafeInteger(value) && value >= 0);
}

t.test('a number beyond what a number can hold exactly is refused', async (t) => {
  // Heartbeat with generation 2^63: tag 7 (length-delimited), then field 1 as a ten-byte varint.
  const inner = Buffer.from([0x08, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01]);
  const header = Buffer.concat([Buffer.from([0x3a, inner.length]), inner]);
  const prefix = Buffer.alloc(PREFIX_BYTES);
  prefix.writeUInt32BE(header.length, 0);
  t.match(decode([Buffer.concat([prefix, header])]).refusal, /generation/);
});

t.test('a payload that was damaged on the way is told as not intact', async (t) => {
  const bytes = bytesOf({ message: writeOf(512), payload: Buffer.alloc(512, 'z') });
  bytes[bytes.length - 1] = 0;
  t.match(decode([bytes]).frames, [{ intact: false, message: { type: 'write', sequence: 2 } }]);
});

t.test('a payload that does not belong to its message is refused', async (t) => {
  const stray = Buffer.alloc(16);
  t.match(decode([bytesOf({ message: heartbeat, payload: stray })]).refusal, /a heartbeat with 16 bytes/);
  t.match(decode([bytesOf({ message: writeOf(32), payload: stray })]).refusal, /instead of 32/);
  t.match(
    decode([bytesOf({ message: writeOf(32), payload: undefined })]).refusal,
    /0 bytes of payload instead of 32/,
  );
  const copy: Message = { type: 'copy-data', generation: 1, region: 0 };
  t.match(decode([bytesOf({ message: copy, payload: stray })]).refusal, /instead of 65536/);
});

t.test(
  'lengths out of bounds are refused by the prefix alone, before anything is kept for them',
  async (t) => {
    const prefix = (header: number, payload: number): Buffer => {
      const bytes = Buffer.alloc(PREFIX_BYTES);
      bytes.writeUInt32BE(header, 0);
      bytes.writeUInt32BE(payload, 4);
      return bytes;
    };
    t.match(decode([prefix(0, 0)]).refusal, /a header of 0 bytes; allowed: 1 to 4096/);
    t.match(decode([prefix(MAX_HEADER_BYTES + 1, 0)]).refusal, /a header of 4097 bytes/);
    t.match(decode([prefix(1, MAX_PAYLOAD_BYTES + 1)]).refusal, /a payload of 33554433 bytes/);
    t.equal(decode([prefix(MAX_HEADER_BYTES, MAX_PAYLOAD_BYTES)]).refusal, undefined);
  },
);

t.test('after a refusal nothing more is taken', async (t) => {
  const decoder = new FrameDecoder();
  const frames: DecodedFrame[] = [];
  t.notOk(decoder.push(Buffer.alloc(PREFIX_BYTES), (frame) => frames.push(frame)));
  t.notOk(decoder.push(bytesOf({ message: heartbeat, payload: undefined }), (frame) => frames.push(frame)));
  t.strictSame(frames, []);
});

t.test('a header without a message that this version knows is refused', async (t) => {
  // Field 100, an empty message.
  const header = Buffer.from([0xa2, 0x06, 0x00]);
  const prefix = Buffer.alloc(PREFIX_BYTES);
  prefix.writeUInt32BE(header.length, 0);
  t.match(decode([Buffer.concat([prefix, header])]).refusal, /no known message/);
});

/** A frame of this header alone. */
function headerOnly(header: Buffer): Buffer {
  const prefix = Buffer.alloc(PREFIX_BYTES);
  prefix.writeUInt32BE(header.length, 0);
  return Buffer.concat([prefix, header]);
}

t.test('a hello of version 1, which told no oldest version and no in-sync set, is read', async (t) => {
  // Fields 1, 2, 4 and 8: version 1, volume "v", host "a", intent RESUME.
  const hello = Buffer.from([0x08, 1, 0x12, 1, 0x76, 0x22, 1, 0x61, 0x40, 1]);
  const { frames, refusal } = decode([headerOnly(Buffer.from([0x0a, hello.length, ...hello]))]);
  t.equal(refusal, undefined);
  t.match(frames, [
    {
      message: { type: 'hello', wireVersion: 1, oldestVersion: 0, volume: 'v', intent: 'resume', inSync: [] },
    },
  ]);
});

t.test('a hello of a later version is read, whatever more it says', async (t) => {
  // Version 900 (a varint of two bytes), intent JOIN, and field 99 with three bytes.
  const hello = Buffer.from([0x08, 0x84, 0x07, 0x40, 3, 0x9a, 0x06, 3, 1, 2, 3]);
  const { frames, refusal } = decode([headerOnly(Buffer.from([0x0a, hello.length, ...hello]))]);
  t.equal(refusal, undefined);
  t.match(frames, [{ message: { type: 'hello', wireVersion: 900, intent: 'join' } }]);
});

t.test('the map of changes behind a hello-answer is of any length, or none, and is checked', async (t) => {
  const message: Message = {
    type: 'hello-answer',
    wireVersion: 2,
    host: 'b',
    generation: 3,
    incarnation: 4,
    appliedSequence: 0,
    unstableKnown: false,
    blank: false,
    consistentAt: 2,
    copyingSince: 0,
    changesKnown: true,
    distrusted: false,
  };
  t.match(decode([bytesOf({ message, payload: undefined })]).frames, [{ payload: undefined, intact: true }]);
  const empty = decode([bytesOf({ message, payload: Buffer.alloc(0) })]).frames;
  t.match(empty, [{ payload: undefined, intact: true }], 'no bytes are no payload');
  const bytes = bytesOf({ message, payload: Buffer.alloc(33, 5) });
  t.match(decode([bytes]).frames, [{ message: { consistentAt: 2 }, intact: true }]);
  bytes[bytes.length - 1] = 0;
  t.match(decode([bytes]).frames, [{ intact: false }]);
});

t.test('a region that was fetched comes whole or is refused', async (t) => {
  const message: Message = { type: 'fetched', region: 1 };
  t.match(decode([bytesOf({ message, payload: Buffer.alloc(16) })]).refusal, /16 bytes .* instead of 65536/);
  t.match(decode([bytesOf({ message, payload: undefined })]).refusal, /0 bytes .* instead of 65536/);
});
