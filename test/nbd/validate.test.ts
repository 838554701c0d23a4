import t from 'tap';
import { RequestDecoder } from '../../daemon/nbd/codec.ts';
import { blockRequestOf, validate } from '../../daemon/nbd/validate.ts';
import {
  FLUSH,
  READ,
  type RequestFields,
  requestBytes,
  TRIM,
  WRITE,
  WRITE_ZEROES,
} from '../support/nbd-client.ts';

const MIB = 1024 * 1024;
const SIZE = 1024 * MIB;
const EINVAL = 22;
const ENOSPC = 28;
const EOVERFLOW = 75;

/** The header alone: what is to be validated here is never the payload. */
function decoded(fields: RequestFields) {
  const decoder = new RequestDecoder({ maximumPayloadBytes: 0 });
  const bytes = requestBytes({ ...fields, command: READ });
  decoder.push(bytes);
  const request = decoder.next();
  if (request?.kind !== 'request') throw new Error('not decoded');
  return { ...request, command: fields.command, payload: fields.payload };
}

const at = (offset: number | bigint, length: number) => ({ offset: BigInt(offset), length });

const accepted: readonly (readonly [string, RequestFields])[] = [
  ['a READ of the last byte', { command: READ, ...at(SIZE - 1, 1) }],
  ['a READ of the maximum payload', { command: READ, ...at(0, 32 * MIB) }],
  ['a READ with FUA, which the protocol has us ignore', { command: READ, flags: 1, ...at(0, 1) }],
  ['a READ of nothing at the end', { command: READ, ...at(SIZE, 0) }],
  ['a WRITE with FUA', { command: WRITE, flags: 1, ...at(SIZE - 512, 512) }],
  ['a FLUSH', { command: FLUSH }],
  ['a FLUSH with FUA', { command: FLUSH, flags: 1 }],
  ['a TRIM of everything', { command: TRIM, ...at(0, SIZE) }],
  ['WRITE_ZEROES of everything with NO_HOLE and FUA', { command: WRITE_ZEROES, flags: 3, ...at(0, SIZE) }],
];

for (const [name, fields] of accepted)
  t.test(`${name} is served`, async (t) => {
    t.equal(validate(decoded(fields), SIZE), undefined);
  });

const refused: readonly (readonly [string, RequestFields, object])[] = [
  ['an unknown command', { command: 9 }, { error: EINVAL, command: '9', field: 'command' }],
  ['CACHE, which is not advertised', { command: 5 }, { error: EINVAL, command: '5', field: 'command' }],
  [
    'a command far outside the table',
    { command: 0xffff },
    { error: EINVAL, field: 'command', value: 0xffff },
  ],
  [
    'a READ with DF',
    { command: READ, flags: 4, ...at(0, 1) },
    { error: EINVAL, command: 'READ', field: 'flags' },
  ],
  [
    'a WRITE with NO_HOLE',
    { command: WRITE, flags: 2, ...at(0, 1) },
    { error: EINVAL, field: 'flags', value: 2 },
  ],
  [
    'WRITE_ZEROES with FAST_ZERO',
    { command: WRITE_ZEROES, flags: 16, ...at(0, 1) },
    { error: EINVAL, field: 'flags' },
  ],
  [
    'a READ that starts behind the end',
    { command: READ, ...at(SIZE + 1, 1) },
    { error: EINVAL, field: 'offset' },
  ],
  [
    'a READ that ends behind the end',
    { command: READ, ...at(SIZE - 1, 2) },
    { error: EINVAL, field: 'length', value: 2, limit: '1 bytes to the end of the export' },
  ],
  [
    'a READ whose sum wraps around',
    { command: READ, ...at(2n ** 64n - 1n, 2) },
    { error: EINVAL, field: 'offset' },
  ],
  ['a READ at 2^53', { command: READ, ...at(2n ** 53n, 1) }, { error: EINVAL, field: 'offset' }],
  [
    'a TRIM behind the end',
    { command: TRIM, ...at(SIZE - 1, 2) },
    { error: EINVAL, command: 'TRIM', field: 'length' },
  ],
  ['a WRITE behind the end', { command: WRITE, ...at(SIZE - 1, 2) }, { error: ENOSPC, command: 'WRITE' }],
  [
    'WRITE_ZEROES behind the end',
    { command: WRITE_ZEROES, ...at(SIZE, 1) },
    { error: ENOSPC, field: 'length' },
  ],
  [
    'a READ above the maximum payload',
    { command: READ, ...at(0, 32 * MIB + 1) },
    { error: EOVERFLOW, field: 'length', limit: '33554432 bytes' },
  ],
  [
    'a WRITE above the maximum payload',
    { command: WRITE, ...at(0, 32 * MIB + 1) },
    { error: EINVAL, field: 'length' },
  ],
  [
    'a FLUSH with an offset',
    { command: FLUSH, ...at(1, 0) },
    { error: EINVAL, command: 'FLUSH', field: 'offset' },
  ],
  [
    'a FLUSH with a length',
    { command: FLUSH, ...at(0, 1) },
    { error: EINVAL, command: 'FLUSH', field: 'length' },
  ],
];

for (const [name, fields, expected] of refused)
  t.test(`${name} is refused by field and limit`, async (t) => {
    t.match(validate(decoded(fields), SIZE), expected);
  });

t.test('a length of 0 asks the backend for nothing', async (t) => {
  for (const command of [READ, WRITE, TRIM, WRITE_ZEROES])
    t.equal(blockRequestOf(decoded({ command, ...at(0, 0) })), undefined);
});

t.test('flags become what the backend is asked for', async (t) => {
  const zero = { kind: 'zero', offset: 8, length: 4 };
  t.strictSame(blockRequestOf(decoded({ command: WRITE_ZEROES, ...at(8, 4) })), {
    ...zero,
    mayTrim: true,
    fua: false,
  });
  t.strictSame(blockRequestOf(decoded({ command: WRITE_ZEROES, flags: 3, ...at(8, 4) })), {
    ...zero,
    mayTrim: false,
    fua: true,
  });
  t.match(blockRequestOf(decoded({ command: TRIM, flags: 1, ...at(8, 4) })), { kind: 'trim', fua: true });
  t.match(blockRequestOf(decoded({ command: WRITE, payload: Buffer.from('ab') })), {
    kind: 'write',
    fua: false,
  });
  t.strictSame(blockRequestOf(decoded({ command: FLUSH })), { kind: 'flush' });
});
