/**
 * One workflow being run: ask the log what is next, do it, write down how it went, again until it has finished.
 * Everything it knows is in the log's entries; a run that is dropped at any point is taken up from there.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { assert, LockstepError, messageOf } from '../../daemon/sys/errors.ts';
import type { Log } from '../../daemon/sys/log.ts';
import type { ControlStore } from '../store/store.ts';
import { callStep, MAX_BACKOFF_MS, type StepCall, type StepResult } from './attempt.ts';
import { appendEntry, OwnershipLost } from './log.ts';
import { type Remedy, snapshotOf, type StepProgress, type WorkflowSnapshot } from './snapshot.ts';
import { statusOf, type NextAction, type WorkflowStatus } from './status.ts';
import type {
  LogEntry,
  Step,
  WorkflowDefinition,
  WorkflowOutcome,
  WorkflowRecord,
  WorkflowState,
} from './workflow.ts';

/** `finished` has no backoff of its own in the definition; it grows from this to MAX_BACKOFF_MS. */
const FINISHED_BACKOFF_MS = 200;

export interface RunSurroundings {
  readonly store: ControlStore;
  readonly clock: () => number;
  readonly log: Log;
  /** The daemon stops, or its lease on what it runs has ended. */
  readonly stop: AbortSignal;
  /** Of the record that says that this daemon runs it. */
  readonly ownerRevision: number;
  readonly settleMs: number;
  readonly afterLog: ((entry: LogEntry, workflow: WorkflowRecord) => void | Promise<void>) | undefined;
  readonly changed: () => void;
}

type Turn = Extract<NextAction, { kind: 'do' | 'undo' }>;

export class WorkflowRun {
  readonly #record: WorkflowRecord;
  readonly #definition: WorkflowDefinition<WorkflowState>;
  readonly #around: RunSurroundings;
  readonly #entries: LogEntry[];
  #progress: StepProgress | undefined;
  #abandoned = false;

  constructor(
    record: WorkflowRecord,
    definition: WorkflowDefinition<WorkflowState>,
    entries: readonly LogEntry[],
    around: RunSurroundings,
  ) {
    this.#record = record;
    this.#definition = definition;
    this.#entries = [...entries];
    this.#around = around;
  }

  /** Returns when the workflow has finished or the daemon stops; throws when it cannot go on. */
  async run(): Promise<void> {
    while (!this.#around.stop.aborted) {
      const { next, state } = this.#status(this.#entries);
      if (next.kind === 'none') return;
      if (next.kind === 'finish') await this.#finish(next.outcome, state);
      else if (next.kind === 'do') await this.#do(next);
      else await this.#undo(next);
    }
  }

