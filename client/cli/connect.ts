/** `lockstep connect NAME`: psql through the alias, asked of Lockstep's own responder. */
import { spawn } from 'node:child_process';
import type { Command } from 'commander';
import { databaseId } from '../lockstep.ts';
import { LockstepError, messageOf } from '../../daemon/sys/errors.ts';
import { connectionInfo, resolveAlias } from './connection.ts';
import { type GlobalOptions, withContext } from './context.ts';

const SIGNAL_EXIT_BASE = 128;

export function addConnectCommand(program: Command): void {
  program
    .command('connect')
    .description('open psql through the alias of a database')
    .argument('<name>')
    .argument('[psql...]', 'after --: arguments for psql')
    .action(async (name: string, psqlArguments: readonly string[], _options: unknown, command: Command) => {
      await connect(command.optsWithGlobals<GlobalOptions>(), name, psqlArguments);
    });
}

async function connect(
  options: GlobalOptions,
  name: string,
  psqlArguments: readonly string[],
): Promise<void> {
  const target: { info: string; password?: string } = { info: '' };
  await withContext(options, async (context) => {
    const database = await context.client.databases.get(name, { signal: context.signal });
    const { endpoint } = database;
    if (endpoint === undefined || endpoint.alias === '')
      throw new LockstepError('FAILED_PRECONDITION', `${databaseId(database.name)} has no alias yet`, {
        reason: 'NO_ENDPOINT',
      });
    if (endpoint.port === 0)
      throw new LockstepError(
        'FAILED_PRECONDITION',
        `${databaseId(database.name)} has no engine to connect to`,
        {
          reason: 'NO_ENGINE',
          metadata: {
            next: `It is used over NBD: lockstep volume status ${databaseId(database.name)} says where.`,
          },
        },
      );
    target.info = connectionInfo(endpoint, await resolveAlias(endpoint));
    const saved = await context.credentials.find({ server: context.client.server, uid: database.uid });
    if (saved !== undefined) target.password = saved.password;
  });
  process.exitCode = await runPsql(target.info, target.password, psqlArguments);
}

/** The password goes by the environment: a command line can be read by every user of the machine. */
function runPsql(
  info: string,
  password: string | undefined,
  psqlArguments: readonly string[],
): Promise<number> {
  const env = password === undefined ? process.env : { ...process.env, PGPASSWORD: password };
  const child = spawn('psql', ['--dbname', info, ...psqlArguments], { stdio: 'inherit', env });
  // Ctrl-C is for psql, which cancels a query by it.
  const ignore = (): void => undefined;
  process.on('SIGINT', ignore);
  return new Promise<number>((resolve, reject) => {
    child.once('error', (cause: NodeJS.ErrnoException) => {
      reject(
        cause.code === 'ENOENT' ? psqlMissing() : new LockstepError('INTERNAL', messageOf(cause), { cause }),
      );
    });
    child.once('exit', (code, signal) => {
      resolve(code ?? (signal === null ? 1 : SIGNAL_EXIT_BASE));
    });
  }).finally(() => {
    process.removeListener('SIGINT', ignore);
  });
}

function psqlMissing(): LockstepError {
  return new LockstepError(
    'FAILED_PRECONDITION',
    'psql is not installed; on Debian: apt-get install postgresql-client',
    { reason: 'PSQL_MISSING' },
  );
}
