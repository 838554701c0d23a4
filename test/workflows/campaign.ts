/**
 * The trials of every workflow: control dies at each boundary of its log, forwards and on the way back; each do and undo
 * is done twice; each step fails; each undo fails, and is tried again by a person; its log is poisoned, which stops no
 * other one, and a person ends it. After each trial the world is as it is to be, and the audit finds nothing.
 */
import { join } from 'node:path';
import { keys } from '../../control/model/records.ts';
import { openLevelStore } from '../../control/store/level-store.ts';
import type { LogEntry, WorkflowDefinition, WorkflowState } from '../../control/workflow/workflow.ts';
import { WorkflowState as State } from '../../proto/gen/lockstep/v1/workflow_service.ts';
import { allDefinitions, Interference, type Plan } from './interference.ts';
import { type Scenario, SCENARIOS } from './scenarios.ts';
import { Cleanup, World } from './world.ts';

type Type = WorkflowDefinition<WorkflowState>['type'];

export const KINDS = ['crash', 'crash back', 'twice', 'error', 'stuck', 'poison'] as const;
export type Kind = (typeof KINDS)[number];

export interface Trial {
  readonly type: Type;
  readonly kind: Kind;
  /** Such as "before entry 7, step-done seed". */
  readonly what: string;
  /** Throws what is wrong. */
  run(): Promise<void>;
}

/** After which the work is done, and not yet written down. */
const ENDS: ReadonlySet<LogEntry['kind']> = new Set([
  'step-done',
  'step-failed',
  'undo-done',
  'undo-failed',
  'finished',
]);

export const typesWithoutScenario = (): readonly Type[] =>
  allDefinitions().flatMap(({ type }) => (SCENARIOS[type] === undefined ? [type] : []));

/** Runs it twice undisturbed, once to its end and once back, since the logs of these say where control can die. */
export async function trialsOf(type: Type): Promise<readonly Trial[]> {
  const scenario = SCENARIOS[type];
  const definition = allDefinitions().find((candidate) => candidate.type === type);
  if (scenario === undefined || definition === undefined) throw new Error(`there is no scenario of ${type}`);
  const trial = (kind: Kind, what: string, run: () => Promise<unknown>): Trial => ({
    type,
    kind,
    what,
    run: async () => {
      await run();
    },
  });
  const names = definition.steps.map(({ name }) => name);
  const undoable = definition.steps.filter((step) => step.undo !== undefined).map(({ name }) => name);
  const last = names.at(-1);
  const forward = await toItsEnd(type, scenario, {});
  const trials = deathsIn(forward, { from: 0, undoable }).map(({ what, death }) =>
    trial('crash', what, () => toItsEnd(type, scenario, { death })),
  );
  trials.push(trial('twice', 'to its end', () => toItsEnd(type, scenario, { twice: true })));
  if (names.length > 0)
    trials.push(trial('poison', 'after its first step began', () => poison(type, scenario)));
  if (last === undefined) return trials;
  const back = await toItsEnd(type, scenario, { failStep: last });
  const turn = back.findIndex(({ kind }) => kind === 'step-failed');
  return [
    ...trials,
    ...deathsIn(back, { from: turn, undoable }).map(({ what, death }) =>
      trial('crash back', what, () => toItsEnd(type, scenario, { failStep: last, death })),
    ),
    trial('twice', `back from ${last}`, () => toItsEnd(type, scenario, { failStep: last, twice: true })),
    ...names.map((step) => trial('error', step, () => toItsEnd(type, scenario, { failStep: step }))),
    ...undoable.map((step) => trial('stuck', step, () => stuckAndRetried(type, scenario, { step, last }))),
  ];
}

interface Death {
  readonly what: string;
  readonly death: NonNullable<Plan['death']>;
}

