/** The control store with the records' types: reads, and changes by compare-and-set with the events they cause. */
import { LockstepError } from '../daemon/sys/errors.ts';
import type { VolumeView } from '../proto/gen/lockstep/agent/v1/agent.ts';
import type { EventReason } from './model/event-reasons.ts';
import {
  type ArchiveRecord,
  type DatabaseRecord,
  databaseRecordOf,
  type EventRecord,
  type DroppedCopyRecord,
  hostAdmin,
  type HostAdminRecord,
  type HostRecord,
  keys,
  type PhaseRecord,
  type StoredDatabase,
  type VolumeRecord,
} from './model/records.ts';
import type { Condition, ControlStore, Entry, Mutation } from './store/store.ts';

/** A change that loses the race this often has met something that writes without pause. */
const MAX_CONFLICTS = 20;
/** Events kept of one database; the oldest go. */
const MAX_EVENTS = 1000;
/** A hook that runs again does so soon: its event is among the latest. */
const DUPLICATE_WINDOW_EVENTS = 50;

export interface NewEvent {
  readonly reason: EventReason;
  readonly message: string;
  readonly generation: number;
  readonly workflow?: string;
  readonly phases?: readonly PhaseRecord[];
  /** Not again where the newest event has the same reason: what is tried over and over must not push out the rest. */
  readonly unlessLatest?: boolean;
  /** Not where the newest event has this reason: the next try of what is tried over and over. */
  readonly unlessAfter?: EventReason;
}

/** Whose events they are: a database's, by its id, or a host's. */
export type EventSubject = string | { readonly host: string };

export interface Writes {
  readonly conditions: readonly Condition[];
  readonly mutations: readonly Mutation[];
}

export class Repository {
  readonly store: ControlStore;
  readonly #wallClock: () => number;

  constructor(store: ControlStore, wallClock: () => number) {
    this.store = store;
    this.#wallClock = wallClock;
  }

  async database(id: string): Promise<Entry<DatabaseRecord> | undefined> {
    const entry = await this.store.get<StoredDatabase>(keys.database(id));
    return entry === undefined ? undefined : { ...entry, value: databaseRecordOf(entry.value) };
  }

  async requireDatabase(id: string): Promise<Entry<DatabaseRecord>> {
    const entry = await this.database(id);
    if (entry === undefined)
      throw new LockstepError('NOT_FOUND', `there is no database ${id}`, {
        reason: 'DATABASE_NOT_FOUND',
        metadata: { subject: `databases/${id}` },
      });
    return entry;
  }

  async databases(options?: { after?: string; limit?: number }): Promise<readonly Entry<DatabaseRecord>[]> {
    const entries = await this.store.list<StoredDatabase>(keys.databases, options);
    return entries.map((entry) => ({ ...entry, value: databaseRecordOf(entry.value) }));
  }

  volume(name: string): Promise<Entry<VolumeRecord> | undefined> {
    return this.store.get<VolumeRecord>(keys.volume(name));
  }

  async requireVolume(name: string): Promise<Entry<VolumeRecord>> {
    const entry = await this.volume(name);
    if (entry === undefined)
      throw new LockstepError('NOT_FOUND', `there is no record of volume ${name}`, {
        reason: 'VOLUME_NOT_FOUND',
      });
    return entry;
  }

  volumes(): Promise<readonly Entry<VolumeRecord>[]> {
    return this.store.list<VolumeRecord>(keys.volumes);
  }

  archive(volume: string): Promise<Entry<ArchiveRecord> | undefined> {
    return this.store.get<ArchiveRecord>(keys.archive(volume));
  }

  archives(): Promise<readonly Entry<ArchiveRecord>[]> {
    return this.store.list<ArchiveRecord>(keys.archives);
  }

  hostEntries(): Promise<readonly Entry<HostRecord>[]> {
    return this.store.list<HostRecord>(keys.hosts);
  }

  async hosts(): Promise<ReadonlyMap<string, HostRecord>> {
    const entries = await this.hostEntries();
    return new Map(entries.map((entry) => [entry.value.host, entry.value]));
  }

  hostAdmins(): Promise<readonly Entry<HostAdminRecord>[]> {
    return this.store.list<HostAdminRecord>(keys.hostAdmins);
  }

  /** What people decided about it; revision 0: nothing yet. */
  async hostAdmin(host: string): Promise<Entry<HostAdminRecord>> {
    const key = keys.hostAdmin(host);
    return (await this.store.get<HostAdminRecord>(key)) ?? { key, value: hostAdmin(host), revision: 0 };
  }

  /** Copies to be deleted that no volume's record names any more. */
  droppedCopies(): Promise<readonly Entry<DroppedCopyRecord>[]> {
    return this.store.list<DroppedCopyRecord>(keys.droppedCopies);
  }

  host(name: string): Promise<Entry<HostRecord> | undefined> {
    return this.store.get<HostRecord>(keys.host(name));
  }

