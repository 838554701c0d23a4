/** Snapshots over NBD: `VOLUME@SNAPSHOT`. */
import { randomBytes } from 'node:crypto';
import t, { type Test } from 'tap';
import {
  BLOCK_STATUS,
  metaData,
  RawClient,
  READ,
  requestBytes,
  SET_META_CONTEXT,
  STRUCTURED_REPLY,
  WRITE,
} from '../support/nbd-client.ts';
import { Pair, type TestHost, write } from '../support/pair.ts';

const REGION = 65_536;
const SIZE = 16 * REGION;
const READ_ONLY = 2;
const EPERM = 1;

interface Run {
  readonly pair: Pair;
  readonly a: TestHost;
  readonly b: TestHost;
  readonly client: () => RawClient;
  readonly take: (name: string) => Promise<unknown>;
}

async function withPair(t: Test): Promise<Run> {
  const pair = new Pair(SIZE);
  t.teardown(() => pair.stop());
  const hosts = await pair.inSync();
  const client = (): RawClient => {
    const made = new RawClient({ path: hosts.a.nbdSocket });
    t.teardown(() => {
      made.destroy();
    });
    return made;
  };
  const take = (name: string): Promise<unknown> =>
    hosts.a.volumes.store.snapshot('v', name, { quiesced: false, purpose: 'kept' });
  return { pair, ...hosts, client, take };
}

async function readAt(client: RawClient, offset: number, length: number): Promise<Buffer> {
  client.send(requestBytes({ command: READ, offset: BigInt(offset), length }));
  const { error } = await client.reply();
  if (error !== 0) throw new Error(`error ${String(error)}`);
  return client.read(length);
}

/** The flags of one context over all of an export, by region. */
async function regionsOf(client: RawClient, name: string, context: string): Promise<string> {
  await client.greet();
  await client.option(STRUCTURED_REPLY);
  const replies = await client.option(SET_META_CONTEXT, metaData(name, [context]));
  if (replies.length !== 2) return 'no such context';
  await client.goOn(name);
  client.send(requestBytes({ command: BLOCK_STATUS, offset: 0n, length: SIZE }));
  const [chunk] = await client.chunks();
  let flags = '';
  for (let at = 4; at < (chunk?.payload.length ?? 0); at += 8) {
    const count = (chunk?.payload.readUInt32BE(at) ?? 0) / REGION;
    flags += String(chunk?.payload.readUInt32BE(at + 4)).repeat(count);
  }
  return flags;
}

t.test('a snapshot is read by its name as it was, and not written', async (t) => {
  const { a, client, take } = await withPair(t);
  const data = randomBytes(REGION);
  await a.submit(write(REGION, data));
  await take('monday');
  await a.submit(write(REGION, randomBytes(REGION)));
  const reader = client();
  await reader.greet();
  t.equal((await reader.goOn('v@monday')) & READ_ONLY, READ_ONLY);
  t.ok((await readAt(reader, REGION, REGION)).equals(data));
  reader.send(requestBytes({ command: WRITE, payload: Buffer.alloc(512) }));
  t.equal((await reader.reply()).error, EPERM);
});

t.test('a snapshot tells its holes, and what it differs in from another one', async (t) => {
  const { a, client, take } = await withPair(t);
  await a.submit(write(2 * REGION, randomBytes(REGION)));
  await take('monday');
  await a.submit(write(4 * REGION, randomBytes(REGION)));
  await take('tuesday');
  await a.submit(write(6 * REGION, randomBytes(REGION)));
  t.equal(await regionsOf(client(), 'v@tuesday', 'base:allocation'), '3303033333333333');
  t.equal(await regionsOf(client(), 'v@tuesday', 'lockstep:diff/monday'), '0000100000000000');
  t.equal(await regionsOf(client(), 'v@monday', 'lockstep:diff/tuesday'), '0000100000000000');
  t.equal(await regionsOf(client(), 'v', 'lockstep:diff/monday'), '0000101000000000');
  t.equal(await regionsOf(client(), 'v@tuesday', 'lockstep:diff/tuesday'), 'no such context');
  t.equal(await regionsOf(client(), 'v@tuesday', 'lockstep:diff/.seed-s'), 'no such context');
});

t.test('all snapshots of a host are listed, and seeds are not', async (t) => {
  const { pair, a, b, take } = await withPair(t);
  await take('monday');
  await take('tuesday');
  await a.volume().takeSeed('x');
  const names = a.volumes.exports.list().map(({ name }) => name);
  t.strictSame(names, ['v', 'v@monday', 'v@tuesday']);
  t.match(a.volumes.exports.find('v@.seed-x'), { ok: false, reason: 'UNKNOWN' });
  t.match(b.volumes.exports.find('v@monday'), { ok: false, reason: 'UNKNOWN' }, 'it is on one host');
  pair.promote('b');
  await pair.until(() => !a.volume().serves);
  t.match(a.volumes.exports.find('v@monday'), { ok: true }, 'and stays there when that serves no more');
});

t.test('a snapshot that clients read is not deleted, and says who they are', async (t) => {
  const { a, client, take } = await withPair(t);
  await take('monday');
  const [one, two] = [client(), client()];
  await one.go('v@monday');
  await two.go('v@monday');
  const refused = (clients: string): Promise<unknown> =>
    t.rejects(a.volumes.store.deleteSnapshot('v', 'monday'), {
      reason: 'SNAPSHOT_IN_USE',
      message: `read by ${clients}`,
    });
  await refused('2 NBD clients');
  one.destroy();
  two.destroy();
  for (;;) {
    const gone = await a.volumes.store.deleteSnapshot('v', 'monday').then(
      () => true,
      () => false,
    );
    if (gone) break;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  t.match(a.volumes.exports.find('v@monday'), { ok: false, reason: 'UNKNOWN' });
});

t.test('readers of a snapshot are cut off when its volume is deleted', async (t) => {
  const { a, client, take } = await withPair(t);
  await take('monday');
  const reader = client();
  await reader.go('v@monday');
  await a.volumes.delete('v');
  t.equal((await reader.closed()).length, 0);
  t.strictSame(a.volumes.exports.list(), []);
});
