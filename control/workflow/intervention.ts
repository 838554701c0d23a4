/**
 * What a person does about a workflow that waits for one: has it go on, or ends it as it is.
 *
 * A stuck workflow lets go of its database or keeps it, as its definition has it; one that goes on must hold it again,
 * so entry, hold and event are one transaction. A workflow whose log nobody can read has no definition to ask: to end it,
 * whatever database names it as its holder is let go.
 */
import { invalidField, LockstepError } from '../../daemon/sys/errors.ts';
import {
  type DatabaseRecord,
  databaseRecordOf,
  type HostAdminRecord,
  keys,
  type StoredDatabase,
} from '../model/records.ts';
import { abandonCommand, nextOfHalted, reasonOf } from '../model/workflow-view.ts';
import type { NewEvent, Repository } from '../repository.ts';
import type { Condition, Entry, Mutation } from '../store/store.ts';
import { UNREADABLE_TYPE, type WorkflowEngine } from './executor.ts';
import { afterAbandon } from './half-done.ts';
import { nextLogKey } from './log.ts';
import { overtakerOf, workflowEntries } from './overtaken.ts';
import type { WorkflowSnapshot } from './snapshot.ts';
import type { LogEntry, WorkflowRecord } from './workflow.ts';

export interface InterventionParts {
  readonly repository: Repository;
  readonly engine: WorkflowEngine;
  readonly wallClock: () => number;
}

/** Somebody else wrote at the same moment; it is looked at again. */
const MAX_CONFLICTS = 20;
interface Writes {
  readonly conditions: readonly Condition[];
  readonly mutations: readonly Mutation[];
}

/** Answers it as it then is. One that runs, since the answer to the request before was lost perhaps, is left running. */
export async function retryWorkflow(parts: InterventionParts, id: string): Promise<WorkflowSnapshot> {
  return untilWritten(parts, id, async (snapshot) => {
    const { record, standing } = snapshot;
    if (standing.kind === 'running') return undefined;
    if (standing.kind === 'halted') {
      if (standing.remedy !== 'retry') throw cannotGoOn(record, standing.reason, standing.remedy);
      return parts.engine.takeUp(record);
    }
    if (standing.outcome.kind !== 'stuck') throw hasEnded(record, standing.outcome.kind);
    const refusal = parts.engine.refusalOf(record);
    if (refusal !== undefined) throw cannotGoOn(record, refusal, 'version');
    const hold = await holdAgain(parts, record);
    const entry = await entryWrites(parts, record, { kind: 'retried', timeMs: parts.wallClock() });
    return parts.engine.takeUp(record, joined(entry, hold));
  });
}

/** Answers it as it then is. One that a person has ended already is answered as it is. */
export async function abandonWorkflow(
  parts: InterventionParts,
  id: string,
  { acceptHalfDone }: { readonly acceptHalfDone: boolean },
): Promise<WorkflowSnapshot> {
  if (!acceptHalfDone)
    throw invalidField('accept_half_done', 'false', 'true: what it did stays half done, and is not undone');
  return untilWritten(parts, id, async (snapshot) => {
    const { record, standing } = snapshot;
    if (standing.kind === 'running')
      throw new LockstepError(
        'FAILED_PRECONDITION',
        `operations/${id} runs; it ends by itself, or gets stuck`,
        {
          reason: 'WORKFLOW_RUNS',
          metadata: { subject: `workflows/${id}`, next: `wait for it: lockstep operation watch ${id}` },
        },
      );
    if (standing.kind === 'finished' && standing.outcome.kind === 'abandoned') return undefined;
    if (standing.kind === 'finished' && standing.outcome.kind !== 'stuck')
      throw hasEnded(record, standing.outcome.kind);
    const reason = reasonOf(snapshot);
    const entry = await entryWrites(parts, record, { kind: 'abandoned', timeMs: parts.wallClock(), reason });
    const writes = joined(entry, joined(await letGo(parts, record, reason), await disown(parts, record)));
    return parts.repository.store.transact(writes.conditions, writes.mutations);
  });
}

