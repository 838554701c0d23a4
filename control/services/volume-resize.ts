/** GrowVolume and ShrinkVolume: checks that a volume may be of another size, and waits for the workflow that makes it so. */
import { invalidField, LockstepError } from '../../daemon/sys/errors.ts';
import type { GrowVolumeRequest, ShrinkVolumeRequest } from '../../proto/gen/lockstep/v1/volume_service.ts';
import type { KeyedMutex } from '../../daemon/sys/keyed-mutex.ts';
import { MAX_SIZE_BYTES, NO_ENGINE, REGION_BYTES } from '../model/engines.ts';
import type { DatabaseRecord, VolumeRecord } from '../model/records.ts';
import type { Observations } from '../monitor/observations.ts';
import type { Starter } from '../starter.ts';
import type { Entry } from '../store/store.ts';
import { checkAllInSync } from '../workflow/definitions/resize-volume.ts';
import type { StartResult } from '../workflow/executor.ts';
import { checkNotBusy, runningTwin } from './busy.ts';
import { idempotently, type IdempotentOptions } from './idempotent.ts';
import { untilDone } from './outcome.ts';
import { findVolume, type FoundVolume } from './volume-lookup.ts';

export interface ResizeOptions extends IdempotentOptions {
  readonly starter: Starter;
  readonly observations: Observations;
  /** One change of a volume's size at a time. */
  readonly resizing: KeyedMutex;
}

/** Answers the volume as it was found, for a request that is only to be validated, or as it is now. */
export function growVolume(
  options: ResizeOptions,
  request: GrowVolumeRequest,
  signal: AbortSignal,
): Promise<FoundVolume> {
  const { name, validateOnly } = request;
  const check = ({ volume }: FoundVolume): number => checkedSize(request, volume.value);
  return resize(options, { name, validateOnly, shrinks: false, check }, signal);
}

/** Answers the volume as it is now. */
export function shrinkVolume(
  options: ResizeOptions,
  request: ShrinkVolumeRequest,
  signal: AbortSignal,
): Promise<FoundVolume> {
  const { name } = request;
  const check = ({ volume }: FoundVolume): number => checkedSmaller(request, volume.value);
  return resize(options, { name, validateOnly: false, shrinks: true, check }, signal);
}

interface Wish {
  readonly name: string;
  readonly validateOnly: boolean;
  readonly shrinks: boolean;
  /** Answers the size in bytes, or throws. */
  readonly check: (found: FoundVolume) => number;
}

async function resize(options: ResizeOptions, wish: Wish, signal: AbortSignal): Promise<FoundVolume> {
  const { repository, resizing, engine } = options;
  const { volume } = await findVolume(repository, wish.name);
  return resizing.run(volume.value.volume, async () => {
    if (wish.validateOnly) return (await checked(options, wish)).found;
    const operation = await idempotently(options, 'resize', { requestId: '' }, () => begin(options, wish));
    await untilDone(engine, operation, signal);
    return findVolume(repository, wish.name);
  });
}

/**
 * On the records that were checked: what has changed since is checked anew. One that does the same already is waited for:
 * whoever asked for it may have stopped waiting, or have lost the control that it asked.
 */
async function begin(options: ResizeOptions, wish: Wish): Promise<StartResult> {
  const { found, database, sizeBytes, twin } = await checked(options, wish);
  if (twin !== undefined) return { ok: true, id: twin };
  const { key, revision } = found.volume;
  const more = { sizeBytes, shrinks: wish.shrinks };
  return options.starter.work('resize-volume', database, more, { conditions: [{ key, revision }] });
}

async function checked(
  options: ResizeOptions,
  { name, shrinks, check }: Wish,
): Promise<{
  readonly found: FoundVolume;
  readonly database: Entry<DatabaseRecord>;
  readonly sizeBytes: number;
  /** The workflow that makes it of this size already. */
  readonly twin: string | undefined;
}> {
  const found = await findVolume(options.repository, name);
  const sizeBytes = check(found);
  checkHasNoEngine(found);
  const database = ownerOf(found);
  const twin = await runningTwin(options.engine, database.value, 'resize-volume', { sizeBytes, shrinks });
  if (twin !== undefined) return { found, database, sizeBytes, twin };
  await checkNotBusy(options.engine, database.value);
  checkNotHalfDone(database.value);
  if (shrinks) checkAllInSync(found.volume.value);
  checkIsHeard(options, found.volume.value);
  return { found, database, sizeBytes, twin };
}

