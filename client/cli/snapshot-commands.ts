/** `lockstep snapshot ...`: the snapshots of databases and volumes, and databases made of them. */
import { type Command, Option } from 'commander';
import { RedundancyMode } from '../lockstep.ts';
import {
  type ChangeOptions,
  collectPair,
  confirm,
  requestFlags,
  run,
  settingsOf,
  settle,
  SINGLE_OPTION,
  YES_OPTION,
} from './command.ts';
import type { Context } from './context.ts';
import { handOut } from './database-create.ts';
import { renderSnapshot, renderSnapshots, snapshotJson, snapshotsJson } from './render-snapshots.ts';
import {
  createSnapshot,
  deleteSnapshot,
  HOST_OPTION,
  SNAPSHOT_WORD,
  VOLUME_WORD,
} from './volume-snapshot-commands.ts';

type Words = readonly string[];

interface SnapshotOptions extends ChangeOptions {
  readonly host?: string;
  readonly single?: boolean;
  readonly tag?: Readonly<Record<string, string>>;
}

export function addSnapshotCommands(program: Command): void {
  const snapshot = program
    .command('snapshot')
    .description('databases and volumes as they were at one instant, and new ones made of that');
  snapshot
    .command('create')
    .description('take one: it costs nothing but what is written afterwards')
    .argument(...VOLUME_WORD)
    .argument('<name>', 'its name')
    .option('--host <host>', 'the host that keeps it: the primary (default), or a secondary in sync')
    .option('--quiesce', 'freeze the file system for that instant, where it is mounted')
    .action(run(createSnapshot));
  snapshot
    .command('get')
    .description('one snapshot')
    .argument(...SNAPSHOT_WORD)
    .option(...HOST_OPTION)
    .action(run(get));
  snapshot
    .command('list')
    .description('those of one volume, or of all, with what they take up')
    .argument('[volume]', VOLUME_WORD[1])
    .action(run(list));
  snapshot
    .command('delete')
    .description('its space is given back by and by')
    .argument(...SNAPSHOT_WORD)
    .option(...HOST_OPTION)
    .option(...YES_OPTION)
    .action(run(remove));
  requestFlags(
    snapshot
      .command('restore')
      .description('a new database that begins as the snapshot')
      .argument(...SNAPSHOT_WORD)
      .argument('<new-name>', 'of the database')
      .option(...HOST_OPTION)
      .option(...SINGLE_OPTION)
      .addOption(new Option('--tag <key=value>', 'any number of times').argParser(collectPair)),
  ).action(run(restore));
}

async function get(context: Context, [name = '']: Words, { host }: SnapshotOptions): Promise<void> {
  const snapshot = await context.client.snapshots.get(name, { host }, { signal: context.signal });
  context.print(
    () => renderSnapshot(snapshot, context.paint),
    () => snapshotJson(snapshot),
  );
}

async function list(context: Context, [volume]: Words): Promise<void> {
  const answer = await context.client.snapshots.survey(volume, { signal: context.signal });
  context.print(
    () => renderSnapshots(answer, { paint: context.paint, now: new Date() }),
    () => snapshotsJson(answer),
  );
}

async function remove(context: Context, [name = '']: Words, options: SnapshotOptions): Promise<void> {
  await confirm(context, options, { loss: `This deletes the snapshot ${name}.`, id: name });
  const [volume = '', id = ''] = name.split('@');
  await deleteSnapshot(context, [volume, id], options);
}

async function restore(
  context: Context,
  [name = '', newName = '']: Words,
  options: SnapshotOptions,
): Promise<void> {
  const { host, single = false, tag = {} } = options;
  const request = {
    id: newName,
    host,
    tags: tag,
    ...(single ? { redundancyMode: RedundancyMode.REDUNDANCY_MODE_SINGLE } : {}),
  };
  const operation = await context.client.snapshots.restore(name, request, settingsOf(context, options));
  await settle(context, options, operation, async (result) => {
    await handOut(context, result.database ?? (await context.client.databases.get(newName)));
  });
}
