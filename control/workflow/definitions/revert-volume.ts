/**
 * revert-volume: nobody uses the volume while it goes back to a snapshot. Nothing is undone: what was written of it
 * stays written, and a revert that stopped on its way is begun again by a person, or the database deleted.
 */
import type { Step, StepContext, WorkflowDefinition, WorkflowOutcome } from '../workflow.ts';
import { HostActions } from './host-actions.ts';
import { attachAndMount, type DatabaseWork, describeOutcome, letGo, requirePrimary } from './steps.ts';
import { patiently, type StepRun, type Surroundings } from './surroundings.ts';

export type RevertState = DatabaseWork & {
  readonly primary: string;
  readonly snapshot: string;
  readonly changedBytes: number;
} & Readonly<Record<string, unknown>>;

type Context = StepContext<RevertState>;

const START_ENGINE = 'start-engine';
const ATTEMPTS = 3;
const RELEASE_MS = 3 * 60_000;
const REVERT_MS = 24 * 60 * 60_000;
const ENGINE_MS = 10 * 60_000;

export function revertVolume(around: Surroundings): WorkflowDefinition<RevertState> {
  const steps: readonly Step<RevertState>[] = [
    step(around, {
      name: 'release-host',
      title: ({ primary }) => `Stop what uses the volume on ${primary}`,
      deadlineMs: RELEASE_MS,
      act: (hosts, state) => hosts.release(state.primary, state, { kill: false }),
    }),
    step(around, {
      name: 'write-back',
      title: ({ primary, snapshot }) => `Write what differs from snapshot ${snapshot} on ${primary}`,
      deadlineMs: REVERT_MS,
      act: async (hosts, { primary, snapshot }) => ({
        changedBytes: Number(await hosts.revertReplica(primary, snapshot)),
      }),
    }),
    step(around, {
      name: START_ENGINE,
      title: ({ primary }) => `Start again what uses the volume on ${primary}`,
      deadlineMs: ENGINE_MS,
      act: async (hosts, state) => {
        await attachAndMount(hosts, state.primary, state);
        await hosts.startEngine(state.primary, state);
      },
    }),
  ];
  return {
    type: 'revert-volume',
    version: 1,
    steps,
    finished: (state, outcome) => finished(around, state, outcome),
  };
}

function step(
  around: Surroundings,
  parts: Pick<Step<RevertState>, 'name' | 'title' | 'deadlineMs'> & {
    readonly act: (hosts: HostActions, state: RevertState) => Promise<Partial<RevertState> | void>;
  },
): Step<RevertState> {
  const { name, title, deadlineMs, act } = parts;
  return {
    name,
    title,
    deadlineMs,
    attempts: ATTEMPTS,
    backoffMs: around.pace.backoffMs,
    async do(context: Context) {
      const { volume, primary } = context.state;
      await requirePrimary(around, volume, primary);
      return act(new HostActions(around, context, volume), context.state);
    },
  };
}

async function finished(around: Surroundings, state: RevertState, outcome: WorkflowOutcome): Promise<void> {
  const { snapshot, changedBytes } = state;
  if (outcome.kind === 'done')
    return letGo(around, state, () => ({ lifecycle: 'active', failure: '' }), [
      {
        reason: 'REVERTED',
        message: `back to snapshot ${snapshot}: ${String(changedBytes)} bytes were other`,
      },
    ]);
  const why = describeOutcome(outcome);
  const isMixture = await isHalfDone(around, state);
  const failure = isMixture ? `the revert to ${snapshot} has not ended, ${why}; revert again` : '';
  const others =
    outcome.step === START_ENGINE
      ? `it is back to snapshot ${snapshot}, but ${why}`
      : `nothing was changed: ${why}`;
  // What is half done keeps its hold: no failover may bring up another replica of a mixture.
  await letGo(
    around,
    state,
    () => (isMixture ? { lifecycle: 'failed', failure, busyWith: state.workflow } : {}),
    [{ reason: 'REVERT_FAILED', message: isMixture ? failure : others }],
  );
}

/** A host that cannot be asked may be in the middle of it. */
async function isHalfDone(
  around: Surroundings,
  { workflow, volume, primary }: RevertState,
): Promise<boolean> {
  const run: StepRun = { workflowId: workflow, step: 'finish', signal: new AbortController().signal };
  const hosts = new HostActions(around, run, volume);
  try {
    return (await patiently(around, run.signal, () => hosts.revertingTo(primary))) !== '';
  } catch {
    return true;
  }
}
