/** What hosts said of themselves, as the decisions need it: plain numbers, and since when it has been so. */
import {
  type CopyProgress,
  EngineStatus,
  type HeartbeatRequest,
  type ReplicaStatus,
  type SpaceReport,
  type ScrubProgress,
} from '../../proto/gen/lockstep/agent/v1/agent.ts';

/** daemon/replication's states, upper case; a state that this control does not know is shown and never acted on. */
export type ReplicaStateName = string;

export interface ObservedCopy {
  readonly target: string;
  readonly phase: string;
  readonly doneBytes: number;
  readonly leftBytes: number;
  readonly bytesPerSecond: number;
  readonly error: string;
  /** SEED, QUICK, COMPARE */
  readonly mode: string;
  readonly sentBytes: number;
  /** 0: the rate is held to nothing. */
  readonly limitBytesPerSecond: number;
}

/** What a host outside the in-sync set may lack. `known` false: no map is kept. */
export interface ObservedDirt {
  readonly host: string;
  readonly dirtyBytes: number;
  readonly known: boolean;
}

export interface ObservedMismatch {
  /** Of the region in the volume, in bytes. */
  readonly offset: number;
  readonly length: number;
  readonly differ: readonly string[];
  readonly damaged: readonly string[];
}

export interface ObservedScrub {
  /** RUNNING, DONE, STOPPED, FAILED */
  readonly phase: string;
  /** Of the volume, from its beginning: every region in them was compared. */
  readonly doneBytes: number;
  readonly totalBytes: number;
  readonly repairedRegions: number;
  readonly mismatchedRegions: number;
  readonly mismatches: readonly ObservedMismatch[];
  /** 0: the rate is held to nothing. */
  readonly limitBytesPerSecond: number;
  readonly error: string;
  /** Of a single copy, with its own checksums. */
  readonly alone: boolean;
}

export interface ObservedReplica {
  readonly volume: string;
  readonly sizeBytes: number;
  readonly state: ReplicaStateName;
  /** When this state was first reported, on control's clock. */
  readonly stateSinceMs: number;
  readonly generation: number;
  readonly reason: string;
  readonly peerConnected: boolean;
  readonly peerSilenceMs: number;
  /** Since when it has reported no connection to its peer; undefined while connected. */
  readonly disconnectedSinceMs: number | undefined;
  readonly candidateFor: number;
  readonly hostRebooted: boolean;
  readonly lagBytes: number;
  readonly copy: ObservedCopy | undefined;
  readonly primary: string;
  readonly inSync: readonly string[];
  readonly leaseLeftMs: number;
  readonly dirty: readonly ObservedDirt[];
  /** The last generation in which it was complete; 0: never. */
  readonly consistentAt: number;
  /** Half of a copy. */
  readonly mixed: boolean;
  readonly repairedRegions: number;
  readonly heldRequests: number;
  readonly allocatedBytes: number;
  readonly scrub: ObservedScrub | undefined;
}

export interface HostObservation {
  readonly host: string;
  readonly address: string;
  /** The daemon's: another one is another process. */
  readonly incarnation: bigint;
  readonly availableBytes: number;
  /** Of the file system that its volumes are on; undefined: it does not tell. */
  readonly space:
    { readonly totalBytes: number; readonly availableBytes: number; readonly warning: string } | undefined;
  readonly lastHeardMs: number;
  readonly replicas: ReadonlyMap<string, ObservedReplica>;
  readonly engines: readonly EngineStatus[];
  /** When the host answered a call that an engine runs, by volume, where its heartbeats may not know it yet. */
  readonly engineStarts: ReadonlyMap<string, number>;
}

/** Hosts by name; one that was never heard is not in it. */
export type Observed = ReadonlyMap<string, HostObservation>;

/** A copy that is under way, by its phase. */
const COPY_PHASES: ReadonlySet<string> = new Set(['SEEDING', 'SEEDED', 'CATCHING_UP', 'ASKING']);
export const copyRuns = (copy: ObservedCopy | undefined): copy is ObservedCopy =>
  copy !== undefined && COPY_PHASES.has(copy.phase);

