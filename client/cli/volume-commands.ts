/** `lockstep volume ...` */
import type { Command } from 'commander';
import type { Scrub, Volume } from '../../proto/gen/lockstep/v1/volume_service.ts';
import { LockstepError } from '../../daemon/sys/errors.ts';
import { pause } from '../calls.ts';
import { volumeId } from '../lockstep.ts';
import { run } from './command.ts';
import type { Context, GlobalOptions } from './context.ts';
import { EXIT, UsageError } from './errors.ts';
import { addImportCommand } from './import-command.ts';
import { checkJson, judgeCheck, renderCheck } from './render-check.ts';
import { renderOldCopy, renderVolume } from './render-volume.ts';
import { addVolumeSnapshotCommands } from './volume-snapshot-commands.ts';
import { formatSize, parseSize } from './size.ts';
import { paintFor, printable } from './text.ts';
import { volumeJson } from './volume-json.ts';
import { addVolumeLifecycleCommands } from './volume-lifecycle-commands.ts';
import { judgeVolume, scrubOf } from './volume-verdict.ts';

const DEADLINE_MS = 5000;
const SERVED_MS = 15_000;
const POLL_MS = 250;

type Words = readonly string[];

interface VolumeOptions extends GlobalOptions {
  readonly host?: string;
  readonly acceptDataLoss?: boolean;
  readonly wait?: boolean;
  readonly stop?: boolean;
  readonly anew?: boolean;
  readonly yes?: boolean;
  readonly validateOnly?: boolean;
}

export function addVolumeCommands(program: Command): void {
  const volume = program
    .command('volume')
    .description('replicated volumes, below databases or by themselves');
  addVolumeLifecycleCommands(volume);
  addImportCommand(volume);
  volume
    .command('status')
    .description('how its replicas stand, what they wait for, and how far a resync is')
    .argument('<name>', 'a database, or its volume')
    .action(run(status));
  volume
    .command('grow')
    .description('make it larger while it is used')
    .argument('<name>', 'a volume without an engine, such as a clone')
    .argument('<size>', 'what it is to have then, such as 20GiB')
    .option('--validate-only', 'only tell whether it would be done')
    .action(run(grow));
  volume
    .command('shrink')
    .description('make it smaller, where every replica is in sync and has only holes beyond the new end')
    .argument('<name>', 'a volume without an engine')
    .argument('<size>', 'what it is to have then, such as 10GiB')
    .option('--yes', 'whatever uses it does without its end')
    .action(run(shrink));
  volume
    .command('force')
    .description('make an old copy the primary, where the newer ones are lost for good')
    .argument('<name>', 'a database, or its volume')
    .requiredOption('--host <host>', 'the host of the copy')
    .option('--accept-data-loss', 'what was acknowledged and is not on that copy may be lost')
    .action(run(force));
  volume
    .command('check')
    .description('have each host read all that it keeps of it, and repair what needs no guess')
    .argument('<name>', 'a database, or its volume')
    .action(run(check));
  volume
    .command('scrub')
    .description('compare its replicas, or a single copy with its checksums, in the background')
    .argument('<name>', 'a database, or its volume')
    .option('--wait', 'until it has ended; fails where a difference is left')
    .option('--stop', 'stop the one that runs')
    .option('--anew', 'from the beginning, also where one broke off')
    .action(run(scrub));
  addVolumeSnapshotCommands(volume);
}

async function status(context: Context, [name = '']: Words): Promise<void> {
  const { client, paint } = context;
  const volume = await client.volumes.get(name, { signal: context.signal, deadlineMs: DEADLINE_MS });
  context.print(
    () => renderVolume(volume, { server: client.server, paint }),
    () => volumeJson(volume),
  );
}

async function grow(
  context: Context,
  [name = '', size = '']: Words,
  { validateOnly = false }: VolumeOptions,
): Promise<void> {
  const { client, signal } = context;
  const volume = await client.volumes.grow(name, parseSize('size', size), { signal, validateOnly });
  context.print(
    () =>
      validateOnly
        ? `${printable(volumeId(volume.name))} could be made so large; nothing was changed\n`
        : `${printable(volumeId(volume.name))} has ${formatSize(volume.sizeBytes)} now; clients that are connected see it when they ask for the size anew\n`,
    () => volumeJson(volume),
  );
}

async function shrink(
  context: Context,
  [name = '', size = '']: Words,
  { yes = false }: VolumeOptions,
): Promise<void> {
  const { client, signal } = context;
  const sizeBytes = parseSize('size', size);
  if (!yes)
    throw new UsageError('nothing was changed: whatever uses the volume has to do without its end', '--yes');
  const volume = await client.volumes.shrink(name, sizeBytes, { acceptSmaller: true }, { signal });
  context.print(
    () => `${printable(volumeId(volume.name))} has ${formatSize(volume.sizeBytes)} now\n`,
    () => volumeJson(volume),
  );
}

