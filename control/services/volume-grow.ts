/**
 * A volume is made larger while it is used. Its secondaries grow first, since a write beyond the end of one would be
 * refused there; the primary last, and the record after it. What stops on its way is harmless (a replica that is too
 * large holds zeroes there, and is not copied to before its primary is as large) and is asked for again.
 *
 * No volume is made smaller. That nobody uses the end can be proved of the replicas that are heard; one that is away and
 * comes back would bring the old bytes with it when the volume grows again.
 */
import { invalidField, LockstepError, messageOf } from '../../daemon/sys/errors.ts';
import { AgentServiceService as agent } from '../../proto/gen/lockstep/agent/v1/agent.ts';
import type { GrowVolumeRequest } from '../../proto/gen/lockstep/v1/volume_service.ts';
import type { Agents } from '../agents.ts';
import { MAX_SIZE_BYTES, NO_ENGINE, REGION_BYTES } from '../model/engines.ts';
import type { VolumeRecord } from '../model/records.ts';
import type { Observations } from '../monitor/observations.ts';
import type { Repository } from '../repository.ts';
import type { WorkflowEngine } from '../workflow/executor.ts';
import { checkNotBusy } from './busy.ts';
import { DISK_MS, fenceOf } from './snapshot-hosts.ts';
import { findVolume, type FoundVolume } from './volume-lookup.ts';

export interface GrowOptions {
  readonly repository: Repository;
  readonly engine: WorkflowEngine;
  readonly observations: Observations;
  readonly agents: Agents;
}

/** Answers the volume as it was found, for a request that is only to be validated, or as it is now. */
export async function growVolume(options: GrowOptions, request: GrowVolumeRequest): Promise<FoundVolume> {
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

function checkedSize({ sizeBytes: wanted }: GrowVolumeRequest, { volume, sizeBytes }: VolumeRecord): number {
  const size = Number(wanted);
  if (size < sizeBytes && size > 0)
    throw new LockstepError(
      'FAILED_PRECONDITION',
      `volume ${volume} has ${String(sizeBytes)} bytes and is not made smaller: a replica that is away would bring back what it has beyond the new end; copy it into a smaller one`,
      { reason: 'SHRINK_REFUSED', metadata: { subject: `volumes/${volume}` } },
    );
  if (size <= 0 || size % REGION_BYTES !== 0 || size > MAX_SIZE_BYTES)
    throw invalidField(
      'size_bytes',
      wanted.toString(),
      `a multiple of ${String(REGION_BYTES)} bytes (64 KiB), at least ${String(sizeBytes)} as it is, at most ${String(MAX_SIZE_BYTES)} (8 TiB)`,
    );
  return size;
}

function checkHasNoEngine({ database }: FoundVolume): void {
  if (database === undefined || database.value.engine === NO_ENGINE) return;
  const { id, engine } = database.value;
  throw new LockstepError(
    'FAILED_PRECONDITION',
    `databases/${id} has ${engine} on it, whose file system would not follow`,
    { reason: 'HAS_ENGINE', metadata: { subject: `databases/${id}` } },
  );
}

/** Of a member of the set, that is: a write to what was added would be refused there. */
function checkIsHeard({ observations }: GrowOptions, { volume, primary, inSync }: VolumeRecord): void {
  const away = primary === '' ? ['a primary'] : inSync.filter((host) => !observations.isReachable(host));
  if (away.length === 0) return;
  throw new LockstepError('FAILED_PRECONDITION', `${away.join(' and ')} of the volume cannot be reached`, {
    reason: 'HOST_UNREACHABLE',
    metadata: { subject: `volumes/${volume}` },
  });
}

async function growReplicas(options: GrowOptions, found: FoundVolume, sizeBytes: number): Promise<void> {
  const { volume, primary, inSync, replicas } = found.volume.value;
  const request = { fence: fenceOf(found, 'grow-volume'), volume, sizeBytes: BigInt(sizeBytes) };
  const grow = async (host: string): Promise<void> => {
    await options.agents.call(host, agent.growReplica, request, { deadlineMs: DISK_MS });
  };
  // One that is away, or has no replica yet, is made as large before it is copied to.
  const outside = replicas.filter((host) => !inSync.includes(host) && options.observations.isReachable(host));
  await Promise.allSettled(outside.map(grow));
  try {
    await Promise.all(inSync.filter((host) => host !== primary).map(grow));
    await grow(primary);
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
    (record) => (record.sizeBytes < sizeBytes ? { ...record, sizeBytes } : undefined),
    ({ generation }) => [{ reason: 'VOLUME_GROWN', message, generation }],
  );
  await repository.updateDatabase(database, (record) =>
    record.sizeBytes < sizeBytes ? { ...record, sizeBytes } : undefined,
  );
}
