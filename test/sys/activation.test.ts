import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import t from 'tap';
import { passedSockets } from '../../daemon/sys/activation.ts';
import { FLUSH, RawClient, requestBytes } from '../support/nbd-client.ts';

t.test('sockets are numbered from 3 on, with the names of their units', async (t) => {
  const environment = { LISTEN_PID: '7', LISTEN_FDS: '2', LISTEN_FDNAMES: 'nbd:other' };
  t.strictSame(passedSockets(environment, 7), [
    { fd: 3, name: 'nbd' },
    { fd: 4, name: 'other' },
  ]);
  t.strictSame(passedSockets({ LISTEN_PID: '7', LISTEN_FDS: '1' }, 7), [{ fd: 3, name: 'unknown' }]);
});

t.test('sockets of another process, and numbers that are none, are no sockets', async (t) => {
  t.strictSame(passedSockets({}, 7), []);
  t.strictSame(passedSockets({ LISTEN_PID: '8', LISTEN_FDS: '1' }, 7), []);
  for (const count of ['0', '-1', '1e9', 'many', '1.5'])
    t.strictSame(passedSockets({ LISTEN_PID: '7', LISTEN_FDS: count }, 7), [], count);
});

t.test('a client that came before the server is served by it, and its children do not inherit', async (t) => {
  const listener = createServer().listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const address = listener.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const script = join(import.meta.dirname, '../support/activated-server.ts');
  // The process id is known only to the shell that becomes the server.
  const command = 'LISTEN_PID=$$ LISTEN_FDS=1 LISTEN_FDNAMES=nbd exec "$0" "$1"';
  const { fd } = (listener as unknown as { readonly _handle: { readonly fd: number } })._handle;
  const server = spawn('sh', ['-c', command, process.execPath, script], {
    stdio: ['ignore', 'pipe', 'inherit', fd],
  });
  // The socket listens on, for a server that is only about to start.
  listener.close();
  const early = new RawClient({ port });
  const said = new Promise<string>((resolve) => {
    server.stdout?.once('data', (bytes: Buffer) => {
      resolve(bytes.toString());
    });
  });
  t.teardown(async () => {
    early.destroy();
    if (server.exitCode !== null) return;
    server.kill('SIGKILL');
    await once(server, 'exit');
  });
  await early.go('orders');
  early.send(requestBytes({ command: FLUSH, cookie: 1n }));
  t.strictSame(await early.reply(), { error: 0, cookie: 1n });
  t.strictSame(JSON.parse(await said), { inherited: false, environment: [] });
});