async function untilWritten(
  { engine }: InterventionParts,
  id: string,
  write: (snapshot: WorkflowSnapshot) => Promise<{ readonly ok: boolean } | undefined>,
): Promise<WorkflowSnapshot> {
  for (let conflicts = 0; conflicts < MAX_CONFLICTS; conflicts++) {
    const result = await write(await requireWorkflow(engine, id));
    if (result === undefined || result.ok) return requireWorkflow(engine, id);
  }
  throw new LockstepError('ABORTED', `workflow ${id} changes all the time`, { reason: 'CONTENTION' });
}

export async function requireWorkflow(engine: WorkflowEngine, id: string): Promise<WorkflowSnapshot> {
  const snapshot = await engine.get(id);
  if (snapshot !== undefined) return snapshot;
  throw new LockstepError('NOT_FOUND', `there is no workflow ${id}`, {
    reason: 'WORKFLOW_NOT_FOUND',
    metadata: {
      subject: `workflows/${id}`,
      next: 'ListWorkflows shows what there is: lockstep workflow list',
    },
  });
}

async function entryWrites(
  { repository }: InterventionParts,
  { id }: WorkflowRecord,
  entry: LogEntry,
): Promise<Writes> {
  const key = await nextLogKey(repository.store, id);
  return { conditions: [{ key, absent: true }], mutations: [{ key, value: entry }] };
}

const NOTHING: Writes = { conditions: [], mutations: [] };

/** What an undo works on has to be there, and held by nobody else. */
async function holdAgain(parts: InterventionParts, record: WorkflowRecord): Promise<Writes> {
  const host = nameIn('hosts', record.target);
  if (host !== undefined) return holdHostAgain(parts, record, host);
  const name = nameIn('databases', record.target);
  if (name === undefined) return NOTHING;
  const { volume } = record.initialState;
  // A volume's name is never given twice, whereas a database may have another one by now.
  const entry =
    typeof volume === 'string'
      ? (await parts.repository.databases()).find(({ value }) => value.volume === volume)
      : await parts.repository.database(name);
  if (entry === undefined)
    throw new LockstepError('FAILED_PRECONDITION', `${record.target} that it worked on is gone`, {
      reason: 'TARGET_GONE',
      metadata: { subject: `workflows/${record.id}`, next: abandonCommand(record.id) },
    });
  checkHold(record, entry.value.busyWith, 'DATABASE_BUSY');
  if (entry.value.busyWith === '') await checkNotOvertaken(parts, record);
  const message = `a person has ${record.type} undo what it could not undo before`;
  const event = { reason: 'WORKFLOW_RETRIED', message, workflow: record.id } as const;
  return databaseWrites(parts, entry, { busyWith: record.id }, event);
}

async function holdHostAgain(
  { repository }: InterventionParts,
  record: WorkflowRecord,
  host: string,
): Promise<Writes> {
  const entry = await repository.store.get<HostAdminRecord>(keys.hostAdmin(host));
  if (entry === undefined) return NOTHING;
  checkHold(record, entry.value.busyWith, 'HOST_BUSY');
  return rewritten(entry, { busyWith: record.id });
}

async function checkNotOvertaken(
  { repository: { store } }: InterventionParts,
  record: WorkflowRecord,
): Promise<void> {
  const { id, target } = record;
  const later = await overtakerOf(store, record, await workflowEntries(store));
  if (later === undefined) return;
  throw new LockstepError(
    'FAILED_PRECONDITION',
    `operations/${later.id} has worked on ${target} since operations/${id} got stuck and let go of it`,
    {
      reason: 'WORKFLOW_OVERTAKEN',
      metadata: { subject: `workflows/${id}`, next: abandonCommand(id) },
    },
  );
}

function checkHold({ id, target }: WorkflowRecord, busyWith: string, reason: string): void {
  if (busyWith === '' || busyWith === id) return;
  throw new LockstepError('ABORTED', `operations/${busyWith} holds ${target}`, {
    reason,
    metadata: { subject: target, operation: `operations/${busyWith}` },
  });
}

