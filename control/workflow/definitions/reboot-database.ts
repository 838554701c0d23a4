/** reboot-database: the engine is shut down in good order and started where it is, with the parameters of now. */
import type { WorkflowDefinition, WorkflowOutcome } from '../workflow.ts';
import { bringUp, ENGINE_MS, type PowerState, powerStep } from './power-steps.ts';
import { describeOutcome, letGo } from './steps.ts';
import type { Surroundings } from './surroundings.ts';

export function rebootDatabase(around: Surroundings): WorkflowDefinition<PowerState> {
  return {
    type: 'reboot-database',
    version: 1,
    steps: [
      powerStep(around, {
        name: 'stop-engine',
        title: ({ primary }) => `Stop the engine on ${primary}`,
        deadlineMs: ENGINE_MS,
        act: (hosts, state) => hosts.stopEngine(state.primary, state, { kill: false }),
        undo: (hosts, state) => bringUp(around, hosts, state),
      }),
      powerStep(around, {
        name: 'start-engine',
        title: ({ primary }) => `Start the engine on ${primary}`,
        deadlineMs: ENGINE_MS,
        act: (hosts, state) => hosts.startEngine(state.primary, state),
      }),
    ],
    finished: (state, outcome) => finished(around, state, outcome),
  };
}

/** Where the engine could not be brought up again either, the monitor goes on with that. */
async function finished(around: Surroundings, state: PowerState, outcome: WorkflowOutcome): Promise<void> {
  if (outcome.kind === 'done')
    return letGo(around, state, () => ({ failure: '', pendingRestart: [] }), [
      { reason: 'REBOOTED', message: `the engine on ${state.primary} was stopped and started` },
    ]);
  await letGo(around, state, () => ({}), [{ reason: 'REBOOT_FAILED', message: describeOutcome(outcome) }]);
}
