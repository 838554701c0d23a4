/** Every workflow that this control runs. */
import { keys } from '../../model/records.ts';
import type { WorkflowDefinition, WorkflowOutcome, WorkflowRecord, WorkflowState } from '../workflow.ts';
import { publishWorkflow } from './channels.ts';
import { cloneDatabase, cloneVolume } from './clone-database.ts';
import { convertRedundancy, convertToSingle, dropSurplus } from './convert-redundancy.ts';
import { createDatabase, createSingleDatabase, createSingleVolume, createVolume } from './create-database.ts';
import { deleteDatabase } from './delete-database.ts';
import { drainHost } from './drain-host.ts';
import { failover } from './failover.ts';
import { purgeDatabase } from './purge-database.ts';
import { rebootDatabase } from './reboot-database.ts';
import { recoverPrimary } from './recover-primary.ts';
import { replaceReplica } from './replace-replica.ts';
import { reseed } from './reseed.ts';
import { resizeVolume } from './resize-volume.ts';
import { renameDatabase } from './rename-database.ts';
import { resetPassword } from './reset-password.ts';
import { revertVolume } from './revert-volume.ts';
import { startDatabase } from './start-database.ts';
import { stopDatabase } from './stop-database.ts';
import type { Surroundings } from './surroundings.ts';
import { undeleteDatabase } from './undelete-database.ts';
import { updateDatabase } from './update-database.ts';

export function definitionsOf(around: Surroundings): readonly WorkflowDefinition<WorkflowState>[] {
  return [
    measured(around, createDatabase(around)),
    measured(around, createVolume(around)),
    measured(around, createSingleDatabase(around)),
    measured(around, createSingleVolume(around)),
    measured(around, deleteDatabase(around)),
    measured(around, cloneDatabase(around)),
    measured(around, cloneVolume(around)),
    measured(around, undeleteDatabase(around)),
    measured(around, purgeDatabase(around)),
    measured(around, failover(around)),
    measured(around, reseed(around)),
    measured(around, recoverPrimary(around)),
    measured(around, revertVolume(around)),
    measured(around, convertRedundancy(around)),
    measured(around, convertToSingle(around)),
    measured(around, dropSurplus(around)),
    measured(around, replaceReplica(around)),
    measured(around, drainHost(around)),
    measured(around, startDatabase(around)),
    measured(around, stopDatabase(around)),
    measured(around, rebootDatabase(around)),
    measured(around, updateDatabase(around)),
    measured(around, resizeVolume(around)),
    measured(around, renameDatabase(around)),
    measured(around, resetPassword(around)),
  ];
}

/** The engine keeps states as plain JSON; each workflow is started with the state that its definition names. */
function measured<State extends WorkflowState & { readonly workflow: string }>(
  around: Surroundings,
  definition: WorkflowDefinition<State>,
): WorkflowDefinition<WorkflowState> {
  const finished = async (state: State, outcome: WorkflowOutcome): Promise<void> => {
    await definition.finished?.(state, outcome);
    const record = await around.repository.store.get<WorkflowRecord>(keys.workflow(state.workflow));
    const durationMs = around.wallClock() - (record?.value.createTimeMs ?? around.wallClock());
    publishWorkflow({ type: definition.type, outcome: outcome.kind, durationMs: Math.max(0, durationMs) });
  };
  return { ...definition, finished };
}
