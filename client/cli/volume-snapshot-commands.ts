/** `lockstep volume snapshot ...`, and what is made from snapshots: `lockstep volume clone|revert|diff`. */
import type { Command } from 'commander';
import type { DiffExtent } from '../../proto/gen/lockstep/v1/snapshot_service.ts';
import { hostId, snapshotId, volumeId } from '../lockstep.ts';
import { run } from './command.ts';
import { type Context, follow, type GlobalOptions } from './context.ts';
import { UsageError } from './errors.ts';
import { databaseJson, integer, operationJson } from './json.ts';
import { renderSnapshots, snapshotJson, snapshotsJson } from './render-snapshots.ts';
import { formatSize } from './size.ts';
import { counted, printable, table } from './text.ts';

interface SnapshotOptions extends GlobalOptions {
  readonly host?: string;
  readonly quiesce?: boolean;
  readonly yes?: boolean;
  readonly wait?: boolean;
}

export const VOLUME_WORD = ['<volume>', 'a database, or its volume'] as const;
export const SNAPSHOT_WORD = ['<volume@snapshot>', 'such as orders@monday'] as const;
export const HOST_OPTION = [
  '--host <host>',
  'of the hosts that keep a snapshot of this name, which one',
] as const;

export function addVolumeSnapshotCommands(volume: Command): void {
  const snapshot = volume.command('snapshot').description('the volume as it was at one instant');
  snapshot
    .command('create')
    .description('take one: it costs nothing but what is written afterwards')
    .argument(...VOLUME_WORD)
    .argument('<name>', 'its name')
    .option('--host <host>', 'the host that keeps it: the primary (default), or a secondary in sync')
    .option('--quiesce', 'freeze the file system for that instant, where it is mounted')
    .action(run(createSnapshot));
  snapshot
    .command('list')
    .description('all of a volume, on every host, as a tree with what they take up')
    .argument(...VOLUME_WORD)
    .action(run(list));
  snapshot
    .command('delete')
    .description('its space is given back by and by')
    .argument(...VOLUME_WORD)
    .argument('<name>', 'its name')
    .option(...HOST_OPTION)
    .action(run(deleteSnapshot));
  volume
    .command('clone')
    .description('a volume of its own that begins as a snapshot, and shares with it what it does not change')
    .argument(...SNAPSHOT_WORD)
    .argument('<name>', 'of the new volume')
    .option(...HOST_OPTION)
    .action(run(clone));
  volume
    .command('revert')
    .description('make the volume what a snapshot is, on every replica')
    .argument(...SNAPSHOT_WORD)
    .option('--yes', 'what was written since is lost')
    .option('--no-wait', 'do not wait for its end')
    .action(run(revert));
  volume
    .command('diff')
    .description('what may differ between two snapshots, or between one and the volume as it is')
    .argument(...SNAPSHOT_WORD)
    .argument('[volume@snapshot]', 'default: the volume as it is now')
    .option(...HOST_OPTION)
    .action(run(diff));
}

export async function createSnapshot(
  context: Context,
  [volume = '', name = '']: readonly string[],
  { host, quiesce = false }: SnapshotOptions,
): Promise<void> {
  const taken = await context.client.snapshots.create(
    volume,
    name,
    { host, quiesce },
    { signal: context.signal },
  );
  const how = taken.quiesced ? ', quiesced' : quiesce ? ', not quiesced: nothing is mounted there' : '';
  context.print(
    () => `${printable(snapshotId(taken.name))} on ${printable(hostId(taken.host))}${how}\n`,
    () => snapshotJson(taken),
  );
}

async function list(context: Context, [volume = '']: readonly string[]): Promise<void> {
  const answer = await context.client.snapshots.survey(volume, { signal: context.signal });
  context.print(
    () => renderSnapshots(answer, { paint: context.paint, now: new Date() }),
    () => snapshotsJson(answer),
  );
}

export async function deleteSnapshot(
  context: Context,
  [volume = '', name = '']: readonly string[],
  { host }: SnapshotOptions,
): Promise<void> {
  await context.client.snapshots.delete(`${volume}@${name}`, { host }, { signal: context.signal });
  context.print(
    () => `${printable(volume)}@${printable(name)} is deleted\n`,
    () => ({ deleted: `${volume}@${name}` }),
  );
}

async function clone(
  context: Context,
  [snapshot = '', name = '']: readonly string[],
  { host }: SnapshotOptions,
): Promise<void> {
  const made = await context.client.snapshots.clone(snapshot, name, { host }, { signal: context.signal });
  const volume = volumeId(made.volume);
  context.print(
    () =>
      `${printable(name)}: volume ${printable(volume)} on ${printable(hostId(made.host))}, which is also its NBD export.\n` +
      `It has one copy and no engine. Delete it: lockstep database delete ${printable(name)}\n`,
    () => ({ id: name, volume, host: hostId(made.host) }),
  );
}

async function revert(
  context: Context,
  [snapshot = '']: readonly string[],
  { yes = false, wait = true }: SnapshotOptions,
): Promise<void> {
  if (!yes) throw new UsageError('nothing was changed: what was written since the snapshot is lost', '--yes');
  const operation = await context.client.snapshots.revert(
    snapshot,
    { acceptDataLoss: true },
    { signal: context.signal },
  );
  if (!wait) {
    context.print(
      () => `${operation.name}\nWatch it: lockstep operation watch ${operation.name}\n`,
      () => operationJson(operation),
    );
    return;
  }
  const { database } = await follow(context, operation);
  context.print(
    () => `the volume is what ${printable(snapshot)} is\n`,
    () => (database === undefined ? null : databaseJson(database)),
  );
}

async function diff(
  context: Context,
  [from = '', to]: readonly string[],
  { host }: SnapshotOptions,
): Promise<void> {
  const extents: DiffExtent[] = [];
  for await (const extent of context.client.snapshots.diff(from, to, { host }, { signal: context.signal })) {
    const last = extents.at(-1);
    // Pages may end within a run.
    if (last !== undefined && last.offset + last.length === extent.offset) last.length += extent.length;
    else extents.push({ ...extent });
  }
  const bytes = extents.reduce((sum, { length }) => sum + length, 0n);
  const columns = [
    { title: 'OFFSET', align: 'right' },
    { title: 'LENGTH', align: 'right' },
  ] as const;
  context.print(
    () => {
      const rows = extents.map(({ offset, length }) => [String(offset), String(length)]);
      const what = `${formatSize(bytes)} in ${counted(extents.length, 'extent')}`;
      return `${[...(rows.length === 0 ? [] : table(columns, rows, context.paint)), what].join('\n')}\n`;
    },
    () => ({
      from,
      to: to ?? null,
      bytes: integer(bytes),
      extents: extents.map(({ offset, length }) => ({ offset: integer(offset), length: integer(length) })),
    }),
  );
}
