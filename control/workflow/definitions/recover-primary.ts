/** recover-primary: the record names the primary, but its replica stepped down, or engine, device or alias is not there. */
import type { Step, StepContext, WorkflowDefinition, WorkflowOutcome } from '../workflow.ts';
import { HostActions } from './host-actions.ts';
import { attachAndMount, type DatabaseWork, letGo, pointAlias, requirePrimary } from './steps.ts';
import type { Surroundings } from './surroundings.ts';

export type RecoverState = DatabaseWork & {
  readonly primary: string;
  readonly why: string;
} & Readonly<Record<string, unknown>>;

type Context = StepContext<RecoverState>;

/** Short and few: while it runs, a failover waits. The monitor starts it again. */
const ATTEMPTS = 2;
const DEVICE_MS = 90_000;
const ENGINE_MS = 6 * 60_000;

export function recoverPrimary(around: Surroundings): WorkflowDefinition<RecoverState> {
  const steps: readonly Step<RecoverState>[] = [
    step(around, 'attach-and-mount', ({ primary }) => `Attach the volume to ${primary} and mount it`, {
      deadlineMs: DEVICE_MS,
      act: async (hosts, state) => {
        // One that stepped down for a failover which came to nothing serves again when it is told its own generation.
        // Not waited for: until it serves it can be attached nowhere, and a failover must not wait for this hold.
        await hosts.setView(state.primary);
        await attachAndMount(hosts, state.primary, state);
      },
    }),
    step(around, 'start-engine', ({ primary }) => `Start the engine on ${primary}, with its crash recovery`, {
      deadlineMs: ENGINE_MS,
      act: (hosts, state) => hosts.startEngine(state.primary, state),
    }),
    step(around, 'move-alias', ({ primary }) => `Point the alias at ${primary}`, {
      deadlineMs: DEVICE_MS,
      act: (_hosts, state) => pointAlias(around, state, state.primary),
    }),
  ];
  return {
    type: 'recover-primary',
    version: 1,
    steps,
    finished: (state, outcome) => finished(around, state, outcome),
  };
}

function step(
  around: Surroundings,
  name: string,
  title: (state: RecoverState) => string,
  parts: {
    readonly deadlineMs: number;
    readonly act: (hosts: HostActions, state: RecoverState) => Promise<void>;
  },
): Step<RecoverState> {
  return {
    name,
    title,
    deadlineMs: parts.deadlineMs,
    attempts: ATTEMPTS,
    backoffMs: around.pace.backoffMs,
    async do(context: Context) {
      await requirePrimary(around, context.state.volume, context.state.primary);
      await parts.act(new HostActions(around, context, context.state.volume), context.state);
    },
  };
}

async function finished(around: Surroundings, state: RecoverState, outcome: WorkflowOutcome): Promise<void> {
  if (outcome.kind === 'done')
    return letGo(around, state, () => ({ lifecycle: 'active', failure: '', pendingRestart: [] }), [
      { reason: 'ENGINE_RESTARTED', message: `the engine on ${state.primary} is back: ${state.why}` },
    ]);
  // What it had attached or started stays: the next attempt goes on from there.
  await letGo(around, state, () => ({}), []);
}
