/** What hosts tell control, and what control knows of a database, as far as a volume's replicas matter. */
import { type DatabaseRecord, databaseRecordOf, type VolumeRecord } from '../../../control/model/records.ts';
import type { StorePosition } from '../../../control/monitor/catch-up.ts';
import type { ReplicaStatus } from '../../../daemon/replication/interface.ts';
import type { HeartbeatRequest } from '../../../proto/gen/lockstep/agent/v1/agent.ts';
import type { Process } from './process.ts';

export const VOLUME = 'v';

export function heartbeatOf(process: Process, { run, revision }: StorePosition): HeartbeatRequest {
  const { status, name, incarnation } = process;
  return {
    host: name,
    zone: name,
    address: name,
    agentPort: 0,
    replicationPort: 0,
    metricsPort: 0,
    nbd: undefined,
    incarnation: BigInt(incarnation),
    version: '',
    capacityBytes: 0n,
    availableBytes: 0n,
    space: undefined,
    replicas: [replicaStatus(status)],
    engines: [{ database: VOLUME, volume: VOLUME, state: 'RUNNING', version: '', logTail: [] }],
    roles: [],
    store: { run, revision: BigInt(revision) },
  };
}

function replicaStatus(status: ReplicaStatus): HeartbeatRequest['replicas'][number] {
  return {
    volume: VOLUME,
    state: status.state,
    generation: BigInt(status.view.generation),
    reason: status.reason,
    peerSilenceMs: status.peerSilenceMs,
    peerConnected: status.peerConnected,
    candidateFor: BigInt(status.candidateFor),
    hostRebooted: status.hostRebooted,
    leaseLeftMs: status.leaseLeftMs,
    lagBytes: BigInt(status.lagBytes),
    copy: undefined,
    sizeBytes: 0n,
    allocatedBytes: 0n,
    primary: status.view.primary,
    inSync: [...status.view.inSync],
    dirty: [],
    consistentAt: BigInt(status.consistentAt),
    mixed: status.mixed,
    repairedRegions: 0n,
    heldRequests: 0,
    scrub: undefined,
  };
}

/** An engine runs wherever the primary is, and the alias names it. */
export function databaseOf(record: VolumeRecord, busyWith: string): DatabaseRecord {
  return databaseRecordOf({
    id: VOLUME,
    uid: '',
    createTimeMs: 0,
    engine: '',
    engineVersion: '',
    sizeBytes: record.sizeBytes,
    lifecycle: 'active',
    failure: '',
    volume: VOLUME,
    port: 0,
    user: '',
    unclaimedPassword: '',
    busyWith,
    aliasHost: record.primary,
    aliasGeneration: record.generation,
  });
}
