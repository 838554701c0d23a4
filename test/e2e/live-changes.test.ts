/**
 * Changes of a database that is used, with a real PostgreSQL on real devices: growth under pgbench, parameters, a new
 * password, another name, a stop, and a start without the host that was the primary.
 */
import { execFile } from 'node:child_process';
import { Resolver } from 'node:dns/promises';
import { readdirSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import pg from 'pg';
import t from 'tap';
import { Installation } from '../../bench/lib/installation.ts';
import { Ledger } from '../../bench/lib/ledger.ts';
import { firstDifference, mountPointOf } from '../../bench/lib/replicas.ts';
import type { Operation } from '../../client/operations.ts';
import { messageOf } from '../../daemon/sys/errors.ts';
import {
  type Database,
  DatabaseState,
  type Endpoint,
  Redundancy,
} from '../../proto/gen/lockstep/v1/database_service.ts';

const MIB = 1024n * 1024n;
const OLD_MIB = 512;
const NEW_MIB = 1024n;
const LOAD_S = 8;
t.setTimeout(170_000);

const run = promisify(execFile);
const installation = await Installation.start({ network: 77, storage: { file_system: 'xfs' } });
t.teardown(() => installation.destroy());
const { databases, operations, volumes } = installation.client;

const ended = async (operation: Operation): Promise<Database> => {
  const database = await operations.wait(operation.name);
  if (database === undefined) throw new Error(`${operation.name} answered no database`);
  return database;
};

const created = await installation.createDatabase('orders', { sizeMiB: OLD_MIB });
const endpoint = created.endpoint as Endpoint;
let { password } = await databases.claimPassword('orders');
const ledger = new Ledger(endpoint, password);
await ledger.createTable();

async function pgbench(...args: readonly string[]): Promise<string> {
  const [version = ''] = readdirSync('/usr/lib/postgresql').toSorted().reverse();
  const { address, port, user, database } = endpoint;
  const server = ['-h', address, '-p', String(port), '-U', user];
  const program = `/usr/lib/postgresql/${version}/bin/pgbench`;
  const env = { ...process.env, PGPASSWORD: password };
  const { stdout, stderr } = await run(program, [...args, ...server, database], { env });
  return stdout + stderr;
}

async function resolved(alias: string): Promise<string> {
  const resolver = new Resolver({ timeout: 500, tries: 2 });
  resolver.setServers([endpoint.dnsServer]);
  return resolver.resolve4(alias).then(
    ([address = '']) => address,
    (error: unknown) => (error as { readonly code: string }).code,
  );
}

t.test('it grows under pgbench, without an error and without a lost row', async (t) => {
  await pgbench('--initialize', '--quiet', '--scale=2');
  const bytesOf = async (): Promise<number> => {
    const { blocks, bsize } = await statfs(await mountPointOf(installation, installation.primaryOf(created)));
    return blocks * bsize;
  };
  const before = await bytesOf();
  ledger.start();
  const load = pgbench(`--time=${String(LOAD_S)}`, '--client=4').catch(messageOf);
  await sleep((LOAD_S * 1000) / 4);
  const startedAtMs = performance.now();
  const grown = await ended(await databases.update('orders', { sizeBytes: NEW_MIB * MIB }));
  t.comment(`grown in ${String(Math.round(performance.now() - startedAtMs))} ms`);
  t.match(grown, { sizeBytes: NEW_MIB * MIB, redundancy: Redundancy.REDUNDANCY_IN_SYNC });
  const said = await load;
  t.match(said, /number of failed transactions: 0 /, said);
  await ledger.stop();
  t.ok(ledger.commits.length > 0);
  t.strictSame(await ledger.check().then(({ lost, doubled }) => [lost, doubled]), [[], []]);
  t.ok((await bytesOf()) > before + Number(MIB) * 400, 'the file system has the room');
  t.match(await volumes.get('databases/orders'), { sizeBytes: NEW_MIB * MIB });
  await pgbench('--initialize', '--quiet', '--scale=30');
  t.equal(await firstDifference(installation, installation.primaryOf(created)), undefined);
});

t.test('parameters are the running engine’s at once, and at its reboot', async (t) => {
  const parameters = { work_mem: '8192', max_connections: '150' };
  const changed = await ended(await databases.update('orders', { parameters }));
  t.match(changed, { parameters, parametersPendingRestart: ['max_connections'] });
  const shown = async (name: string): Promise<unknown> => (await ledger.query(`SHOW ${name}`))[0]?.[name];
  t.equal(await shown('work_mem'), '8MB');
  t.equal(await shown('max_connections'), '100');
  const startedAtMs = performance.now();
  t.match(await ended(await databases.reboot('orders')), { parametersPendingRestart: [] });
  t.comment(`rebooted in ${String(Math.round(performance.now() - startedAtMs))} ms`);
  t.equal(await shown('max_connections'), '150');
});

t.test('a new password holds, and the old one does not', async (t) => {
  const old = password;
  await ended(await databases.resetPassword('orders'));
  ({ password } = await databases.claimPassword('orders'));
  await t.rejects(new Ledger(endpoint, old).query('SELECT 1'), { code: '28P01' });
  t.strictSame(await new Ledger(endpoint, password).query('SELECT 1 AS one'), [{ one: 1 }]);
});

t.test('under another name it goes on, with the sessions that it has', async (t) => {
  const { address, port, user, database } = endpoint;
  const session = new pg.Client({ host: address, port, user, database, password });
  await session.connect();
  t.teardown(() => session.end());
  const renamed = await ended(await databases.rename('orders', 'shop'));
  t.match(renamed, { name: 'databases/shop', state: DatabaseState.DATABASE_STATE_ACTIVE });
  t.equal(await resolved(renamed.endpoint?.alias ?? ''), address);
  t.equal(await resolved(endpoint.alias), 'ENOTFOUND');
  t.strictSame((await session.query('SELECT 1 AS one')).rows, [{ one: 1 }]);
  const info = await databases.connectionInfo('shop');
  const client = new pg.Client({ connectionString: info.uri.replace(/@[^:]+/, `:${password}@${address}`) });
  await client.connect();
  await client.end();
});

t.test('stopped it leaves nothing on its host but the copy, and starts without that host', async (t) => {
  const alias = (await databases.get('shop')).endpoint?.alias ?? '';
  const stopped = await ended(await databases.stop('shop'));
  t.match(stopped, {
    state: DatabaseState.DATABASE_STATE_STOPPED,
    redundancy: Redundancy.REDUNDANCY_IN_SYNC,
  });
  const primary = installation.primaryOf(stopped);
  await t.rejects(mountPointOf(installation, primary), /no file system mounted/);
  t.equal(await resolved(alias), 'ENODATA');
  await installation.killHost(primary);
  await installation.until('the status says so', async () => {
    const { state, redundancy } = await databases.get('shop');
    const isStopped = state === DatabaseState.DATABASE_STATE_STOPPED;
    return isStopped && redundancy === Redundancy.REDUNDANCY_DEGRADED;
  });
  const started = await ended(await databases.start('shop'));
  t.not(installation.primaryOf(started), primary);
  t.equal(started.state, DatabaseState.DATABASE_STATE_ACTIVE);
  const there = new Ledger(started.endpoint as Endpoint, password);
  const rows = await there.query('SELECT count(*)::int AS rows FROM ledger');
  t.strictSame(rows, [{ rows: ledger.commits.length }]);
  await installation.clearHost(primary);
  await installation.startHost(primary);
  t.equal(installation.primaryOf(await installation.inSync('shop')), installation.primaryOf(started));
});
