/**
 * purge-database: what no grace time keeps any more goes for good: a deleted database whose time is over, one that was
 * never created to its end, a volume without an engine, an archive without snapshots. The alias first, so that nobody is
 * sent to what is going; the records last, since they are what a purge that was cut off is taken up from. Nothing is
 * undone: where a host cannot be reached for a moment the workflow stops. What a person asked for is then marked as
 * failed, and deleted again; what time asked for is tried again. A host that is gone is not waited for: its copy goes on
 * the list of those that are deleted once their host is heard (dropped-copies.ts).
 *
 * With a final snapshot the copies stay as they are, as an archive: the record of the database makes room for one that
 * knows what the snapshot is restored with, in one transaction.
 */
import { LockstepError } from '../../../daemon/sys/errors.ts';
import {
  type ArchiveRecord,
  type DatabaseRecord,
  type DroppedCopyRecord,
  keys,
  type VolumeRecord,
} from '../../model/records.ts';
import type { Condition, Entry, Mutation } from '../../store/store.ts';
import type { Step, StepContext, WorkflowDefinition, WorkflowOutcome } from '../workflow.ts';
import { removeDatabase } from './create-database.ts';
import { HostActions } from './host-actions.ts';
import { type DatabaseWork, describeOutcome, letGo } from './steps.ts';
import { gently, patiently, pause, type Surroundings } from './surroundings.ts';

export type PurgeState = DatabaseWork & {
  /** Empty: nothing stays. */
  readonly finalSnapshot: string;
  /** By the end of the grace time, and not by a person. */
  readonly isDue: boolean;
  /** No purge has begun before this one. Absent for what a person asked for, and in logs from before there was it. */
  readonly isWhole?: boolean;
  /** Hosts that were gone when their copies were to be deleted. Absent before that, and in logs from before there was it. */
  readonly left?: readonly string[];
} & Readonly<Record<string, unknown>>;
type Context = StepContext<PurgeState>;

const FIRST_STEP = 'withdraw-alias';
/** Reasons of requireCurrent. */
const MAY_BE_USED: ReadonlySet<string> = new Set(['RECORD_BEHIND', 'GRACE_RENEWED']);
const STEP_MS = 5 * 60_000;
const ATTEMPTS = 3;

/** What a purge of an archive works on: it has no database, and so no engine. */
export function workOnArchive(workflow: string, archive: ArchiveRecord): PurgeState {
  const { volume, engine, engineVersion, engineDatabase, user, parameters } = archive;
  const facts = { volume, engine, engineVersion, engineDatabase, user, parameters, port: 0 };
  return { workflow, database: '', ...facts, finalSnapshot: '', isDue: true };
}

export function purgeDatabase(around: Surroundings): WorkflowDefinition<PurgeState> {
  const ordinary = { deadlineMs: STEP_MS, attempts: ATTEMPTS, backoffMs: around.pace.backoffMs };
  const steps: readonly Step<PurgeState>[] = [
    {
      ...ordinary,
      name: FIRST_STEP,
      title: ({ database }) => `Withdraw the alias of ${database}`,
      async do({ state, signal }) {
        await requireCurrent(around, state, signal);
        await withdrawAlias(around, state.database);
      },
    },
    {
      ...ordinary,
      name: 'release-hosts',
      title: () => 'Stop the engine, unmount and detach on every host',
      async do(context) {
        // It was released when it was deleted; what has come to a host since goes with its replica.
        if (context.state.isDue) return;
        await onEveryHost(around, context, (hosts, host) =>
          gently(around, () => hosts.release(host, context.state, { kill: true })),
        );
      },
    },
    {
      ...ordinary,
      name: 'delete-replicas',
      title: ({ finalSnapshot }) =>
        finalSnapshot === ''
          ? 'Delete the copies of the volume'
          : `Keep the copies of the volume for the final snapshot ${finalSnapshot}`,
      async do(context) {
        if (context.state.finalSnapshot !== '') return {};
        await requireCurrent(around, context.state, context.signal);
        return { left: await onEveryHost(around, context, (hosts, host) => hosts.deleteReplica(host)) };
      },
    },
    {
      ...ordinary,
      name: 'remove-records',
      title: () => 'Remove the records',
      do: ({ state }) => removeRecords(around, state),
    },
  ];
  return {
    type: 'purge-database',
    version: 1,
    steps,
    finished: (state, outcome) => finished(around, state, outcome),
  };
}

/**
 * What time asked for is only as true as the record: a store that came back older has as deleted what may have been
 * undeleted since. A person's word is of now.
 */
async function requireCurrent(
  { repository, hosts, pace, wallClock }: Surroundings,
  { database, volume, isDue }: PurgeState,
  signal: AbortSignal,
): Promise<void> {
  if (!isDue) return;
  while (await hosts.awaitsHosts()) await pause(pace.promotionPollMs, signal);
  const record = (await repository.volume(volume))?.value;
  const why = record === undefined ? undefined : hosts.mayBeUsed(record);
  if (why !== undefined) throw new LockstepError('UNAVAILABLE', why, { reason: 'RECORD_BEHIND' });
  // Such a record was just taken over (coordinator.ts).
  const expireTimeMs = (await repository.database(database))?.value.expireTimeMs ?? 0;
  if (expireTimeMs > wallClock())
    throw new LockstepError('UNAVAILABLE', `the grace time of ${database} has begun anew`, {
      reason: 'GRACE_RENEWED',
    });
}

