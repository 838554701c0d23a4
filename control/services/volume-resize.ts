/**
 * A volume is made larger while it is used. Its secondaries grow first, since a write beyond the end of one would be
 * refused there; the primary last, and the record after it. What stops on its way is harmless (a replica that is too
 * large holds zeroes there, and is not copied to before its primary is as large) and is asked for again.
 *
 * It is made smaller in the other order, and only while every replica is in sync and heard: one that is away would bring
 * back what it has beyond the end when the volume grows again. That nothing is there each host proves by itself.
 */
import { invalidField, LockstepError, messageOf } from '../../daemon/sys/errors.ts';
import { AgentServiceService as agent } from '../../proto/gen/lockstep/agent/v1/agent.ts';
import type { GrowVolumeRequest, ShrinkVolumeRequest } from '../../proto/gen/lockstep/v1/volume_service.ts';
import type { KeyedMutex } from '../../daemon/sys/keyed-mutex.ts';
import type { Agents } from '../agents.ts';
import { MAX_SIZE_BYTES, NO_ENGINE, REGION_BYTES } from '../model/engines.ts';
import type { VolumeRecord } from '../model/records.ts';
import type { Observations } from '../monitor/observations.ts';
import type { Repository } from '../repository.ts';
import type { WorkflowEngine } from '../workflow/executor.ts';
import { checkNotBusy } from './busy.ts';
import { DISK_MS, fenceOf } from './snapshot-hosts.ts';
import { findVolume, type FoundVolume } from './volume-lookup.ts';

export interface ResizeOptions {
  readonly repository: Repository;
  readonly engine: WorkflowEngine;
  readonly observations: Observations;
  readonly agents: Agents;
  /** One change of a volume's size at a time. */
  readonly resizing: KeyedMutex;
}

/** Answers the volume as it was found, for a request that is only to be validated, or as it is now. */
export async function growVolume(options: ResizeOptions, request: GrowVolumeRequest): Promise<FoundVolume> {
  const { volume } = await findVolume(options.repository, request.name);
  return options.resizing.run(volume.value.volume, () => grow(options, request));
}

/** Answers the volume as it is now. */
export async function shrinkVolume(
  options: ResizeOptions,
  request: ShrinkVolumeRequest,
): Promise<FoundVolume> {
  const { volume } = await findVolume(options.repository, request.name);
  return options.resizing.run(volume.value.volume, () => shrink(options, request));
}

async function grow(options: ResizeOptions, request: GrowVolumeRequest): Promise<FoundVolume> {
  const { repository, engine } = options;
  const found = await findVolume(repository, request.name);
  const { value: record } = found.volume;
  const sizeBytes = checkedSize(request, record);
  checkHasNoEngine(found);
  if (found.database !== undefined) await checkNotBusy(engine, found.database.value);
  checkIsHeard(options, record);
  if (request.validateOnly) return found;
  await growReplicas(options, found, sizeBytes);
  await writeSize(repository, record, sizeBytes);
  return findVolume(repository, request.name);
}

async function shrink(
  options: ResizeOptions,
  { name, sizeBytes: wanted, acceptSmaller }: ShrinkVolumeRequest,
): Promise<FoundVolume> {
  const { repository, engine } = options;
  const found = await findVolume(repository, name);
  const { value: record } = found.volume;
  const sizeBytes = Number(wanted);
  if (sizeBytes <= 0 || sizeBytes % REGION_BYTES !== 0 || sizeBytes > record.sizeBytes)
    throw invalidSize(wanted, `at most ${String(record.sizeBytes)} as it is`);
  const subject = `volumes/${record.volume}`;
  if (!acceptSmaller)
    throw new LockstepError(
      'FAILED_PRECONDITION',
      'whatever uses the volume has to do without its end; the request does not accept that',
      { reason: 'SHRINK_NOT_ACCEPTED', metadata: { subject } },
    );
  checkHasNoEngine(found);
  if (found.database !== undefined) await checkNotBusy(engine, found.database.value);
  const outside = record.replicas.filter((host) => !record.inSync.includes(host));
  if (outside.length > 0)
    throw new LockstepError(
      'FAILED_PRECONDITION',
      `${outside.join(' and ')} is not in sync, and may have more`,
      {
        reason: 'NOT_IN_SYNC',
        metadata: { subject },
      },
    );
  checkIsHeard(options, record);
  await shrinkReplicas(options, found, sizeBytes);
  await writeSize(repository, record, sizeBytes);
  return findVolume(repository, name);
}

async function shrinkReplicas(options: ResizeOptions, found: FoundVolume, sizeBytes: number): Promise<void> {
  const { volume, primary, inSync } = found.volume.value;
  const request = { fence: fenceOf(found, 'shrink-volume'), volume, sizeBytes: BigInt(sizeBytes) };
  const shrinkOn = async (host: string): Promise<void> => {
    await options.agents.call(host, agent.shrinkReplica, request, { deadlineMs: DISK_MS });
  };
  await shrinkOn(primary);
  await Promise.all(inSync.filter((host) => host !== primary).map(shrinkOn));
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

async function growReplicas(options: ResizeOptions, found: FoundVolume, sizeBytes: number): Promise<void> {
  const { volume, primary, inSync, replicas } = found.volume.value;
  const request = { fence: fenceOf(found, 'grow-volume'), volume, sizeBytes: BigInt(sizeBytes) };
  const growOn = async (host: string): Promise<void> => {
    await options.agents.call(host, agent.growReplica, request, { deadlineMs: DISK_MS });
  };
  // One that is away, or has no replica yet, is made as large before it is copied to.
  const outside = replicas.filter((host) => !inSync.includes(host) && options.observations.isReachable(host));
  await Promise.allSettled(outside.map(growOn));
  try {
    await Promise.all(inSync.filter((host) => host !== primary).map(growOn));
    await growOn(primary);
  } catch (error) {
    throw new LockstepError(
      error instanceof LockstepError ? error.code : 'UNAVAILABLE',
      `volume ${volume} has not grown: ${messageOf(error)}; ask again`,
      { reason: 'GROWTH_INCOMPLETE', metadata: { subject: `volumes/${volume}` } },
    );
  }
}

async function writeSize(repository: Repository, before: VolumeRecord, sizeBytes: number): Promise<void> {
  const { volume, database } = before;
  const message = `from ${String(before.sizeBytes)} to ${String(sizeBytes)} bytes`;
  await repository.updateVolume(
    volume,
    (record) => (record.sizeBytes === sizeBytes ? undefined : { ...record, sizeBytes }),
    ({ generation }) => [{ reason: 'VOLUME_RESIZED', message, generation }],
  );
  await repository.updateDatabase(database, (record) =>
    record.sizeBytes === sizeBytes ? undefined : { ...record, sizeBytes },
  );
}
