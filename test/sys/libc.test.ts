import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, ftruncateSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { dataExtents, peerHasClosed, readCached } from '../../daemon/sys/libc.ts';

const MIB = 1024 * 1024;

t.test('extents of a sparse file are those that hold data', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'lockstep-libc-'));
  const fd = openSync(join(folder, 'sparse'), 'w+');
  t.teardown(() => {
    closeSync(fd);
    rmSync(folder, { recursive: true });
  });
  ftruncateSync(fd, 4 * MIB);
  t.strictSame([...dataExtents(fd, { offset: 0, length: 4 * MIB })], [], 'nothing but a hole');
  writeSync(fd, Buffer.alloc(4096, 1), 0, 4096, MIB);
  const [extent, ...others] = [...dataExtents(fd, { offset: 0, length: 4 * MIB })];
  t.strictSame(others, []);
  t.ok(extent !== undefined && extent.start <= MIB && extent.end >= MIB + 4096);
  t.strictSame(
    [...dataExtents(fd, { offset: MIB + 512, length: 1024 })],
    [{ start: MIB + 512, end: MIB + 1536 }],
  );
  t.strictSame([...dataExtents(fd, { offset: 2 * MIB, length: MIB })], [], 'a part that is a hole');
  t.end();
});

t.test('a file whose extents cannot be told is not taken for an empty one', (t) => {
  t.throws(() => [...dataExtents(-1, { offset: 0, length: MIB })], { message: /errno 9/ });
  t.end();
});

t.test('what the page cache has is read, and what it has not is not waited for', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'lockstep-libc-'));
  const path = join(folder, 'file');
  const fd = openSync(path, 'w+');
  t.teardown(() => {
    closeSync(fd);
    rmSync(folder, { recursive: true });
  });
  writeSync(fd, Buffer.alloc(MIB, 7));
  const into = Buffer.alloc(8192).subarray(100, 4196);
  t.equal(readCached(fd, into, 4096), 4096);
  t.ok(into.every((byte) => byte === 7));
  t.equal(readCached(fd, into, MIB - 96), 96, 'no more than there is');
  execFileSync('dd', [`of=${path}`, 'oflag=nocache', 'conv=notrunc,fdatasync', 'count=0'], {
    stdio: 'ignore',
  });
  t.equal(readCached(fd, into, 65_536), 0);
  readSync(fd, into, 0, into.length, 65_536);
  t.equal(readCached(fd, into, 65_536), 4096, 'once it was read');
  t.equal(readCached(-1, into, 0), 0, 'the read that waits says what is wrong');
  t.end();
});

t.test('a peer that has closed is known before what it sent last is read', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'lockstep-libc-'));
  const server = createServer({ pauseOnConnect: true }).listen(join(folder, 'socket'));
  t.teardown(() => {
    server.close();
    rmSync(folder, { recursive: true });
  });
  await once(server, 'listening');
  const client = connect(join(folder, 'socket'));
  const [accepted] = (await once(server, 'connection')) as [Socket];
  t.teardown(() => {
    accepted.destroy();
  });
  const { fd } = (accepted as unknown as { readonly _handle: { readonly fd: number } })._handle;
  await new Promise((resolve) => client.write('unread', resolve));
  t.notOk(peerHasClosed(fd));
  client.destroy();
  await once(client, 'close');
  t.ok(peerHasClosed(fd));
});
