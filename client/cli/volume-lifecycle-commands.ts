/** `lockstep volume create|delete|list`: volumes without an engine, used over NBD, and those of databases. */
import type { Command } from 'commander';
import { databaseId, RedundancyMode, resourceName } from '../lockstep.ts';
import {
  type ChangeOptions,
  confirm,
  parseList,
  requestFlags,
  run,
  settingsOf,
  settle,
  SINGLE_OPTION,
  YES_OPTION,
  ZONES_OPTION,
} from './command.ts';
import type { Context } from './context.ts';
import { renderVolumes } from './render-volumes.ts';
import { renderVolume } from './render-volume.ts';
import { parseSize } from './size.ts';
import { volumeJson } from './volume-json.ts';

interface LifecycleOptions extends ChangeOptions {
  readonly size: string;
  readonly zones?: string;
  readonly single?: boolean;
}

type Words = readonly string[];

export function addVolumeLifecycleCommands(volume: Command): void {
  requestFlags(
    volume
      .command('create')
      .description('provision a volume without an engine in two zones, to be used over NBD')
      .argument('<name>', 'a DNS label: 1 to 40 of a-z, 0-9 and "-", starting with a letter')
      .requiredOption('--size <size>', 'such as 20GiB; a multiple of 64 KiB')
      .option(...ZONES_OPTION)
      .option(...SINGLE_OPTION),
  ).action(run(create));
  requestFlags(
    volume
      .command('delete')
      .description('remove a volume without an engine, or a clone, and both copies of its data')
      .argument('<name>')
      .option(...YES_OPTION),
  ).action(run(remove));
  volume.command('list').description('every volume, those of databases too').action(run(list));
}

async function create(context: Context, [name = '']: Words, options: LifecycleOptions): Promise<void> {
  const { client, signal } = context;
  const request = {
    id: name,
    sizeBytes: parseSize('--size', options.size),
    zones: parseList(options.zones),
    ...(options.single === true ? { redundancyMode: RedundancyMode.REDUNDANCY_MODE_SINGLE } : {}),
  };
  const operation = await client.volumes.create(request, settingsOf(context, options));
  await settle(context, options, operation, async () => {
    const volume = await client.volumes.get(resourceName(name), { signal });
    context.print(
      () => renderVolume(volume, { server: client.server, paint: context.paint }),
      () => volumeJson(volume),
    );
  });
}

async function remove(context: Context, [name = '']: Words, options: LifecycleOptions): Promise<void> {
  const { client, signal } = context;
  const { database } = await client.volumes.get(name, { signal });
  const id = databaseId(database);
  await confirm(context, options, { loss: `This deletes ${id} and every copy of its data for good.`, id });
  const operation = await client.volumes.delete(name, settingsOf(context, options));
  await settle(context, options, operation, () => {
    context.print(
      () => `${id} is deleted.\n`,
      () => ({ deleted: database }),
    );
  });
}

async function list(context: Context): Promise<void> {
  const volumes = await context.client.volumes.list({ signal: context.signal });
  context.print(
    () => renderVolumes(volumes, context.paint),
    () => volumes.map(volumeJson),
  );
}
