/**
 * rename-database: the records moved in the transaction that wrote the workflow (control/rename.ts), and with them the
 * alias. Nothing on the hosts has the name: replicas and engines are known by their volume.
 */
import type { WorkflowDefinition, WorkflowOutcome } from '../workflow.ts';
import { DEVICE_MS } from './power-steps.ts';
import { type DatabaseWork, letGo } from './steps.ts';
import type { Surroundings } from './surroundings.ts';

export type RenameState = DatabaseWork & { readonly from: string } & Readonly<Record<string, unknown>>;

export function renameDatabase(around: Surroundings): WorkflowDefinition<RenameState> {
  return {
    type: 'rename-database',
    version: 1,
    steps: [
      {
        name: 'move-records',
        title: ({ from, database }) => `Move the records and the alias of ${from} to ${database}`,
        deadlineMs: DEVICE_MS,
        attempts: 1,
        backoffMs: around.pace.backoffMs,
        async do({ state }) {
          await around.repository.requireDatabase(state.database);
        },
      },
    ],
    finished: (state, outcome) => finished(around, state, outcome),
  };
}

/** There is no other outcome: what could fail was done before there was a workflow. */
async function finished(around: Surroundings, state: RenameState, _outcome: WorkflowOutcome): Promise<void> {
  await letGo(around, state, () => ({}), [
    { reason: 'RENAMED', message: `from ${state.from} to ${state.database}` },
  ]);
}
