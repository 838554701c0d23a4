/** Control whose workflows do and undo everything twice, every time. */
import { definitionsOf } from '../../control/workflow/definitions/definitions.ts';
import type { Surroundings } from '../../control/workflow/definitions/surroundings.ts';
import type {
  Step,
  StepContext,
  WorkflowDefinition,
  WorkflowState,
} from '../../control/workflow/workflow.ts';
import { ControlHarness } from './control-harness.ts';

export function twice(around: Surroundings): readonly WorkflowDefinition<WorkflowState>[] {
  return definitionsOf(around).map((definition) => ({
    ...definition,
    steps: definition.steps.map(stepTwice),
    finished: async (state, outcome) => {
      await definition.finished?.(state, outcome);
      await definition.finished?.(state, outcome);
    },
  }));
}

function stepTwice(step: Step<WorkflowState>): Step<WorkflowState> {
  const again = {
    ...step,
    do: async (context: StepContext<WorkflowState>) => {
      await step.do(context);
      return step.do(context);
    },
  };
  if (step.undo === undefined) return again;
  const undo = async (context: StepContext<WorkflowState>): Promise<void> => {
    await step.undo?.(context);
    await step.undo?.(context);
  };
  return { ...again, undo };
}

export async function openTwice(t: Parameters<typeof ControlHarness.open>[0]): Promise<ControlHarness> {
  const harness = await ControlHarness.open(t);
  await harness.stopControl();
  await harness.startControl({ definitions: twice });
  await harness.hostsHeard();
  return harness;
}
