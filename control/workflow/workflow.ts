/**
 * What a workflow is: named steps with do and undo, over a log in the control store that is written before acting.
 *
 * The model is a distributed saga: a step that started and whose end is not in the log is run again; a step that
 * failed is undone too, since it may have half worked; an undo that fails stops there and asks for a person. So every
 * do and undo is idempotent.
 */

/** Plain JSON; it is what the log can rebuild. */
export type WorkflowState = Readonly<Record<string, unknown>>;

export interface StepContext<State extends WorkflowState> {
  readonly workflowId: string;
  readonly step: string;
  readonly attempt: number;
  readonly state: State;
  /** Aborted at the step's deadline and when the daemon stops. */
  readonly signal: AbortSignal;
  /** For people, such as "412 of 1024 MiB"; percent 0 to 100. Not durable. */
  progress(text: string, percent: number): void;
}

export interface Step<State extends WorkflowState> {
  readonly name: string;
  /** For people, such as "Seed the secondary in zone b". */
  title(state: State): string;
  readonly deadlineMs: number;
  /** How often a do (or an undo) that failed is run before the failure counts; at least 1. */
  readonly attempts: number;
  readonly backoffMs: number;
  /** What it answers is merged into the state, in the same log entry that says the step is done. */
  do(context: StepContext<State>): Promise<Partial<State> | void>;
  /** Absent where there is nothing to undo. Runs with the state as it was before the step, or after it if it was done. */
  undo?(context: StepContext<State>): Promise<void>;
}

export interface WorkflowDefinition<State extends WorkflowState> {
  readonly type:
    | 'create-database'
    | 'create-volume'
    | 'create-single-database'
    | 'create-single-volume'
    | 'delete-database'
    | 'failover'
    | 'reseed'
    | 'recover-primary'
    | 'revert-volume'
    | 'update-database'
    | 'start-database'
    | 'stop-database'
    | 'reboot-database'
    | 'undelete-database'
    | 'purge-database'
    | 'rename-database'
    | 'reset-password'
    | 'clone-database'
    | 'clone-volume'
    | 'resize-volume'
    | 'convert-redundancy'
    | 'convert-to-single'
    | 'drop-surplus'
    | 'replace-replica'
    | 'drain-host';
  /** Raised when steps change; a log of another version is not run, it waits for a person. */
  readonly version: number;
  readonly steps: readonly Step<State>[];
  /** Runs once the log says that the last step is done / everything is undone / an undo failed. Idempotent. */
  finished?(state: State, outcome: WorkflowOutcome): Promise<void>;
}

export type WorkflowOutcome =
  | { readonly kind: 'done' }
  | { readonly kind: 'undone'; readonly step: string; readonly error: SerializedError }
  | { readonly kind: 'stuck'; readonly step: string; readonly error: SerializedError };

/** How a log ends. One that ends as stuck goes on where a person has it tried again. */
export type WorkflowEnd =
  | WorkflowOutcome
  /** A person ended it as it was; `reason` is what it had waited for. */
  | { readonly kind: 'abandoned'; readonly reason: string };

/** A LockstepError as the log keeps it. */
export interface SerializedError {
  readonly code: string;
  readonly reason: string;
  readonly message: string;
  /** What to do about it, where whoever made the error knew that. */
  readonly next?: string | undefined;
}

export interface WorkflowRecord {
  readonly id: string;
  readonly type: string;
  readonly version: number;
  /** The resource it works on: databases/{database} or hosts/{host}. */
  readonly target: string;
  readonly createTimeMs: number;
  readonly initialState: WorkflowState;
}

export type LogEntry =
  | { readonly kind: 'step-started'; readonly step: string; readonly timeMs: number }
  | {
      readonly kind: 'step-done';
      readonly step: string;
      readonly timeMs: number;
      readonly patch: WorkflowState;
    }
  | {
      readonly kind: 'step-failed';
      readonly step: string;
      readonly timeMs: number;
      readonly error: SerializedError;
    }
  | { readonly kind: 'undo-started'; readonly step: string; readonly timeMs: number }
  | { readonly kind: 'undo-done'; readonly step: string; readonly timeMs: number }
  | {
      readonly kind: 'undo-failed';
      readonly step: string;
      readonly timeMs: number;
      readonly error: SerializedError;
    }
  | { readonly kind: 'finished'; readonly timeMs: number; readonly outcome: WorkflowOutcome }
  /** A person has a stuck one go on: the undo that failed is run again. */
  | { readonly kind: 'retried'; readonly timeMs: number }
  | { readonly kind: 'abandoned'; readonly timeMs: number; readonly reason: string };
