/** DeleteDatabase and UndeleteDatabase: what of a database stays, and for how long. */
import { LockstepError } from '../../daemon/sys/errors.ts';
import type { Operation } from '../../proto/gen/google/longrunning/operations.ts';
import type {
  DeleteDatabaseRequest,
  UndeleteDatabaseRequest,
} from '../../proto/gen/lockstep/v1/database_service.ts';
import type { Agents } from '../agents.ts';
import { NO_ENGINE } from '../model/engines.ts';
import type { DatabaseRecord } from '../model/records.ts';
import type { Starter } from '../starter.ts';
import type { Entry } from '../store/store.ts';
import { checkNotBusy } from './busy.ts';
import { checkEtag } from './etag.ts';
import { checkSnapshotId, databaseIdOf } from './fields.ts';
import { idempotently, type IdempotentOptions } from './idempotent.ts';
import { keptBy } from './snapshot-hosts.ts';
import { packDatabase, packEmpty } from './views.ts';
import { findVolume, type FoundVolume } from './volume-lookup.ts';

export interface RetentionOptions extends IdempotentOptions {
  readonly starter: Starter;
  readonly agents: Agents;
  readonly wallClock: () => number;
  readonly deleteGraceMs: number;
}

export async function deleteDatabase(
  options: RetentionOptions,
  request: DeleteDatabaseRequest,
): Promise<Operation> {
  const id = databaseIdOf('name', request.name);
  if (request.finalSnapshotId !== '') checkSnapshotId('final_snapshot_id', request.finalSnapshotId);
  return idempotently(options, 'delete', request, async (identity) => {
    const { repository, engine, starter, views, deleteGraceMs: graceMs } = options;
    const entry = await repository.requireDatabase(id);
    await checkEtag(repository, entry, request.etag);
    await checkNotBusy(engine, entry.value);
    checkMayGo(entry.value);
    if (goesAtOnce(entry.value, request)) {
      // Of a delete before this one, whose purge has stopped on its way.
      const kept = request.skipFinalSnapshot ? '' : entry.value.finalSnapshot;
      return request.validateOnly ? packEmpty() : starter.remove(entry, kept, identity);
    }
    const found = await findVolume(repository, request.name);
    const finalSnapshot = await finalSnapshotOf(options, request, found);
    if (!request.validateOnly)
      return starter.delete(entry, { primary: found.volume.value.primary, finalSnapshot, graceMs }, identity);
    return packDatabase(await views.database(asDeleted(options, entry, finalSnapshot)));
  });
}

/** Throws where it is protected, or deleted already. */
export function checkMayGo({ id, deletionProtection, lifecycle, expireTimeMs }: DatabaseRecord): void {
  const subject = `databases/${id}`;
  if (deletionProtection)
    throw new LockstepError('FAILED_PRECONDITION', `${id} is protected against a delete`, {
      reason: 'DELETION_PROTECTED',
      metadata: {
        subject,
        next: `Take the protection away first: lockstep database update ${id} --deletion-protection off`,
      },
    });
  if (lifecycle === 'deleted')
    throw new LockstepError('FAILED_PRECONDITION', `${id} was deleted already`, {
      reason: 'ALREADY_DELETED',
      metadata: {
        subject,
        next: `It goes by itself at ${new Date(expireTimeMs).toISOString()}. To have it back: UndeleteDatabase.`,
      },
    });
}

/** There is nothing in it yet; or it cannot be ended in order, and the caller has said that nothing need stay. */
function goesAtOnce(record: DatabaseRecord, { skipFinalSnapshot }: DeleteDatabaseRequest): boolean {
  const { id, engine, lifecycle, failure, aliasGeneration } = record;
  const wasCreated = aliasGeneration > 0;
  if (engine === NO_ENGINE || lifecycle === 'creating' || !wasCreated) return true;
  if (lifecycle !== 'failed' && lifecycle !== 'deleting') return false;
  if (skipFinalSnapshot || lifecycle === 'deleting') return true;
  throw new LockstepError(
    'FAILED_PRECONDITION',
    `${id} cannot be ended in good order, so that no final snapshot can be taken: ${failure}`,
    {
      reason: 'NO_FINAL_SNAPSHOT',
      metadata: {
        subject: `databases/${id}`,
        next: 'Mend what the reason names. Or delete it without a final snapshot, at once and for good: skip_final_snapshot.',
      },
    },
  );
}

