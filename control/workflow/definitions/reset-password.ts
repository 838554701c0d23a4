/**
 * reset-password: the new password is made up and kept in the database's record, which forgets it; the workflow's log,
 * which forgets nothing, never has it. A reset that fails may all the same have come as far as the engine: the event
 * says so, and it can be asked for again.
 */
import { newPassword } from '../../password.ts';
import type { WorkflowDefinition, WorkflowOutcome } from '../workflow.ts';
import type { HostActions } from './host-actions.ts';
import { DEVICE_MS, type PowerState, powerStep } from './power-steps.ts';
import { describeOutcome, letGo } from './steps.ts';
import type { Surroundings } from './surroundings.ts';

export function resetPassword(around: Surroundings): WorkflowDefinition<PowerState> {
  return {
    type: 'reset-password',
    version: 1,
    steps: [
      powerStep(around, {
        name: 'make-password',
        title: () => 'Make up a password',
        deadlineMs: DEVICE_MS,
        act: (_hosts, state) => makePassword(around, state),
      }),
      powerStep(around, {
        name: 'set-password',
        title: ({ user, primary }) => `Set the password of ${user} on ${primary}`,
        deadlineMs: DEVICE_MS,
        act: (hosts, state) => setPassword(around, hosts, state),
      }),
    ],
    finished: (state, outcome) => finished(around, state, outcome),
  };
}

/** The same again where it was made up before: the engine may have it by now. */
async function makePassword(around: Surroundings, state: PowerState): Promise<void> {
  await around.repository.updateDatabase(state.database, (record) =>
    record.nextPassword === '' ? { ...record, nextPassword: newPassword() } : undefined,
  );
}

async function setPassword(around: Surroundings, hosts: HostActions, state: PowerState): Promise<void> {
  const { nextPassword } = (await around.repository.requireDatabase(state.database)).value;
  await hosts.setEnginePassword(state.primary, state, nextPassword);
}

async function finished(around: Surroundings, state: PowerState, outcome: WorkflowOutcome): Promise<void> {
  if (outcome.kind === 'done')
    return letGo(
      around,
      state,
      ({ nextPassword }) => ({ unclaimedPassword: nextPassword, nextPassword: '' }),
      [{ reason: 'PASSWORD_RESET', message: 'a person asked for it; the new one waits to be claimed' }],
    );
  const message = `${describeOutcome(outcome)}; whether the old password still holds is not known, reset it again`;
  await letGo(around, state, () => ({ nextPassword: '' }), [{ reason: 'PASSWORD_RESET_FAILED', message }]);
}