export async function withdrawAlias(around: Surroundings, database: string): Promise<void> {
  await around.repository.updateDatabase(database, (record) =>
    record.aliasHost === '' ? undefined : { ...record, aliasHost: '' },
  );
}

/** Answers the hosts that are gone, where nothing was done. */
async function onEveryHost(
  around: Surroundings,
  context: Context,
  act: (hosts: HostActions, host: string) => Promise<void>,
): Promise<readonly string[]> {
  const record = (await around.repository.volume(context.state.volume))?.value;
  const hosts = new HostActions(around, context, context.state.volume);
  const gone: string[] = [];
  const actOn = async (host: string): Promise<void> => {
    if (around.hosts.isGone(host)) gone.push(host);
    else await act(hosts, host);
  };
  // All of them before the first failure is told: what can be released is.
  const results = await Promise.allSettled(
    (record?.replicas ?? []).map((host) => patiently(around, context.signal, () => actOn(host))),
  );
  for (const result of results) if (result.status === 'rejected') throw result.reason;
  return gone;
}

async function removeRecords(around: Surroundings, state: PurgeState): Promise<void> {
  if (state.finalSnapshot !== '') return archive(around, state);
  await removeVolume(around, state);
  await removeDatabase(around, state);
}

/** At the revision that was read: a host refuses to delete its copy in an older generation than it knows. */
async function removeVolume({ repository }: Surroundings, { volume, left = [] }: PurgeState): Promise<void> {
  const entry = await repository.volume(volume);
  // Where it is gone this ran before, and what it put on the list may have been worked off since.
  const writes = entry === undefined ? { conditions: [], mutations: [] } : volumeWrites(entry, left);
  const result = await repository.store.transact(writes.conditions, [
    { key: keys.archive(volume), deleted: true },
    ...writes.mutations,
  ]);
  if (!result.ok)
    throw new LockstepError('ABORTED', `${result.conflict} changed meanwhile`, { reason: 'CONTENTION' });
}

function volumeWrites(
  { key, revision, value: { volume, generation } }: Entry<VolumeRecord>,
  left: readonly string[],
): { readonly conditions: readonly Condition[]; readonly mutations: readonly Mutation[] } {
  const dropped = left.map((host): DroppedCopyRecord => ({ host, volume, generation }));
  return {
    conditions: [{ key, revision }],
    mutations: [
      { key, deleted: true },
      ...dropped.map((value) => ({ key: keys.droppedCopy(value.host, volume), value })),
    ],
  };
}

async function archive(around: Surroundings, state: PurgeState): Promise<void> {
  const { repository } = around;
  const [database, volume] = await Promise.all([
    repository.database(state.database),
    repository.volume(state.volume),
  ]);
  // It was done before: nobody else lets go of the database meanwhile.
  if (database?.value.busyWith !== state.workflow || volume === undefined) return;
  await removeDatabase(around, state, {
    conditions: [{ key: volume.key, revision: volume.revision }],
    mutations: archiveWrites(database.value, volume),
  });
}

function archiveWrites(database: DatabaseRecord, volume: Entry<VolumeRecord>): readonly Mutation[] {
  const { engine, engineVersion, engineDatabase, user, parameters, deleteTimeMs, finalSnapshot } = database;
  const record: ArchiveRecord = {
    volume: database.volume,
    database: database.id,
    engine,
    engineVersion,
    engineDatabase,
    user,
    parameters,
    snapshot: finalSnapshot,
    deleteTimeMs,
    isRemoved: false,
    busyWith: '',
  };
  return [
    { key: keys.archive(database.volume), value: record },
    { key: volume.key, value: { ...volume.value, database: '' } },
  ];
}

async function finished(around: Surroundings, state: PurgeState, outcome: WorkflowOutcome): Promise<void> {
  if (outcome.kind === 'done') return;
  const failure = `the delete stopped, ${describeOutcome(outcome)}`;
  if (state.database === '') return letArchiveGo(around, state);
  const event = { reason: 'DELETE_FAILED', message: failure } as const;
  // Nothing of it is gone, or what is there may be in use: it can still be undeleted.
  if (state.isWhole === true && (outcome.step === FIRST_STEP || MAY_BE_USED.has(outcome.error.reason)))
    return letGo(around, state, () => ({ lifecycle: 'deleted' }), []);
  if (state.isDue)
    return letGo(around, state, () => ({ lifecycle: 'deleting', failure }), [
      { ...event, unlessLatest: true },
    ]);
  // It keeps its hold, so that nothing brings back what is half gone; a delete takes it over.
  await letGo(around, state, () => ({ lifecycle: 'failed', failure, busyWith: state.workflow }), [event]);
}

async function letArchiveGo({ repository }: Surroundings, { volume, workflow }: PurgeState): Promise<void> {
  const entry = await repository.archive(volume);
  if (entry?.value.busyWith !== workflow) return;
  const { key, revision, value } = entry;
  const result = await repository.store.transact(
    [{ key, revision }],
    [{ key, value: { ...value, busyWith: '' } satisfies ArchiveRecord }],
  );
  if (!result.ok)
    throw new LockstepError('ABORTED', `${result.conflict} changed meanwhile`, { reason: 'CONTENTION' });
}
