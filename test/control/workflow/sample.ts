/** A small workflow over a small world, for tests of the engine: three resources that are made and removed. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Test } from 'tap';
import { openLevelStore } from '../../../control/store/level-store.ts';
import type { ControlStore } from '../../../control/store/store.ts';
import { type EngineOptions, WorkflowEngine } from '../../../control/workflow/executor.ts';
import type {
  Step,
  StepContext,
  WorkflowDefinition,
  WorkflowOutcome,
  WorkflowState,
} from '../../../control/workflow/workflow.ts';
import type { Log } from '../../../daemon/sys/log.ts';

/** A type alias: unlike an interface it is also a WorkflowState. */
export type SampleState = { readonly name: string; readonly volume?: string; readonly device?: string };

export const silent: Log = { debug() {}, info() {}, warn() {}, error() {} };

/** What the workflow works on; it outlives the engine, as hosts outlive control. */
export class World {
  readonly resources = new Set<string>();
  /** "do make-volume", "undo attach", "finished done". */
  readonly calls: string[] = [];
  /** Steps (as in calls) that throw, and what. */
  readonly faults = new Map<string, Error>();
  outcome: WorkflowOutcome | undefined;

  meet(call: string): void {
    this.calls.push(call);
    const fault = this.faults.get(call);
    if (fault !== undefined) throw fault;
  }
}

export const SAMPLE_STEPS = ['make-volume', 'attach', 'publish'] as const;

export function sampleDefinition(world: World): WorkflowDefinition<SampleState> {
  const step = (name: string, make: (state: SampleState) => Partial<SampleState>): Step<SampleState> => ({
    name,
    title: (state) => `${name} of ${state.name}`,
    deadlineMs: 5000,
    attempts: 1,
    backoffMs: 1,
    async do({ state }: StepContext<SampleState>) {
      // Half of the work is done before a fault strikes: that is what the undo of a failed step is for.
      world.resources.add(`${name}/${state.name}`);
      world.meet(`do ${name}`);
      return make(state);
    },
    async undo({ state }: StepContext<SampleState>) {
      world.meet(`undo ${name}`);
      world.resources.delete(`${name}/${state.name}`);
    },
  });
  return {
    type: 'create-database',
    version: 1,
    steps: [
      step('make-volume', (state) => ({ volume: `vol-${state.name}` })),
      step('attach', (state) => ({ device: `/dev/${String(state.volume)}` })),
      step('publish', () => ({})),
    ],
    async finished(_state, outcome) {
      world.meet(`finished ${outcome.kind}`);
      world.outcome = outcome;
    },
  };
}

export async function storeFolder(t: Test): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'lockstep-workflow-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

export async function openStore(t: Test): Promise<ControlStore> {
  const store = await openLevelStore(await storeFolder(t));
  t.teardown(() => store.close());
  return store;
}

export function engineOn(
  t: Test,
  store: ControlStore,
  definitions: readonly WorkflowDefinition<WorkflowState>[],
  options: Partial<EngineOptions> = {},
): WorkflowEngine {
  const engine = new WorkflowEngine({ store, definitions, clock: Date.now, log: silent, ...options });
  t.teardown(() => engine.close());
  return engine;
}

/** Starts the sample and answers its id; a conflict is the test's fault. */
export async function startSample(engine: WorkflowEngine, name = 'orders'): Promise<string> {
  const result = await engine.start('create-database', `databases/${name}`, { name });
  if (!result.ok) throw new Error(`conflict on ${result.conflict}`);
  return result.id;
}
