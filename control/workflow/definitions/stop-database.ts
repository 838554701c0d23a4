/**
 * stop-database: the engine is shut down in good order, nothing uses the volume any more, and the alias names nobody.
 * The replicas stay connected and in sync. What fails on its way is undone by bringing the engine up again where it
 * was; where that fails too, the monitor does it.
 */
import type { WorkflowDefinition, WorkflowOutcome } from '../workflow.ts';
import { bringUp, DEVICE_MS, ENGINE_MS, type PowerState, powerStep, withdrawAlias } from './power-steps.ts';
import { describeOutcome, letGo } from './steps.ts';
import type { Surroundings } from './surroundings.ts';

export function stopDatabase(around: Surroundings): WorkflowDefinition<PowerState> {
  return {
    type: 'stop-database',
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
        name: 'detach',
        title: ({ primary }) => `Unmount and detach the volume on ${primary}`,
        deadlineMs: DEVICE_MS,
        act: async (hosts, { primary }) => {
          await hosts.unmount(primary);
          await hosts.detach(primary);
        },
      }),
      powerStep(around, {
        name: 'withdraw-alias',
        title: ({ database }) => `Withdraw the address of ${database}`,
        deadlineMs: DEVICE_MS,
        act: (_hosts, { database }) => withdrawAlias(around, database),
      }),
    ],
    finished: (state, outcome) => finished(around, state, outcome),
  };
}

async function finished(around: Surroundings, state: PowerState, outcome: WorkflowOutcome): Promise<void> {
  if (outcome.kind === 'done')
    return letGo(around, state, () => ({ lifecycle: 'stopped', failure: '' }), [
      { reason: 'STOPPED', message: `a person asked for it; the engine on ${state.primary} was shut down` },
    ]);
  await letGo(around, state, () => ({ lifecycle: 'active' }), [
    { reason: 'STOP_FAILED', message: describeOutcome(outcome) },
  ]);
}
