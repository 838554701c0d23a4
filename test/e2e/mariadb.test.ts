/** The main promise with a real MariaDB: what was acknowledged through the alias survives the loss of the primary's host. */
import { execFile } from 'node:child_process';
import { Resolver } from 'node:dns/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import t from 'tap';
import { Installation } from '../../bench/lib/installation.ts';
import { firstDifference } from '../../bench/lib/replicas.ts';
import type { Endpoint } from '../../proto/gen/lockstep/v1/database_service.ts';

const ROUNDS = 2;
const SIZE_MIB = 512;
const FIRST_COMMIT_LIMIT_MS = 15_000;
t.setTimeout(300_000);

const run = promisify(execFile);

const installation = await Installation.start({ network: 89 });
t.teardown(() => installation.destroy());

/** Debian's client, to whom the alias points. */
async function query(endpoint: Endpoint, password: string, sql: string): Promise<readonly string[]> {
  const resolver = new Resolver({ timeout: 300, tries: 1 });
  resolver.setServers([endpoint.dnsServer]);
  const [address = ''] = await resolver.resolve4(endpoint.alias);
  const target = [
    '--protocol=tcp',
    `--host=${address}`,
    `--port=${String(endpoint.port)}`,
    '--connect-timeout=1',
  ];
  const how = ['--no-defaults', ...target, `--user=${endpoint.user}`, '--batch', '--skip-column-names'];
  const { stdout } = await run('mariadb', [...how, endpoint.database, '--execute', sql], {
    env: { ...process.env, MYSQL_PWD: password },
    timeout: 3000,
  });
  return stdout.split('\n').filter((line) => line !== '');
}

t.test('a replicated MariaDB loses no acknowledged commit when the host of the primary dies', async (t) => {
  const startedAtMs = performance.now();
  await installation.createDatabase('shop', { sizeMiB: SIZE_MIB, engine: 'mariadb' });
  t.comment(`provisioned in ${((performance.now() - startedAtMs) / 1000).toFixed(1)} s`);
  const { endpoint, engineVersion } = await installation.inSync('shop');
  if (endpoint === undefined) throw new Error('it has no endpoint');
  t.match(engineVersion, /^\d+\.\d+\.\d+$/);
  const { password } = await installation.client.databases.claimPassword('shop');
  await query(endpoint, password, 'CREATE TABLE ledger (number BIGINT NOT NULL)');

  const acknowledged: number[] = [];
  let next = 0;
  const commit = async (): Promise<boolean> => {
    const number = next++;
    try {
      await query(endpoint, password, `INSERT INTO ledger VALUES (${String(number)})`);
      acknowledged.push(number);
      return true;
    } catch {
      return false;
    }
  };
  for (let round = 0; round < ROUNDS; round++) {
    const killed = installation.primaryOf(await installation.inSync('shop'));
    for (let count = 0; count < 20; count++) t.ok(await commit());
    const killedAtMs = performance.now();
    await installation.killHost(killed);
    while (!(await commit())) await sleep(20);
    const firstCommitMs = performance.now() - killedAtMs;
    t.comment(`${killed} killed, first commit after ${String(Math.round(firstCommitMs))} ms`);
    t.ok(firstCommitMs < FIRST_COMMIT_LIMIT_MS);
    await installation.clearHost(killed);
    await installation.startHost(killed);
    const after = await installation.inSync('shop');
    const found = (await query(endpoint, password, 'SELECT number FROM ledger')).map(Number);
    t.strictSame(
      acknowledged.filter((number) => !found.includes(number)),
      [],
      'every acknowledged row is there',
    );
    t.equal(new Set(found).size, found.length, 'and exactly once');
    t.match(await query(endpoint, password, 'CHECK TABLE ledger EXTENDED'), [/status\tOK$/]);
    t.equal(await firstDifference(installation, installation.primaryOf(after)), undefined);
  }
});
