/** Answers of a server as the tests of the client need them: a healthy installation, to be spoiled. */
import { type ClusterStatus } from '../../proto/gen/lockstep/v1/cluster_service.ts';
import {
  Database,
  DatabaseState,
  OperationMetadata,
  Redundancy,
  RedundancyMode,
  type Task,
  TaskState,
} from '../../proto/gen/lockstep/v1/database_service.ts';
import { Host } from '../../proto/gen/lockstep/v1/host_service.ts';
import {
  type Resync,
  ResyncMode,
  type Volume,
  type VolumeReplica,
  VolumeReplicaRole,
} from '../../proto/gen/lockstep/v1/volume_service.ts';
import type { Operation as RawOperation } from '../../proto/gen/google/longrunning/operations.ts';

const MIB = 1024n * 1024n;

export function healthyDatabase(changes: Partial<Database> = {}): Database {
  return Database.fromPartial({
    name: 'databases/orders',
    uid: 'b3c1',
    etag: 'e1',
    createTime: new Date('2026-01-02T03:04:05Z'),
    engine: 'postgresql',
    engineVersion: '15.14',
    sizeBytes: 1024n * MIB,
    state: DatabaseState.DATABASE_STATE_ACTIVE,
    redundancy: Redundancy.REDUNDANCY_IN_SYNC,
    reason: '',
    nextStep: '',
    safeToFailOver: true,
    primary: { host: 'host-a', zone: 'a', role: 'SERVING', generation: 2n, reachable: true },
    secondary: { host: 'host-b', zone: 'b', role: 'SECONDARY', generation: 2n, reachable: true },
    generation: 2n,
    lagBytes: 0n,
    copyLeftBytes: 0n,
    copyBytesPerSecond: 0n,
    endpoint: {
      alias: 'orders.db.lockstep.internal',
      port: 5432,
      user: 'lockstep',
      database: 'orders',
      address: '127.0.0.11',
      multiHost: '127.0.0.11:5432,127.0.0.12:5432',
      dnsServer: '127.0.0.10:53',
    },
    busyWith: '',
    passwordUnclaimed: false,
    volume: 'volumes/orders-1',
    redundancyMode: RedundancyMode.REDUNDANCY_MODE_REPLICATED,
    ...changes,
  });
}

export function host(id: string, changes: Partial<Host> = {}): Host {
  return Host.fromPartial({
    name: `hosts/${id}`,
    zone: id.slice(-1),
    address: id === 'host-a' ? '127.0.0.11' : '127.0.0.12',
    roles: ['storage'],
    reachable: true,
    silenceMs: 120,
    capacityBytes: 20n * 1024n * MIB,
    availableBytes: 10n * 1024n * MIB,
    version: '0.1.0',
    metrics: '127.0.0.11:7402',
    ...changes,
  });
}

export function healthyStatus(changes: Partial<ClusterStatus> = {}): ClusterStatus {
  const control = host('control', {
    zone: '',
    address: '127.0.0.10',
    roles: ['control'],
    availableBytes: 0n,
  });
  return {
    time: new Date('2026-01-02T03:04:06Z'),
    hosts: [control, host('host-a'), host('host-b')],
    databases: [healthyDatabase()],
    operations: [],
    ...changes,
  };
}

export function task(name: string, state: TaskState, changes: Partial<Task> = {}): Task {
  return {
    name,
    title: `Do ${name}`,
    state,
    startTime: undefined,
    endTime: undefined,
    progress: '',
    percent: 0,
    error: '',
    attempts: state === TaskState.TASK_STATE_PENDING ? 0 : 1,
    ...changes,
  };
}

export function rawOperation(tasks: Task[], changes: Partial<RawOperation> = {}): RawOperation {
  const metadata: OperationMetadata = {
    workflow: 'create-database',
    target: 'databases/orders',
    createTime: new Date('2026-01-02T03:04:05Z'),
    endTime: undefined,
    tasks,
  };
  return {
    name: 'operations/w1',
    metadata: {
      typeUrl: 'type.googleapis.com/lockstep.v1.OperationMetadata',
      value: Buffer.from(OperationMetadata.encode(metadata).finish()),
    },
    done: false,
    ...changes,
  };
}

const GIB = 1024n * MIB;

export function volumeReplica(host: string, changes: Partial<VolumeReplica> = {}): VolumeReplica {
  const isPrimary = host === 'host-a';
  return {
    host: `hosts/${host}`,
    zone: host.slice(-1),
    role: isPrimary
      ? VolumeReplicaRole.VOLUME_REPLICA_ROLE_PRIMARY
      : VolumeReplicaRole.VOLUME_REPLICA_ROLE_SECONDARY,
    reachable: true,
    reportAgeMs: 120,
    state: isPrimary ? 'SERVING' : 'SECONDARY',
    generation: 9n,
    reason: '',
    leaseLeftMs: isPrimary ? 1840 : undefined,
    dirty: [],
    mayLackBytes: 0n,
    resync: undefined,
    consistentAt: 9n,
    consistentUntil: undefined,
    mixed: false,
    machineRestarted: false,
    repairedRegions: 0n,
    heldRequests: 0,
    allocatedBytes: 3n * GIB,
    diskTotalBytes: 100n * GIB,
    diskAvailableBytes: 40n * GIB,
    spaceWarning: '',
    scrub: undefined,
    nbd: {
      address: `10.0.${isPrimary ? '1' : '2'}.10:10809`,
      socket: '/var/lib/lockstep/sockets/nbd.sock',
      tls: 'off',
    },
    ...changes,
  };
}

/** 10 GiB, in sync on two hosts. */
export function volumeInSync(changes: Partial<Volume> = {}): Volume {
  return {
    name: 'volumes/orders-b3c1d2e3',
    database: 'databases/orders',
    time: new Date('2026-01-02T03:04:06Z'),
    sizeBytes: 10n * GIB,
    generation: 9n,
    primary: 'hosts/host-a',
    inSync: ['hosts/host-a', 'hosts/host-b'],
    replicas: [volumeReplica('host-a'), volumeReplica('host-b')],
    waitsFor: '',
    busyWith: '',
    ...changes,
  };
}

/** The second copy lacks 96.5 MiB of the 100 MiB that changed while it was away. */
export function volumeInResync(changes: Partial<Resync> = {}): Volume {
  const resync: Resync = {
    target: 'hosts/host-b',
    mode: ResyncMode.RESYNC_MODE_QUICK,
    phase: 'CATCHING_UP',
    doneBytes: (7n * MIB) / 2n,
    leftBytes: (193n * MIB) / 2n,
    sentBytes: (7n * MIB) / 2n,
    bytesPerSecond: 24n * MIB,
    limitBytesPerSecond: 40n * MIB,
    leftMs: 4021n,
    error: '',
    ...changes,
  };
  return volumeInSync({
    inSync: ['hosts/host-a'],
    replicas: [
      volumeReplica('host-a', { state: 'SOLO', leaseLeftMs: undefined, resync }),
      volumeReplica('host-b', {
        role: VolumeReplicaRole.VOLUME_REPLICA_ROLE_OUT_OF_SYNC,
        state: 'JOINING',
        mayLackBytes: resync.leftBytes,
        reason: 'a copy of what it lacks is on its way',
        consistentAt: 8n,
        consistentUntil: new Date('2026-01-02T03:03:20Z'),
        mixed: true,
      }),
    ],
    busyWith: 'operations/reseed-orders-1a2b3c4d',
  });
}
