/** `lockstep database ...` */
import { createInterface } from 'node:readline/promises';
import type { Command } from 'commander';
import type { Database } from '../../proto/gen/lockstep/v1/database_service.ts';
import type { Event } from '../../proto/gen/lockstep/v1/event_service.ts';
import { databaseId, type Operation } from '../lockstep.ts';
import { aliasUrl, digCommand, multiHostUrl } from './connection.ts';
import { type Context, follow, type GlobalOptions, withContext } from './context.ts';
import type { Credential } from './credentials.ts';
import { UsageError } from './errors.ts';
import { databaseJson, eventJson, type Json, operationJson } from './json.ts';
import { renderDatabase, renderDatabases, renderEvents, renderPhases } from './render-database.ts';
import { parseSize } from './size.ts';

const DEFAULT_EVENTS = 20;

export function addDatabaseCommands(program: Command): void {
  const database = program.command('database').description('replicated databases');
  database
    .command('create')
    .description('provision a database in two zones, and hand out how to connect to it')
    .argument('<name>', 'a DNS label: 1 to 40 of a-z, 0-9 and "-", starting with a letter')
    .option('--engine <engine>', 'the database engine', 'postgresql')
    .option('--size <size>', 'of the volume, such as 20GiB', '1GiB')
    .option('--zones <zones>', 'two zones, such as a,b; control chooses when left out')
    .option('--validate-only', 'check everything, create nothing')
    .option('--no-wait', 'answer with the operation instead of waiting for the database')
    .option('--wait', 'wait for the database (the default)')
    .action(run(create));
  database.command('list').description('every database').action(run(list));
  database.command('get').description('one database').argument('<name>').action(run(get));
  database
    .command('delete')
    .description('remove a database, both copies of its data, and its alias')
    .argument('<name>')
    .option('--yes', 'do not ask')
    .option('--no-wait', 'answer with the operation instead of waiting for its end')
    .option('--wait', 'wait for its end (the default)')
    .action(run(remove));
  database
    .command('failover')
    .description('make the secondary the primary')
    .argument('<name>')
    .option('--no-wait', 'answer with the operation instead of waiting for its end')
    .option('--wait', 'wait for its end (the default)')
    .action(run(failover));
  database
    .command('events')
    .description('what happened to a database, the newest last')
    .argument('<name>')
    .option('--limit <count>', 'how many at most', String(DEFAULT_EVENTS))
    .action(run(events));
}

interface DatabaseOptions extends GlobalOptions {
  readonly engine?: string;
  readonly size?: string;
  readonly zones?: string;
  readonly validateOnly?: boolean;
  readonly wait?: boolean;
  readonly yes?: boolean;
  readonly limit?: string;
}

type Action = (context: Context, name: string, options: DatabaseOptions) => Promise<void>;

/** Commander hands over the arguments, then the options, then the command. */
function run(action: Action): (...given: unknown[]) => Promise<void> {
  return async (...given) => {
    const command = given.at(-1) as Command;
    const options = command.optsWithGlobals<DatabaseOptions>();
    await withContext(options, (context) => action(context, command.args[0] ?? '', options));
  };
}

async function create(context: Context, name: string, options: DatabaseOptions): Promise<void> {
  const request = {
    id: name,
    engine: options.engine ?? '',
    sizeBytes: parseSize('--size', options.size ?? ''),
    zones: parseZones(options.zones),
    validateOnly: options.validateOnly ?? false,
  };
  const operation = await context.client.databases.create(request, { signal: context.signal });
  if (request.validateOnly) {
    context.print(
      () => `${name} could be created as asked; nothing was.\n`,
      () => operationJson(operation),
    );
    return;
  }
  if (options.wait === false) {
    printOperation(context, operation);
    return;
  }
  const database = (await follow(context, operation)) ?? (await context.client.databases.get(name));
  const credential = await claimPassword(context, database);
  context.print(
    () => renderDatabase(database, context.paint) + connectionText(context, database, credential),
    () => createdJson(context, database, credential),
  );
}

export function parseZones(zones: string | undefined): readonly string[] {
  return zones === undefined ? [] : zones.split(',').map((zone) => zone.trim());
}

/** The password, saved before anyone sees it; undefined when somebody else claimed it. */
export async function claimPassword(
  context: Pick<Context, 'client' | 'credentials'>,
  database: Database,
): Promise<Credential | undefined> {
  const key = { server: context.client.server, uid: database.uid };
  const saved = await context.credentials.find(key);
  if (saved !== undefined || !database.passwordUnclaimed) return saved;
  return context.credentials.claim(key, async () => {
    const { user, password } = await context.client.databases.claimPassword(database.name);
    return { database: databaseId(database.name), user, password };
  });
}

