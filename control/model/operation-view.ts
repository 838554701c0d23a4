/** A workflow as a google.longrunning.Operation. Pure. */
import type { Any } from '../../proto/gen/google/protobuf/any.ts';
import type { Operation } from '../../proto/gen/google/longrunning/operations.ts';
import type { Status } from '../../proto/gen/google/rpc/status.ts';
import { OperationMetadata, type Task, TaskState } from '../../proto/gen/lockstep/v1/database_service.ts';
import { type ErrorCode, LockstepError } from '../../daemon/sys/errors.ts';
import type { StepSnapshot, WorkflowSnapshot } from '../workflow/snapshot.ts';
import type { SerializedError } from '../workflow/workflow.ts';

export const OPERATION_METADATA_TYPE = 'type.googleapis.com/lockstep.v1.OperationMetadata';

export const operationName = (workflow: string): string => `operations/${workflow}`;

export interface OperationParts {
  readonly snapshot: WorkflowSnapshot;
  /** Of an operation that was done. */
  readonly response: Any | undefined;
  readonly statusOf: (error: LockstepError) => Status;
}

export function viewOperation({ snapshot, response, statusOf }: OperationParts): Operation {
  const failure = failureOf(snapshot);
  const metadata = { typeUrl: OPERATION_METADATA_TYPE, value: encodeMetadata(snapshot) };
  const base = { name: operationName(snapshot.record.id), metadata };
  if (failure !== undefined) return { ...base, done: true, error: statusOf(failure), response: undefined };
  const done = snapshot.standing.kind === 'finished';
  return { ...base, done, error: undefined, response: done ? response : undefined };
}

/** The step that runs, with its progress, in one phrase for people. */
export function doingOf(snapshot: WorkflowSnapshot): string {
  const step = snapshot.steps.find(
    (candidate) => candidate.state === 'RUNNING' || candidate.state === 'UNDOING',
  );
  if (step === undefined) return '';
  const undoing = step.state === 'UNDOING' ? 'undoing: ' : '';
  const progress = snapshot.progress?.step === step.name ? ` (${snapshot.progress.text})` : '';
  return `${undoing}${step.title}${progress}`;
}

/** Why it has not done what it was for; undefined: it has, or is still at it. */
export function failureOf(snapshot: WorkflowSnapshot): LockstepError | undefined {
  const { standing, record } = snapshot;
  if (standing.kind === 'running') return undefined;
  const metadata = { workflow: record.id, subject: record.target };
  // It waits for a person: to a program that waits for its end, that is an end.
  if (standing.kind === 'halted')
    return new LockstepError('FAILED_PRECONDITION', `it waits for a person: ${standing.reason}`, {
      reason: 'WORKFLOW_HALTED',
      metadata,
    });
  const { outcome } = standing;
  if (outcome.kind === 'done') return undefined;
  if (outcome.kind === 'abandoned')
    return new LockstepError('ABORTED', `a person ended it as it was: ${outcome.reason}`, {
      reason: 'WORKFLOW_ABANDONED',
      metadata,
    });
  const { step, error } = outcome;
  const advice = error.next === undefined ? {} : { next: error.next };
  const details = { reason: error.reason, metadata: { ...metadata, step, ...advice } };
  if (outcome.kind === 'undone')
    return new LockstepError(codeOf(error), `step ${step} failed: ${error.message}`, details);
  const cause = snapshot.steps.find((candidate) => candidate.error !== undefined && candidate.name !== step);
  const why =
    cause?.error === undefined ? '' : ` (after step ${cause.name} had failed: ${cause.error.message})`;
  const message = `undoing step ${step} failed, and a person is needed: ${error.message}${why}`;
  return new LockstepError(codeOf(error), message, details);
}

const CODES: ReadonlySet<string> = new Set<ErrorCode>([
  'INVALID_ARGUMENT',
  'NOT_FOUND',
  'ALREADY_EXISTS',
  'ABORTED',
  'FAILED_PRECONDITION',
  'RESOURCE_EXHAUSTED',
  'UNAVAILABLE',
  'DEADLINE_EXCEEDED',
  'INTERNAL',
]);

function codeOf(error: SerializedError): ErrorCode {
  return CODES.has(error.code) ? (error.code as ErrorCode) : 'INTERNAL';
}

function encodeMetadata(snapshot: WorkflowSnapshot): Buffer {
  const { record, standing } = snapshot;
  const metadata: OperationMetadata = {
    workflow: record.type,
    target: record.target,
    createTime: new Date(record.createTimeMs),
    endTime: standing.kind === 'finished' ? new Date(standing.timeMs) : undefined,
    tasks: tasksOf(snapshot),
  };
  return Buffer.from(OperationMetadata.encode(metadata).finish());
}

export const tasksOf = (snapshot: WorkflowSnapshot): Task[] =>
  snapshot.steps.map((step) => taskOf(step, snapshot));

const TASK_STATES: Readonly<Record<StepSnapshot['state'], TaskState>> = {
  PENDING: TaskState.TASK_STATE_PENDING,
  RUNNING: TaskState.TASK_STATE_RUNNING,
  DONE: TaskState.TASK_STATE_DONE,
  FAILED: TaskState.TASK_STATE_FAILED,
  UNDOING: TaskState.TASK_STATE_UNDOING,
  UNDONE: TaskState.TASK_STATE_UNDONE,
};

function taskOf(step: StepSnapshot, snapshot: WorkflowSnapshot): Task {
  const progress = snapshot.progress?.step === step.name ? snapshot.progress : undefined;
  return {
    name: step.name,
    title: step.title,
    state: TASK_STATES[step.state],
    startTime: step.startTimeMs === undefined ? undefined : new Date(step.startTimeMs),
    endTime: step.endTimeMs === undefined ? undefined : new Date(step.endTimeMs),
    progress: progress?.text ?? '',
    percent: step.state === 'DONE' ? 100 : Math.max(0, Math.min(100, Math.round(progress?.percent ?? 0))),
    error: step.error?.message ?? '',
    attempts: step.attempts,
  };
}
