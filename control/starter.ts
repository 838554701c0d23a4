/**
 * Starts workflows on databases. The database's record names the workflow that holds it, and both are written in one
 * transaction: never two at once, and never a hold without a workflow.
 */
import { randomBytes } from 'node:crypto';
import type { ArchiveRecord, DatabaseRecord, RequestRecord, VolumeRecord } from './model/records.ts';
import { keys } from './model/records.ts';
import { NO_ENGINE } from './model/engines.ts';
import { renameWrites } from './rename.ts';
import type { NewEvent, Repository, Writes } from './repository.ts';
import type { Condition, Entry, Mutation } from './store/store.ts';
import type { CloneState } from './workflow/definitions/clone-database.ts';
import { type CreateState, createType } from './workflow/definitions/create-database.ts';
import type { DeleteState } from './workflow/definitions/delete-database.ts';
import { type FailoverMode, failoverState } from './workflow/definitions/failover-state.ts';
import { type PurgeState, workOnArchive } from './workflow/definitions/purge-database.ts';
import { workOn } from './workflow/definitions/steps.ts';
import type { UndeleteState } from './workflow/definitions/undelete-database.ts';
import type { StartResult, WorkflowEngine } from './workflow/executor.ts';
import type { WorkflowDefinition, WorkflowState } from './workflow/workflow.ts';

type WorkflowType = WorkflowDefinition<WorkflowState>['type'];

/** What makes a repeated request answer the same workflow; undefined where the caller gave no id. */
export interface RequestIdentity {
  readonly id: string;
  readonly fingerprint: string;
}

export interface FailoverDecision {
  readonly to: string;
  readonly why: string;
  readonly mode: FailoverMode;
  readonly lastHeardMs: number;
  readonly decidedAtMs: number;
}

const SUFFIX_BYTES = 4;

export class Starter {
  readonly #engine: WorkflowEngine;
  readonly #repository: Repository;

  constructor(engine: WorkflowEngine, repository: Repository) {
    this.#engine = engine;
    this.#repository = repository;
  }

