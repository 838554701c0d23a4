/** What hosts said of themselves, as the decisions need it: plain numbers, and since when it has been so. */
import type {
  EngineStatus,
  HeartbeatRequest,
  ReplicaStatus,
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
}

export interface ObservedReplica {
  readonly volume: string;
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
}

export interface HostObservation {
  readonly host: string;
  readonly address: string;
  /** The daemon's: another one is another process. */
  readonly incarnation: bigint;
  readonly availableBytes: number;
  readonly lastHeardMs: number;
  readonly replicas: ReadonlyMap<string, ObservedReplica>;
  readonly engines: readonly EngineStatus[];
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
  return {
    host: heartbeat.host,
    address: heartbeat.address,
    incarnation: heartbeat.incarnation,
    availableBytes: Number(heartbeat.availableBytes),
    lastHeardMs: nowMs,
    replicas: new Map(
      heartbeat.replicas.map((status) => [
        status.volume,
        observeReplica(status, comparable?.replicas.get(status.volume), nowMs),
      ]),
    ),
    engines: heartbeat.engines,
  };
}

export function observeReplica(
  status: ReplicaStatus,
  before: ObservedReplica | undefined,
  nowMs: number,
): ObservedReplica {
  const { copy } = status;
  return {
    volume: status.volume,
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
    copy:
      copy === undefined
        ? undefined
        : {
            target: copy.target,
            phase: copy.phase,
            doneBytes: Number(copy.doneBytes),
            leftBytes: Number(copy.leftBytes),
            bytesPerSecond: Number(copy.bytesPerSecond),
            error: copy.error,
          },
    primary: status.primary,
    inSync: status.inSync,
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
