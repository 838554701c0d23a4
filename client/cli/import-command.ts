/** `lockstep volume import`: an image becomes a volume. Nothing is left of it where that fails. */
import { statSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { type Command, Option } from 'commander';
import type { NbdListener, Volume } from '../../proto/gen/lockstep/v1/volume_service.ts';
import { LockstepError, messageOf } from '../../daemon/sys/errors.ts';
import { pause } from '../calls.ts';
import { type Operation, resourceName, volumeId } from '../lockstep.ts';
import { parseList, run, ZONES_OPTION } from './command.ts';
import { type Context, follow, type GlobalOptions } from './context.ts';
import { CopyProgress } from './copy-progress.ts';
import { Interrupted } from './errors.ts';
import { compareImage, copyImage } from './image-copy.ts';
import { IMAGE_FORMATS, nameFor, parseSource, volumeBytesFor } from './image-source.ts';
import { type Image, inspectImage } from './image.ts';
import { integer, type Json } from './json.ts';
import { nbdUri, primaryListener, targetOf } from './nbd-target.ts';
import { failure } from './qemu-img.ts';
import { formatSize } from './size.ts';
import { formatDuration, printable } from './text.ts';
import { volumeJson } from './volume-json.ts';

interface ImportOptions extends GlobalOptions {
  readonly name?: string;
  readonly format?: string;
  readonly zones?: string;
  readonly tlsCertificates?: string;
  readonly verify?: boolean;
  readonly keep?: boolean;
}

/** A monitor's workflow may hold the volume for a while; its delete waits that long. */
const BUSY_MS = 60_000;
const BUSY_POLL_MS = 500;

export function addImportCommand(volume: Command): void {
  volume
    .command('import')
    .description('make a volume of an image: a file, or an http, https, ftp or nbd URL')
    .argument('<image>')
    .option('--name <name>', 'of the volume; made of the name of the image when left out')
    .addOption(
      new Option('--format <format>', 'of the image; found out when left out').choices(IMAGE_FORMATS),
    )
    .option(...ZONES_OPTION)
    .option('--tls-certificates <folder>', 'copy over TLS, with the certificates in this folder')
    .option('--verify', 'compare the volume with the image afterwards')
    .option('--keep', 'keep what was copied where it fails')
    .action(
      run<ImportOptions>((context, [text = ''], options) =>
        withSignals(context, (all) => importImage(all, text, options)),
      ),
    );
}

/** Whoever ends this program in another way than by Ctrl-C wants no half volume either. */
async function withSignals(context: Context, work: (context: Context) => Promise<void>): Promise<void> {
  const stop = new AbortController();
  const abort = (): void => {
    stop.abort();
  };
  const signals = ['SIGTERM', 'SIGHUP'] as const;
  for (const name of signals) process.once(name, abort);
  try {
    await work({ ...context, signal: AbortSignal.any([context.signal, stop.signal]) });
  } catch (error) {
    if (!stop.signal.aborted || error instanceof Interrupted) throw error;
    throw new Interrupted('Nothing was created.');
  } finally {
    for (const name of signals) process.removeListener(name, abort);
  }
}

async function importImage(context: Context, text: string, options: ImportOptions): Promise<void> {
  const source = parseSource(text);
  const name = options.name ?? nameFor(source);
  const image = await inspectImage(source, { format: options.format, signal: context.signal });
  context.note(
    `${printable(image.shown)}: ${image.format}, ${formatSize(image.virtualBytes)}, of which ${formatSize(image.dataBytes)} are data` +
      (image.files.length === 0 ? '.' : `, in part from ${printable(image.files.join(', '))}.`),
  );
  const operation = await create(context, name, image, options);
  const empty = await created(context, name, operation);
  const result = await filled(context, empty, image, options);
  const volume = await context.client.volumes.get(volumeId(empty.name), { signal: context.signal });
  context.print(
    () => summary(volume, image, result),
    () => importJson(volume, image, result),
  );
}

async function filled(...given: Parameters<typeof fill>): Promise<Filled> {
  const [context, volume, , options] = given;
  try {
    return await fill(...given);
  } catch (error) {
    throw await takenBack(context, volume, error, options);
  }
}

async function create(
  context: Context,
  name: string,
  image: Image,
  { zones }: ImportOptions,
): Promise<Operation> {
  const request = { id: name, sizeBytes: volumeBytesFor(image.virtualBytes), zones: parseList(zones) };
  try {
    return await context.client.volumes.create(request, { signal: context.signal });
  } catch (error) {
    throw error instanceof LockstepError ? ofImport(error, name, image) : error;
  }
}

/** The fields of the request are not the words of the command line. */
function ofImport(error: LockstepError, name: string, image: Image): LockstepError {
  const [{ field, allowed } = { field: '', allowed: '' }] = error.violations;
  if (field === 'size_bytes')
    return failure(
      'IMAGE_SIZE',
      `${image.shown} is a disk of ${formatSize(image.virtualBytes)}: no volume can be so`,
      {
        next: `allowed: ${allowed}`,
        cause: error,
      },
    );
  if (field !== 'volume_id') return error;
  const what = error.code === 'ALREADY_EXISTS' ? 'is taken' : 'is no name for a volume';
  return failure('IMPORT_NAME', `${JSON.stringify(name)} ${what}`, {
    next: `Choose one with --name NAME; allowed: ${allowed}`,
    cause: error,
  });
}

/** Control goes on with what it has begun: whoever gives up here has to wait for it, to take it back. */
async function created(context: Context, name: string, operation: Operation): Promise<Volume> {
  const { client, signal } = context;
  try {
    await follow(context, operation);
  } catch (error) {
    if (!signal.aborted) throw error;
    process.stderr.write('Interrupted: the volume is taken back.\n');
    await client.operations.wait(operation.name);
  }
  const volume = await client.volumes.get(resourceName(name));
  if (signal.aborted) throw await takenBack(context, volume, undefined, {});
  return volume;
}

interface Filled {
  readonly copyMs: number;
  /** Absent: it was not asked for. */
  readonly compareMs: number | undefined;
}

async function fill(context: Context, volume: Volume, image: Image, options: ImportOptions): Promise<Filled> {
  const listener = primaryListener(volume);
  if (listener === undefined)
    throw failure('NBD_UNKNOWN', `the host of ${volumeId(volume.name)} has not told where it serves NBD`, {
      next: 'Is its build older than this one? lockstep status',
    });
  const { tlsCertificates: tlsFolder, verify = false } = options;
  const target = targetOf(volume, listener, { isHere: isHere(listener), tlsFolder });
  const stream = context.json ? process.stderr : process.stdout;
  const timed = async (title: string, work: typeof copyImage): Promise<number> => {
    const progress = new CopyProgress(stream, `${title} ${printable(target.uri)}`);
    const fromMs = performance.now();
    try {
      const onPercent = (percent: number): void => {
        progress.update(percent);
      };
      await work(image, target, { signal: context.signal, onPercent });
      return performance.now() - fromMs;
    } finally {
      progress.end();
    }
  };
  const copyMs = await timed('Copy to', copyImage);
  return { copyMs, compareMs: verify ? await timed('Compare with', compareImage) : undefined };
}

/** The same path on another machine is another host's: its address has to be one of this machine, too. */
function isHere({ address, socket }: NbdListener): boolean {
  const [host = ''] = address.split(':');
  const own = Object.values(networkInterfaces()).flatMap((all) => all ?? []);
  if (!host.startsWith('127.') && !own.some((one) => one.address === host)) return false;
  try {
    return statSync(socket).isSocket();
  } catch {
    return false;
  }
}

/** Answers the error that is to be told. By the volume's own name, which nobody else's is: no other one is deleted. */
async function takenBack(
  context: Context,
  volume: Volume,
  error: unknown,
  { keep = false }: ImportOptions,
): Promise<unknown> {
  const id = volumeId(volume.name);
  const left = keep
    ? `What was copied is kept in ${id}; delete it with: lockstep volume delete ${id}`
    : await deleted(context, id);
  if (context.signal.aborted) return new Interrupted(left);
  if (!(error instanceof LockstepError)) {
    process.stderr.write(`${left}\n`);
    return error;
  }
  const { code, reason, metadata, cause, message, violations } = error;
  const next = [metadata['next'] ?? '', left].filter((line) => line !== '').join(' ');
  return new LockstepError(code, message, { reason, violations, metadata: { ...metadata, next }, cause });
}

/** One sentence: what became of it. */
async function deleted({ client }: Context, id: string): Promise<string> {
  const giveUpAtMs = performance.now() + BUSY_MS;
  for (;;) {
    try {
      await client.operations.wait((await client.volumes.delete(id)).name);
      return `The volume ${id} was deleted again.`;
    } catch (error) {
      const reason = error instanceof LockstepError ? error.reason : '';
      if (reason === 'VOLUME_NOT_FOUND') return `The volume ${id} is gone.`;
      if (reason !== 'DATABASE_BUSY' || performance.now() > giveUpAtMs)
        return `The volume ${id} is left, half copied, since it could not be deleted (${messageOf(error)}); do it with: lockstep volume delete ${id}`;
      await pause(BUSY_POLL_MS, undefined);
    }
  }
}

function summary(volume: Volume, image: Image, { copyMs, compareMs }: Filled): string {
  const listener = primaryListener(volume);
  const rest = volume.sizeBytes - image.virtualBytes;
  return [
    `${printable(volumeId(volume.name))} holds ${printable(image.shown)}: ${formatSize(image.virtualBytes)}, ` +
      `${formatSize(image.dataBytes)} of data, copied and flushed in ${formatDuration(copyMs)}` +
      (compareMs === undefined ? '.' : `, compared and found equal in ${formatDuration(compareMs)}.`),
    ...(rest === 0n ? [] : [`It has ${formatSize(rest)} more than the image, which read as zeroes.`]),
    ...(listener === undefined ? [] : [`Use it: ${printable(nbdUri(volume, listener))}`]),
    '',
  ].join('\n');
}

function importJson(volume: Volume, image: Image, { copyMs, compareMs }: Filled): Json {
  return {
    volume: volumeJson(volume),
    image: {
      name: image.shown,
      format: image.format,
      virtualBytes: integer(image.virtualBytes),
      dataBytes: integer(image.dataBytes),
      files: [...image.files],
    },
    copyMs: Math.round(copyMs),
    compareMs: compareMs === undefined ? null : Math.round(compareMs),
  };
}
