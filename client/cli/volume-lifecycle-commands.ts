/** `lockstep volume create|delete`: volumes without an engine, used over NBD. */
import type { Command } from 'commander';
import { databaseId, resourceName } from '../lockstep.ts';
import { type Context, follow, type GlobalOptions, withContext } from './context.ts';
import { confirmDeletion, parseZones, printOperation } from './database-commands.ts';
import { operationJson } from './json.ts';
import { renderVolume } from './render-volume.ts';
import { parseSize } from './size.ts';
import { volumeJson } from './volume-json.ts';

interface LifecycleOptions extends GlobalOptions {
  readonly json?: boolean;
  readonly size: string;
  readonly zones?: string;
  readonly validateOnly?: boolean;
  readonly wait?: boolean;
  readonly yes?: boolean;
}

type Action = (context: Context, name: string, options: LifecycleOptions) => Promise<void>;

export const ZONES_OPTION = [
  '--zones <zones>',
  'two zones, such as a,b; control chooses when left out',
] as const;

export function addVolumeLifecycleCommands(program: Command, volume: Command): void {
  volume
    .command('create')
    .description('provision a volume without an engine in two zones, to be used over NBD')
    .argument('<name>', 'a DNS label: 1 to 40 of a-z, 0-9 and "-", starting with a letter')
    .requiredOption('--size <size>', 'such as 20GiB; a multiple of 64 KiB')
    .option(...ZONES_OPTION)
    .option('--validate-only', 'check everything, create nothing')
    .option('--no-wait', 'answer with the operation instead of waiting for the volume')
    .option('--wait', 'wait for the volume (the default)')
    .option('--json', 'the same as -o json')
    .action(run(program, create));
  volume
    .command('delete')
    .description('remove a volume without an engine, or a clone, and both copies of its data')
    .argument('<name>')
    .option('--yes', 'do not ask')
    .option('--no-wait', 'answer with the operation instead of waiting for its end')
    .option('--wait', 'wait for its end (the default)')
    .option('--json', 'the same as -o json')
    .action(run(program, remove));
}

/** Commander hands over the arguments, then the options, then the command. */
function run(program: Command, action: Action): (...given: unknown[]) => Promise<void> {
  return async (...given) => {
    const command = given.at(-1) as Command;
    // Of the whole program, so that an error is told in the same way.
    if (command.opts<LifecycleOptions>().json === true) program.setOptionValue('output', 'json');
    const options = command.optsWithGlobals<LifecycleOptions>();
    await withContext(options, (context) => action(context, command.args[0] ?? '', options));
  };
}

async function create(context: Context, name: string, options: LifecycleOptions): Promise<void> {
  const { client, signal } = context;
  const request = {
    id: name,
    sizeBytes: parseSize('--size', options.size),
    zones: parseZones(options.zones),
    validateOnly: options.validateOnly ?? false,
  };
  const operation = await client.volumes.create(request, { signal });
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
  await follow(context, operation);
  const volume = await client.volumes.get(resourceName(name), { signal });
  context.print(
    () => renderVolume(volume, { server: client.server, paint: context.paint }),
    () => volumeJson(volume),
  );
}

async function remove(context: Context, name: string, options: LifecycleOptions): Promise<void> {
  const { client, signal } = context;
  const { database } = await client.volumes.get(name, { signal });
  const id = databaseId(database);
  if (options.yes !== true) await confirmDeletion(context, id);
  const operation = await client.volumes.delete(name, { signal });
  if (options.wait === false) {
    printOperation(context, operation);
    return;
  }
  await follow(context, operation);
  context.print(
    () => `${id} is deleted.\n`,
    () => ({ deleted: database }),
  );
}
