/**
 * The records of the control store, and their keys. A record is written whole; the store's revision guards it.
 */
import type { EventReason } from './event-reasons.ts';

export interface HostRecord {
  readonly host: string;
  /** Empty for a host that only takes part in control. */
  readonly zone: string;
  readonly address: string;
  readonly agentPort: number;
  readonly replicationPort: number;
  readonly metricsPort: number;
  /** Absent: it has not told, as a control host never does. */
  readonly nbd?: NbdFacts;
  readonly roles: readonly string[];
  readonly capacityBytes: number;
  readonly version: string;
}

/** What people decided about a host, apart from what it reports. Absent: nothing yet. */
export interface HostAdminRecord {
  readonly host: string;
  /** Its daemon must report this zone; empty: any. */
  readonly zone: string;
  /** Its daemon must report this address; empty: any. */
  readonly address: string;
  /** Milliseconds since 1970; 0: it was never registered, its daemon reported by itself. */
  readonly registerTimeMs: number;
  /** No new copy is placed on it. */
  readonly cordoned: boolean;
  readonly cordonReason: string;
  /** Its heartbeats are refused until it is registered again. */
  readonly removed: boolean;
  /** Workflow that drains it; empty when none. */
  readonly busyWith: string;
}

export const hostAdmin = (host: string): HostAdminRecord => ({
  host,
  zone: '',
  address: '',
  registerTimeMs: 0,
  cordoned: false,
  cordonReason: '',
  removed: false,
  busyWith: '',
});

/** That a host fell silent was written down as an event; removed when it is heard again. */
export interface HostLostRecord {
  readonly host: string;
  readonly timeMs: number;
}

/** A copy that its volume's record names no more, and that is to be deleted on its host once that can be reached. */
export interface DroppedCopyRecord {
  readonly host: string;
  readonly volume: string;
  /** The first that goes without it. */
  readonly generation: number;
  /** Who stayed in the set. Absent where it was not in it: what it has is of no use to anybody. */
  readonly kept?: readonly string[];
}

/** A snapshot that was taken for a copy, on a host that was gone when it was to be deleted. */
export interface LeftSnapshotRecord {
  readonly host: string;
  readonly volume: string;
  readonly snapshot: string;
}

/** Where a host serves its volumes. */
export interface NbdFacts {
  /** TCP, on the host's address. */
  readonly port: number;
  /** Path of the Unix socket on that host. */
  readonly socket: string;
  /** Over TCP: off, allowed, required. */
  readonly tls: string;
}

/** A volume's membership. `generation` is raised by one at every change of primary or of the in-sync set. */
export interface VolumeRecord {
  readonly volume: string;
  readonly database: string;
  readonly sizeBytes: number;
  readonly generation: number;
  readonly primary: string;
  readonly inSync: readonly string[];
  /** Every host that has, or is to have, a copy. */
  readonly replicas: readonly string[];
  /** The last that was taken when its database was deleted, and the hosts that took it. Absent: none, or it is not known. */
  readonly finalSnapshot?: { readonly name: string; readonly hosts: readonly string[] };
}

export type DatabaseLifecycle =
  | 'creating'
  | 'active'
  | 'failing-over'
  | 'stopping'
  | 'stopped'
  | 'starting'
  | 'deleting'
  /** Its copies are kept, without an engine, until `expireTimeMs`. */
  | 'deleted'
  | 'failed';

export interface DatabaseRecord {
  /** A DNS label. */
  readonly id: string;
  readonly uid: string;
  readonly createTimeMs: number;
  readonly engine: string;
  readonly engineVersion: string;
  readonly sizeBytes: number;
  readonly lifecycle: DatabaseLifecycle;
  /** Why lifecycle is `failed`, or empty. */
  readonly failure: string;
  readonly volume: string;
  readonly port: number;
  readonly user: string;
  /** The generated password until it is claimed, then empty. */
  readonly unclaimedPassword: string;
  /** Of a reset that is under way: generated, and perhaps not yet the engine's; else empty. */
  readonly nextPassword: string;
  /** Workflow that holds this database; empty when none. One at a time. */
  readonly busyWith: string;
  /** The host whose address the alias answers, and the generation that this was decided in; empty before. */
  readonly aliasHost: string;
  readonly aliasGeneration: number;
  /** Name of the first database in the engine: the first name that the resource had. */
  readonly engineDatabase: string;
  /** Of the engine, as a person set them. */
  readonly parameters: Readonly<Record<string, string>>;
  /** Parameters that the running engine does not have yet. */
  readonly pendingRestart: readonly string[];
  readonly tags: Readonly<Record<string, string>>;
  readonly deletionProtection: boolean;
  /** How many copies were asked for: 1 or 2. */
  readonly copies: number;
  /** Milliseconds since 1970; 0: it is not deleted. */
  readonly deleteTimeMs: number;
  readonly expireTimeMs: number;
  /** Name of the snapshot that stays when a deleted database is gone; empty: none. */
  readonly finalSnapshot: string;
}

