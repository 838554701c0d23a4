import t from 'tap';
import { RequestDecoder } from '../../daemon/nbd/codec.ts';
import { blockRequestOf, type ExportTerms, rulesFor, validate } from '../../daemon/nbd/validate.ts';
import {
  BLOCK_STATUS,
  CACHE,
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
const EPERM = 1;
const EINVAL = 22;
const ENOSPC = 28;
const EOVERFLOW = 75;
const ENOTSUP = 95;

/** The header alone: what is to be validated here is never the payload. */
function decoded(fields: RequestFields) {
  const decoder = new RequestDecoder({ maximumPayloadBytes: 0, extended: false });
  const bytes = requestBytes({ ...fields, command: READ });
  decoder.push(bytes);
  const request = decoder.next();
  if (request?.kind !== 'request') throw new Error('not decoded');
  return { ...request, command: fields.command, payload: fields.payload };
}

const TERMS: ExportTerms = {
  sizeBytes: SIZE,
  isReadOnly: false,
  style: 'simple',
  offersFastZero: false,
  zeroesFast: () => true,
  hasContexts: false,
};

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
    t.equal(validate(decoded(fields), rulesFor(TERMS)), undefined);
  });

const refused: readonly (readonly [string, RequestFields, object])[] = [
  ['an unknown command', { command: 9 }, { error: EINVAL, command: '9', field: 'command' }],
  [
    'a command far outside the table',
    { command: 0xffff },
    { error: EINVAL, field: 'command', value: 0xffff },
  ],
  [
    'a READ with DF without structured replies',
    { command: READ, flags: 4, ...at(0, 1) },
    { error: EINVAL, command: 'READ', field: 'flags' },
  ],
  [
    'a WRITE with NO_HOLE',
    { command: WRITE, flags: 2, ...at(0, 1) },
    { error: EINVAL, field: 'flags', value: 2 },
  ],
  [
    'WRITE_ZEROES with a FAST_ZERO that was never advertised',
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
    { error: EINVAL, field: 'length', limit: '33554432 bytes' },
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
    t.match(validate(decoded(fields), rulesFor(TERMS)), expected);
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

const refusedBy: readonly (readonly [string, Partial<ExportTerms>, RequestFields, object])[] = [
  [
    'a WRITE to a read-only export',
    { isReadOnly: true },
    { command: WRITE, ...at(0, 1) },
    { error: EPERM, command: 'WRITE' },
  ],
  ['a TRIM of a read-only export', { isReadOnly: true }, { command: TRIM, ...at(0, 1) }, { error: EPERM }],
  [
    'WRITE_ZEROES to a read-only export, also past its end',
    { isReadOnly: true },
    { command: WRITE_ZEROES, ...at(SIZE, 1) },
    { error: EPERM },
  ],
  [
    'a READ above the maximum payload with DF',
    { style: 'structured' },
    { command: READ, flags: 4, ...at(0, 32 * MIB + 1) },
    { error: EOVERFLOW, field: 'length' },
  ],
  [
    'FAST_ZERO while the store cannot promise it',
    { offersFastZero: true, zeroesFast: () => false },
    { command: WRITE_ZEROES, flags: 16, ...at(0, 1) },
    { error: ENOTSUP },
  ],
  [
    'FAST_ZERO together with NO_HOLE',
    { offersFastZero: true },
    { command: WRITE_ZEROES, flags: 18, ...at(0, 1) },
    { error: ENOTSUP },
  ],
  [
    'BLOCK_STATUS without a context',
    { style: 'structured' },
    { command: BLOCK_STATUS, ...at(0, 1) },
    { error: EINVAL, command: 'BLOCK_STATUS' },
  ],
  [
    'BLOCK_STATUS of nothing',
    { style: 'structured', hasContexts: true },
    { command: BLOCK_STATUS, ...at(0, 0) },
    { error: EINVAL, field: 'length' },
  ],
  [
    'BLOCK_STATUS past the end',
    { style: 'structured', hasContexts: true },
    { command: BLOCK_STATUS, ...at(SIZE, 1) },
    { error: EINVAL, field: 'length' },
  ],
  [
    'an extended WRITE without PAYLOAD_LEN',
    { style: 'extended' },
    { command: WRITE, ...at(0, 1) },
    { error: EINVAL, field: 'flags' },
  ],
  [
    'an extended READ with PAYLOAD_LEN',
    { style: 'extended' },
    { command: READ, flags: 32, ...at(0, 1) },
    { error: EINVAL, field: 'flags' },
  ],
  [
    'a compact WRITE with PAYLOAD_LEN',
    { style: 'structured' },
    { command: WRITE, flags: 32, ...at(0, 1) },
    { error: EINVAL, field: 'flags' },
  ],
];

for (const [name, terms, fields, expected] of refusedBy)
  t.test(`${name} is refused`, async (t) => {
    t.match(validate(decoded(fields), rulesFor({ ...TERMS, ...terms })), expected);
  });

const servedBy: readonly (readonly [string, Partial<ExportTerms>, RequestFields])[] = [
  ['CACHE of everything', {}, { command: CACHE, ...at(0, SIZE) }],
  [
    'a READ with DF after STRUCTURED_REPLY',
    { style: 'structured' },
    { command: READ, flags: 4, ...at(0, 1) },
  ],
  ['FAST_ZERO where it is true', { offersFastZero: true }, { command: WRITE_ZEROES, flags: 16, ...at(0, 1) }],
  [
    'BLOCK_STATUS with REQ_ONE',
    { style: 'structured', hasContexts: true },
    { command: BLOCK_STATUS, flags: 8, ...at(0, SIZE) },
  ],
  ['a FLUSH of a read-only export', { isReadOnly: true }, { command: FLUSH }],
];

for (const [name, terms, fields] of servedBy)
  t.test(`${name} is served`, async (t) => {
    t.equal(validate(decoded(fields), rulesFor({ ...TERMS, ...terms })), undefined);
  });

t.test('lengths beyond 2^53 are refused, not rounded into the export', async (t) => {
  const huge = { ...decoded({ command: TRIM, ...at(0, 0) }), length: 2 ** 64 };
  t.match(validate(huge, rulesFor({ ...TERMS, style: 'extended' })), { error: EINVAL, field: 'length' });
  const sum = { ...decoded({ command: WRITE_ZEROES, ...at(2n ** 64n - 512n, 0) }), length: 1024 };
  t.match(validate(sum, rulesFor({ ...TERMS, style: 'extended' })), { error: ENOSPC, field: 'offset' });
});
