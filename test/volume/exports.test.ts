import { randomBytes } from 'node:crypto';
import t, { type Test } from 'tap';
import {
  BLOCK_STATUS,
  infoData,
  metaData,
  optionBytes,
  RawClient,
  READ,
  requestBytes,
  SET_META_CONTEXT,
  STRUCTURED_REPLY,
  WRITE,
} from '../support/nbd-client.ts';
import { Pair, type TestHost, write } from '../support/pair.ts';

const SIZE = 1024 * 1024;
const REGION = 65_536;
const [INFO, ERR_POLICY, ERR_UNKNOWN] = [6, 0x80000002, 0x80000006];
const READ_ONLY = 2;
const EPERM = 1;

async function withPair(t: Test, run: (pair: Pair, hosts: { a: TestHost; b: TestHost }) => Promise<void>) {
  const pair = new Pair(SIZE);
  t.teardown(() => pair.stop());
  await run(pair, await pair.inSync());
}

function clientOf(t: Test, host: TestHost): RawClient {
  const client = new RawClient({ path: host.nbdSocket });
  t.teardown(() => {
    client.destroy();
  });
  return client;
}

/** The flags of one context over the whole volume, by region. */
async function regionsOf(t: Test, host: TestHost, context: string): Promise<string> {
  const client = clientOf(t, host);
  await client.greet();
  await client.option(STRUCTURED_REPLY);
  const replies = await client.option(SET_META_CONTEXT, metaData('v', [context]));
  if (replies.length !== 2) return 'no such context';
  await client.goOn('v');
  client.send(requestBytes({ command: BLOCK_STATUS, offset: 0n, length: SIZE }));
  const [chunk] = await client.chunks();
  client.destroy();
  let flags = '';
  for (let at = 4; at < (chunk?.payload.length ?? 0); at += 8)
    flags += String(chunk?.payload.readUInt32BE(at + 4)).repeat(
      (chunk?.payload.readUInt32BE(at) ?? 0) / REGION,
    );
  return flags;
}

t.test('a secondary in sync is read by its name, and not written', async (t) => {
  await withPair(t, async (_pair, { a, b }) => {
    const data = randomBytes(4096);
    await a.submit(write(8192, data));
    const client = clientOf(t, b);
    await client.greet();
    const flags = await client.goOn('v@secondary');
    t.equal(flags & READ_ONLY, READ_ONLY);
    client.send(requestBytes({ command: READ, offset: 8192n, length: 4096 }));
    t.equal((await client.reply()).error, 0);
    t.ok((await client.read(4096)).equals(data), 'what was acknowledged');
    client.send(requestBytes({ command: WRITE, payload: Buffer.alloc(512) }));
    t.equal((await client.reply()).error, EPERM);
  });
});

t.test('each host tells of what it serves, and why it does not serve the rest', async (t) => {
  await withPair(t, async (_pair, { a, b }) => {
    const names = (host: TestHost): string[] => host.volumes.exports.list().map(({ name }) => name);
    t.strictSame([names(a), names(b)], [['v'], ['v@secondary']]);
    const refusals: readonly (readonly [TestHost, string, number])[] = [
      [a, 'v@secondary', ERR_POLICY],
      [b, 'v', ERR_POLICY],
      [a, 'v@monday', ERR_UNKNOWN],
      [a, 'v@', ERR_UNKNOWN],
      [b, 'v@secondary@secondary', ERR_UNKNOWN],
      [a, 'w', ERR_UNKNOWN],
      [a, '', ERR_UNKNOWN],
    ];
    for (const [host, name, type] of refusals) {
      const client = clientOf(t, host);
      await client.greet();
      t.match(await client.option(INFO, infoData(name, [])), [{ type }], name);
    }
  });
});

t.test('readers of a secondary are cut off when it becomes the primary', async (t) => {
  await withPair(t, async (pair, { b }) => {
    const client = clientOf(t, b);
    await client.go('v@secondary');
    pair.promote('b');
    t.equal((await client.closed()).length, 0);
  });
});

t.test('a secondary whose primary is gone may be behind, and is not read', async (t) => {
  await withPair(t, async (pair, { a, b }) => {
    const client = clientOf(t, b);
    await client.go('v@secondary');
    await a.stop();
    await pair.until(() => !b.volume().status.peerConnected);
    client.send(requestBytes({ command: READ, length: 512 }));
    t.equal((await client.reply()).error, 108);
    t.match(b.volumes.exports.find('v@secondary'), { ok: false, reason: 'NOT_IN_SYNC' });
  });
});

t.test('a context tells which regions a peer lacks', async (t) => {
  await withPair(t, async (pair, { a, b }) => {
    // At once: on a busy machine the pair may lose each other, and this is about one that has not.
    const whole = { offset: 0, length: SIZE };
    const differences = a.volume().differences({ kind: 'dirty', name: 'b' }, whole) ?? [];
    t.strictSame([...differences], [{ ...whole, differs: false }]);
    await b.stop();
    await pair.until(() => a.volume().state === 'SOLO');
    await a.submit(write(3 * REGION - 1, Buffer.from('xy')));
    const flags = await regionsOf(t, a, 'lockstep:dirty/b');
    t.equal(flags.slice(2, 4), '11', 'both regions that were written');
    t.equal(flags.length, 16);
    t.equal(flags.slice(8), '0'.repeat(8));
    t.equal(await regionsOf(t, a, 'lockstep:dirty/c'), 'no such context');
    t.equal(await regionsOf(t, a, 'lockstep:dirty/a'), 'no such context');
  });
});

t.test('a context tells what changed since the snapshot', async (t) => {
  await withPair(t, async (_pair, { a }) => {
    await a.submit(write(0, Buffer.alloc(REGION, 'x')));
    a.volume().takeSnapshot('monday');
    await a.submit(write(5 * REGION, Buffer.from('x')));
    t.equal(await regionsOf(t, a, 'lockstep:diff/monday'), '0000010000000000');
    a.volume().dropSnapshot();
    t.equal(await regionsOf(t, a, 'lockstep:diff/monday'), 'no such context');
  });
});

t.test('a context tells what is a hole in the real file', async (t) => {
  await withPair(t, async (_pair, { a }) => {
    await a.submit(write(4 * REGION, Buffer.alloc(2 * REGION, 'x')));
    t.equal(await regionsOf(t, a, 'base:allocation'), '3333003333333333');
    await a.submit({ kind: 'trim', offset: 4 * REGION, length: REGION, fua: true });
    t.equal(await regionsOf(t, a, 'base:allocation'), '3333303333333333');
  });
});

t.test('a client that asked for nothing but LIST leaves nothing behind', async (t) => {
  await withPair(t, async (_pair, { a }) => {
    const client = clientOf(t, a);
    await client.greet();
    client.send(optionBytes(3));
    const list = await client.read(20 + 4 + 1 + 'generation 2'.length);
    t.equal(list.toString('utf8', 24), 'vgeneration 2');
  });
});
