/** A workflow and its log as WorkflowService shows them, and what a person is told to do about one that waits. Pure. */
import {
  type Workflow,
  type WorkflowLogEntry,
  WorkflowState,
} from '../../proto/gen/lockstep/v1/workflow_service.ts';
import type { Remedy, StepSnapshot, WorkflowSnapshot } from '../workflow/snapshot.ts';
import type { LogEntry, SerializedError } from '../workflow/workflow.ts';
import { tasksOf } from './operation-view.ts';

/** Nothing of that name belongs in a log; where a definition puts it there all the same it is not shown. */
const SECRET = /password|secret|token|credential|private/i;
const HIDDEN = '[hidden]';

const WAYS_BACK: ReadonlySet<StepSnapshot['state']> = new Set(['FAILED', 'UNDOING', 'UNDONE']);

export const retryCommand = (id: string): string => `lockstep workflow retry ${id}`;
export const abandonCommand = (id: string): string => `lockstep workflow abandon ${id}`;

/** `owner`: the host whose control daemon runs it, or empty. */
export function viewWorkflow(snapshot: WorkflowSnapshot, owner: string): Workflow {
  const { record, standing } = snapshot;
  return {
    name: `workflows/${record.id}`,
    type: record.type,
    version: record.version,
    target: record.target,
    state: stateOfWorkflow(snapshot),
    reason: reasonOf(snapshot),
    nextStep: nextStepOf(snapshot),
    createTime: new Date(record.createTimeMs),
    endTime: standing.kind === 'finished' ? new Date(standing.timeMs) : undefined,
    tasks: tasksOf(snapshot),
    owner: owner === '' ? '' : `hosts/${owner}`,
  };
}

export function stateOfWorkflow({ standing, steps }: WorkflowSnapshot): WorkflowState {
  if (standing.kind === 'halted') return WorkflowState.WORKFLOW_STATE_STUCK;
  if (standing.kind === 'running')
    return steps.some((step) => WAYS_BACK.has(step.state))
      ? WorkflowState.WORKFLOW_STATE_UNDOING
      : WorkflowState.WORKFLOW_STATE_RUNNING;
  switch (standing.outcome.kind) {
    case 'done':
      return WorkflowState.WORKFLOW_STATE_DONE;
    case 'undone':
      return WorkflowState.WORKFLOW_STATE_UNDONE;
    case 'stuck':
      return WorkflowState.WORKFLOW_STATE_STUCK;
    case 'abandoned':
      return WorkflowState.WORKFLOW_STATE_ABANDONED;
  }
}

/** How it failed, or what it waits for: one sentence, or empty. */
export function reasonOf({ standing }: WorkflowSnapshot): string {
  if (standing.kind === 'halted') return standing.reason;
  if (standing.kind === 'running' || standing.outcome.kind === 'done') return '';
  const { outcome } = standing;
  if (outcome.kind === 'abandoned') return `a person ended it as it was: ${outcome.reason}`;
  const what = outcome.kind === 'stuck' ? `undoing step ${outcome.step}` : `step ${outcome.step}`;
  return `${what} failed: ${outcome.error.message}`;
}

/** What a person should do about one that waits; else empty. */
export function nextStepOf({ standing, record }: WorkflowSnapshot): string {
  if (standing.kind === 'halted') return nextOfHalted(record.id, standing.remedy);
  if (standing.kind !== 'finished' || standing.outcome.kind !== 'stuck') return '';
  return (
    `mend what the reason names and have the undo run again: ${retryCommand(record.id)}; ` +
    `or end it as it is: ${abandonCommand(record.id)}`
  );
}

export function nextOfHalted(id: string, remedy: Remedy): string {
  const end = `end it as it is: ${abandonCommand(id)}`;
  if (remedy === 'retry') return `have it go on: ${retryCommand(id)}`;
  return remedy === 'version' ? `start the version of the control daemon that began it, or ${end}` : end;
}

export function viewLogEntry(entry: LogEntry, sequence: number): WorkflowLogEntry {
  return {
    sequence,
    time: new Date(entry.timeMs),
    kind: entry.kind,
    step: 'step' in entry ? entry.step : '',
    detail: detailOf(entry),
  };
}

function detailOf(entry: LogEntry): string {
  switch (entry.kind) {
    case 'step-done':
      return Object.keys(entry.patch).length === 0 ? '' : JSON.stringify(entry.patch, withoutSecrets);
    case 'step-failed':
    case 'undo-failed':
      return describeError(entry.error);
    case 'finished':
      return entry.outcome.kind;
    case 'abandoned':
      return entry.reason;
    case 'step-started':
    case 'undo-started':
    case 'undo-done':
    case 'retried':
      return '';
  }
}

const withoutSecrets = (key: string, value: unknown): unknown => (SECRET.test(key) ? HIDDEN : value);

const describeError = ({ code, reason, message }: SerializedError): string => `${code} ${reason}: ${message}`;
