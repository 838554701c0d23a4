import { execFileSync } from 'node:child_process';
import { open, readFile, statfs, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { CAP_SYS_RESOURCE, hasCapability } from '../../daemon/host/capabilities.ts';
import { mountAt } from '../../daemon/host/mounts.ts';
import {
  MIB,
  mounted,
  query,
  running,
  type TestHost,
  testHost,
  traces,
  VOLUME,
  VOLUME_BYTES,
} from '../support/host.ts';

const LARGER_BYTES = 2 * VOLUME_BYTES;
/** Growth holds I/O for some milliseconds; beside other tests the machine itself may hold it for longer. */
const LONGEST_PAUSE_MS = 1000;

const sizeOf = async (path: string): Promise<number> => {
  const { blocks, bsize } = await statfs(path);
  return blocks * bsize;
};

/** Appends numbered lines, each of them synced, until it is told to stop. */
function writer(path: string): { stop(): Promise<{ readonly count: number; readonly longestMs: number }> } {
  let isStopped = false;
  const work = async () => {
    let longestMs = 0;
    let count = 0;
    await using file = await open(path, 'a');
    for (; !isStopped; count++) {
      const startedMs = performance.now();
      await file.write(`${String(count)}\n`);
      await file.datasync();
      longestMs = Math.max(longestMs, performance.now() - startedMs);
    }
    return { count, longestMs };
  };
  const result = work();
  return {
    stop: () => {
      isStopped = true;
      return result;
    },
  };
}

async function grow(host: TestHost): Promise<void> {
  await truncate(host.server.file, LARGER_BYTES);
  await host.drivers.growFileSystem(VOLUME, LARGER_BYTES);
}

t.test(
  'device and file system grow while synced writes go on, and not one of them fails or is lost',
  async (t) => {
    const host = await testHost(t, { fileSystem: 'xfs' });
    const mountPoint = await mounted(host);
    const before = await sizeOf(mountPoint);
    const file = join(mountPoint, 'lines');
    const writing = writer(file);
    await sleep(200);
    await grow(host);
    await sleep(200);
    const { count, longestMs } = await writing.stop();
    t.comment(`${String(count)} synced writes, the longest took ${longestMs.toFixed(1)} ms`);
    t.ok(longestMs < LONGEST_PAUSE_MS);
    t.equal(await readFile(file, 'utf8'), Array.from({ length: count }, (_, n) => `${String(n)}\n`).join(''));
    t.ok((await sizeOf(mountPoint)) >= before + VOLUME_BYTES - MIB);

    // Up to the new end, and read again over a new attach.
    const large = join(mountPoint, 'large');
    await writeFile(large, Buffer.alloc(VOLUME_BYTES, 'grown'), { flush: true });
    await host.drivers.release(VOLUME, { force: false });
    await host.drivers.attach(VOLUME, LARGER_BYTES);
    await host.drivers.mount(VOLUME);
    t.ok((await readFile(large)).equals(Buffer.alloc(VOLUME_BYTES, 'grown')));
  },
);

t.test('growth that is done is done again without effect, and a second one follows it', async (t) => {
  const host = await testHost(t, { fileSystem: 'xfs' });
  const mountPoint = await mounted(host);
  await grow(host);
  await host.drivers.growFileSystem(VOLUME, LARGER_BYTES);
  await host.again().growFileSystem(VOLUME, LARGER_BYTES);
  await truncate(host.server.file, 3 * VOLUME_BYTES);
  await host.drivers.growFileSystem(VOLUME, 3 * VOLUME_BYTES);
  t.ok((await sizeOf(mountPoint)) > 2.5 * VOLUME_BYTES);
});

t.test('growth of a volume that has not grown is refused, and its device is used on', async (t) => {
  const host = await testHost(t, { fileSystem: 'xfs' });
  const mountPoint = await mounted(host);
  await t.rejects(host.drivers.growFileSystem(VOLUME, LARGER_BYTES), {
    code: 'FAILED_PRECONDITION',
    reason: 'SIZE_MISMATCH',
  });
  await writeFile(join(mountPoint, 'after'), 'still here', { flush: true });
  await grow(host);
  t.equal(await readFile(join(mountPoint, 'after'), 'utf8'), 'still here');
});

t.test('growth is refused where nothing is mounted', async (t) => {
  const { drivers } = await testHost(t);
  await drivers.attach(VOLUME, VOLUME_BYTES);
  await t.rejects(drivers.growFileSystem(VOLUME, LARGER_BYTES), {
    code: 'FAILED_PRECONDITION',
    reason: 'NOT_MOUNTED',
  });
});

t.test('what was grown is taken away with force, also while its server answers nothing', async (t) => {
  const host = await testHost(t, { fileSystem: 'xfs' });
  const mountPoint = await mounted(host);
  await grow(host);
  host.server.freeze();
  const child = execFileSync('sh', [
    '-c',
    `dd if=/dev/zero of=${mountPoint}/x bs=1M count=8 >&- 2>&- & echo $!`,
  ]);
  t.not(child.length, 0);
  await host.drivers.release(VOLUME, { force: true });
  t.strictSame(await traces(host.folder), []);
});

t.test('after growth the server may be started again without a failed write', async (t) => {
  const host = await testHost(t, { fileSystem: 'xfs' });
  const mountPoint = await mounted(host);
  await grow(host);
  const writing = writer(join(mountPoint, 'lines'));
  await host.server.kill('SIGKILL');
  await sleep(100);
  await host.server.run();
  await sleep(1300);
  t.ok((await writing.stop()).count > 0);
});

t.test('an ext4 grows where the kernel lets the daemon do it, and else it is said what to do', async (t) => {
  const host = await testHost(t);
  const mountPoint = await mounted(host);
  await truncate(host.server.file, LARGER_BYTES);
  const check = host.drivers.checkFileSystemGrowth(VOLUME);
  check.catch(() => undefined);
  const growth = host.drivers.growFileSystem(VOLUME, LARGER_BYTES);
  if (await hasCapability(CAP_SYS_RESOURCE)) {
    await check;
    await growth;
    t.ok((await sizeOf(mountPoint)) > 1.5 * VOLUME_BYTES);
    return;
  }
  const refusal = {
    code: 'FAILED_PRECONDITION',
    reason: 'GROWTH_NOT_PERMITTED',
    metadata: { next: /CAP_SYS_RESOURCE/ },
  };
  await t.rejects(check, refusal, 'before anything grows');
  await t.rejects(growth, refusal, 'and as the kernel says it');
  await writeFile(join(mountPoint, 'after'), 'still here', { flush: true });
});

t.test('a host mounts what another one has made, of whichever kind it is', async (t) => {
  const host = await testHost(t, { fileSystem: 'xfs' });
  await mounted(host);
  await host.drivers.release(VOLUME, { force: false });
  const other = await testHost(t, { name: 'b1' });
  execFileSync('cp', ['--sparse=always', host.server.file, other.server.file]);
  await other.drivers.attach(VOLUME, VOLUME_BYTES);
  await other.drivers.makeFileSystem(VOLUME);
  t.equal((await mountAt(await other.drivers.mount(VOLUME)))?.type, 'xfs');
});

t.test('a database commits on while its volume grows, and no row is lost', async (t) => {
  const host = await testHost(t, { fileSystem: 'xfs' });
  await running(host);
  await query(host, 'CREATE TABLE numbers (n int)');
  let isStopped = false;
  let committed = 0;
  const client = (async () => {
    for (; !isStopped; committed++) await query(host, `INSERT INTO numbers VALUES (${String(committed)})`);
  })();
  await sleep(100);
  await grow(host);
  await sleep(200);
  isStopped = true;
  await client;
  t.strictSame(await query(host, 'SELECT count(DISTINCT n)::int AS n FROM numbers'), [{ n: committed }]);
});