/** Its name; empty: none is wanted. */
async function finalSnapshotOf(
  options: RetentionOptions,
  request: DeleteDatabaseRequest,
  found: FoundVolume,
): Promise<string> {
  if (request.skipFinalSnapshot) {
    if (request.finalSnapshotId === '') return '';
    throw new LockstepError('INVALID_ARGUMENT', 'a final snapshot is named, and refused', {
      reason: 'INVALID_FIELD',
      violations: [
        {
          field: 'final_snapshot_id',
          value: request.finalSnapshotId,
          allowed: 'nothing where skip_final_snapshot is true',
        },
      ],
    });
  }
  const { replicas, volume } = found.volume.value;
  const kept = await Promise.all(replicas.map((host) => keptBy(options, found, host)));
  const taken = new Set(kept.flatMap(({ snapshots }) => snapshots.map(({ name }) => name)));
  const name = request.finalSnapshotId || freeName(taken, options.wallClock());
  if (!taken.has(name)) return name;
  throw new LockstepError('ALREADY_EXISTS', `${volume} has a snapshot ${name} already`, {
    reason: 'SNAPSHOT_EXISTS',
    violations: [{ field: 'final_snapshot_id', value: name, allowed: 'a name that no snapshot of it has' }],
    metadata: { subject: `volumes/${volume}/snapshots/${name}`, next: 'Name another final snapshot.' },
  });
}

/** Such as final-20261123-0912, in UTC; -2 behind the second of one minute. */
function freeName(taken: ReadonlySet<string>, nowMs: number): string {
  const digits = new Date(nowMs).toISOString().replaceAll(/[-:]/g, '');
  const first = `final-${digits.slice(0, 8)}-${digits.slice(9, 13)}`;
  let name = first;
  for (let count = 2; taken.has(name); count++) name = `${first}-${String(count)}`;
  return name;
}

function asDeleted(
  { wallClock, deleteGraceMs }: RetentionOptions,
  entry: Entry<DatabaseRecord>,
  finalSnapshot: string,
): Entry<DatabaseRecord> {
  const deleteTimeMs = wallClock();
  const expireTimeMs = deleteTimeMs + deleteGraceMs;
  const value: DatabaseRecord = {
    ...entry.value,
    lifecycle: 'deleted',
    deleteTimeMs,
    expireTimeMs,
    finalSnapshot,
  };
  return { ...entry, value };
}

export async function undeleteDatabase(
  options: RetentionOptions,
  request: UndeleteDatabaseRequest,
): Promise<Operation> {
  const id = databaseIdOf('name', request.name);
  return idempotently(options, 'undelete', request, async (identity) => {
    const { repository, engine, starter, views } = options;
    const entry = await repository.requireDatabase(id);
    await checkEtag(repository, entry, request.etag);
    await checkNotBusy(engine, entry.value);
    checkCanComeBack(entry.value, options.wallClock());
    const { volume } = await findVolume(repository, request.name);
    if (!request.validateOnly) return starter.undelete(entry, volume, identity);
    const back = { lifecycle: 'active', deleteTimeMs: 0, expireTimeMs: 0, finalSnapshot: '' } as const;
    return packDatabase(await views.database({ ...entry, value: { ...entry.value, ...back } }));
  });
}

function checkCanComeBack(record: DatabaseRecord, nowMs: number): void {
  const { id, lifecycle, expireTimeMs, finalSnapshot, volume } = record;
  const subject = `databases/${id}`;
  if (lifecycle !== 'deleted')
    throw new LockstepError('FAILED_PRECONDITION', `${id} is not deleted; it is ${lifecycle}`, {
      reason: 'NOT_DELETED',
      metadata: { subject, next: 'There is nothing to bring back.' },
    });
  if (expireTimeMs > nowMs) return;
  const restore = `RestoreSnapshot of volumes/${volume}/snapshots/${finalSnapshot}`;
  throw new LockstepError('FAILED_PRECONDITION', `the grace time of ${id} is over`, {
    reason: 'GRACE_TIME_OVER',
    metadata: {
      subject,
      next: finalSnapshot === '' ? 'Nothing of it is kept.' : `Make a new database of its end: ${restore}.`,
    },
  });
}
