/** Changes to a PostgreSQL that runs: parameters, password; and what its host has of it. */
import { appendFileSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { postgresql } from '../../daemon/engines/postgresql.ts';
import { mounted, PASSWORD, query, running, testHost, VOLUME } from '../support/host.ts';

const shown = (name: string): string => `SELECT current_setting('${name}') AS value`;

t.test(
  'parameters are taken at once where they can be, and the others are named and taken at a start',
  async (t) => {
    const host = await testHost(t);
    await running(host);
    const parameters = { work_mem: '8192', max_connections: '50', jit: 'off', statement_timeout: '60000' };
    const engine = { ...host.engine, parameters };
    t.strictSame(await host.drivers.configureEngine(engine), { pendingRestart: ['max_connections'] });
    t.strictSame(await query(host, shown('work_mem')), [{ value: '8MB' }]);
    t.strictSame(await query(host, shown('max_connections')), [{ value: '100' }]);
    await host.drivers.stopEngine(engine, { kill: false });
    await host.drivers.startEngine(engine);
    t.strictSame(await query(host, shown('max_connections')), [{ value: '50' }]);
    t.strictSame(await host.drivers.configureEngine(engine), { pendingRestart: [] });
    t.strictSame(await host.drivers.configureEngine(host.engine), { pendingRestart: ['max_connections'] });
    t.strictSame(await query(host, shown('work_mem')), [{ value: '4MB' }]);
  },
);

t.test('every parameter is taken by the server that is here, at its least and at its most', async (t) => {
  const host = await testHost(t);
  await running(host);
  const numbers = postgresql.parameters.flatMap((each) => ('minimum' in each ? [each] : []));
  for (const bound of ['minimum', 'maximum'] as const) {
    const parameters = Object.fromEntries(numbers.map((each) => [each.name, String(each[bound])]));
    const restart = postgresql.parameters.filter(({ needsRestart }) => needsRestart).map(({ name }) => name);
    const { pendingRestart } = await host.drivers.configureEngine({ ...host.engine, parameters });
    t.strictSame([...pendingRestart].sort(), restart.sort());
    t.strictSame(await query(host, "SELECT name, error FROM pg_file_settings WHERE error ~ 'invalid'"), []);
  }
});

t.test('what a file of the data folder says of durability does not count', async (t) => {
  const host = await testHost(t);
  await running(host);
  await host.drivers.stopEngine(host.engine, { kill: false });
  const auto = join(host.drivers.mountPoint(VOLUME), 'pgdata', 'postgresql.auto.conf');
  appendFileSync(auto, "fsync = 'off'\nfull_page_writes = 'off'\nsynchronous_commit = 'off'\n");
  await host.drivers.startEngine(host.engine);
  for (const name of ['fsync', 'full_page_writes', 'synchronous_commit'])
    t.strictSame(await query(host, shown(name)), [{ value: 'on' }]);
});

t.test(
  'a new password replaces the old one, is in no log, and an engine that stands still has none',
  async (t) => {
    const host = await testHost(t);
    const engine = { ...host.engine, parameters: { log_statement: 'all', log_min_duration_statement: '0' } };
    await mounted(host);
    await host.drivers.initializeEngine(engine, PASSWORD);
    await host.drivers.startEngine(engine);
    const password = `it's "new" \\ and :odd`;
    await host.drivers.setEnginePassword(engine, password);
    t.strictSame(await query(host, 'SELECT 1 AS one', password), [{ one: 1 }]);
    await t.rejects(query(host, 'SELECT 1', PASSWORD), /password authentication failed/);
    const log = await readFile(join(host.stateDir, 'log', `engine-${VOLUME}.log`), 'utf8');
    t.match(log, /SELECT 1 AS one/);
    t.notMatch(log, /PASSWORD|:odd/);
    await host.drivers.stopEngine(engine, { kill: false });
    await t.rejects(host.drivers.setEnginePassword(engine, 'x'), {
      code: 'FAILED_PRECONDITION',
      reason: 'ENGINE_NOT_RUNNING',
    });
  },
);

t.test('files of another version are not touched, and it is said what to install', async (t) => {
  const host = await testHost(t);
  await running(host);
  await host.drivers.stopEngine(host.engine, { kill: false });
  await t.rejects(host.drivers.startEngine({ ...host.engine, version: '99' }), {
    code: 'FAILED_PRECONDITION',
    reason: 'ENGINE_NOT_INSTALLED',
    metadata: { next: /apt-get install postgresql-99/ },
  });
  await writeFile(join(host.drivers.mountPoint(VOLUME), 'lockstep-initialized'), 'postgresql 99 orders\n');
  await t.rejects(host.drivers.startEngine(host.engine), {
    code: 'UNAVAILABLE',
    message: /is of postgresql 99, which this host does not have/,
  });
});

t.test('a version that no source has is refused by its package', async (t) => {
  const { drivers } = await testHost(t);
  await t.rejects(drivers.installEngine('postgresql', '99'), {
    code: 'FAILED_PRECONDITION',
    reason: 'PACKAGE_UNAVAILABLE',
    metadata: { packages: 'postgresql-99' },
  });
});
