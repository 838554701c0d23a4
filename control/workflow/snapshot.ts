/** A workflow as others see it: its record, how it stands, its steps, and the progress that is not durable. */
import type { LogReading, ReadResult } from './log.ts';
import { statusOf, type StepStatus, type WorkflowStatus } from './status.ts';
import type { LogEntry, WorkflowDefinition, WorkflowEnd, WorkflowRecord, WorkflowState } from './workflow.ts';

export interface StepSnapshot extends StepStatus {
  /** For people; the step's name where the definition is not there to ask. */
  readonly title: string;
}

export interface StepProgress {
  readonly step: string;
  readonly text: string;
  readonly percent: number;
}

export type WorkflowStanding =
  | { readonly kind: 'running' }
  /** Also where an undo failed: it then waits for a person. */
  | { readonly kind: 'finished'; readonly outcome: WorkflowEnd; readonly timeMs: number }
  /** Not finished, and not run: it waits for a person. */
  | ({ readonly kind: 'halted' } & Halt);

/** What helps a workflow that is not run: to try again, another version of the daemon, or only to end it. */
export type Remedy = 'retry' | 'version' | 'abandon';

export interface Halt {
  readonly reason: string;
  readonly remedy: Remedy;
}

export interface WorkflowSnapshot {
  readonly record: WorkflowRecord;
  readonly standing: WorkflowStanding;
  /** Empty when the log was refused. */
  readonly steps: readonly StepSnapshot[];
  /** The merged state; the initial one when the log was refused. */
  readonly state: WorkflowState;
  /** Of the step that is running in this daemon. */
  readonly progress: StepProgress | undefined;
}

export interface Evidence {
  readonly record: WorkflowRecord;
  readonly definition: WorkflowDefinition<WorkflowState> | undefined;
  readonly log: LogReading;
  readonly progress?: StepProgress | undefined;
  /** Why the daemon stopped running it, where it did. */
  readonly halted?: Halt | undefined;
  /** Another daemon runs it, whatever this one knows of such workflows. */
  readonly isRunElsewhere?: boolean;
}

export function snapshotOf(evidence: Evidence): WorkflowSnapshot {
  const { record, definition, log } = evidence;
  const reading = log.ok ? read(record, definition, log.value) : log;
  if (!reading.ok)
    return {
      record,
      standing: standingWithoutLog(log, reading.reason),
      steps: [],
      state: record.initialState,
      progress: undefined,
    };
  const status = reading.value;
  return {
    record,
    standing: standingOf(status, evidence.isRunElsewhere === true ? undefined : haltOf(evidence)),
    steps: status.steps.map((step) => ({ ...step, title: titleOf(definition, step.name, status.state) })),
    state: status.state,
    progress: evidence.progress,
  };
}

/** Why this daemon does not run such a workflow; undefined when it does. */
export function versionRefusal(
  record: WorkflowRecord,
  definition: WorkflowDefinition<WorkflowState> | undefined,
): string | undefined {
  if (definition === undefined) return `this daemon knows no workflow of type ${record.type}`;
  if (definition.version === record.version) return undefined;
  return `its log is of version ${record.version} of ${record.type}, this daemon runs version ${definition.version}`;
}

function read(
  record: WorkflowRecord,
  definition: WorkflowDefinition<WorkflowState> | undefined,
  entries: readonly LogEntry[],
): ReadResult<WorkflowStatus> {
  // What ran under another version can still be shown: the log itself names the steps, in the order they were begun.
  const names =
    definition !== undefined && definition.version === record.version
      ? definition.steps.map((step) => step.name)
      : [...new Set(entries.flatMap((entry) => (entry.kind === 'step-started' ? [entry.step] : [])))];
  const result = statusOf(names, record.initialState, entries);
  return result.ok ? { ok: true, value: result.status } : result;
}

function haltOf({ halted, record, definition }: Evidence): Halt | undefined {
  const refusal = versionRefusal(record, definition);
  return halted ?? (refusal === undefined ? undefined : { reason: refusal, remedy: 'version' });
}

function standingOf(status: WorkflowStatus, halt: Halt | undefined): WorkflowStanding {
  if (status.next.kind === 'none')
    return { kind: 'finished', outcome: status.next.outcome, timeMs: status.finishTimeMs ?? 0 };
  return halt === undefined ? { kind: 'running' } : { kind: 'halted', ...halt };
}

function standingWithoutLog(log: LogReading, reason: string): WorkflowStanding {
  const last = log.ok ? log.value.at(-1) : log.last;
  if (last?.kind !== 'abandoned') return { kind: 'halted', reason, remedy: 'abandon' };
  const outcome = { kind: 'abandoned', reason: last.reason } as const;
  return { kind: 'finished', outcome, timeMs: last.timeMs };
}

function titleOf(
  definition: WorkflowDefinition<WorkflowState> | undefined,
  name: string,
  state: WorkflowState,
): string {
  try {
    return definition?.steps.find((step) => step.name === name)?.title(state) ?? name;
  } catch {
    // A title that needs a fact which an earlier step has yet to find out is no reason to show nothing.
    return name;
  }
}
