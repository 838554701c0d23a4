import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { connect, type TLSSocket } from 'node:tls';
import { promisify } from 'node:util';
import t, { type Test } from 'tap';
import { loadTls, type NbdTls } from '../../daemon/nbd/tls.ts';
import { makeCertificates } from '../support/certificates.ts';
import {
  DISC,
  FLUSH,
  FLAGS_BYTES,
  optionBytes,
  RawClient,
  READ,
  requestBytes,
  STARTTLS,
  STRUCTURED_REPLY,
  WRITE,
} from '../support/nbd-client.ts';
import { MIB, type Served, serve } from '../support/served.ts';

const certificates = makeCertificates(t);
const { folder, authority, server, client: clientIdentity } = certificates;
const [LIST, ACK, ERR_INVALID] = [3, 1, 0x80000003];

async function serveTls(t: Test, options: Partial<NbdTls> = {}): Promise<Served> {
  const tls = { mode: 'allowed', ...server, clientAuthorities: undefined, ...options } as const;
  return serve(t, { sizeBytes: 64 * MIB, tls });
}

/** Up to TLS, with nothing negotiated in it yet. */
async function secure(client: RawClient, identity?: typeof clientIdentity): Promise<TLSSocket> {
  await client.greet();
  const [reply] = await client.option(STARTTLS);
  if (reply?.type !== ACK) throw new Error(`STARTTLS was refused with ${String(reply?.type)}`);
  return upgrade(client, identity);
}

async function upgrade(client: RawClient, identity?: typeof clientIdentity): Promise<TLSSocket> {
  const own = identity === undefined ? {} : { cert: identity.certificate, key: identity.key };
  let socket: TLSSocket | undefined;
  client.upgrade((plain) => {
    socket = connect({ socket: plain, ca: authority, servername: 'localhost', ...own });
    return socket;
  });
  if (socket === undefined) throw new Error('not upgraded');
  await Promise.race([once(socket, 'secureConnect'), once(socket, 'close')]);
  return socket;
}

t.test('an export is read and written over TLS, payloads of 32 MiB too', async (t) => {
  const { client: newClient } = await serveTls(t);
  const client = newClient();
  const socket = await secure(client);
  t.ok(socket.authorized);
  await client.goOn('orders');
  const payload = Buffer.alloc(32 * MIB, 'secret');
  client.send(requestBytes({ command: WRITE, cookie: 1n, payload }));
  t.strictSame(await client.reply(), { error: 0, cookie: 1n });
  client.send(requestBytes({ command: READ, cookie: 2n, length: payload.length }));
  t.strictSame(await client.reply(), { error: 0, cookie: 2n });
  t.ok((await client.read(payload.length)).equals(payload));
  client.send(requestBytes({ command: DISC }));
  t.equal((await client.closed()).length, 0);
});

t.test(
  'what was said in plain text behind STARTTLS is dropped, and so is what was agreed on before',
  async (t) => {
    const { client: newClient, exports } = await serveTls(t);
    const client = newClient();
    await client.greet();
    await client.option(STRUCTURED_REPLY);
    // As somebody in between would put it in front of the client's own words.
    client.send(Buffer.concat([optionBytes(STARTTLS), optionBytes(LIST), optionBytes(LIST)]));
    const ack = await client.read(20);
    t.equal(ack.readUInt32BE(12), ACK);
    await upgrade(client);
    const flags = await client.goOn('orders');
    t.equal(flags & (1 << 7), 0, 'no DF: structured replies are to be asked for again');
    t.equal(exports.openCount, 1);
    client.send(requestBytes({ command: FLUSH, cookie: 1n }));
    t.strictSame(await client.reply(), { error: 0, cookie: 1n });
  },
);

t.test('STARTTLS under TLS is invalid', async (t) => {
  const { client: newClient } = await serveTls(t);
  const client = newClient();
  await secure(client);
  t.match(await client.option(STARTTLS), [{ type: ERR_INVALID }]);
});

t.test('where TLS is required, a client without it is told so, or cut off', async (t) => {
  const { client: newClient } = await serveTls(t, { mode: 'required' });
  const client = newClient();
  await client.greet();
  t.match(await client.option(LIST), [{ type: 0x80000005 }]);
  const old = newClient();
  await old.greet();
  old.send(optionBytes(1, Buffer.from('orders')));
  t.equal((await old.closed()).length, 0);
});

t.test(
  'a client without a certificate is refused where one is asked for, and one with it is not',
  async (t) => {
    const { client: newClient } = await serveTls(t, { clientAuthorities: authority });
    const stranger = newClient();
    await secure(stranger);
    stranger.send(optionBytes(LIST));
    t.equal((await stranger.closed()).length, 0);
    const known = newClient();
    await secure(known, clientIdentity);
    await known.goOn('orders');
  },
);

t.test('a client that talks no TLS after STARTTLS is cut off, and others are served', async (t) => {
  const { client: newClient } = await serveTls(t);
  const babbler = newClient();
  await babbler.greet();
  await babbler.option(STARTTLS);
  babbler.send(Buffer.from('this is no TLS at all, whatever it may look like'));
  await babbler.closed();
  const other = newClient();
  await secure(other);
  await other.goOn('orders');
});

t.test('a client that is silent after STARTTLS has no longer than a handshake', async (t) => {
  const tls = { mode: 'allowed', ...server, clientAuthorities: undefined } as const;
  const { client: newClient } = await serve(t, { tls, limits: { handshakeTimeoutMs: 100 } });
  const silent = newClient();
  silent.send(Buffer.concat([FLAGS_BYTES, optionBytes(STARTTLS)]));
  await silent.closed();
});

t.test('a Unix socket has no TLS, whatever TCP has', async (t) => {
  const { server: nbd } = await serveTls(t, { mode: 'required' });
  const path = join(folder, 'nbd.sock');
  await nbd.listenUnix(path);
  const local = new RawClient({ path });
  await local.go('orders');
  local.destroy();
});

t.test('nbdinfo reads the export over TLS', async (t) => {
  const { port } = await serveTls(t, { mode: 'required', clientAuthorities: authority });
  const uri = `nbds://127.0.0.1:${String(port)}/orders?tls-certificates=${folder}`;
  const { stdout } = await promisify(execFile)('nbdinfo', ['--size', uri]);
  t.equal(stdout.trim(), String(64 * MIB));
});

t.test('files that cannot be used are named before anybody connects', async (t) => {
  const file = (name: string): string => join(folder, name);
  const good = {
    mode: 'allowed',
    certificate: file('server-cert.pem'),
    key: file('server-key.pem'),
  } as const;
  t.match(loadTls(good), { mode: 'allowed', ...server });
  t.equal(loadTls({ mode: 'off' }), undefined);
  t.throws(() => loadTls({ ...good, key: file('none.pem') }), { message: /^nbd\.tls\.key is ".*none\.pem"/ });
  t.throws(() => loadTls({ ...good, key: file('client-key.pem') }), {
    message: /^nbd\.tls: .* cannot be used/,
  });
});
