/**
 * What a trial does to one workflow: control dies at an entry of its log, a step or an undo fails, or each act is done
 * twice. It is bound to the first workflow of the type that runs, and outlives the restarts of control.
 */
import { definitionsOf } from '../../control/workflow/definitions/definitions.ts';
import { PACE, type Surroundings } from '../../control/workflow/definitions/surroundings.ts';
import type {
  LogEntry,
  Step,
  StepContext,
  WorkflowDefinition,
  WorkflowRecord,
  WorkflowState,
} from '../../control/workflow/workflow.ts';
import { LockstepError } from '../../daemon/sys/errors.ts';

export interface Plan {
  /** At the entry of this number, counted from 0: once it is durable, or when it is about to be written. */
  readonly death?: { readonly entry: number; readonly moment: 'before' | 'after' };
  /** Fails after it has done its work, as one that is cut off does. */
  readonly failStep?: string;
  /** Its undo fails, once. */
  readonly failUndo?: string;
  readonly twice?: boolean;
}

type Definition = WorkflowDefinition<WorkflowState>;
type Context = StepContext<WorkflowState>;

/** All types, and their steps, without a control that runs them. */
export function allDefinitions(): readonly Definition[] {
  return definitionsOf({ pace: PACE } as Surroundings);
}

export const injected = (what: string): LockstepError =>
  new LockstepError('FAILED_PRECONDITION', `${what} fails, since the trial has it so`, {
    reason: 'INJECTED',
  });

export class Interference {
  readonly type: Definition['type'];
  /** Of the workflow, as they became durable. */
  readonly entries: LogEntry[] = [];
  #plan: Plan;
  #workflow: string | undefined;
  #isDead = false;

  constructor(type: Definition['type'], plan: Plan = {}) {
    this.type = type;
    this.#plan = plan;
  }

  get workflow(): string | undefined {
    return this.#workflow;
  }

  get isDead(): boolean {
    return this.#isDead;
  }

  /** The next life of control is a long one. */
  revive(): void {
    this.#isDead = false;
    const { death: _death, ...rest } = this.#plan;
    this.#plan = rest;
  }

  readonly define = (around: Surroundings): readonly Definition[] =>
    definitionsOf(around).map((definition) => this.#wrapped(definition));

  readonly afterLog = (entry: LogEntry, record: WorkflowRecord): void => {
    if (!this.#isMine(record.id, record.type)) return;
    this.entries.push(entry);
    if (this.#plan.death?.moment === 'after' && this.#plan.death.entry === this.entries.length - 1)
      this.#die();
    if (this.#isDead) throw new Error('control is dead');
  };

  #isMine(workflow: string, type: string): boolean {
    if (type !== this.type) return false;
    this.#workflow ??= workflow;
    return this.#workflow === workflow;
  }

  #die(): void {
    this.#isDead = true;
  }

  #diesBeforeNext(): boolean {
    const { death } = this.#plan;
    if (death?.moment === 'before' && death.entry === this.entries.length) this.#die();
    return this.#isDead;
  }

  #wrapped(definition: Definition): Definition {
    if (definition.type !== this.type) return definition;
    return {
      ...definition,
      steps: definition.steps.map((step) => this.#step(step)),
      finished: async (state, outcome) => {
        for (let times = this.#times(); times > 0; times--) await definition.finished?.(state, outcome);
        // The hook is tried again until control is gone.
        if (this.#diesBeforeNext()) throw new Error('control is dead');
      },
    };
  }

  #times(): number {
    return this.#plan.twice === true ? 2 : 1;
  }

  #step(step: Step<WorkflowState>): Step<WorkflowState> {
    const act = async (context: Context): Promise<Partial<WorkflowState> | void> => {
      let patch = await step.do(context);
      if (this.#plan.twice === true) patch = await step.do(context);
      if (!this.#isMine(context.workflowId, this.type)) return patch;
      await this.#orDeath(context);
      if (this.#plan.failStep === step.name) throw injected(`step ${step.name}`);
      return patch;
    };
    if (step.undo === undefined) return { ...step, do: act };
    const undo = async (context: Context): Promise<void> => {
      for (let times = this.#times(); times > 0; times--) await step.undo?.(context);
      if (!this.#isMine(context.workflowId, this.type)) return;
      await this.#orDeath(context);
      if (this.#plan.failUndo !== step.name) return;
      this.#plan = { ...this.#plan, failUndo: '' };
      throw injected(`the undo of ${step.name}`);
    };
    return { ...step, do: act, undo };
  }

  /** Work that is done, and of which nobody will write that it is. */
  async #orDeath({ signal }: Context): Promise<void> {
    if (!this.#diesBeforeNext()) return;
    await new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      signal.addEventListener('abort', () => resolve(), { once: true });
    });
    throw new Error('control is dead');
  }
}
