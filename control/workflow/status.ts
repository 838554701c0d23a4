/**
 * What a workflow's log says: the state of each step, the merged state, and the one thing to do next. Pure: it is
 * all that a daemon knows after a crash, so it must follow from the log alone.
 *
 *        step-started   step-done (last step)          finished
 *   do ──────────────▶ do, begun ─────────────▶ finish ────────▶ none
 *    ▲      step-done │   │ step-failed           ▲  ▲
 *    └────────────────┘   ▼                       │  │
 *     (next step)       undo ───▶ undo, begun ────┘──┘
 *                         ▲  undo-started │  undo-done (first step), undo-failed
 *                         └───────────────┘  undo-done (step before)
 *
 * A person takes part where an undo failed: `finished` as stuck may be followed by `retried`, after which that undo is
 * begun again; and anything that has not ended may be `abandoned`, which is the last entry of its log.
 *
 * A log that breaks the table is refused with the reason: to guess what it meant would be to act on a host twice, or
 * in the wrong order.
 */
import { unreachable } from '../../daemon/sys/errors.ts';
import type { LogEntry, SerializedError, WorkflowEnd, WorkflowOutcome, WorkflowState } from './workflow.ts';

export type StepState = 'PENDING' | 'RUNNING' | 'DONE' | 'FAILED' | 'UNDOING' | 'UNDONE';

export interface StepStatus {
  readonly name: string;
  readonly state: StepState;
  /** How often its do was started, daemon restarts included. */
  readonly attempts: number;
  readonly undoAttempts: number;
  readonly startTimeMs: number | undefined;
  /** When its do, or later its undo, ended. */
  readonly endTimeMs: number | undefined;
  /** Of the do that failed; of the undo where that failed. */
  readonly error: SerializedError | undefined;
}

export type NextAction =
  | { readonly kind: 'do'; readonly step: string; readonly state: WorkflowState }
  | { readonly kind: 'undo'; readonly step: string; readonly state: WorkflowState }
  | { readonly kind: 'finish'; readonly outcome: WorkflowOutcome }
  | { readonly kind: 'none'; readonly outcome: WorkflowEnd };

export interface WorkflowStatus {
  readonly steps: readonly StepStatus[];
  /** The initial state with the patch of every step that was done, in order. */
  readonly state: WorkflowState;
  readonly next: NextAction;
  readonly finishTimeMs: number | undefined;
}

export type StatusResult =
  { readonly ok: true; readonly status: WorkflowStatus } | { readonly ok: false; readonly reason: string };

export function statusOf(
  stepNames: readonly string[],
  initialState: WorkflowState,
  entries: readonly LogEntry[],
): StatusResult {
  const history = new History(stepNames, initialState);
  for (const [sequence, entry] of entries.entries()) {
    const refusal = history.apply(entry);
    if (refusal !== undefined)
      return { ok: false, reason: `log entry ${sequence}, ${describe(entry)}: ${refusal}` };
  }
  return { ok: true, status: history.status() };
}

/** Whose turn it is. `begun`: the log says so, and does not say how it ended. */
type Turn =
  | { readonly kind: 'do'; readonly index: number; readonly begun: boolean }
  | { readonly kind: 'undo'; readonly index: number; readonly begun: boolean }
  | { readonly kind: 'finish'; readonly outcome: WorkflowOutcome }
  | { readonly kind: 'none'; readonly outcome: WorkflowEnd };

type TurnName = 'do' | 'do, begun' | 'undo' | 'undo, begun' | 'finish' | 'stuck' | 'none';

/** What may follow; what is not here is prohibited. A start may repeat: that is a retry, or a daemon that died. */
const LEGAL: Readonly<Record<TurnName, readonly LogEntry['kind'][]>> = {
  do: ['step-started', 'abandoned'],
  'do, begun': ['step-started', 'step-done', 'step-failed', 'abandoned'],
  undo: ['undo-started', 'abandoned'],
  'undo, begun': ['undo-started', 'undo-done', 'undo-failed', 'abandoned'],
  finish: ['finished', 'abandoned'],
  stuck: ['retried', 'abandoned'],
  none: [],
};

class History {
  readonly #names: readonly string[];
  /** One more than steps done: [0] is the initial state, [k + 1] the state after step k. */
  readonly #states: WorkflowState[];
  readonly #steps: StepStatus[];
  #turn: Turn;
  #failure: { readonly step: string; readonly error: SerializedError } | undefined;
  #finishTimeMs: number | undefined;

