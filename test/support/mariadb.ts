/** A client of a MariaDB: Debian's own, by TCP, with the password. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { PASSWORD, type TestHost } from './host.ts';

const run = promisify(execFile);

/** Answers the lines of the result, columns parted by tabs. */
export async function mariadbQuery(
  host: TestHost,
  sql: string,
  password = PASSWORD,
): Promise<readonly string[]> {
  const { port, user, database } = host.engine;
  const target = ['--protocol=tcp', '--host=127.0.0.1', `--port=${String(port)}`, `--user=${user}`];
  const how = ['--no-defaults', ...target, '--batch', '--skip-column-names', '--connect-timeout=5'];
  const { stdout } = await run('mariadb', [...how, database, '--execute', sql], {
    env: { ...process.env, MYSQL_PWD: password },
  });
  return stdout.split('\n').filter((line) => line !== '');
}