  snapshot(): WorkflowSnapshot {
    return snapshotOf({
      record: this.#record,
      definition: this.#definition,
      log: { ok: true, value: this.#entries },
      progress: this.#progress,
    });
  }

  /** After this nothing is written any more, whatever a step that ignored its signal still answers. */
  abandon(): void {
    this.#abandoned = true;
  }

  async #do(turn: Turn): Promise<void> {
    const step = this.#stepNamed(turn.step);
    const result = await this.#call(step, turn, 'step-started', (context) => step.do(context));
    if (result.kind === 'stopped') return;
    const about = { step: step.name, timeMs: this.#around.clock() };
    if (result.kind === 'ok')
      await this.#append({ kind: 'step-done', ...about, patch: asTheLogKeepsIt(result.value ?? {}) });
    else await this.#append({ kind: 'step-failed', ...about, error: result.error });
  }

  async #undo(turn: Turn): Promise<void> {
    const step = this.#stepNamed(turn.step);
    const result = await this.#call(step, turn, 'undo-started', async (context) => step.undo?.(context));
    if (result.kind === 'stopped') return;
    const about = { step: step.name, timeMs: this.#around.clock() };
    if (result.kind === 'ok') await this.#append({ kind: 'undo-done', ...about });
    else await this.#append({ kind: 'undo-failed', ...about, error: result.error });
  }

  async #call<Value>(
    step: Step<WorkflowState>,
    turn: Turn,
    announcement: 'step-started' | 'undo-started',
    run: (context: Parameters<Step<WorkflowState>['do']>[0]) => Promise<Value>,
  ): Promise<StepResult<Value>> {
    const { clock, log, stop, settleMs } = this.#around;
    const facts = { workflow: this.#record.id, target: this.#record.target, step: step.name };
    // Each attempt has a voice of its own: one that was given up on cannot speak into the next one's progress.
    let voice = {};
    const call: StepCall<Value> = {
      name: turn.kind === 'do' ? `step ${step.name}` : `the undo of step ${step.name}`,
      deadlineMs: step.deadlineMs,
      attempts: step.attempts,
      backoffMs: step.backoffMs,
      announce: () => this.#append({ kind: announcement, step: step.name, timeMs: clock() }),
      run: (signal) => {
        const own = (voice = {});
        const progress = (text: string, percent: number): void => {
          if (voice === own) this.#setProgress({ step: step.name, text, percent });
        };
        const attempt = this.#entries.filter((e) => e.kind === announcement && e.step === step.name).length;
        return run({
          workflowId: this.#record.id,
          step: step.name,
          attempt,
          state: turn.state,
          signal,
          progress,
        });
      },
      retrying: (error, backoffMs) =>
        log.warn(
          { ...facts, error: messageOf(error), backoffMs },
          'an attempt of a step failed and is repeated',
        ),
      unsettled: () =>
        log.error(facts, 'a step goes on although it was told to stop; what follows may overlap'),
    };
    try {
      const result = await callStep(call, stop, settleMs);
      if (result.kind === 'failed')
        log.error({ ...facts, ...result.error, kind: turn.kind }, 'a step failed');
      return result;
    } finally {
      voice = {};
      this.#progress = undefined;
    }
  }

  /**
   * The hook runs before the entry: a crash between the two runs it again, whereas the other order would lose it. It
   * is repeated until it works, since nobody else would do what it does.
   */
  async #finish(outcome: WorkflowOutcome, state: WorkflowState): Promise<void> {
    const { stop, clock, log } = this.#around;
    for (let attempt = 0; !stop.aborted; attempt++) {
      try {
        await this.#definition.finished?.(state, outcome);
        await this.#append({ kind: 'finished', timeMs: clock(), outcome });
        return;
      } catch (error) {
        if (error instanceof RunHalted || error instanceof OwnershipLost) throw error;
        const backoffMs = Math.min(FINISHED_BACKOFF_MS * 2 ** attempt, MAX_BACKOFF_MS);
        const facts = { workflow: this.#record.id, error: messageOf(error), backoffMs };
        log.error(facts, 'the end of a workflow could not be recorded in its target; it is tried again');
        await sleep(backoffMs, undefined, { signal: stop }).catch(() => undefined);
      }
    }
  }

  async #append(entry: LogEntry): Promise<void> {
    // Checked on the way out as it is on the way in: a log that we would refuse to read is never written.
    this.#status([...this.#entries, entry]);
    if (this.#abandoned) throw new RunHalted('the daemon stopped', 'retry');
    const { store, ownerRevision } = this.#around;
    try {
      await appendEntry(store, this.#record.id, { sequence: this.#entries.length, ownerRevision }, entry);
    } catch (cause) {
      if (cause instanceof OwnershipLost) throw cause;
      const isFull = cause instanceof LockstepError && cause.reason === 'WORKFLOW_LOG_FULL';
      throw new RunHalted(messageOf(cause), isFull ? 'abandon' : 'retry', { cause });
    }
    this.#entries.push(entry);
    try {
      await this.#around.afterLog?.(entry, this.#record);
    } catch (cause) {
      throw new RunHalted(messageOf(cause), 'retry', { cause });
    }
    this.#around.changed();
  }

  #setProgress(progress: StepProgress): void {
    const was = this.#progress;
    if (was?.text === progress.text && was.percent === progress.percent) return;
    this.#progress = progress;
    this.#around.changed();
  }

  #status(entries: readonly LogEntry[]): WorkflowStatus {
    const names = this.#definition.steps.map((step) => step.name);
    const result = statusOf(names, this.#record.initialState, entries);
    if (!result.ok) throw new RunHalted(result.reason, 'abandon');
    return result.status;
  }

  #stepNamed(name: string): Step<WorkflowState> {
    const step = this.#definition.steps.find((candidate) => candidate.name === name);
    assert(step !== undefined, `${this.#record.type} has a step ${name}`);
    return step;
  }
}

/** The run cannot go on in this daemon: its log is refused, or cannot be written. */
export class RunHalted extends Error {
  override readonly name = 'RunHalted';
  readonly remedy: Remedy;

  constructor(message: string, remedy: Remedy, options?: ErrorOptions) {
    super(message, options);
    this.remedy = remedy;
  }
}

/** What a restarted daemon will read, so that both go on with the same: without undefined, dates as strings. */
export function asTheLogKeepsIt(state: WorkflowState): WorkflowState {
  try {
    return JSON.parse(JSON.stringify(state)) as WorkflowState;
  } catch (cause) {
    throw new LockstepError('INTERNAL', `a workflow's state must be plain JSON: ${messageOf(cause)}`, {
      cause,
    });
  }
}
