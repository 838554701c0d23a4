/** The words of the API's numbers, the same on screens and in JSON. */
import {
  type DatabaseState,
  databaseStateToJSON,
  type Redundancy,
  type RedundancyMode,
  redundancyModeToJSON,
  redundancyToJSON,
  type TaskState,
  taskStateToJSON,
} from '../../proto/gen/lockstep/v1/database_service.ts';
import {
  type ResyncMode,
  resyncModeToJSON,
  type VolumeReplicaRole,
  volumeReplicaRoleToJSON,
} from '../../proto/gen/lockstep/v1/volume_service.ts';
import {
  type EngineParameterType,
  engineParameterTypeToJSON,
} from '../../proto/gen/lockstep/v1/engine_service.ts';
import { type WorkflowState, workflowStateToJSON } from '../../proto/gen/lockstep/v1/workflow_service.ts';

/** ACTIVE, FAILING_OVER, ... */
export function stateName(state: DatabaseState): string {
  return known('DATABASE_STATE_', state, databaseStateToJSON);
}

/** IN_SYNC, DEGRADED, ... */
export function redundancyName(redundancy: Redundancy): string {
  return known('REDUNDANCY_', redundancy, redundancyToJSON);
}

/** REPLICATED, SINGLE */
export function redundancyModeName(mode: RedundancyMode): string {
  return known('REDUNDANCY_MODE_', mode, redundancyModeToJSON);
}

/** RUNNING, UNDOING, DONE, STUCK, ... */
export function workflowStateName(state: WorkflowState): string {
  return known('WORKFLOW_STATE_', state, workflowStateToJSON);
}

/** INTEGER, DECIMAL, BOOLEAN, CHOICE */
export function parameterTypeName(type: EngineParameterType): string {
  return known('ENGINE_PARAMETER_TYPE_', type, engineParameterTypeToJSON);
}

/** PENDING, RUNNING, DONE, ... */
export function taskStateName(state: TaskState): string {
  return known('TASK_STATE_', state, taskStateToJSON);
}

/** PRIMARY, SECONDARY, OUT_OF_SYNC */
export function replicaRoleName(role: VolumeReplicaRole): string {
  return known('VOLUME_REPLICA_ROLE_', role, volumeReplicaRoleToJSON);
}

/** SEED, QUICK, COMPARE */
export function resyncModeName(mode: ResyncMode): string {
  return known('RESYNC_MODE_', mode, resyncModeToJSON);
}

/** The generated functions throw for numbers of a newer server. */
function known<Value extends number>(prefix: string, value: Value, nameOf: (value: Value) => string): string {
  try {
    return nameOf(value).replace(prefix, '');
  } catch {
    return `UNKNOWN_${String(value)}`;
  }
}
