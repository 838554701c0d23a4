/** Whether a workflow holds a database, so that nothing else may be begun on it but what it does already. */
import { LockstepError } from '../../daemon/sys/errors.ts';
import type { DatabaseRecord } from '../model/records.ts';
import type { WorkflowEngine } from '../workflow/executor.ts';
import type { WorkflowDefinition, WorkflowState } from '../workflow/workflow.ts';

/** ABORTED with the operation's name. One that has ended and still holds it left it half done: it may be taken over. */
export async function checkNotBusy(engine: WorkflowEngine, database: DatabaseRecord): Promise<void> {
  const holder = database.busyWith === '' ? undefined : await engine.get(database.busyWith);
  if (holder === undefined || holder.standing.kind === 'finished') return;
  const operation = `operations/${database.busyWith}`;
  const how = holder.standing.kind === 'running' ? 'runs' : 'waits for a person';
  throw new LockstepError(
    'ABORTED',
    `${operation} (${holder.record.type}) holds databases/${database.id} and ${how}`,
    {
      reason: 'DATABASE_BUSY',
      metadata: { subject: `databases/${database.id}`, operation },
    },
  );
}

/** Of the workflow that holds the database, if it runs, is of that type, and has all of `wish` in its state. */
export async function runningTwin(
  engine: WorkflowEngine,
  { busyWith }: DatabaseRecord,
  type: WorkflowDefinition<WorkflowState>['type'],
  wish: Readonly<Record<string, string | number | boolean>>,
): Promise<string | undefined> {
  const holder = busyWith === '' ? undefined : await engine.get(busyWith);
  if (holder?.standing.kind !== 'running' || holder.record.type !== type) return undefined;
  const { initialState } = holder.record;
  return Object.entries(wish).every(([key, value]) => initialState[key] === value) ? busyWith : undefined;
}
