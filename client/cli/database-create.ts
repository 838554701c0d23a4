/** `lockstep database create|clone|reset-password`: what hands out a password. */
import type { Database } from '../../proto/gen/lockstep/v1/database_service.ts';
import { databaseId, RedundancyMode } from '../lockstep.ts';
import { type ChangeOptions, parseList, settingsOf, settle } from './command.ts';
import { aliasUrl, digCommand, multiHostUrl } from './connection.ts';
import type { Context } from './context.ts';
import type { Credential } from './credentials.ts';
import { databaseJson, type Json } from './json.ts';
import { renderDatabase } from './render-database.ts';
import { parseSize } from './size.ts';

type Words = readonly string[];

interface CreateOptions extends ChangeOptions {
  readonly engine?: string;
  readonly engineVersion?: string;
  readonly size?: string;
  readonly zones?: string;
  readonly single?: boolean;
  readonly parameter?: Readonly<Record<string, string>>;
  readonly tag?: Readonly<Record<string, string>>;
  readonly deletionProtection?: boolean;
}

export async function create(context: Context, [name = '']: Words, options: CreateOptions): Promise<void> {
  const { engineVersion } = options;
  const request = {
    id: name,
    engine: options.engine ?? '',
    sizeBytes: parseSize('--size', options.size ?? ''),
    zones: parseList(options.zones),
    parameters: options.parameter ?? {},
    tags: options.tag ?? {},
    deletionProtection: options.deletionProtection ?? false,
    ...(engineVersion === undefined ? {} : { engineVersion }),
    ...(options.single === true ? { redundancyMode: RedundancyMode.REDUNDANCY_MODE_SINGLE } : {}),
  };
  const operation = await context.client.databases.create(request, settingsOf(context, options));
  await settle(context, options, operation, async (result) => {
    await handOut(context, result.database ?? (await context.client.databases.get(name)));
  });
}

interface CloneOptions extends ChangeOptions {
  readonly snapshot?: string;
  readonly replicated?: boolean;
  readonly tag?: Readonly<Record<string, string>>;
}

export async function clone(
  context: Context,
  [name = '', newName = '']: Words,
  options: CloneOptions,
): Promise<void> {
  const { snapshot, replicated = false, tag = {} } = options;
  const request = {
    id: newName,
    tags: tag,
    ...(snapshot === undefined ? {} : { snapshotId: snapshot }),
    ...(replicated ? { redundancyMode: RedundancyMode.REDUNDANCY_MODE_REPLICATED } : {}),
  };
  const operation = await context.client.databases.clone(name, request, settingsOf(context, options));
  await settle(context, options, operation, async (result) => {
    await handOut(context, result.database ?? (await context.client.databases.get(newName)));
  });
}

export async function resetPassword(
  context: Context,
  [name = '']: Words,
  options: ChangeOptions,
): Promise<void> {
  const operation = await context.client.databases.resetPassword(name, settingsOf(context, options));
  await settle(context, options, operation, async (result) => {
    const database = result.database ?? (await context.client.databases.get(name));
    const key = { server: context.client.server, uid: database.uid };
    // The one that is saved is the one before.
    if (database.passwordUnclaimed) await context.credentials.forget(key);
    await handOut(context, database);
  });
}

/** The database, with its password where this user has it or gets it. */
export async function handOut(context: Context, database: Database): Promise<void> {
  const credential = await claimPassword(context, database);
  context.print(
    () => renderDatabase(database, context.paint) + connectionText(context, database, credential),
    () => createdJson(context, database, credential),
  );
}

/** The password, saved before anyone sees it; undefined when somebody else claimed it. */
async function claimPassword(
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
