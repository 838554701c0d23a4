/** `lockstep database list|get|watch|events|connection`: what changes nothing. */
import { databaseId } from '../lockstep.ts';
import type { Context, GlobalOptions } from './context.ts';
import { databaseJson, eventJson } from './json.ts';
import {
  renderConnection,
  renderDatabase,
  renderDatabaseLine,
  renderDatabases,
  renderEvents,
} from './render-database.ts';

type Words = readonly string[];

export async function list(
  context: Context,
  _words: Words,
  { deleted = false }: GlobalOptions & { readonly deleted?: boolean },
): Promise<void> {
  const databases = await context.client.databases.list({ showDeleted: deleted, signal: context.signal });
  context.print(
    () => renderDatabases(databases, context.paint),
    () => databases.map(databaseJson),
  );
}

export async function get(context: Context, [name = '']: Words): Promise<void> {
  const database = await context.client.databases.get(name, { signal: context.signal });
  context.print(
    () => renderDatabase(database, context.paint),
    () => databaseJson(database),
  );
}

/** As JSON, a text for each state, one after the other. */
export async function watch(context: Context, [name = '']: Words): Promise<void> {
  for await (const database of context.client.databases.watch(name, { signal: context.signal }))
    context.print(
      () => renderDatabaseLine(database, new Date(), context.paint),
      () => databaseJson(database),
    );
}

export async function events(
  context: Context,
  [name = '']: Words,
  { limit }: GlobalOptions & { readonly limit: number },
): Promise<void> {
  const found = await context.client.databases.events(name, { limit, signal: context.signal });
  context.print(
    () => renderEvents(found, context.paint),
    () => found.map(eventJson),
  );
}

/** Everything but the password, which is where it was saved when it was handed out. */
export async function connection(context: Context, [name = '']: Words): Promise<void> {
  const { client, credentials, signal } = context;
  const database = await client.databases.get(name, { signal });
  const info = await client.databases.connectionInfo(name, { signal });
  const saved = await credentials.find({ server: client.server, uid: database.uid });
  const savedIn = saved === undefined ? undefined : credentials.path;
  context.print(
    () => renderConnection(databaseId(database.name), info, savedIn, context.paint),
    () => ({
      alias: info.endpoint?.alias ?? null,
      port: info.endpoint?.port ?? null,
      user: info.endpoint?.user ?? null,
      database: info.endpoint?.database ?? null,
      dnsServer: info.endpoint?.dnsServer ?? null,
      uri: info.uri,
      multiHostUri: info.multiHostUri === '' ? null : info.multiHostUri,
      command: info.command,
      passwordSavedIn: savedIn ?? null,
    }),
  );
}
