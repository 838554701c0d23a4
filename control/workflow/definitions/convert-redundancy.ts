/**
 * convert-redundancy: one copy to two, while the primary serves. convert-to-single: back to one, by dropping the other.
 * drop-surplus: back to as many as were asked for, where a workflow was ended half done and left one more.
 */
import type { DatabaseRecord } from '../../model/records.ts';
import type { WorkflowDefinition, WorkflowOutcome } from '../workflow.ts';
import { dropCopyStep } from './drop-copy.ts';
import { type NewCopyState, newCopySteps } from './new-copy.ts';
import { describeOutcome, letGo } from './steps.ts';
import type { Surroundings } from './surroundings.ts';

export type ConvertState = NewCopyState & {
  /** That the record says were asked for when it is done: a drain only passes through two. */
  readonly copies: number;
};

export function convertRedundancy(around: Surroundings): WorkflowDefinition<ConvertState> {
  return {
    type: 'convert-redundancy',
    version: 1,
    steps: newCopySteps(around),
    finished: (state, outcome) =>
      finished(around, state, outcome, `a second copy is on ${state.target}, in sync`),
  };
}

export function convertToSingle(around: Surroundings): WorkflowDefinition<ConvertState> {
  return {
    type: 'convert-to-single',
    version: 1,
    steps: [dropCopyStep(around)],
    finished: (state, outcome) => finished(around, state, outcome, `one copy is left, on ${state.source}`),
  };
}

export function dropSurplus(around: Surroundings): WorkflowDefinition<ConvertState> {
  return {
    type: 'drop-surplus',
    version: 1,
    steps: [dropCopyStep(around)],
    finished: (state, outcome) =>
      finished(
        around,
        state,
        outcome,
        `the copy on ${state.drops.join(' and ')} was more than was asked for`,
      ),
  };
}

async function finished(
  around: Surroundings,
  state: ConvertState,
  outcome: WorkflowOutcome,
  message: string,
): Promise<void> {
  if (outcome.kind === 'done') {
    const change = (): Partial<DatabaseRecord> => ({ copies: state.copies });
    return letGo(around, state, change, [{ reason: 'CONVERTED', message }]);
  }
  await letGo(around, state, () => ({}), [
    { reason: 'CONVERT_FAILED', message: describeOutcome(outcome), unlessLatest: true },
  ]);
}
