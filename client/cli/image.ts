/** An image that is to be imported: what it is, looked at before anything is created. */
import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { LockstepError, messageOf } from '../../daemon/sys/errors.ts';
import { type ImageFacts, imageFacts } from './image-facts.ts';
import type { ImageSource } from './image-source.ts';
import { complaintOf, failure, type QemuResult, runQemu } from './qemu-img.ts';

export interface Image extends ImageSource {
  readonly format: string;
  readonly virtualBytes: bigint;
  /** What is not a hole: at most so much is written. */
  readonly dataBytes: bigint;
  /** Other files that parts of it are read from: those of the images below, and those with the data of any. */
  readonly files: readonly string[];
}

const NOT_SPECIAL = 'Name a file, or a block device.';

/** The format is asked once and then said: a second look could find another one in bytes that have changed. */
export async function inspectImage(
  source: ImageSource,
  options: { readonly format: string | undefined; readonly signal: AbortSignal },
): Promise<Image> {
  if (source.kind === 'file') await checkFile(source);
  const { format: asked, signal } = options;
  const formatArgs = asked === undefined ? [] : ['-f', asked];
  const result = await runQemu('qemu-img', ['info', '--output=json', ...formatArgs, source.fileName], {
    signal,
  });
  if (result.status !== 0) throw unreadable(source, result);
  const [facts] = factsOf(source, result.stdout);
  if (facts.virtualBytes === 0n)
    throw failure('IMAGE_EMPTY', `${source.shown} is empty: a disk of 0 bytes`, {
      next: 'Look at it with qemu-img info.',
    });
  const chain = await chainOf(source, facts, signal);
  if (chain.some(({ isEncrypted }) => isEncrypted))
    throw failure('IMAGE_ENCRYPTED', `${source.shown} is encrypted`, {
      next: 'Decrypt it first, with qemu-img convert --object secret,...: docs/cli.md shows how.',
    });
  const { format, virtualBytes } = facts;
  const files = chain.flatMap(({ fileName, dataFiles }, index) =>
    index === 0 ? dataFiles : [fileName, ...dataFiles],
  );
  return { ...source, format, virtualBytes, files, dataBytes: await dataOf(source, format, signal) };
}

/** QEMU tells these too, each in several ways. */
async function checkFile({ fileName, shown }: ImageSource): Promise<void> {
  try {
    const facts = await stat(fileName);
    if (facts.isDirectory()) throw failure('IMAGE_IS_FOLDER', `${shown} is a folder`, { next: NOT_SPECIAL });
    if (!facts.isFile() && !facts.isBlockDevice())
      throw failure('IMAGE_NO_FILE', `${shown} is neither a file nor a block device`, { next: NOT_SPECIAL });
    await access(fileName, constants.R_OK);
  } catch (error) {
    if (error instanceof LockstepError) throw error;
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    const why = code === 'ENOENT' ? 'there is no such file' : messageOf(error);
    const next = code === 'EACCES' ? 'Run this as a user who may read it.' : 'Look at the name and the path.';
    throw failure('IMAGE_UNREADABLE', `${shown} cannot be read: ${why}`, { next, cause: error });
  }
}

function factsOf({ shown }: ImageSource, text: string): readonly [ImageFacts, ...ImageFacts[]] {
  const [first, ...below] = imageFacts(text) ?? [];
  if (first === undefined)
    throw new LockstepError('INTERNAL', `qemu-img says nothing of use about ${shown}: ${text}`);
  return [first, ...below];
}

/** The image first. */
async function chainOf(
  source: ImageSource,
  image: ImageFacts,
  signal: AbortSignal,
): Promise<readonly ImageFacts[]> {
  if (image.backing === '') return [image];
  const args = ['info', '--backing-chain', '--output=json', '-f', image.format, source.fileName];
  const result = await runQemu('qemu-img', args, { signal });
  if (result.status === 0) return factsOf(source, result.stdout);
  throw failure(
    'BACKING_FILE_MISSING',
    `${source.shown} is only what differs from ${image.backing}, which cannot be read: ${complaintOf(result)}`,
    {
      next: 'Put that file there, or have qemu-img rebase -u tell the image where it is now.',
    },
  );
}

/** From the image's map, one extent a line: of a fragmented image that is more than anybody wants to keep. */
async function dataOf(source: ImageSource, format: string, signal: AbortSignal): Promise<bigint> {
  let dataBytes = 0n;
  const onLine = (line: string): void => {
    const length = /"length": (\d+)/.exec(line)?.[1];
    if (length !== undefined && line.includes('"data": true') && line.includes('"zero": false'))
      dataBytes += BigInt(length);
  };
  const args = ['map', '--output=json', '-f', format, source.fileName];
  const result = await runQemu('qemu-img', args, { signal, onLine });
  if (result.status !== 0) throw unreadable(source, result);
  return dataBytes;
}

function unreadable({ shown }: ImageSource, result: QemuResult): LockstepError {
  return failure('IMAGE_UNREADABLE', `${shown} cannot be read: ${complaintOf(result)}`, {
    next: adviceFor(result),
  });
}

function adviceFor({ stderr }: QemuResult): string {
  if (/Unknown protocol|module .* not found/.test(stderr))
    return 'qemu-img has no driver for that address here. On Debian: apt-get install qemu-block-extra';
  if (/Failed to get .*lock/.test(stderr))
    return 'A machine uses it: stop that first, or import a copy made from a snapshot.';
  if (/not in .* format|Image is not/.test(stderr))
    return 'Leave out --format, and it is found out; or see what it is: qemu-img info FILE';
  if (stderr.includes('byte ranges'))
    return 'That server hands out whole files alone: download it, and import the file.';
  return 'See what QEMU makes of it: qemu-img info';
}