function ownerOf({ volume, database }: FoundVolume): Entry<DatabaseRecord> {
  if (database !== undefined) return database;
  const subject = `volumes/${volume.value.volume}`;
  throw new LockstepError('FAILED_PRECONDITION', `${subject} is of no database`, {
    reason: 'NO_DATABASE',
    metadata: { subject, next: 'lockstep doctor says what can be done with it.' },
  });
}

/** Its hold must not end with that of the resize. */
function checkNotHalfDone({ id, lifecycle, busyWith, failure }: DatabaseRecord): void {
  if (busyWith === '') return;
  throw new LockstepError('FAILED_PRECONDITION', `databases/${id} is ${lifecycle}: ${failure}`, {
    reason: 'NOT_ACTIVE',
    metadata: { subject: `databases/${id}`, next: 'Do again what was left half done, or delete it.' },
  });
}

function checkedSmaller(
  { sizeBytes: wanted, acceptSmaller }: ShrinkVolumeRequest,
  record: VolumeRecord,
): number {
  const sizeBytes = Number(wanted);
  if (sizeBytes <= 0 || sizeBytes % REGION_BYTES !== 0 || sizeBytes > record.sizeBytes)
    throw invalidSize(wanted, `at most ${String(record.sizeBytes)} as it is`);
  if (acceptSmaller) return sizeBytes;
  throw new LockstepError(
    'FAILED_PRECONDITION',
    'whatever uses the volume has to do without its end; the request does not accept that',
    { reason: 'SHRINK_NOT_ACCEPTED', metadata: { subject: `volumes/${record.volume}` } },
  );
}

function checkedSize({ sizeBytes: wanted }: GrowVolumeRequest, { volume, sizeBytes }: VolumeRecord): number {
  const size = Number(wanted);
  if (size < sizeBytes && size > 0)
    throw new LockstepError(
      'FAILED_PRECONDITION',
      `volume ${volume} has ${String(sizeBytes)} bytes already, and growth makes nothing smaller`,
      { reason: 'LARGER_ALREADY', metadata: { subject: `volumes/${volume}` } },
    );
  if (size <= 0 || size % REGION_BYTES !== 0 || size > MAX_SIZE_BYTES)
    throw invalidSize(
      wanted,
      `at least ${String(sizeBytes)} as it is, at most ${String(MAX_SIZE_BYTES)} (8 TiB)`,
    );
  return size;
}

const invalidSize = (wanted: bigint, bounds: string): LockstepError =>
  invalidField(
    'size_bytes',
    wanted.toString(),
    `a multiple of ${String(REGION_BYTES)} bytes (64 KiB), ${bounds}`,
  );

function checkHasNoEngine({ database, archive }: FoundVolume): void {
  if (archive !== undefined)
    throw new LockstepError('FAILED_PRECONDITION', `${archive.value.volume} is kept for its final snapshot`, {
      reason: 'ARCHIVE',
      metadata: { subject: `volumes/${archive.value.volume}`, next: 'Restore it first: RestoreSnapshot.' },
    });
  if (database === undefined || database.value.engine === NO_ENGINE) return;
  const { id, engine } = database.value;
  throw new LockstepError(
    'FAILED_PRECONDITION',
    `databases/${id} has ${engine} on it, whose file system would not follow`,
    {
      reason: 'HAS_ENGINE',
      metadata: {
        subject: `databases/${id}`,
        next: `UpdateDatabase makes it larger, file system and all: lockstep database update ${id} --size SIZE`,
      },
    },
  );
}

/** Of a member of the set, that is: a write to what was added would be refused there. */
function checkIsHeard({ observations }: ResizeOptions, { volume, primary, inSync }: VolumeRecord): void {
  const away = primary === '' ? ['a primary'] : inSync.filter((host) => !observations.isReachable(host));
  if (away.length === 0) return;
  throw new LockstepError('FAILED_PRECONDITION', `${away.join(' and ')} of the volume cannot be reached`, {
    reason: 'HOST_UNREACHABLE',
    metadata: { subject: `volumes/${volume}` },
  });
}
