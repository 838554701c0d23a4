import { once } from 'node:events';
import { chown, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { statOf } from '../../daemon/host/proc.ts';
import { mounted, PASSWORD, running, type TestHost, testHost, traces, VOLUME } from '../support/host.ts';
import { mariadbQuery as query } from '../support/mariadb.ts';

const mariadbHost = (t: Test): Promise<TestHost> => testHost(t, { engine: 'mariadb' });

async function serverPid(host: TestHost): Promise<number> {
  const path = join(host.stateDir, 'run', `engine-${VOLUME}.json`);
  return (JSON.parse(await readFile(path, 'utf8')) as { pid: number }).pid;
}

t.test('a new engine answers its administrator and nobody without the password', async (t) => {
  const host = await mariadbHost(t);
  await running(host);
  t.strictSame(await query(host, 'SELECT DATABASE(), CURRENT_USER()'), ['orders\tlockstep@%']);
  await t.rejects(query(host, 'SELECT 1', 'wrong'), /Access denied/);
});

t.test('a new engine flushes its commits, listens on one address and runs as its own user', async (t) => {
  const host = await mariadbHost(t);
  await running(host);
  const settings = await query(
    host,
    'SELECT @@innodb_flush_log_at_trx_commit, @@innodb_doublewrite, @@bind_address, @@character_set_server',
  );
  t.strictSame(settings, ['1\t1\t127.0.0.1\tutf8mb4']);
  t.not((await stat(`/proc/${String(await serverPid(host))}`)).uid, 0);
});

t.test('its administrator cannot make commits less durable', async (t) => {
  const host = await mariadbHost(t);
  await running(host);
  await t.rejects(query(host, 'SET GLOBAL innodb_flush_log_at_trx_commit = 0'), /SUPER/);
});

t.test('what was committed is there after a release and a new attach', async (t) => {
  const host = await mariadbHost(t);
  await running(host);
  await query(host, 'CREATE TABLE kept AS SELECT 42 AS answer');
  await host.drivers.release(VOLUME, { force: false });
  t.strictSame(await traces(host.folder), []);
  await mounted(host);
  await host.drivers.startEngine(host.engine);
  t.strictSame(await query(host, 'SELECT answer FROM kept'), ['42']);
});

t.test('what was committed is there after everything was killed', async (t) => {
  const host = await mariadbHost(t);
  await running(host);
  await query(host, 'CREATE TABLE kept AS SELECT 42 AS answer');
  await host.drivers.release(VOLUME, { force: true });
  t.strictSame(await traces(host.folder), []);
  await mounted(host);
  await host.drivers.startEngine(host.engine);
  t.strictSame(await query(host, 'SELECT answer FROM kept'), ['42']);
});

t.test('an engine outlives the daemon and its start is answered again', async (t) => {
  const host = await mariadbHost(t);
  await running(host);
  const pid = await serverPid(host);
  const next = host.again();
  await next.recover();
  await next.startEngine(host.engine);
  t.equal(await serverPid(host), pid);
  t.match(await next.reportEngines(), [{ database: 'orders', state: 'RUNNING', version: /^\d+\.\d+\.\d+$/ }]);
});

t.test('an initialisation that was cut off is done again from the start', async (t) => {
  const host = await mariadbHost(t);
  const mountPoint = await mounted(host);
  await mkdir(join(mountPoint, 'mariadb', 'mysql'), { recursive: true });
  await writeFile(join(mountPoint, 'mariadb', 'ibdata1'), 'half');
  await host.drivers.initializeEngine(host.engine, PASSWORD);
  await host.drivers.startEngine(host.engine);
  t.strictSame(await query(host, 'SELECT 1'), ['1']);
});

t.test('a complete data folder is left by a second initialisation', async (t) => {
  const host = await mariadbHost(t);
  await running(host);
  await query(host, 'CREATE TABLE kept AS SELECT 42 AS answer');
  await host.drivers.initializeEngine(host.engine, 'another password');
  t.strictSame(await query(host, 'SELECT answer FROM kept'), ['42']);
});

t.test("a data folder of another host's user is taken over with a start", async (t) => {
  const host = await mariadbHost(t);
  await running(host);
  await host.drivers.stopEngine(host.engine, { kill: false });
  const folder = join(host.drivers.mountPoint(VOLUME), 'mariadb');
  const own = await stat(folder);
  for (const name of ['', ...(await readdir(folder, { recursive: true }))])
    await chown(join(folder, name), own.uid + 1000, own.gid + 1000);
  await host.drivers.startEngine(host.engine);
  t.strictSame(await query(host, 'SELECT 1'), ['1']);
  t.equal((await stat(join(folder, 'ibdata1'))).uid, own.uid);
});

t.test('files of another version, or of another engine, are not touched', async (t) => {
  const host = await mariadbHost(t);
  await running(host);
  await host.drivers.stopEngine(host.engine, { kill: false });
  await t.rejects(host.drivers.startEngine({ ...host.engine, version: '99.9' }), {
    code: 'FAILED_PRECONDITION',
    reason: 'ENGINE_NOT_INSTALLED',
    message: /does not have MariaDB 99\.9, but 1\d\.\d+/,
    metadata: { next: /apt-get install mariadb-server-core/ },
  });
  const marker = join(host.drivers.mountPoint(VOLUME), 'lockstep-initialized');
  await writeFile(marker, 'mariadb 99.9 orders\n');
  await t.rejects(host.drivers.startEngine(host.engine), {
    code: 'UNAVAILABLE',
    reason: 'ENGINE_NOT_INSTALLED',
  });
  await writeFile(marker, 'postgresql 15 orders\n');
  await t.rejects(host.drivers.startEngine(host.engine), { message: /is of postgresql, not of mariadb/ });
});

t.test('a port that is in use is named', async (t) => {
  const host = await mariadbHost(t);
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
  const host = await mariadbHost(t);
  await running(host);
  const pid = await serverPid(host);
  process.kill(pid, 'SIGKILL');
  while ((await statOf(pid)) !== undefined) await sleep(10);
  const [report] = await host.drivers.reportEngines();
  t.equal(report?.state, 'FAILED');
  t.match(report?.logTail.join('\n'), /ready for connections/);
});

t.test('a forced release ends an engine that waits for a server that answers nothing', async (t) => {
  const host = await mariadbHost(t);
  await running(host);
  await query(host, 'CREATE TABLE filling (word text)');
  host.server.freeze();
  const busy = query(host, 'INSERT INTO filling SELECT MD5(seq) FROM seq_1_to_10000').catch(() => 'ended');
  await sleep(100);
  await host.drivers.release(VOLUME, { force: true });
  t.equal(await busy, 'ended');
  t.strictSame(await traces(host.folder), []);
});

t.test(
  'parameters are taken at once where they can be, and the others are named and taken at a start',
  async (t) => {
    const host = await mariadbHost(t);
    await running(host);
    const parameters = {
      max_connections: '77',
      innodb_log_buffer_size: '32',
      innodb_log_file_size: '64',
      transaction_isolation: 'READ-COMMITTED',
      event_scheduler: 'on',
      max_statement_time: '7',
    };
    const engine = { ...host.engine, parameters };
    t.strictSame(await host.drivers.configureEngine(engine), { pendingRestart: ['innodb_log_buffer_size'] });
    const asked =
      'SELECT @@max_connections, @@innodb_log_file_size, @@innodb_log_buffer_size, @@event_scheduler';
    t.strictSame(await query(host, asked), ['77\t67108864\t16777216\tON']);
    t.strictSame(await query(host, 'SELECT @@tx_isolation, @@max_statement_time'), [
      'READ-COMMITTED\t7.000000',
    ]);
    await host.drivers.stopEngine(engine, { kill: false });
    await host.drivers.startEngine(engine);
    t.strictSame(await query(host, asked), ['77\t67108864\t33554432\tON']);
    t.strictSame(await host.drivers.configureEngine(engine), { pendingRestart: [] });
    t.strictSame(await host.drivers.configureEngine(host.engine), {
      pendingRestart: ['innodb_log_buffer_size'],
    });
    t.strictSame(await query(host, 'SELECT @@max_connections'), ['151']);
  },
);

t.test(
  'a new password replaces the old one, whatever is in it, and an engine that stands still has none',
  async (t) => {
    const host = await mariadbHost(t);
    await running(host);
    const password = `it's "new" \\ and \`odd\``;
    await host.drivers.setEnginePassword(host.engine, password);
    await host.drivers.setEnginePassword(host.engine, password);
    t.strictSame(await query(host, 'SELECT 1', password), ['1']);
    await t.rejects(query(host, 'SELECT 1', PASSWORD), /Access denied/);
    await host.drivers.stopEngine(host.engine, { kill: false });
    await t.rejects(host.drivers.setEnginePassword(host.engine, 'x'), {
      code: 'FAILED_PRECONDITION',
      reason: 'ENGINE_NOT_RUNNING',
    });
  },
);

t.test('the password is on no disk of the host', async (t) => {
  const host = await mariadbHost(t);
  await running(host);
  await host.drivers.setEnginePassword(host.engine, PASSWORD);
  const names = await readdir(host.stateDir, { recursive: true });
  const local = names.filter((name) => !name.startsWith('mnt/') && !name.startsWith('attach/'));
  const texts = await Promise.all(
    local.map((name) => readFile(join(host.stateDir, name), 'utf8').catch(() => '')),
  );
  t.equal(texts.filter((text) => text.includes(PASSWORD)).length, 0);
  t.ok(texts.some((text) => text.includes('mariadbd')));
});