  create(
    database: DatabaseRecord,
    zones: readonly string[],
    request: RequestIdentity | undefined,
  ): Promise<StartResult> {
    const type = createType(database.engine, database.copies);
    const id = newId('create', database.id);
    const record: DatabaseRecord = { ...database, busyWith: id };
    const unknown = {
      primary: '',
      primaryZone: '',
      secondary: '',
      secondaryZone: '',
      snapshot: '',
    };
    const { sizeBytes, copies } = record;
    const state: CreateState = { ...workOn(id, record), sizeBytes, copies, zones, ...unknown };
    return this.#start(type, id, record.id, state, {
      ...newRecordWrites(record),
      events: [{ reason: 'CREATE_STARTED', message: 'a person asked for it', generation: 0 }],
      request,
    });
  }

  /** Of a volume that `database` begins as; the snapshot is kept by `host`, or taken for this where it is empty. */
  clone(
    database: DatabaseRecord,
    from: Pick<CloneState, 'origin' | 'keptSnapshot' | 'host' | 'sizeBytes'>,
    request: RequestIdentity | undefined,
  ): Promise<StartResult> {
    const id = newId('clone', database.id);
    const record: DatabaseRecord = { ...database, busyWith: id };
    const state: CloneState = { ...workOn(id, record), ...from, snapshot: from.keptSnapshot };
    const type = record.engine === NO_ENGINE ? 'clone-volume' : 'clone-database';
    const writes = newRecordWrites(record);
    const of = from.keptSnapshot === '' ? from.origin : `${from.origin}@${from.keptSnapshot}`;
    return this.#start(type, id, record.id, state, {
      ...writes,
      events: [{ reason: 'CLONE_STARTED', message: `a person asked for it, of ${of}`, generation: 0 }],
      request,
    });
  }

  /** Softly: its copies stay for `graceMs`, and the final snapshot, if it has a name, longer. */
  delete(
    entry: Entry<DatabaseRecord>,
    end: { readonly primary: string; readonly finalSnapshot: string; readonly graceMs: number },
    request: RequestIdentity | undefined,
  ): Promise<StartResult> {
    const id = newId('delete', entry.value.id);
    const wasStopped = entry.value.lifecycle === 'stopped';
    const state: DeleteState = { ...workOn(id, entry.value), ...end, wasStopped, snapshotHosts: [] };
    return this.hold('delete-database', id, entry, state, {
      lifecycle: 'deleting',
      events: [{ reason: 'DELETE_STARTED', message: 'a person asked for it', generation: 0 }],
      request,
    });
  }

  undelete(
    entry: Entry<DatabaseRecord>,
    volume: Entry<VolumeRecord>,
    request: RequestIdentity | undefined,
  ): Promise<StartResult> {
    const id = newId('undelete', entry.value.id);
    const { primary, generation } = volume.value;
    const { finalSnapshot, deleteTimeMs, expireTimeMs } = entry.value;
    const ends = { finalSnapshot, deleteTimeMs, expireTimeMs };
    const state: UndeleteState = { ...workOn(id, entry.value), primary, generation, ...ends };
    return this.hold('undelete-database', id, entry, state, {
      lifecycle: 'starting',
      conditions: [{ key: volume.key, revision: volume.revision }],
      events: [{ reason: 'UNDELETE_STARTED', message: 'a person asked for it', generation: 0 }],
      request,
    });
  }

  /**
   * For good, with all copies: one that was never created to its end, or has no engine, or was given up in words.
   * `finalSnapshot`: that stays all the same; empty: none.
   */
  remove(
    entry: Entry<DatabaseRecord>,
    finalSnapshot: string,
    request: RequestIdentity | undefined,
  ): Promise<StartResult> {
    const id = newId('delete', entry.value.id);
    const state: PurgeState = { ...workOn(id, entry.value), finalSnapshot, isDue: false };
    return this.hold('purge-database', id, entry, state, {
      lifecycle: 'deleting',
      events: [{ reason: 'DELETE_STARTED', message: 'a person asked for it', generation: 0 }],
      request,
    });
  }

  /** Of a deleted database whose grace time is over. */
  purge(entry: Entry<DatabaseRecord>): Promise<StartResult> {
    const id = newId('purge', entry.value.id);
    const { finalSnapshot, lifecycle } = entry.value;
    const isWhole = lifecycle === 'deleted';
    const state: PurgeState = { ...workOn(id, entry.value), finalSnapshot, isDue: true, isWhole };
    return this.hold('purge-database', id, entry, state, { lifecycle: 'deleting' });
  }

  /** Of an archive without snapshots. */
  purgeArchive({ key, revision, value }: Entry<ArchiveRecord>): Promise<StartResult> {
    const id = newId('purge', value.volume);
    const held: ArchiveRecord = { ...value, busyWith: id };
    return this.#engine.start('purge-database', `volumes/${value.volume}`, workOnArchive(id, value), {
      id,
      conditions: [{ key, revision }],
      mutations: [{ key, value: held }],
    });
  }

  failover(
    entry: Entry<DatabaseRecord>,
    volume: Entry<VolumeRecord>,
    decision: FailoverDecision,
    request?: RequestIdentity,
    id = newId('failover', entry.value.id),
  ): Promise<StartResult> {
    const { generation, primary } = volume.value;
    const { why: message, mode } = decision;
    const state = failoverState(workOn(id, entry.value), {
      ...decision,
      from: primary,
      fromGeneration: generation,
    });
    const lost: NewEvent = { reason: 'PRIMARY_LOST', message, generation };
    const reason = mode === 'switchover' ? 'SWITCHOVER_STARTED' : 'FAILOVER_STARTED';
    return this.hold('failover', id, entry, state, {
      lifecycle: 'failing-over',
      conditions: [{ key: volume.key, revision: volume.revision }],
      events: [
        ...(mode === 'monitor' ? [lost] : []),
        { reason, message: `from ${primary} to ${decision.to}: ${message}`, generation },
      ],
      request,
    });
  }

  reseed(
    entry: Entry<DatabaseRecord>,
    volume: Entry<VolumeRecord>,
    copy: { readonly source: string; readonly target: string; readonly why: string; readonly anew?: boolean },
    request?: RequestIdentity,
  ): Promise<StartResult> {
    const id = newId('reseed', entry.value.id);
    const { generation } = volume.value;
    const { source, target, why, anew = false } = copy;
    return this.hold(
      'reseed',
      id,
      entry,
      { ...workOn(id, entry.value), source, target, why, anew, snapshot: '' },
      {
        request,
        conditions: [{ key: volume.key, revision: volume.revision }],
        events: [{ reason: 'RESEED_STARTED', message: copy.why, generation, unlessAfter: 'RESEED_FAILED' }],
      },
    );
  }

  revert(
    entry: Entry<DatabaseRecord>,
    volume: Entry<VolumeRecord>,
    to: { readonly host: string; readonly snapshot: string },
    request: RequestIdentity | undefined,
  ): Promise<StartResult> {
    const id = newId('revert', entry.value.id);
    const message = `a person asked for it, back to snapshot ${to.snapshot} on ${to.host}`;
    const { generation } = volume.value;
    return this.hold(
      'revert-volume',
      id,
      entry,
      { ...workOn(id, entry.value), primary: to.host, snapshot: to.snapshot, changedBytes: 0 },
      {
        conditions: [{ key: volume.key, revision: volume.revision }],
        events: [{ reason: 'REVERT_STARTED', message, generation }],
        request,
      },
    );
  }

  recoverPrimary(
    entry: Entry<DatabaseRecord>,
    volume: Entry<VolumeRecord>,
    why: string,
  ): Promise<StartResult> {
    const id = newId('recover', entry.value.id);
    const state = { ...workOn(id, entry.value), primary: volume.value.primary, why };
    return this.hold('recover-primary', id, entry, state, {
      conditions: [{ key: volume.key, revision: volume.revision }],
    });
  }

  /** Any other workflow on a database; `more`: what it knows beside the database itself. */
  work(
    type: WorkflowType,
    entry: Entry<DatabaseRecord>,
    more: WorkflowState,
    also: HoldExtras,
  ): Promise<StartResult> {
    const id = newId(type.replace('-database', ''), entry.value.id);
    return this.hold(type, id, entry, { ...workOn(id, entry.value), ...more }, also);
  }

  /** The target is the new name from the beginning: the records move in this very transaction. */
  async rename(
    entry: Entry<DatabaseRecord>,
    volume: Entry<VolumeRecord>,
    to: string,
    request: RequestIdentity | undefined,
  ): Promise<StartResult> {
    const id = newId('rename', entry.value.id);
    const record: DatabaseRecord = { ...entry.value, id: to, busyWith: id };
    const state = { ...workOn(id, record), from: entry.value.id };
    const writes = await renameWrites(this.#repository, entry, volume, record);
    return this.#start('rename-database', id, to, state, { ...writes, request });
  }

  /** The database's record names the workflow from the same transaction on. For starts that have a file of their own. */
  hold(
    type: WorkflowType,
    id: string,
    entry: Entry<DatabaseRecord>,
    state: WorkflowState,
    also: HoldExtras,
  ): Promise<StartResult> {
    const lifecycle = also.lifecycle ?? entry.value.lifecycle;
    const record: DatabaseRecord = { ...entry.value, busyWith: id, lifecycle };
    return this.#start(type, id, record.id, state, {
      ...also,
      conditions: [{ key: entry.key, revision: entry.revision }, ...(also.conditions ?? [])],
      mutations: [{ key: entry.key, value: record }],
    });
  }

  async #start(
    type: WorkflowType,
    id: string,
    database: string,
    state: WorkflowState,
    extras: StartExtras & { readonly mutations: readonly Mutation[] },
  ): Promise<StartResult> {
    const events = (extras.events ?? []).map((event) => ({ ...event, workflow: id }));
    const eventWrites = await this.#repository.eventWrites(database, events);
    const requested = requestWrites(extras.request, id);
    return this.#engine.start(type, `databases/${database}`, state, {
      id,
      conditions: [...(extras.conditions ?? []), ...eventWrites.conditions, ...requested.conditions],
      mutations: [...extras.mutations, ...eventWrites.mutations, ...requested.mutations],
    });
  }
}

