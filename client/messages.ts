/** The messages of the API that the library answers, and the numbers in them, under their own names. */
export type { Operation as RawOperation } from '../proto/gen/google/longrunning/operations.ts';
export {
  AuditKind,
  type AuditClusterResponse,
  type AuditFinding,
  type ClusterStatus,
} from '../proto/gen/lockstep/v1/cluster_service.ts';
export {
  type ClaimPasswordResponse,
  type ConnectionInfo,
  type Database,
  DatabaseState,
  type Endpoint,
  type OperationMetadata,
  Redundancy,
  RedundancyMode,
  type Replica,
  type Task,
  TaskState,
} from '../proto/gen/lockstep/v1/database_service.ts';
export {
  type EngineParameter,
  EngineParameterType,
  type EngineVersion,
} from '../proto/gen/lockstep/v1/engine_service.ts';
export type { Event, PhaseDuration } from '../proto/gen/lockstep/v1/event_service.ts';
export type { Host, Zone } from '../proto/gen/lockstep/v1/host_service.ts';
export type {
  CloneSnapshotResponse,
  DiffExtent,
  ListSnapshotsResponse,
  Snapshot,
} from '../proto/gen/lockstep/v1/snapshot_service.ts';
export {
  type CheckFinding,
  type DirtyBytes,
  type Mismatch,
  type NbdListener,
  type ReplicaCheck,
  type Resync,
  ResyncMode,
  type Scrub,
  type Volume,
  type VolumeCheck,
  type VolumeReplica,
  VolumeReplicaRole,
} from '../proto/gen/lockstep/v1/volume_service.ts';
export {
  type Workflow,
  type WorkflowLogEntry,
  WorkflowState,
} from '../proto/gen/lockstep/v1/workflow_service.ts';
