/** Calls that are answered when the workflow which they begin has ended. */
import { LockstepError } from '../../daemon/sys/errors.ts';
import { failureOf, operationName } from '../model/operation-view.ts';
import { nextStepOf } from '../model/workflow-view.ts';
import type { WorkflowEngine } from '../workflow/executor.ts';
import { workflowIdOf } from './fields.ts';

/** Throws why it has not done what it was for. `signal`: nobody waits for the answer any more; the workflow goes on. */
export async function untilDone(
  engine: Pick<WorkflowEngine, 'wait'>,
  { name }: { readonly name: string },
  signal: AbortSignal,
): Promise<void> {
  const ended = await engine.wait(workflowIdOf('name', name), { signal });
  const failure = failureOf(ended);
  if (failure === undefined) return;
  const { code, message, reason, metadata } = failure;
  const next = nextStepOf(ended);
  const operation = operationName(ended.record.id);
  throw new LockstepError(code, message, {
    reason,
    metadata: { ...metadata, operation, ...(next === '' ? {} : { next }) },
  });
}
