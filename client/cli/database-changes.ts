/** `lockstep database update|start|stop|...`: changes of a database that is there. */
import type { Database } from '../../proto/gen/lockstep/v1/database_service.ts';
import {
  databaseId,
  type Operation,
  type OperationResult,
  RedundancyMode,
  resourceName,
} from '../lockstep.ts';
import { type ChangeOptions, confirm, settingsOf, settle } from './command.ts';
import type { Context } from './context.ts';
import { UsageError } from './errors.ts';
import { databaseJson, eventJson } from './json.ts';
import { renderDatabase, renderPhases } from './render-database.ts';
import { parseSize } from './size.ts';
import { formatTime, printable } from './text.ts';

type Words = readonly string[];

interface UpdateOptions extends ChangeOptions {
  readonly size?: string;
  readonly parameter?: Readonly<Record<string, string>>;
  readonly resetParameter?: readonly string[];
  readonly tag?: Readonly<Record<string, string>>;
  readonly removeTag?: readonly string[];
  readonly deletionProtection?: 'on' | 'off';
}

export async function update(context: Context, [name = '']: Words, options: UpdateOptions): Promise<void> {
  const { size, parameter, resetParameter, tag, removeTag, deletionProtection } = options;
  const changes = {
    ...(size === undefined ? {} : { sizeBytes: parseSize('--size', size) }),
    ...(deletionProtection === undefined ? {} : { deletionProtection: deletionProtection === 'on' }),
    parameters: { ...unset(resetParameter), ...parameter },
    tags: { ...unset(removeTag), ...tag },
  };
  const isNothing = size === undefined && deletionProtection === undefined;
  if (isNothing && Object.keys({ ...changes.parameters, ...changes.tags }).length === 0)
    throw new UsageError(
      'nothing was said to be changed',
      '--size, --parameter, --reset-parameter, --tag, --remove-tag, --deletion-protection',
    );
  const { databases } = context.client;
  await settled(context, name, options, await databases.update(name, changes, settingsOf(context, options)));
}

function unset(names: readonly string[] = []): Record<string, null> {
  return Object.fromEntries(names.map((name) => [name, null]));
}

export async function start(context: Context, [name = '']: Words, options: ChangeOptions): Promise<void> {
  const operation = await context.client.databases.start(name, settingsOf(context, options));
  await settled(context, name, options, operation);
}

export async function stop(context: Context, [name = '']: Words, options: ChangeOptions): Promise<void> {
  const operation = await context.client.databases.stop(name, settingsOf(context, options));
  await settled(context, name, options, operation);
}

export async function reboot(
  context: Context,
  [name = '']: Words,
  options: ChangeOptions & { readonly switchover?: boolean },
): Promise<void> {
  const settings = { ...settingsOf(context, options), withSwitchover: options.switchover ?? false };
  await settled(context, name, options, await context.client.databases.reboot(name, settings));
}

export async function rename(
  context: Context,
  [name = '', newName = '']: Words,
  options: ChangeOptions,
): Promise<void> {
  const operation = await context.client.databases.rename(name, newName, settingsOf(context, options));
  await settled(context, newName, options, operation);
}

export async function convert(
  context: Context,
  [name = '']: Words,
  options: ChangeOptions & { readonly to?: 'replicated' | 'single'; readonly place?: string },
): Promise<void> {
  const { to, place } = options;
  const id = databaseId(name);
  if (to === 'single')
    await confirm(context, options, { loss: `This gives up one of the two copies of ${id}.`, id });
  const settings = {
    ...settingsOf(context, options),
    redundancyMode:
      to === 'single' ? RedundancyMode.REDUNDANCY_MODE_SINGLE : RedundancyMode.REDUNDANCY_MODE_REPLICATED,
    ...(place === undefined ? {} : { place }),
  };
  await settled(context, name, options, await context.client.databases.convertRedundancy(name, settings));
}

