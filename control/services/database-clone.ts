/** CloneDatabase and RestoreSnapshot: a new database that begins as another one is, or as a snapshot of one. */
import { invalidField, LockstepError } from '../../daemon/sys/errors.ts';
import type { Operation } from '../../proto/gen/google/longrunning/operations.ts';
import { type CloneDatabaseRequest, RedundancyMode } from '../../proto/gen/lockstep/v1/database_service.ts';
import type { RestoreSnapshotRequest } from '../../proto/gen/lockstep/v1/snapshot_service.ts';
import type { Agents } from '../agents.ts';
import { NO_ENGINE } from '../model/engines.ts';
import { type ArchiveRecord, type DatabaseRecord, keys } from '../model/records.ts';
import type { Starter } from '../starter.ts';
import { checkNotBusy } from './busy.ts';
import { nameTaken, newDatabase } from './create-request.ts';
import { checkNewDatabaseId, checkSnapshotId, databaseIdOf } from './fields.ts';
import { idempotently, type IdempotentOptions } from './idempotent.ts';
import { freePort } from './ports.ts';
import { locate } from './snapshot-hosts.ts';
import { checkTags } from './tags.ts';
import { packDatabase } from './views.ts';
import { findVolume, type FoundVolume } from './volume-lookup.ts';

export interface DatabaseCloneOptions extends IdempotentOptions {
  readonly starter: Starter;
  readonly agents: Agents;
  readonly enginePort: number;
  readonly wallClock: () => number;
}

/** Of the database that a snapshot is of, whether it is there or an archive. */
type Facts = Pick<
  DatabaseRecord & ArchiveRecord,
  'engine' | 'engineVersion' | 'engineDatabase' | 'user' | 'parameters'
>;

interface Origin {
  readonly found: FoundVolume;
  readonly facts: Facts;
  /** Empty: one is taken, wherever that is best. */
  readonly snapshot: string;
  readonly host: string;
  /** Of the snapshot, or of the volume that one is taken of. */
  readonly sizeBytes: number;
}

interface Wish {
  readonly databaseId: string;
  readonly requestId: string;
  readonly validateOnly: boolean;
  readonly redundancyMode: RedundancyMode;
  readonly tags: Readonly<Record<string, string>>;
}

/** What can be read of in its state. A failed one may be half of a revert; a deleted one has a final snapshot. */
const CLONED: ReadonlySet<string> = new Set(['active', 'stopped', 'starting', 'stopping', 'failing-over']);
/** While this runs the volume is a mixture. */
const REVERT = 'revert-volume';

export async function cloneDatabase(
  options: DatabaseCloneOptions,
  request: CloneDatabaseRequest,
): Promise<Operation> {
  const id = databaseIdOf('name', request.name);
  if (request.snapshotId !== '') checkSnapshotId('snapshot_id', request.snapshotId);
  return make(options, 'clone', request, RedundancyMode.REDUNDANCY_MODE_SINGLE, async () => {
    if (request.snapshotId !== '')
      return originOf(options, `${request.name}/snapshots/${request.snapshotId}`, '');
    const { value } = await options.repository.requireDatabase(id);
    const holder = value.busyWith === '' ? undefined : await options.engine.get(value.busyWith);
    if (holder?.record.type === REVERT) await checkNotBusy(options.engine, value);
    checkHasEngine(value, request.name);
    checkCanBeCloned(value);
    const found = await findVolume(options.repository, request.name);
    const { sizeBytes } = found.volume.value;
    return { found, facts: value, snapshot: '', host: '', sizeBytes };
  });
}

export function restoreSnapshot(
  options: DatabaseCloneOptions,
  request: RestoreSnapshotRequest,
): Promise<Operation> {
  return make(options, 'restore', request, RedundancyMode.REDUNDANCY_MODE_REPLICATED, () =>
    originOf(options, request.name, request.host),
  );
}

async function make(
  options: DatabaseCloneOptions,
  method: string,
  wish: Wish,
  usual: RedundancyMode,
  find: () => Promise<Origin>,
): Promise<Operation> {
  checkNewDatabaseId(wish.databaseId);
  const tags = checkTags(wish.tags);
  const copies = copiesOf(wish.redundancyMode, usual);
  return idempotently(options, method, wish, async (identity) => {
    const { repository, starter, views } = options;
    const taken = await repository.database(wish.databaseId);
    if (taken !== undefined) throw nameTaken('database_id', taken.value);
    const { found, facts, snapshot, host, sizeBytes } = await find();
    const { volume: origin } = found.volume.value;
    const port = await freePort(repository, options.enginePort);
    const { engine, engineVersion, engineDatabase, user, parameters } = facts;
    const like = { engine, sizeBytes, zones: [], copies, engineVersion, parameters, tags };
    const fresh = newDatabase(
      { id: wish.databaseId, ...like, deletionProtection: false },
      { port, nowMs: options.wallClock() },
    );
    const record = { ...fresh, engineDatabase, user };
    if (!wish.validateOnly)
      return starter.clone(record, { origin, keptSnapshot: snapshot, host, sizeBytes }, identity);
    const entry = { key: keys.database(record.id), value: record, revision: 0 };
    return packDatabase(await views.database(entry));
  });
}

function copiesOf(mode: RedundancyMode, usual: RedundancyMode): number {
  const wanted = mode === RedundancyMode.REDUNDANCY_MODE_UNSPECIFIED ? usual : mode;
  if (wanted === RedundancyMode.REDUNDANCY_MODE_SINGLE) return 1;
  if (wanted === RedundancyMode.REDUNDANCY_MODE_REPLICATED) return 2;
  throw invalidField('redundancy_mode', String(mode), 'REPLICATED, SINGLE, or nothing');
}

async function originOf(options: DatabaseCloneOptions, name: string, host: string): Promise<Origin> {
  const { found, ...kept } = await locate(options, { name, host });
  const { database, archive } = found;
  const facts = database?.value ?? archive?.value;
  checkHasEngine(facts, name);
  if (database?.value.lifecycle === 'creating')
    throw new LockstepError('FAILED_PRECONDITION', `${database.value.id} is still being created`, {
      reason: 'NOT_CREATED_YET',
      metadata: { subject: name, next: 'Wait for its create to end.' },
    });
  return { found, facts, ...kept };
}

function checkHasEngine<Value extends Facts>(facts: Value | undefined, name: string): asserts facts is Value {
  if (facts !== undefined && facts.engine !== NO_ENGINE) return;
  throw new LockstepError('FAILED_PRECONDITION', `${name} is of a volume without an engine`, {
    reason: 'NO_ENGINE',
    metadata: {
      subject: name,
      next: 'Make a volume of one of its snapshots: SnapshotService.CloneSnapshot.',
    },
  });
}

function checkCanBeCloned({ id, lifecycle, volume, finalSnapshot }: DatabaseRecord): void {
  if (CLONED.has(lifecycle)) return;
  const next =
    finalSnapshot === ''
      ? 'Wait for what goes on with it, or mend it; or clone a snapshot that it has.'
      : `Make a database of its final snapshot: RestoreSnapshot of volumes/${volume}/snapshots/${finalSnapshot}.`;
  throw new LockstepError('FAILED_PRECONDITION', `${id} is ${lifecycle}`, {
    reason: 'NOT_ACTIVE',
    metadata: { subject: `databases/${id}`, next },
  });
}