  constructor(names: readonly string[], initialState: WorkflowState) {
    this.#names = names;
    this.#states = [initialState];
    this.#steps = names.map((name) => ({
      name,
      state: 'PENDING',
      attempts: 0,
      undoAttempts: 0,
      startTimeMs: undefined,
      endTimeMs: undefined,
      error: undefined,
    }));
    this.#turn = this.#doOrFinish(0);
  }

  /** Answers the reason when the entry is refused. */
  apply(entry: LogEntry): string | undefined {
    const turn = turnName(this.#turn);
    if (!LEGAL[turn].includes(entry.kind))
      return `not legal now; legal: ${LEGAL[turn].join(', ') || 'nothing, the workflow has finished'}`;
    if (entry.kind === 'finished') return this.#applyFinished(entry);
    if (entry.kind === 'retried') return this.#applyRetried();
    if (entry.kind === 'abandoned') {
      this.#end({ kind: 'abandoned', reason: entry.reason }, entry.timeMs);
      return undefined;
    }
    const index = this.#index();
    if (!this.#names.includes(entry.step)) return `the definition has no such step`;
    if (entry.step !== this.#names[index]) return `it is the turn of ${String(this.#names[index])}`;
    this.#applyToStep(entry, index);
    return undefined;
  }

  status(): WorkflowStatus {
    return {
      steps: this.#steps,
      state: this.#latestState(),
      next: this.#next(),
      finishTimeMs: this.#finishTimeMs,
    };
  }

  #applyToStep(entry: Extract<LogEntry, { step: string }>, index: number): void {
    const { timeMs } = entry;
    const before = this.#steps[index];
    switch (entry.kind) {
      case 'step-started':
        this.#update(index, {
          state: 'RUNNING',
          attempts: (before?.attempts ?? 0) + 1,
          startTimeMs: before?.startTimeMs ?? timeMs,
        });
        this.#turn = { kind: 'do', index, begun: true };
        return;
      case 'step-done':
        this.#update(index, { state: 'DONE', endTimeMs: timeMs });
        this.#states.push({ ...this.#latestState(), ...entry.patch });
        this.#turn = this.#doOrFinish(index + 1);
        return;
      case 'step-failed':
        this.#update(index, { state: 'FAILED', endTimeMs: timeMs, error: entry.error });
        this.#failure = { step: entry.step, error: entry.error };
        // The step that failed comes first: it may have half worked.
        this.#turn = { kind: 'undo', index, begun: false };
        return;
      case 'undo-started':
        this.#update(index, { state: 'UNDOING', undoAttempts: (before?.undoAttempts ?? 0) + 1 });
        this.#turn = { kind: 'undo', index, begun: true };
        return;
      case 'undo-done':
        // Of an undo that had failed before there is nothing left to tell.
        this.#update(index, {
          state: 'UNDONE',
          endTimeMs: timeMs,
          error: this.#failure?.step === entry.step ? this.#failure.error : undefined,
        });
        this.#turn = this.#undoOrFinish(index - 1);
        return;
      case 'undo-failed':
        this.#update(index, { state: 'FAILED', endTimeMs: timeMs, error: entry.error });
        this.#turn = { kind: 'finish', outcome: { kind: 'stuck', step: entry.step, error: entry.error } };
        return;
      default:
        unreachable(entry);
    }
  }

  #applyFinished(entry: Extract<LogEntry, { kind: 'finished' }>): string | undefined {
    if (this.#turn.kind !== 'finish') return 'not legal now';
    if (!sameOutcome(this.#turn.outcome, entry.outcome))
      return `the entries before it lead to ${describeOutcome(this.#turn.outcome)}`;
    this.#end(entry.outcome, entry.timeMs);
    return undefined;
  }

  #applyRetried(): string | undefined {
    const stuck = this.#turn.kind === 'none' ? this.#turn.outcome : undefined;
    const index = stuck?.kind === 'stuck' ? this.#names.indexOf(stuck.step) : -1;
    if (index < 0) return 'no undo has failed';
    this.#turn = { kind: 'undo', index, begun: false };
    this.#finishTimeMs = undefined;
    return undefined;
  }

  #end(outcome: WorkflowEnd, timeMs: number): void {
    this.#turn = { kind: 'none', outcome };
    this.#finishTimeMs = timeMs;
  }

  #doOrFinish(index: number): Turn {
    return index < this.#names.length
      ? { kind: 'do', index, begun: false }
      : { kind: 'finish', outcome: { kind: 'done' } };
  }

  #undoOrFinish(index: number): Turn {
    if (index >= 0 || this.#failure === undefined) return { kind: 'undo', index, begun: false };
    return { kind: 'finish', outcome: { kind: 'undone', ...this.#failure } };
  }

  #next(): NextAction {
    const turn = this.#turn;
    if (turn.kind === 'finish' || turn.kind === 'none') return turn;
    const step = this.#names[turn.index] ?? '';
    // An undo sees what its own step knew, not what later ones, undone by now, had added.
    const known = turn.kind === 'do' ? turn.index : Math.min(turn.index + 1, this.#states.length - 1);
    return { kind: turn.kind, step, state: this.#states[known] ?? {} };
  }

  #index(): number {
    return this.#turn.kind === 'do' || this.#turn.kind === 'undo' ? this.#turn.index : -1;
  }

  #latestState(): WorkflowState {
    return this.#states.at(-1) ?? {};
  }

  #update(index: number, change: Partial<StepStatus>): void {
    const step = this.#steps[index];
    if (step !== undefined) this.#steps[index] = { ...step, ...change };
  }
}

function turnName(turn: Turn): TurnName {
  if (turn.kind === 'none') return turn.outcome.kind === 'stuck' ? 'stuck' : 'none';
  if (turn.kind === 'finish') return turn.kind;
  return turn.begun ? `${turn.kind}, begun` : turn.kind;
}

function sameOutcome(a: WorkflowOutcome, b: WorkflowOutcome): boolean {
  if (a.kind === 'done' || b.kind === 'done') return a.kind === b.kind;
  return (
    a.kind === b.kind &&
    a.step === b.step &&
    a.error.code === b.error.code &&
    a.error.reason === b.error.reason &&
    a.error.message === b.error.message
  );
}

function describe(entry: LogEntry): string {
  if (entry.kind === 'finished') return `finished as ${describeOutcome(entry.outcome)}`;
  return 'step' in entry ? `${entry.kind} ${entry.step}` : entry.kind;
}

function describeOutcome(outcome: WorkflowOutcome): string {
  return outcome.kind === 'done' ? 'done' : `${outcome.kind} at ${outcome.step}`;
}