export async function reseed(
  context: Context,
  [name = '']: Words,
  options: ChangeOptions & { readonly host?: string; readonly anew?: boolean },
): Promise<void> {
  const { host, anew = false } = options;
  const settings = { ...settingsOf(context, options), anew, ...(host === undefined ? {} : { host }) };
  await settled(context, name, options, await context.client.databases.reseed(name, settings));
}

export async function undelete(context: Context, [name = '']: Words, options: ChangeOptions): Promise<void> {
  const operation = await context.client.databases.undelete(name, settingsOf(context, options));
  await settled(context, name, options, operation);
}

export async function failover(context: Context, [name = '']: Words, options: ChangeOptions): Promise<void> {
  const operation = await context.client.databases.failover(name, settingsOf(context, options));
  await settle(context, options, operation, (result) => showTakeover(context, name, result, 'FAILED_OVER'));
}

export async function switchover(
  context: Context,
  [name = '']: Words,
  options: ChangeOptions,
): Promise<void> {
  const operation = await context.client.databases.switchover(name, settingsOf(context, options));
  await settle(context, options, operation, (result) => showTakeover(context, name, result, 'SWITCHED_OVER'));
}

/** With the event that says how long each part of it took. */
async function showTakeover(
  context: Context,
  name: string,
  result: OperationResult,
  reason: string,
): Promise<void> {
  const { client, signal } = context;
  const database = result.database ?? (await client.databases.get(name));
  const [last] = await client.events.list({
    parent: resourceName(name),
    reasons: [reason],
    limit: 1,
    signal,
  });
  const took = last === undefined ? '' : `  took ${renderPhases(last)}\n`;
  context.print(
    () => renderDatabase(database, context.paint) + took,
    () => ({ database: databaseJson(database), event: last === undefined ? null : eventJson(last) }),
  );
}

interface DeleteOptions extends ChangeOptions {
  readonly finalSnapshot?: string;
  readonly skipFinalSnapshot?: boolean;
}

/** The etag goes along only where the caller gave one: a delete is meant whatever the state is. */
export async function remove(context: Context, [name = '']: Words, options: DeleteOptions): Promise<void> {
  const { client, signal } = context;
  const { finalSnapshot, skipFinalSnapshot = false } = options;
  const database = await client.databases.get(name, { signal });
  const id = databaseId(database.name);
  const after = skipFinalSnapshot
    ? 'nothing of it stays after its grace time'
    : 'a final snapshot of it stays';
  await confirm(context, options, { loss: `This stops ${id} and deletes it; ${after}.`, id });
  const operation = await client.databases.delete(name, {
    ...settingsOf(context, options),
    skipFinalSnapshot,
    ...(finalSnapshot === undefined ? {} : { finalSnapshotId: finalSnapshot }),
  });
  await settle(context, options, operation, async ({ database: left }) => {
    // What can be brought back needs its password then.
    if (left === undefined) await context.credentials.forget({ server: client.server, uid: database.uid });
    context.print(
      () => deletedText(id, left),
      () => ({ deleted: database.name, database: left === undefined ? null : databaseJson(left) }),
    );
  });
}

function deletedText(id: string, left: Database | undefined): string {
  if (left === undefined) return `${id} is deleted.\n`;
  const snapshot = left.finalSnapshot === '' ? '' : `Its final snapshot: ${printable(left.finalSnapshot)}\n`;
  const until = `Until ${formatTime(left.expireTime)} it can be brought back: lockstep database undelete ${id}`;
  return `${id} is deleted.\n${until}\n${snapshot}`;
}

async function settled(
  context: Context,
  name: string,
  options: ChangeOptions,
  operation: Operation,
): Promise<void> {
  await settle(context, options, operation, async (result) => {
    const database = result.database ?? (await context.client.databases.get(name));
    context.print(
      () => renderDatabase(database, context.paint),
      () => databaseJson(database),
    );
  });
}
