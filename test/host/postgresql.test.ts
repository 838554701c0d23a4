import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { statOf } from '../../daemon/host/proc.ts';
import {
  mounted,
  PASSWORD,
  query,
  running,
  type TestHost,
  testHost,
  traces,
  VOLUME,
  VOLUME_BYTES,
} from '../support/host.ts';

async function postmasterPid(host: TestHost): Promise<number> {
  const record = JSON.parse(await readFile(join(host.stateDir, 'run', `engine-${VOLUME}.json`), 'utf8')) as {
    pid: number;
  };
  return record.pid;
}

t.test('a new engine answers its administrator and nobody without the password', async (t) => {
  const host = await testHost(t);
  await running(host);
  t.strictSame(await query(host, 'SELECT current_database() AS name, current_user AS person'), [
    { name: 'orders', person: 'lockstep' },
  ]);
  await t.rejects(query(host, 'SELECT 1', 'wrong'), /password authentication failed/);
});

t.test('a new engine checks its pages, flushes its commits and runs as its own user', async (t) => {
  const host = await testHost(t);
  await running(host);
  const settings = await query(
    host,
    "SELECT current_setting('data_checksums') AS sums, current_setting('fsync') AS fsync, " +
      "current_setting('listen_addresses') AS address, current_setting('server_encoding') AS encoding",
  );
  t.strictSame(settings, [{ sums: 'on', fsync: 'on', address: '127.0.0.1', encoding: 'UTF8' }]);
  const { uid } = await stat(`/proc/${String(await postmasterPid(host))}`);
  t.not(uid, 0);
});

t.test('what was committed is there after a release and a new attach', async (t) => {
  const host = await testHost(t);
  await running(host);
  await query(host, 'CREATE TABLE kept AS SELECT 42 AS answer');
  await host.drivers.release(VOLUME, { force: false });
  t.strictSame(await traces(host.folder), []);
  await mounted(host);
  await host.drivers.startEngine(host.engine);
  t.strictSame(await query(host, 'SELECT answer FROM kept'), [{ answer: 42 }]);
});

t.test('what was committed is there after everything was killed', async (t) => {
  const host = await testHost(t);
  await running(host);
  await query(host, 'CREATE TABLE kept AS SELECT 42 AS answer');
  await host.drivers.release(VOLUME, { force: true });
  t.strictSame(await traces(host.folder), []);
  await mounted(host);
  await host.drivers.startEngine(host.engine);
  t.strictSame(await query(host, 'SELECT answer FROM kept'), [{ answer: 42 }]);
});

t.test('an engine outlives the daemon and its start is answered again', async (t) => {
  const host = await testHost(t);
  await running(host);
  const pid = await postmasterPid(host);
  const next = host.again();
  await next.recover();
  await next.startEngine(host.engine);
  t.equal(await postmasterPid(host), pid);
  t.match(await next.reportEngines(), [{ database: 'orders', state: 'RUNNING', version: /^\d+\.\d+$/ }]);
});

t.test('an initialisation that was cut off is done again from the start', async (t) => {
  const host = await testHost(t);
  const mountPoint = await mounted(host);
  await mkdir(join(mountPoint, 'pgdata', 'base'), { recursive: true });
  await writeFile(join(mountPoint, 'pgdata', 'PG_VERSION'), '15\n');
  await host.drivers.initializeEngine(host.engine, PASSWORD);
  await host.drivers.startEngine(host.engine);
  t.strictSame(await query(host, 'SELECT 1 AS one'), [{ one: 1 }]);
});

t.test('a complete data folder is left by a second initialisation', async (t) => {
  const host = await testHost(t);
  await running(host);
  await query(host, 'CREATE TABLE kept AS SELECT 42 AS answer');
  await host.drivers.initializeEngine(host.engine, 'another password');
  t.strictSame(await query(host, 'SELECT answer FROM kept'), [{ answer: 42 }]);
});

t.test('a data folder that was never completed is not started', async (t) => {
  const host = await testHost(t);
  await mounted(host);
  await t.rejects(host.drivers.startEngine(host.engine), {
    reason: 'ENGINE_START_FAILED',
    message: /never completely initialised/,
  });
});

t.test(
  "another host's postmaster.pid that names a living process does not keep the engine from starting",
  async (t) => {
    const host = await testHost(t);
    await running(host);
    await host.drivers.stopEngine(host.engine, { kill: false });
    // A process of the engine's own user, as a second engine on this machine would be.
    const stranger = spawn('sleep', ['60'], {
      uid: (await stat(join(host.drivers.mountPoint(VOLUME), 'pgdata'))).uid,
    });
    t.teardown(() => stranger.kill('SIGKILL'));
    await once(stranger, 'spawn');
    const pidFile = join(host.drivers.mountPoint(VOLUME), 'pgdata', 'postmaster.pid');
    await writeFile(pidFile, `${String(stranger.pid)}\n/elsewhere\n0\n5432\n/tmp\n*\n`);
    await host.drivers.startEngine(host.engine);
    t.strictSame(await query(host, 'SELECT 1 AS one'), [{ one: 1 }]);
    t.equal(stranger.exitCode, null);
  },
);