/** Ctrl-C leaves it running: the next one finds it, or begins anew. */
async function check(context: Context, [name = '']: Words): Promise<void> {
  const { client, paint, signal } = context;
  let found = await client.volumes.check(name, { start: true }, { signal });
  while (found.replicas.some(({ running }) => running)) {
    await pause(POLL_MS, signal);
    found = await client.volumes.check(name, { start: false }, { signal });
  }
  context.print(
    () => renderCheck(found, paint),
    () => checkJson(found),
  );
  const verdict = judgeCheck(found);
  if (verdict !== 'clean') process.exitCode = verdict === 'repaired' ? EXIT.repaired : EXIT.damaged;
}

async function scrub(context: Context, [name = '']: Words, options: VolumeOptions): Promise<void> {
  const { client, paint, signal } = context;
  const { stop = false, anew = false, wait = false } = options;
  if (stop && (wait || anew)) throw new UsageError('--stop goes with nothing else', '--stop alone');
  const begun = await client.volumes.scrub(name, { stop, anew }, { signal });
  const volume = wait ? await untilScrubbed(context, name) : begun;
  context.print(
    () => renderVolume(volume, { server: client.server, paint }),
    () => volumeJson(volume),
  );
  const after = scrubOf(volume);
  const problem = wait ? scrubProblem(after) : undefined;
  if (problem === undefined) return;
  throw new LockstepError('FAILED_PRECONDITION', problem, {
    reason: after?.phase === 'DONE' ? 'SCRUB_MISMATCH' : 'SCRUB_INCOMPLETE',
    metadata: { subject: volume.name },
  });
}

function scrubProblem(after: Scrub | undefined): string | undefined {
  if (after === undefined) return 'its primary has changed, and knows of no scrub';
  if (after.phase !== 'DONE') return `the scrub has not ended: ${after.error || 'it was stopped'}`;
  return after.mismatchedRegions === 0n
    ? undefined
    : after.alone
      ? `${String(after.mismatchedRegions)} regions are damaged, and there is no other copy`
      : `replicas differ in ${String(after.mismatchedRegions)} regions, and no checksum decides who is right`;
}

async function untilScrubbed({ client, signal }: Context, name: string): Promise<Volume> {
  for (;;) {
    await pause(POLL_MS, signal);
    const volume = await client.volumes.get(name, { signal, deadlineMs: DEADLINE_MS });
    if (scrubOf(volume)?.phase !== 'RUNNING') return volume;
  }
}

/** Looked at first: a person is told what is lost before, and not after. */
async function force(context: Context, [name = '']: Words, options: VolumeOptions): Promise<void> {
  const { client, paint, signal } = context;
  const { host = '', acceptDataLoss = false } = options;
  const before = await client.volumes.forcePrimary(name, { host, acceptDataLoss: false }, { signal });
  if (!context.json) process.stderr.write(renderOldCopy(before, host, paintFor(process.stderr)));
  if (!acceptDataLoss)
    throw new UsageError('nothing was changed: this loses acknowledged writes', '--accept-data-loss');
  await forced(context, name, host);
  const after = await untilServed(context, name);
  context.print(
    () =>
      `${host} is the primary of generation ${String(after.generation)}.\n${renderVolume(after, { server: client.server, paint })}`,
    () => volumeJson(after),
  );
}

async function forced({ client, signal }: Context, name: string, host: string): Promise<void> {
  try {
    await client.volumes.forcePrimary(name, { host, acceptDataLoss: true }, { signal });
  } catch (error) {
    if (!(error instanceof LockstepError) || error.code !== 'UNAVAILABLE') throw error;
    throw new LockstepError(
      error.code,
      `it is not known whether ${host} was made primary: ${error.message}`,
      {
        reason: 'FORCE_UNKNOWN',
        metadata: { next: `See how it stands: lockstep volume status ${name}; then say the same again.` },
        cause: error,
      },
    );
  }
}

/** What it held before a copy is written back first, which may take longer than anybody wants to wait here. */
async function untilServed({ client, signal }: Context, name: string): Promise<Volume> {
  const giveUpAtMs = performance.now() + SERVED_MS;
  for (;;) {
    const volume = await client.volumes.get(name, { signal, deadlineMs: DEADLINE_MS });
    if (judgeVolume(volume).level !== 'danger' || performance.now() > giveUpAtMs) return volume;
    await pause(POLL_MS, signal);
  }
}