/** What a record that was written before there was such a field is taken to say. */
const ADDED_LATER = {
  nextPassword: '',
  parameters: {},
  pendingRestart: [],
  tags: {},
  deletionProtection: false,
  copies: 2,
  deleteTimeMs: 0,
  expireTimeMs: 0,
  finalSnapshot: '',
} as const;

type AddedLater = keyof typeof ADDED_LATER | 'engineDatabase';

export type StoredDatabase = Omit<DatabaseRecord, AddedLater> & Partial<Pick<DatabaseRecord, AddedLater>>;

export function databaseRecordOf(stored: StoredDatabase): DatabaseRecord {
  return { ...ADDED_LATER, engineDatabase: stored.id, ...stored };
}

/**
 * A volume whose database is gone and whose final snapshot was to stay: what it takes to make a database of that again.
 * The volume's record names no database then.
 */
export interface ArchiveRecord {
  readonly volume: string;
  /** The name that the database had; another one may have it by now. */
  readonly database: string;
  readonly engine: string;
  readonly engineVersion: string;
  readonly engineDatabase: string;
  readonly user: string;
  readonly parameters: Readonly<Record<string, string>>;
  /** The final snapshot. */
  readonly snapshot: string;
  /** Milliseconds since 1970. */
  readonly deleteTimeMs: number;
  /** Its last snapshot was deleted: the volume is to go too. */
  readonly isRemoved: boolean;
  /** The workflow that removes it; empty when none. */
  readonly busyWith: string;
}

export interface PhaseRecord {
  readonly phase: string;
  readonly durationMs: number;
}

export interface EventRecord {
  readonly timeMs: number;
  readonly reason: EventReason;
  readonly message: string;
  readonly generation: number;
  readonly phases: readonly PhaseRecord[];
  /** The workflow that wrote it, or empty: a hook that runs twice writes its event once. */
  readonly workflow: string;
}

/** An idempotent create: the same request_id answers the same workflow. */
export interface RequestRecord {
  readonly workflow: string;
  /** SHA-256 of the request without its id: another request under the same id is refused. */
  readonly fingerprint: string;
}

/** The store is opened once in each run. */
export interface StoreRun {
  /** Drawn at the start. */
  readonly id: string;
  /** Revision of the store when it was opened: the run before ended there. */
  readonly from: number;
}

/** Oldest first. */
export interface RunsRecord {
  readonly runs: readonly StoreRun[];
}

/** Volumes whose record may be older than what a host holds, since the store was found to have come back older. */
export interface UnconfirmedRecord {
  readonly volumes: readonly string[];
}

/** Sequence numbers in keys are padded so that key order is number order. */
const SEQUENCE_DIGITS = 12;
const padded = (sequence: number): string => String(sequence).padStart(SEQUENCE_DIGITS, '0');

export const keys = {
  hosts: 'hosts/',
  host: (host: string): string => `hosts/${host}`,
  hostAdmins: 'host-admin/',
  hostAdmin: (host: string): string => `host-admin/${host}`,
  hostsLost: 'host-lost/',
  hostLost: (host: string): string => `host-lost/${host}`,
  droppedCopies: 'dropped-copies/',
  droppedCopy: (host: string, volume: string): string => `dropped-copies/${host}/${volume}`,
  leftSnapshots: 'left-snapshots/',
  leftSnapshotsOn: (host: string): string => `left-snapshots/${host}/`,
  leftSnapshot: ({ host, volume, snapshot }: LeftSnapshotRecord): string =>
    `left-snapshots/${host}/${volume}/${snapshot}`,
  volumes: 'volumes/',
  volume: (volume: string): string => `volumes/${volume}`,
  /** By volume. */
  archives: 'archives/',
  archive: (volume: string): string => `archives/${volume}`,
  databases: 'databases/',
  database: (id: string): string => `databases/${id}`,
  workflows: 'workflows/',
  workflow: (id: string): string => `workflows/${id}`,
  workflowLog: (id: string): string => `workflow-log/${id}/`,
  workflowLogEntry: (id: string, sequence: number): string => `workflow-log/${id}/${padded(sequence)}`,
  workflowOwners: 'workflow-owner/',
  workflowOwner: (id: string): string => `workflow-owner/${id}`,
  /** Leases of control daemons, while they run workflows. */
  controlDaemons: 'control-daemons/',
  controlDaemon: (daemon: string): string => `control-daemons/${daemon}`,
  allEvents: 'events/',
  events: (database: string): string => `events/${database}/`,
  event: (database: string, sequence: number): string => `events/${database}/${padded(sequence)}`,
  allHostEvents: 'host-events/',
  hostEvents: (host: string): string => `host-events/${host}/`,
  hostEvent: (host: string, sequence: number): string => `host-events/${host}/${padded(sequence)}`,
  /** Held by the database whose engine listens there, since two of them may share a host. */
  ports: 'ports/',
  port: (port: number): string => `ports/${String(port)}`,
  requests: 'requests/',
  request: (requestId: string): string => `requests/${requestId}`,
  runs: 'store/runs',
  unconfirmed: 'store/unconfirmed',
} as const;
