/** Records and observations of a healthy database, for tables of what may be wrong with it. */
import { type HostObservation, observe, type ObservedReplica } from '../../control/model/observation.ts';
import {
  type DatabaseRecord,
  databaseRecordOf,
  type HostRecord,
  type VolumeRecord,
} from '../../control/model/records.ts';
import { HeartbeatRequest } from '../../proto/gen/lockstep/agent/v1/agent.ts';

export const NOW_MS = 100_000;
export const SILENCE_MS = 1500;

export const volume: VolumeRecord = {
  volume: 'orders-1',
  database: 'orders',
  sizeBytes: 1024 * 1024 * 1024,
  generation: 7,
  primary: 'a1',
  inSync: ['a1', 'b1'],
  replicas: ['a1', 'b1'],
};

export const database: DatabaseRecord = databaseRecordOf({
  id: 'orders',
  uid: '1',
  createTimeMs: 0,
  engine: 'postgresql',
  engineVersion: '15.14',
  sizeBytes: volume.sizeBytes,
  lifecycle: 'active',
  failure: '',
  volume: 'orders-1',
  port: 5432,
  user: 'admin',
  unclaimedPassword: '',
  busyWith: '',
  aliasHost: 'a1',
  aliasGeneration: 7,
});

export const hostRecord = (host: string): HostRecord => ({
  host,
  zone: host.slice(0, 1),
  address: host === 'a1' ? '127.0.0.11' : '127.0.0.12',
  agentPort: 7400,
  replicationPort: 7401,
  metricsPort: 7402,
  roles: ['storage'],
  capacityBytes: 10 * 1024 * 1024 * 1024,
  version: '1',
});

/** As heard just now, in sync. */
export function replica(state: string, change: Partial<ObservedReplica> = {}): ObservedReplica {
  return {
    volume: 'orders-1',
    sizeBytes: 1024 * 1024 * 1024,
    state,
    stateSinceMs: NOW_MS - 60_000,
    generation: 7,
    reason: '',
    peerConnected: true,
    peerSilenceMs: 10,
    disconnectedSinceMs: undefined,
    candidateFor: 0,
    hostRebooted: false,
    lagBytes: 0,
    copy: undefined,
    primary: 'a1',
    inSync: ['a1', 'b1'],
    leaseLeftMs: 1500,
    dirty: [],
    consistentAt: 7,
    mixed: false,
    repairedRegions: 0,
    heldRequests: 0,
    allocatedBytes: 0,
    scrub: undefined,
    ...change,
  };
}

export function host(
  name: string,
  its: ObservedReplica | undefined,
  change: Partial<HostObservation> = {},
): HostObservation {
  const heartbeat = HeartbeatRequest.fromPartial({ host: name, availableBytes: 10n ** 10n });
  const engine = { volume: 'orders-1', database: 'orders', state: 'RUNNING', version: '', logTail: [] };
  return {
    ...observe(heartbeat, undefined, NOW_MS - 100),
    replicas: new Map(its === undefined ? [] : [[its.volume, its]]),
    engines: its?.state === 'SERVING' || its?.state === 'SOLO' ? [engine] : [],
    ...change,
  };
}

/** A secondary whose primary has been gone for long. */
export const orphan = (change: Partial<ObservedReplica> = {}): ObservedReplica =>
  replica('SECONDARY', {
    peerConnected: false,
    peerSilenceMs: 2000,
    disconnectedSinceMs: NOW_MS - 2000,
    ...change,
  });

export const silent = { lastHeardMs: NOW_MS - 2000 };
