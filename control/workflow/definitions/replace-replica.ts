/**
 * replace-replica: a copy that is lost for good, or whose host is drained, gets a successor on another host. The old one
 * is kept until the new one is in sync: until then the volume has three replicas.
 */
import type { WorkflowDefinition, WorkflowOutcome } from '../workflow.ts';
import { dropCopyStep } from './drop-copy.ts';
import { type NewCopyState, newCopySteps } from './new-copy.ts';
import { describeOutcome, letGo } from './steps.ts';
import type { Surroundings } from './surroundings.ts';

export function replaceReplica(around: Surroundings): WorkflowDefinition<NewCopyState> {
  return {
    type: 'replace-replica',
    version: 1,
    steps: [...newCopySteps(around), dropCopyStep(around)],
    finished: (state, outcome) => finished(around, state, outcome),
  };
}

async function finished(around: Surroundings, state: NewCopyState, outcome: WorkflowOutcome): Promise<void> {
  const { drops, target } = state;
  if (outcome.kind === 'done')
    return letGo(around, state, () => ({}), [
      { reason: 'REPLACED', message: `${target} has the copy now, in the place of ${drops.join(', ')}` },
    ]);
  await letGo(around, state, () => ({}), [
    { reason: 'REPLACE_FAILED', message: describeOutcome(outcome), unlessLatest: true },
  ]);
}
