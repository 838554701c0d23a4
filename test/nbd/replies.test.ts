import { deepStrictEqual } from 'node:assert/strict';
import fc from 'fast-check';
import t from 'tap';
import { encodeReplies, type Reply } from '../../daemon/nbd/replies.ts';

const NOTHING = {
  message: '',
  offset: 0,
  wideOffset: undefined,
  isRead: false,
  data: undefined,
  contents: undefined,
  status: undefined,
};

const reply: fc.Arbitrary<Reply> = fc
  .record({
    cookieHigh: fc.integer(),
    cookieLow: fc.integer(),
    offset: fc.nat(2 ** 40),
    error: fc.constantFrom(0, 0, 0, 5),
    message: fc.string({ unit: 'grapheme', maxLength: 20 }),
    data: fc.option(
      fc.uint8Array({ minLength: 1, maxLength: 20 }).map((bytes) => Buffer.from(bytes)),
      { nil: undefined },
    ),
  })
  .map((one) => ({
    ...NOTHING,
    ...one,
    isRead: one.data !== undefined,
    data: one.error === 0 ? one.data : undefined,
  }));

const numbers = (...fields: readonly (readonly [bytes: number, value: number])[]): Buffer =>
  Buffer.concat(
    fields.map(([bytes, value]) => {
      const field = Buffer.alloc(8);
      field.writeBigUInt64BE(BigInt(value));
      return field.subarray(8 - bytes);
    }),
  );

/** The slow and simple way to say the same, from the protocol text. */
function naive(one: Reply, style: 'simple' | 'structured' | 'extended'): Buffer {
  const cookie = numbers([4, one.cookieHigh >>> 0], [4, one.cookieLow >>> 0]);
  const chunk = (type: number, payload: Buffer): Buffer => {
    if (style === 'structured')
      return Buffer.concat([
        numbers([4, 0x668e33ef], [2, 1], [2, type]),
        cookie,
        numbers([4, payload.length]),
        payload,
      ]);
    const header = [numbers([4, 0x6e8a278c], [2, 1], [2, type]), cookie];
    return Buffer.concat([...header, numbers([8, one.offset], [8, payload.length]), payload]);
  };
  if (style === 'simple' || (style === 'structured' && one.error === 0 && !one.isRead))
    return Buffer.concat([
      numbers([4, 0x67446698], [4, one.error]),
      cookie,
      ...(one.data === undefined ? [] : [one.data]),
    ]);
  const text = Buffer.from(one.message);
  if (one.error !== 0) return chunk(0x8001, Buffer.concat([numbers([4, one.error], [2, text.length]), text]));
  if (one.data === undefined) return chunk(0, Buffer.alloc(0));
  return chunk(1, Buffer.concat([numbers([8, one.offset]), one.data]));
}

const optionsOf = (copiedPayloadBytes: number) => ({
  copiedPayloadBytes,
  allocate: (bytes: number) => Buffer.alloc(bytes),
});

for (const style of ['simple', 'structured', 'extended'] as const)
  t.test(`${style} replies are the protocol's, whether their data is copied or not`, async () => {
    fc.assert(
      fc.property(fc.array(reply, { minLength: 1, maxLength: 8 }), fc.nat(21), (replies, copied) => {
        deepStrictEqual(
          Buffer.concat(encodeReplies(replies, style, optionsOf(copied))),
          Buffer.concat(replies.map((one) => naive(one, style))),
        );
      }),
    );
  });

const READ = { ...NOTHING, cookieHigh: 1, cookieLow: 2, error: 0, isRead: true };

t.test('large data is not copied', async (t) => {
  const data = Buffer.alloc(100, 'x');
  const pieces = encodeReplies([{ ...READ, data }], 'structured', optionsOf(99));
  t.equal(pieces[1], data);
});

t.test('a read in parts is told part by part, and only the last says that it is the last', async (t) => {
  const contents = [
    { offset: 512, length: 3, data: Buffer.from('abc') },
    { offset: 515, length: 2 ** 31, data: undefined },
  ];
  const bytes = Buffer.concat(
    encodeReplies([{ ...READ, offset: 512, contents }], 'structured', optionsOf(99)),
  );
  const cookie = numbers([4, 1], [4, 2]);
  t.same(
    bytes,
    Buffer.concat([
      numbers([4, 0x668e33ef], [2, 0], [2, 1]),
      cookie,
      numbers([4, 11], [8, 512]),
      Buffer.from('abc'),
      numbers([4, 0x668e33ef], [2, 1], [2, 2]),
      cookie,
      numbers([4, 12], [8, 515], [4, 2 ** 31]),
    ]),
  );
});

t.test('status is told with 32 bits in structured replies and with 64 in extended ones', async (t) => {
  const status = [
    { contextId: 7, descriptors: [4096, 3, 8192, 0] },
    { contextId: 8, descriptors: [12288, 1] },
  ];
  const cookie = numbers([4, 1], [4, 2]);
  t.same(
    Buffer.concat(encodeReplies([{ ...READ, status }], 'structured', optionsOf(0))),
    Buffer.concat([
      numbers([4, 0x668e33ef], [2, 0], [2, 5]),
      cookie,
      numbers([4, 20], [4, 7], [4, 4096], [4, 3], [4, 8192], [4, 0]),
      numbers([4, 0x668e33ef], [2, 1], [2, 5]),
      cookie,
      numbers([4, 12], [4, 8], [4, 12288], [4, 1]),
    ]),
  );
  const [first] = status;
  t.same(
    Buffer.concat(encodeReplies([{ ...READ, status: first ? [first] : [] }], 'extended', optionsOf(0))),
    Buffer.concat([
      numbers([4, 0x6e8a278c], [2, 1], [2, 6]),
      cookie,
      numbers([8, 0], [8, 40], [4, 7], [4, 2], [8, 4096], [8, 3], [8, 8192], [8, 0]),
    ]),
  );
});

t.test('an offset beyond 2^53 is echoed to the bit', async (t) => {
  const wideOffset = 2n ** 64n - 3n;
  const refused = { ...READ, error: 22, offset: Number(wideOffset), wideOffset };
  const bytes = Buffer.concat(encodeReplies([refused], 'extended', optionsOf(0)));
  t.equal(bytes.readBigUInt64BE(16), wideOffset);
});