function connectionText(context: Context, database: Database, credential: Credential | undefined): string {
  const { endpoint } = database;
  if (endpoint === undefined) return '';
  const password = credential?.password;
  const saved =
    password === undefined
      ? 'Its password was claimed before, and is not among those saved here.'
      : `Its password is ${password}, saved in ${context.credentials.path}; it is not shown again.`;
  return [
    '',
    saved,
    'Connect from anywhere that reaches the hosts:',
    `  ${multiHostUrl(endpoint, password)}`,
    `Through the alias, which follows the primary (${digCommand(endpoint)}):`,
    `  lockstep connect ${databaseId(database.name)}`,
    '',
  ].join('\n');
}

function createdJson(context: Context, database: Database, credential: Credential | undefined): Json {
  const { endpoint } = database;
  const password = credential?.password;
  return {
    database: databaseJson(database),
    user: credential?.user ?? null,
    password: password ?? null,
    passwordSavedIn: credential === undefined ? null : context.credentials.path,
    connectionString: endpoint === undefined ? null : multiHostUrl(endpoint, password),
    aliasConnectionString: endpoint === undefined ? null : aliasUrl(endpoint, password),
  };
}

export function printOperation(context: Context, operation: Operation): void {
  context.print(
    () => `${operation.name}\nWatch it: lockstep operation watch ${operation.name}\n`,
    () => operationJson(operation),
  );
}

async function list(context: Context): Promise<void> {
  const databases = await context.client.databases.list({ signal: context.signal });
  context.print(
    () => renderDatabases(databases, context.paint),
    () => databases.map(databaseJson),
  );
}

async function get(context: Context, name: string): Promise<void> {
  const database = await context.client.databases.get(name, { signal: context.signal });
  context.print(
    () => renderDatabase(database, context.paint),
    () => databaseJson(database),
  );
}

async function remove(context: Context, name: string, options: DatabaseOptions): Promise<void> {
  const database = await context.client.databases.get(name, { signal: context.signal });
  const id = databaseId(database.name);
  if (options.yes !== true) await confirmDeletion(context, id);
  const operation = await context.client.databases.delete(name, { etag: '', signal: context.signal });
  if (options.wait === false) {
    printOperation(context, operation);
    return;
  }
  await follow(context, operation);
  await context.credentials.forget({ server: context.client.server, uid: database.uid });
  context.print(
    () => `${id} is deleted.\n`,
    () => ({ deleted: database.name }),
  );
}

export async function confirmDeletion(context: Context, id: string): Promise<void> {
  if (!process.stdin.isTTY || context.json)
    throw new UsageError('delete asks before it removes data, and there is no terminal to ask on', '--yes');
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  try {
    const question = `This deletes ${id} and both copies of its data for good. Type ${id} to go on: `;
    const answer = await terminal.question(question, { signal: context.signal });
    if (answer.trim() !== id) throw new UsageError('nothing was deleted: the name typed differs', id);
  } finally {
    terminal.close();
  }
}

async function failover(context: Context, name: string, options: DatabaseOptions): Promise<void> {
  const operation = await context.client.databases.failover(name, { signal: context.signal });
  if (options.wait === false) {
    printOperation(context, operation);
    return;
  }
  const database = (await follow(context, operation)) ?? (await context.client.databases.get(name));
  const [last] = await failoverEvents(context, name);
  context.print(
    () =>
      renderDatabase(database, context.paint) + (last === undefined ? '' : `  took ${renderPhases(last)}\n`),
    () => ({ database: databaseJson(database), event: last === undefined ? null : eventJson(last) }),
  );
}

async function failoverEvents(context: Context, name: string): Promise<readonly Event[]> {
  const latest = await context.client.databases.events(name, {
    limit: DEFAULT_EVENTS,
    signal: context.signal,
  });
  return latest.filter((event) => event.reason === 'FAILED_OVER');
}

const HIGHEST_LIMIT = 10_000;

async function events(context: Context, name: string, options: DatabaseOptions): Promise<void> {
  const limit = Number(options.limit);
  if (!Number.isInteger(limit) || limit < 1 || limit > HIGHEST_LIMIT)
    throw new UsageError(
      `--limit is ${JSON.stringify(options.limit)}`,
      `a whole number from 1 to ${String(HIGHEST_LIMIT)}`,
    );
  const found = await context.client.databases.events(name, { limit, signal: context.signal });
  context.print(
    () => renderEvents(found, context.paint),
    () => found.map(eventJson),
  );
}
