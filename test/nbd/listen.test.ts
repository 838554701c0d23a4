import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { NbdServer } from '../../daemon/nbd/server.ts';
import { ExportTable } from '../support/export-table.ts';
import { MemoryBackend } from '../support/memory-backend.ts';
import { RawClient } from '../support/nbd-client.ts';

/** Near the root: the path of a Unix socket has room for 107 bytes. */
function folder(t: Test): string {
  const path = mkdtempSync(join(tmpdir(), 'nbd-'));
  t.teardown(() => {
    rmSync(path, { recursive: true, force: true });
  });
  return path;
}

function newServer(): NbdServer {
  return new NbdServer({ exports: new ExportTable({ orders: new MemoryBackend(4096) }) });
}

/** A socket file as a killed server leaves it: bound by a process that exits without removing it. */
function leaveSocket(path: string): void {
  const script = `require('node:net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`;
  spawnSync(process.execPath, ['-e', script]);
}

t.test('a Unix socket is served, for its owner only, and its file goes with the server', async (t) => {
  const path = join(folder(t), 'nbd.sock');
  const server = newServer();
  t.teardown(() => server.close());
  await server.listenUnix(path);
  t.equal(statSync(path).mode & 0o777, 0o600);
  const client = new RawClient({ path });
  await client.go('orders');
  client.destroy();
  await server.close();
  t.notOk(existsSync(path));
});

t.test('the socket file of a killed server is replaced', async (t) => {
  const path = join(folder(t), 'nbd.sock');
  leaveSocket(path);
  t.ok(existsSync(path));
  const server = newServer();
  t.teardown(() => server.close());
  await server.listenUnix(path);
  const client = new RawClient({ path });
  await client.go('orders');
  client.destroy();
});

t.test('the socket file of a living server is left alone', async (t) => {
  const path = join(folder(t), 'nbd.sock');
  const first = newServer();
  const second = newServer();
  t.teardown(() => Promise.all([first.close(), second.close()]));
  await first.listenUnix(path);
  await t.rejects(second.listenUnix(path), {
    code: 'FAILED_PRECONDITION',
    reason: 'ADDRESS_IN_USE',
    violations: [{ field: 'nbd socket', value: path }],
  });
  const client = new RawClient({ path });
  await client.go('orders');
  client.destroy();
});

t.test('a file that is no socket is not removed', async (t) => {
  const path = join(folder(t), 'precious');
  writeFileSync(path, 'data');
  const server = newServer();
  t.teardown(() => server.close());
  await t.rejects(server.listenUnix(path), { code: 'FAILED_PRECONDITION', violations: [{ value: path }] });
  t.equal(readFileSync(path, 'utf8'), 'data');
});

t.test('a path that the system would cut is refused', async (t) => {
  const path = `/tmp/${'x'.repeat(110)}`;
  await t.rejects(newServer().listenUnix(path), { code: 'INVALID_ARGUMENT', violations: [{ value: path }] });
});

t.test('a port in use is named', async (t) => {
  const holder = createServer();
  const port = await new Promise<number>((resolve) => {
    holder.listen(0, '127.0.0.1', () => {
      const address = holder.address();
      resolve(typeof address === 'object' && address !== null ? address.port : 0);
    });
  });
  t.teardown(() => holder.close());
  await t.rejects(newServer().listenTcp('127.0.0.1', port), {
    code: 'FAILED_PRECONDITION',
    reason: 'PORT_IN_USE',
    message: `ports.nbd is "127.0.0.1:${String(port)}"`,
  });
});

t.test('an address that is not of this host is named', async (t) => {
  await t.rejects(newServer().listenTcp('192.0.2.1', 10_809), {
    code: 'FAILED_PRECONDITION',
    reason: 'CANNOT_LISTEN',
    violations: [{ field: 'ports.nbd', value: '192.0.2.1:10809' }],
  });
});
