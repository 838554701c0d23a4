/** What one client can have the server keep in memory, found by sessions that asked for much and took little. */
import t from 'tap';
import { Random } from '../support/harness/random.ts';
import { metaQuery, option, infoRequest } from './client-stream.ts';
import { runInMemory } from './memory-session.ts';
import { EXTENDED_REQUEST_MAGIC, OPT } from './protocol.ts';

const NO_BYTES = Buffer.alloc(0);

/** Of BLOCK_STATUS over so much of a volume in pieces that the answer has a thousand descriptors. */
function blockStatus(cookie: number): Buffer {
  const bytes = Buffer.alloc(32);
  bytes.writeUInt32BE(EXTENDED_REQUEST_MAGIC, 0);
  bytes.writeUInt16BE(7, 6);
  bytes.writeBigUInt64BE(BigInt(cookie), 8);
  bytes.writeBigUInt64BE(1n << 30n, 24);
  return bytes;
}

t.test('answers to BLOCK_STATUS that the client does not take have it read no further', async (t) => {
  const handshake = [
    Buffer.from([0, 0, 0, 3]),
    option(OPT.EXTENDED_HEADERS, NO_BYTES),
    option(OPT.SET_META_CONTEXT, metaQuery('vast', ['base:allocation'])),
    option(OPT.GO, infoRequest('vast', [])),
  ];
  const requests = Array.from({ length: 100 }, (_, index) => blockStatus(index));
  const input = { bytes: Buffer.concat([...handshake, ...requests]), cuts: [] };
  const verdict = await runInMemory(input, Random.of(1), { holds: 0, fails: 0, slow: true });
  t.equal(verdict.finding, undefined);
  t.equal(verdict.transmission?.answered, requests.length);
});
