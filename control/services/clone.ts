/**
 * A clone is a database without an engine, on the host of its snapshot alone. Its records are written before the host
 * makes it, so that nothing is ever on a host that no record tells of: a clone whose control died meanwhile is shown as
 * being created, and can be deleted.
 */
import { randomUUID } from 'node:crypto';
import { invalidField, LockstepError, messageOf } from '../../daemon/sys/errors.ts';
import type { Log } from '../../daemon/sys/log.ts';
import { SnapshotServiceService as agent } from '../../proto/gen/lockstep/agent/v1/snapshot.ts';
import type {
  CloneSnapshotRequest,
  CloneSnapshotResponse,
} from '../../proto/gen/lockstep/v1/snapshot_service.ts';
import type { Agents } from '../agents.ts';
import { NO_ENGINE } from '../model/engines.ts';
import { type DatabaseRecord, databaseRecordOf, keys, type VolumeRecord } from '../model/records.ts';
import type { Repository } from '../repository.ts';
import { checkNewDatabaseId } from './fields.ts';
import { DISK_MS, fenceOf, type Located, locate } from './snapshot-hosts.ts';

interface CloneOptions {
  readonly repository: Repository;
  readonly agents: Agents;
  readonly wallClock: () => number;
  readonly log: Log;
}

const VOLUME_SUFFIX_CHARACTERS = 8;
const FIRST_GENERATION = 1;

export async function cloneSnapshot(
  options: CloneOptions,
  { name, cloneId, host }: CloneSnapshotRequest,
): Promise<CloneSnapshotResponse> {
  checkNewDatabaseId(cloneId, 'clone_id');
  const located = await locate(options, { name, host });
  const database = newClone(cloneId, located, options.wallClock());
  await reserve(options, database, located);
  const { found, snapshot } = located;
  const origin = found.volume.value.volume;
  let sizeBytes: number;
  try {
    const request = { fence: fenceOf(found, 'clone'), volume: origin, snapshot, clone: database.volume };
    const call = options.agents.call(located.host, agent.cloneSnapshot, request, { deadlineMs: DISK_MS });
    sizeBytes = Number((await call).sizeBytes);
  } catch (error) {
    await takeBack(options, database, error);
    throw error;
  }
  // Of the snapshot: the volume may have grown since.
  await options.repository.updateVolume(database.volume, (record) =>
    record.sizeBytes === sizeBytes ? undefined : { ...record, sizeBytes },
  );
  await options.repository.updateDatabase(
    cloneId,
    (record) => (record.uid === database.uid ? { ...record, sizeBytes, lifecycle: 'active' } : undefined),
    [
      {
        reason: 'CLONED',
        message: `a clone of ${origin}@${snapshot} on ${located.host}`,
        generation: FIRST_GENERATION,
      },
    ],
  );
  return {
    volume: `volumes/${database.volume}`,
    database: `databases/${cloneId}`,
    host: `hosts/${located.host}`,
  };
}

function newClone(id: string, { found, host }: Located, nowMs: number): DatabaseRecord {
  const uid = randomUUID();
  return databaseRecordOf({
    id,
    uid,
    createTimeMs: nowMs,
    engine: NO_ENGINE,
    engineVersion: '',
    sizeBytes: found.volume.value.sizeBytes,
    lifecycle: 'creating',
    failure: '',
    // Never a name again, as of any database.
    volume: `${id}-${uid.slice(0, VOLUME_SUFFIX_CHARACTERS)}`,
    port: 0,
    user: '',
    unclaimedPassword: '',
    busyWith: '',
    aliasHost: host,
    aliasGeneration: FIRST_GENERATION,
    copies: 1,
  });
}

async function reserve(
  { repository }: CloneOptions,
  database: DatabaseRecord,
  { found, host }: Located,
): Promise<void> {
  const record: VolumeRecord = {
    volume: database.volume,
    database: database.id,
    sizeBytes: found.volume.value.sizeBytes,
    generation: FIRST_GENERATION,
    primary: host,
    inSync: [host],
    replicas: [host],
  };
  const result = await repository.store.transact(
    [
      { key: keys.database(database.id), absent: true },
      { key: keys.volume(record.volume), absent: true },
    ],
    [
      { key: keys.database(database.id), value: database },
      { key: keys.volume(record.volume), value: record },
    ],
  );
  if (result.ok) return;
  const { message } = invalidField('clone_id', database.id, 'a name that no database has');
  throw new LockstepError('ALREADY_EXISTS', message, {
    reason: 'DATABASE_EXISTS',
    violations: [{ field: 'clone_id', value: database.id, allowed: 'a name that no database has' }],
  });
}

/** Where the host refused there is nothing of it; where it did not answer there may be, and a person deletes it. */
async function takeBack(
  { repository, log }: CloneOptions,
  database: DatabaseRecord,
  error: unknown,
): Promise<void> {
  const isUnknown =
    error instanceof LockstepError && (error.code === 'UNAVAILABLE' || error.code === 'DEADLINE_EXCEEDED');
  if (isUnknown) {
    const failure = `it is not known whether the clone was made: ${messageOf(error)}; delete it and clone again`;
    await repository.updateDatabase(database.id, (record) => ({ ...record, lifecycle: 'failed', failure }));
    return;
  }
  log.info({ clone: database.id, error: messageOf(error) }, 'a clone was refused by its host');
  await repository.store.transact(
    [],
    [
      { key: keys.database(database.id), deleted: true },
      { key: keys.volume(database.volume), deleted: true },
    ],
  );
}