export function observe(
  heartbeat: HeartbeatRequest,
  before: HostObservation | undefined,
  nowMs: number,
): HostObservation {
  // What another process of the daemon said says nothing about how long this one has been in its state.
  const comparable = before?.incarnation === heartbeat.incarnation ? before : undefined;
  // A host sends one heartbeat at a time, so this one was put together after the one before was heard.
  const engineStarts = new Map(
    [...(comparable?.engineStarts ?? [])].filter(([, atMs]) => atMs >= (comparable?.lastHeardMs ?? nowMs)),
  );
  return {
    host: heartbeat.host,
    address: heartbeat.address,
    incarnation: heartbeat.incarnation,
    availableBytes: Number(heartbeat.availableBytes),
    space: heartbeat.space === undefined ? undefined : observeSpace(heartbeat.space),
    lastHeardMs: nowMs,
    replicas: new Map(
      heartbeat.replicas.map((status) => [
        status.volume,
        observeReplica(status, comparable?.replicas.get(status.volume), nowMs),
      ]),
    ),
    engines: withStarted(heartbeat.engines, engineStarts.keys()),
    engineStarts,
  };
}

/** The host has just said, in answer to a call, that the engine runs: what it said before is no news. */
export function observeEngineStart(seen: HostObservation, volume: string, nowMs: number): HostObservation {
  const engineStarts = new Map([...seen.engineStarts, [volume, nowMs]]);
  return { ...seen, engines: withStarted(seen.engines, [volume]), engineStarts };
}

function withStarted(engines: readonly EngineStatus[], started: Iterable<string>): readonly EngineStatus[] {
  const volumes = new Set(started);
  const others = engines.filter(({ volume }) => !volumes.has(volume));
  return [
    ...others,
    ...[...volumes].map((volume) => {
      const reported = engines.find((engine) => engine.volume === volume);
      return { ...(reported ?? EngineStatus.fromPartial({ volume })), state: 'RUNNING' };
    }),
  ];
}

export function observeReplica(
  status: ReplicaStatus,
  before: ObservedReplica | undefined,
  nowMs: number,
): ObservedReplica {
  return {
    volume: status.volume,
    sizeBytes: Number(status.sizeBytes),
    state: status.state,
    stateSinceMs: before?.state === status.state ? before.stateSinceMs : nowMs,
    generation: Number(status.generation),
    reason: status.reason,
    peerConnected: status.peerConnected,
    peerSilenceMs: status.peerSilenceMs,
    disconnectedSinceMs: status.peerConnected ? undefined : (before?.disconnectedSinceMs ?? nowMs),
    candidateFor: Number(status.candidateFor),
    hostRebooted: status.hostRebooted,
    lagBytes: Number(status.lagBytes),
    copy: status.copy === undefined ? undefined : observeCopy(status.copy),
    primary: status.primary,
    inSync: status.inSync,
    leaseLeftMs: status.leaseLeftMs,
    dirty: status.dirty.map(({ host, dirtyBytes, known }) => ({
      host,
      dirtyBytes: Number(dirtyBytes),
      known,
    })),
    consistentAt: Number(status.consistentAt),
    mixed: status.mixed,
    repairedRegions: Number(status.repairedRegions),
    heldRequests: status.heldRequests,
    allocatedBytes: Number(status.allocatedBytes),
    scrub: status.scrub === undefined ? undefined : observeScrub(status.scrub),
  };
}

function observeScrub(scrub: ScrubProgress): ObservedScrub {
  return {
    phase: scrub.phase,
    doneBytes: Number(scrub.doneBytes),
    totalBytes: Number(scrub.totalBytes),
    repairedRegions: Number(scrub.repairedRegions),
    mismatchedRegions: Number(scrub.mismatchedRegions),
    mismatches: scrub.mismatches.map(({ offset, length, differ, damaged }) => ({
      offset: Number(offset),
      length: Number(length),
      differ,
      damaged,
    })),
    limitBytesPerSecond: Number(scrub.limitBytesPerSecond),
    error: scrub.error,
    alone: scrub.alone,
  };
}

function observeSpace({ totalBytes, availableBytes, warning }: SpaceReport): HostObservation['space'] {
  return { totalBytes: Number(totalBytes), availableBytes: Number(availableBytes), warning };
}

function observeCopy(copy: CopyProgress): ObservedCopy {
  return {
    target: copy.target,
    phase: copy.phase,
    doneBytes: Number(copy.doneBytes),
    leftBytes: Number(copy.leftBytes),
    bytesPerSecond: Number(copy.bytesPerSecond),
    error: copy.error,
    mode: copy.mode,
    sentBytes: Number(copy.sentBytes),
    limitBytesPerSecond: Number(copy.limitBytesPerSecond),
  };
}

/** Milliseconds since the host was heard; since control began to listen when it never was. */
export function silenceOf(
  host: HostObservation | undefined,
  controlUpSinceMs: number,
  nowMs: number,
): number {
  return Math.max(0, nowMs - Math.max(host?.lastHeardMs ?? controlUpSinceMs, controlUpSinceMs));
}