  /** Applies `change` to the record as it is at that instant; undefined from it means that there is nothing to do. */
  updateDatabase(
    id: string,
    change: (record: DatabaseRecord) => DatabaseRecord | undefined,
    events: readonly NewEvent[] = [],
  ): Promise<DatabaseRecord | undefined> {
    const read = (stored: StoredDatabase): DatabaseRecord | undefined => change(databaseRecordOf(stored));
    return this.#update<StoredDatabase, DatabaseRecord>(keys.database(id), read, {
      database: () => id,
      events: () => events,
    });
  }

  updateVolume(
    volume: string,
    change: (record: VolumeRecord) => VolumeRecord | undefined,
    events: (next: VolumeRecord) => readonly NewEvent[] = () => [],
  ): Promise<VolumeRecord | undefined> {
    return this.#update(keys.volume(volume), change, {
      database: (record: VolumeRecord) => record.database,
      events,
    });
  }

  async #update<Stored, Value extends Stored>(
    key: string,
    change: (record: Stored) => Value | undefined,
    log: { database: (next: Value) => string; events: (next: Value) => readonly NewEvent[] },
  ): Promise<Value | undefined> {
    for (let conflicts = 0; conflicts < MAX_CONFLICTS; conflicts++) {
      const entry = await this.store.get<Stored>(key);
      const next = entry === undefined ? undefined : change(entry.value);
      if (entry === undefined || next === undefined) return undefined;
      const writes = await this.eventWrites(log.database(next), log.events(next));
      const result = await this.store.transact(
        [{ key, revision: entry.revision }, ...writes.conditions],
        [{ key, value: next }, ...writes.mutations],
      );
      if (result.ok) return next;
    }
    throw new LockstepError('ABORTED', `${key} changes all the time`, { reason: 'CONTENTION' });
  }

  /** What to add to a transaction so that these events are written with it. Of no database there are none. */
  async eventWrites(subject: EventSubject, events: readonly NewEvent[]): Promise<Writes> {
    if (events.length === 0 || subject === '') return { conditions: [], mutations: [] };
    const { list, keyOf } = eventKeysOf(subject);
    const latest = await this.store.list<EventRecord>(list, {
      reverse: true,
      limit: DUPLICATE_WINDOW_EVENTS,
    });
    const isWanted = (event: NewEvent): boolean =>
      !sinceRetry(latest, event).some((entry) => isSameEvent(entry.value, event)) &&
      !(event.unlessLatest === true && latest[0]?.value.reason === event.reason) &&
      (event.unlessAfter === undefined || latest[0]?.value.reason !== event.unlessAfter);
    const wanted = events.filter(isWanted);
    const first = latest[0] === undefined ? 0 : sequenceOf(latest[0].key) + 1;
    return {
      conditions: wanted.map((_, index) => ({
        key: keyOf(first + index),
        absent: true as const,
      })),
      mutations: wanted.flatMap((event, index) => [
        { key: keyOf(first + index), value: this.#record(event) },
        ...(first + index >= MAX_EVENTS
          ? [{ key: keyOf(first + index - MAX_EVENTS), deleted: true as const }]
          : []),
      ]),
    };
  }

  #record(event: NewEvent): EventRecord {
    const { reason, message, generation, workflow = '', phases = [] } = event;
    return { timeMs: this.#wallClock(), reason, message, generation, workflow, phases };
  }
}

function eventKeysOf(subject: EventSubject): {
  readonly list: string;
  readonly keyOf: (sequence: number) => string;
} {
  if (typeof subject === 'string')
    return { list: keys.events(subject), keyOf: (sequence) => keys.event(subject, sequence) };
  const { host } = subject;
  return { list: keys.hostEvents(host), keyOf: (sequence) => keys.hostEvent(host, sequence) };
}

/** That it is as it was read; revision 0: it was not there. */
export const conditionOf = ({ key, revision }: Entry): Condition =>
  revision === 0 ? { key, absent: true } : { key, revision };

export const sequenceOf = (eventKey: string): number => Number(eventKey.slice(eventKey.lastIndexOf('/') + 1));

/** What a workflow that was tried again says of its end is news, also where it says the same as before. */
function sinceRetry(
  newestFirst: readonly Entry<EventRecord>[],
  { workflow }: NewEvent,
): readonly Entry<EventRecord>[] {
  const retried = newestFirst.findIndex(
    ({ value }) => value.reason === 'WORKFLOW_RETRIED' && value.workflow === workflow,
  );
  return retried === -1 ? newestFirst : newestFirst.slice(0, retried);
}

function isSameEvent(record: EventRecord, event: NewEvent): boolean {
  return event.workflow !== undefined && record.workflow === event.workflow && record.reason === event.reason;
}

/** The record as hosts need it. A host that has no record yet has no address; its peers connect when it has. */
export function viewOf(record: VolumeRecord, hosts: ReadonlyMap<string, HostRecord>): VolumeView {
  return {
    volume: record.volume,
    sizeBytes: BigInt(record.sizeBytes),
    generation: BigInt(record.generation),
    primary: record.primary,
    inSync: [...record.inSync],
    replicas: record.replicas.flatMap((name) => {
      const host = hosts.get(name);
      if (host === undefined) return [];
      return [{ host: name, zone: host.zone, address: host.address, replicationPort: host.replicationPort }];
    }),
  };
}