t.test('a port that is in use is named', async (t) => {
  const host = await testHost(t);
  const taken = createServer().listen(host.engine.port, '127.0.0.1');
  await once(taken, 'listening');
  t.teardown(() => taken.close());
  await mounted(host);
  await host.drivers.initializeEngine(host.engine, PASSWORD);
  await t.rejects(host.drivers.startEngine(host.engine), {
    code: 'FAILED_PRECONDITION',
    reason: 'PORT_IN_USE',
    metadata: { port: String(host.engine.port) },
  });
});

t.test('an engine that died by itself is reported as failed with its log', async (t) => {
  const host = await testHost(t);
  await running(host);
  const pid = await postmasterPid(host);
  process.kill(pid, 'SIGQUIT');
  while ((await statOf(pid)) !== undefined) await sleep(10);
  const [report] = await host.drivers.reportEngines();
  t.equal(report?.state, 'FAILED');
  t.match(report?.logTail.join('\n'), /immediate shutdown/);
});

t.test('a killed postmaster does not leave backends that keep the next start away', async (t) => {
  const host = await testHost(t);
  await running(host);
  const busy = query(host, 'SELECT pg_sleep(60)').catch(() => 'ended');
  await sleep(50);
  process.kill(await postmasterPid(host), 'SIGKILL');
  await host.drivers.startEngine(host.engine);
  t.equal(await busy, 'ended');
  t.strictSame(await query(host, 'SELECT 1 AS one'), [{ one: 1 }]);
});

t.test('an engine that dies while it is waited for is started anew', async (t) => {
  const host = await testHost(t);
  await running(host);
  const pid = await postmasterPid(host);
  // It is there, and answers nothing more.
  process.kill(pid, 'SIGSTOP');
  const started = host.drivers.startEngine(host.engine);
  await sleep(300);
  process.kill(pid, 'SIGKILL');
  await started;
  t.strictSame(await query(host, 'SELECT 1 AS one'), [{ one: 1 }]);
});

t.test('a forced release ends an engine that waits for a server that answers nothing', async (t) => {
  const host = await testHost(t);
  await running(host);
  await query(host, 'CREATE TABLE filling (word text)');
  host.server.freeze();
  const busy = query(host, 'INSERT INTO filling SELECT md5(n::text) FROM generate_series(1, 10000) n').catch(
    () => 'ended',
  );
  await sleep(100);
  await host.drivers.release(VOLUME, { force: true });
  t.equal(await busy, 'ended');
  t.strictSame(await traces(host.folder), []);
});

t.test('commits go on without a failure after the server was killed and started again', async (t) => {
  const host = await testHost(t);
  await running(host);
  await query(host, 'CREATE TABLE numbers (n int)');
  let failed = 0;
  let stop = false;
  const client = (async () => {
    for (let n = 0; !stop; n++)
      await query(host, `INSERT INTO numbers VALUES (${String(n)})`).catch(() => failed++);
  })();
  await sleep(150);
  await host.server.kill('SIGKILL');
  await sleep(300);
  await host.server.run();
  await sleep(1300);
  stop = true;
  await client;
  t.equal(failed, 0);
});

t.test('an engine is not started where its volume is not mounted', async (t) => {
  const { drivers, engine } = await testHost(t);
  await drivers.attach(VOLUME, VOLUME_BYTES);
  await t.rejects(drivers.startEngine(engine), { code: 'FAILED_PRECONDITION', reason: 'NOT_MOUNTED' });
});

t.test('an unknown engine is named with those there are', async (t) => {
  const { drivers } = await testHost(t);
  await t.rejects(drivers.installEngine('oracle', ''), {
    code: 'INVALID_ARGUMENT',
    violations: [{ field: 'engine', value: 'oracle', allowed: 'postgresql, mariadb' }],
  });
});

t.test('the password is on no disk of the host', async (t) => {
  const host = await testHost(t);
  await running(host);
  const names = await readdir(host.stateDir, { recursive: true });
  const local = names.filter((name) => !name.startsWith('mnt/') && !name.startsWith('attach/'));
  const texts = await Promise.all(
    local.map((name) => readFile(join(host.stateDir, name), 'utf8').catch(() => '')),
  );
  t.equal(texts.filter((text) => text.includes(PASSWORD)).length, 0);
  t.ok(texts.some((text) => text.includes('orders')));
});