/** After the last entry there is nothing left to do. */
function deathsIn(
  entries: readonly LogEntry[],
  { from, undoable }: { readonly from: number; readonly undoable: readonly string[] },
): readonly Death[] {
  // Where nothing is to be undone no work is done between the two entries.
  const isWork = (entry: LogEntry): boolean =>
    ENDS.has(entry.kind) && (entry.kind !== 'undo-done' || undoable.includes(entry.step));

  return entries.flatMap((entry, index): readonly Death[] => {
    if (index < from) return [];
    const about = `entry ${String(index)}, ${entry.kind}${'step' in entry ? ` ${entry.step}` : ''}`;
    const before = { what: `before ${about}`, death: { entry: index, moment: 'before' } } as const;
    const after = { what: `after ${about}`, death: { entry: index, moment: 'after' } } as const;
    return [...(isWork(entry) ? [before] : []), ...(index < entries.length - 1 ? [after] : [])];
  });
}

async function inWorld<Value>(
  interference: Interference,
  run: (world: World) => Promise<Value>,
): Promise<Value> {
  const cleanup = new Cleanup();
  try {
    return await run(await World.open(cleanup, interference));
  } finally {
    await cleanup.run();
  }
}

/** Answers its log. With a death, control is started again after it. */
function toItsEnd(type: Type, scenario: Scenario, plan: Plan): Promise<readonly LogEntry[]> {
  const interference = new Interference(type, plan);
  return inWorld(interference, async (world) => {
    await scenario.prepare(world);
    const id = await begun(world, scenario, interference, plan.death !== undefined);
    const { state, reason } = await world.ended(id);
    const wanted = plan.failStep === undefined ? State.WORKFLOW_STATE_DONE : State.WORKFLOW_STATE_UNDONE;
    if (state !== wanted) throw new Error(`it ended as ${String(state)}: ${reason}`);
    await (plan.failStep === undefined ? scenario.done(world) : scenario.undone(world));
    await world.clean();
    return [...interference.entries];
  });
}

/** It may die while it answers the request: then the log alone knows what was begun. */
async function begun(
  world: World,
  scenario: Scenario,
  interference: Interference,
  dies: boolean,
): Promise<string> {
  if (!dies) return scenario.begin(world);
  const asked = scenario.begin(world).catch(() => '');
  await world.death();
  await world.restart();
  const id = interference.workflow ?? (await asked);
  if (id === '') throw new Error('nothing was begun');
  return id;
}

function stuckAndRetried(
  type: Type,
  scenario: Scenario,
  { step, last }: { readonly step: string; readonly last: string },
): Promise<void> {
  return inWorld(new Interference(type, { failStep: last, failUndo: step }), async (world) => {
    await scenario.prepare(world);
    const id = await scenario.begin(world);
    const stuck = await world.ended(id);
    if (stuck.state !== State.WORKFLOW_STATE_STUCK || stuck.nextStep === '')
      throw new Error(`it is not stuck: ${stuck.reason}`);
    if (!(await world.retry(id))) {
      // It had let go of the database, and the monitor has looked after that since.
      await world.abandon(id);
      await world.well();
      return world.clean();
    }
    const undone = await world.ended(id);
    if (undone.state !== State.WORKFLOW_STATE_UNDONE) throw new Error(`retried, it is ${undone.reason}`);
    await scenario.undone(world);
    await world.clean();
  });
}

/** Another database is created meanwhile; the poisoned workflow is ended by a person, and its database deleted. */
function poison(type: Type, scenario: Scenario): Promise<void> {
  const interference = new Interference(type, { death: { entry: 0, moment: 'after' } });
  return inWorld(interference, async (world) => {
    await scenario.prepare(world);
    const asked = scenario.begin(world).catch(() => '');
    await world.death();
    await world.harness.stopControl();
    const id = interference.workflow ?? (await asked);
    const store = await openLevelStore(join(world.harness.folder, 'control'));
    await store.transact([], [{ key: keys.workflowLogEntry(id, 1), value: { kind: 'dust' } }]);
    await store.close();
    await world.restart();
    await world.heard();
    await world.done(await world.harness.create({ databaseId: 'bills', zones: [] }));
    const stuck = await world.ended(id);
    if (stuck.state !== State.WORKFLOW_STATE_STUCK) throw new Error(`it is not stuck: ${stuck.reason}`);
    await world.abandon(id);
    await world.delete(scenario.name);
    await world.well('databases/bills');
    await world.clean();
  });
}
