/**
 * Sessions that once found something, by what has to be. They run before anything else. One that the fuzzer prints is
 * put here as it is, with `Buffer.from(hex, 'hex')` as its bytes, or made anew where that says more.
 */
import { infoRequest, metaQuery, option } from './client-stream.ts';
import type { SessionOptions } from './memory-session.ts';
import type { FuzzInput } from './mutate.ts';
import { CMD, EXTENDED_REQUEST_MAGIC, OPT } from './protocol.ts';

export interface NamedCase extends FuzzInput {
  readonly name: string;
  readonly options: SessionOptions;
}

const NO_BYTES = Buffer.alloc(0);
const SLOW: SessionOptions = { holds: 0, fails: 0, slow: true };

export const CASES: readonly NamedCase[] = [
  {
    name: 'answers to BLOCK_STATUS that the client does not take have it read no further',
    options: SLOW,
    cuts: [],
    bytes: Buffer.concat([
      Buffer.from([0, 0, 0, 3]),
      option(OPT.EXTENDED_HEADERS, NO_BYTES),
      option(OPT.SET_META_CONTEXT, metaQuery('vast', ['base:allocation'])),
      option(OPT.GO, infoRequest('vast', [])),
      ...Array.from({ length: 100 }, (_, cookie) => blockStatus(cookie)),
    ]),
  },
];

/** Over so much of a volume in pieces that the answer has as many descriptors as the disk tells at once. */
function blockStatus(cookie: number): Buffer {
  const bytes = Buffer.alloc(32);
  bytes.writeUInt32BE(EXTENDED_REQUEST_MAGIC, 0);
  bytes.writeUInt16BE(CMD.BLOCK_STATUS, 6);
  bytes.writeBigUInt64BE(BigInt(cookie), 8);
  bytes.writeBigUInt64BE(1n << 30n, 24);
  return bytes;
}