const rewritten = <Value>({ key, revision, value }: Entry<Value>, change: Partial<Value>): Writes => ({
  conditions: [{ key, revision }],
  mutations: [{ key, value: { ...value, ...change } }],
});

/** Databases, hosts and archives that name it as their holder, whichever its record says. */
async function letGo(parts: InterventionParts, record: WorkflowRecord, reason: string): Promise<Writes> {
  const hosts = await parts.repository.store.list<HostAdminRecord>(keys.hostAdmins);
  const archives = await parts.repository.archives();
  const free = <Value extends { readonly busyWith: string }>(entries: readonly Entry<Value>[]): Writes =>
    entries
      .filter((entry) => entry.value.busyWith === record.id)
      .map((entry) => rewritten<{ readonly busyWith: string }>(entry, { busyWith: '' }))
      .reduce(joined, NOTHING);
  // A purge of an archive is begun again by itself.
  let writes = joined(free(hosts), free(archives));
  for (const entry of await holdersOf(parts.repository, record.id)) {
    const failure = `operations/${record.id} (${record.type}) was ended half done: ${reason}`;
    const event = { reason: 'WORKFLOW_ABANDONED', message: failure, workflow: record.id } as const;
    const change = afterAbandon(entry.value, record, failure);
    writes = joined(writes, await databaseWrites(parts, entry, change, event));
  }
  return writes;
}

async function databaseWrites(
  { repository }: InterventionParts,
  entry: Entry<DatabaseRecord>,
  change: Partial<DatabaseRecord>,
  event: Omit<NewEvent, 'generation'>,
): Promise<Writes> {
  const { id, volume } = entry.value;
  const generation = (await repository.volume(volume))?.value.generation ?? 0;
  return joined(rewritten(entry, change), await repository.eventWrites(id, [{ ...event, generation }]));
}

/** Its owner gave it up, or it has none; a record that cannot be read is replaced by one that says so. */
async function disown({ engine }: InterventionParts, record: WorkflowRecord): Promise<Writes> {
  const owner = await engine.ownerOf(record.id);
  const key = keys.workflowOwner(record.id);
  const unreadable = record.type === UNREADABLE_TYPE;
  return {
    conditions: [owner === undefined ? { key, absent: true } : { key, revision: owner.revision }],
    mutations: [
      ...(owner === undefined ? [] : [{ key, deleted: true as const }]),
      ...(unreadable ? [{ key: keys.workflow(record.id), value: record }] : []),
    ],
  };
}

async function holdersOf({ store }: Repository, workflow: string): Promise<readonly Entry<DatabaseRecord>[]> {
  const entries = await store.list<StoredDatabase>(keys.databases);
  return entries
    .filter((entry) => entry.value.busyWith === workflow)
    .map((entry) => ({ ...entry, value: databaseRecordOf(entry.value) }));
}

const joined = (a: Writes, b: Writes): Writes => ({
  conditions: [...a.conditions, ...b.conditions],
  mutations: [...a.mutations, ...b.mutations],
});

const nameIn = (kind: 'databases' | 'hosts', target: string): string | undefined =>
  target.startsWith(`${kind}/`) ? target.slice(kind.length + 1) : undefined;

function hasEnded({ id }: WorkflowRecord, outcome: string): LockstepError {
  return new LockstepError('FAILED_PRECONDITION', `operations/${id} has ended: it is ${outcome}`, {
    reason: 'WORKFLOW_ENDED',
    metadata: { subject: `workflows/${id}`, next: 'ask for what it was to do again' },
  });
}

function cannotGoOn({ id }: WorkflowRecord, why: string, remedy: 'version' | 'abandon'): LockstepError {
  return new LockstepError('FAILED_PRECONDITION', `operations/${id} cannot go on: ${why}`, {
    reason: 'WORKFLOW_CANNOT_GO_ON',
    metadata: { subject: `workflows/${id}`, next: nextOfHalted(id, remedy) },
  });
}