export interface StartExtras {
  readonly conditions?: readonly Condition[];
  readonly events?: readonly NewEvent[];
  readonly request?: RequestIdentity | undefined;
}

interface HoldExtras extends StartExtras {
  /** Default: as it is. */
  readonly lifecycle?: DatabaseRecord['lifecycle'];
}

function newRecordWrites(record: DatabaseRecord): Writes {
  const key = keys.database(record.id);
  const port = keys.port(record.port);
  // Without an engine nothing listens: then there is no port to be held.
  const holdsPort = record.port !== 0;
  return {
    conditions: [{ key, absent: true }, ...(holdsPort ? [{ key: port, absent: true as const }] : [])],
    mutations: [
      { key, value: record },
      ...(holdsPort ? [{ key: port, value: { database: record.id } }] : []),
    ],
  };
}

export function requestWrites(request: RequestIdentity | undefined, workflow: string): Writes {
  if (request === undefined) return { conditions: [], mutations: [] };
  const key = keys.request(request.id);
  const value: RequestRecord = { workflow, fingerprint: request.fingerprint };
  return { conditions: [{ key, absent: true }], mutations: [{ key, value }] };
}

/** For people who read logs and lists: what it does, and to whom. */
export function newId(verb: string, database: string): string {
  return `${verb}-${database}-${randomBytes(SUFFIX_BYTES).toString('hex')}`;
}
