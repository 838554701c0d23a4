/**
 * failover: the in-sync secondary becomes the primary. Every step is downtime, so nothing waits that need not.
 *
 * raise-generation is the point of no return: from there on nobody but the new primary can ever acknowledge a write,
 * so the only way is forward, and the steps after it have no undo. What is before it (failover-before.ts) is undone by
 * telling the old primary that it still is the primary; its engine is then started by recover-primary.
 */
import { LockstepError } from '../../../daemon/sys/errors.ts';
import type { EventReason } from '../../model/event-reasons.ts';
import type { PhaseRecord } from '../../model/records.ts';
import type { Step, WorkflowDefinition, WorkflowOutcome } from '../workflow.ts';
import { publishFailoverPhases } from './channels.ts';
import {
  actions,
  FORWARD_BACKOFF_MS,
  isRaised,
  prepareSuccessor,
  raiseGeneration,
  releasePrimary,
} from './failover-before.ts';
import type { FailoverMode, FailoverState } from './failover-state.ts';
import type { HostActions } from './host-actions.ts';
import { attachAndMount, describeOutcome, letGo, pointAlias, requirePrimary } from './steps.ts';
import type { Surroundings } from './surroundings.ts';

/** Nobody serves meanwhile and nothing can be undone: it is tried for long, and soon again. */
const FORWARD_MS = 10 * 60_000;
const FORWARD_ATTEMPTS = 20;

export function failover(around: Surroundings): WorkflowDefinition<FailoverState> {
  return {
    type: 'failover',
    version: 2,
    steps: [
      prepareSuccessor(around),
      releasePrimary(around),
      raiseGeneration(around),
      promote(around),
      attachAndMountStep(around),
      startEngine(around),
      moveAlias(around),
    ],
    finished: (state, outcome) => finished(around, state, outcome),
  };
}

function forward(
  around: Surroundings,
  parts: Pick<Step<FailoverState>, 'name' | 'title'>,
  act: (hosts: HostActions, state: FailoverState) => Promise<Partial<FailoverState>>,
): Step<FailoverState> {
  return {
    ...parts,
    deadlineMs: FORWARD_MS,
    attempts: FORWARD_ATTEMPTS,
    backoffMs: FORWARD_BACKOFF_MS,
    async do(context) {
      await requirePrimary(around, context.state.volume, context.state.to);
      try {
        return await act(actions(around, context), context.state);
      } catch (error) {
        throw worthAnotherTry(error);
      }
    },
  };
}

/** A refusal that would end another workflow at once may pass here, and there is no way back: only a fence ends it. */
function worthAnotherTry(error: unknown): unknown {
  if (!(error instanceof LockstepError) || error.reason === 'STALE_FENCE' || error.reason === 'SUPERSEDED')
    return error;
  return new LockstepError('UNAVAILABLE', error.message, {
    reason: error.reason,
    metadata: error.metadata,
    cause: error,
  });
}

function promote(around: Surroundings): Step<FailoverState> {
  return forward(
    around,
    { name: 'promote', title: ({ to }) => `Promote the replica on ${to} once its last lease has ended` },
    async (hosts, { to, from, fromGeneration }) => {
      await hosts.setView(to);
      // Not waited for: the old primary is fenced by the generation, whether it listens or not.
      if (!around.hosts.isGone(from))
        hosts.setView(from).catch((error: unknown) => {
          around.log.debug({ host: from, error: String(error) }, 'the old primary was not told');
        });
      await hosts.untilServing(to, fromGeneration + 1);
      return { promotedAtMs: around.nowMs() };
    },
  );
}

function attachAndMountStep(around: Surroundings): Step<FailoverState> {
  return forward(
    around,
    { name: 'attach-and-mount', title: ({ to }) => `Attach the volume to ${to} and mount it` },
    async (hosts, state) => {
      await attachAndMount(hosts, state.to, state);
      return { mountedAtMs: around.nowMs() };
    },
  );
}

function startEngine(around: Surroundings): Step<FailoverState> {
  return forward(
    around,
    { name: 'start-engine', title: ({ to }) => `Start the engine on ${to}, with its crash recovery` },
    async (hosts, state) => {
      await hosts.startEngine(state.to, state);
      return { startedAtMs: around.nowMs() };
    },
  );
}

function moveAlias(around: Surroundings): Step<FailoverState> {
  return forward(
    around,
    { name: 'move-alias', title: ({ to }) => `Move the alias to ${to}` },
    async (_hosts, state) => {
      await pointAlias(around, state, state.to);
      return { movedAtMs: around.nowMs() };
    },
  );
}

type Mark = readonly [phase: string, atMs: number];

/** From the last sign of the old primary to the alias: what a client waited, part by part. */
export function phasesOf(state: FailoverState): readonly PhaseRecord[] {
  const released: readonly Mark[] = [
    ['prepare', state.preparedAtMs],
    ['shutdown', state.releasedAtMs],
  ];
  const marks: readonly Mark[] = [
    ...(state.mode === 'monitor' ? [['detect', state.decidedAtMs] as const] : released),
    ['fence', state.raisedAtMs],
    ['promote', state.promotedAtMs],
    ['attach_and_mount', state.mountedAtMs],
    ['engine_recovery', state.startedAtMs],
    ['alias', state.movedAtMs],
  ];
  let before = state.lastHeardMs;
  return marks.map(([phase, atMs]) => {
    const durationMs = Math.max(0, Math.round(atMs - before));
    before = atMs;
    return { phase, durationMs };
  });
}

/** The old primary serves on while its successor is prepared. */
function downMs(phases: readonly PhaseRecord[]): number {
  return phases.reduce((sum, { phase, durationMs }) => (phase === 'prepare' ? sum : sum + durationMs), 0);
}

interface Words {
  readonly done: EventReason;
  readonly failed: EventReason;
  readonly noun: string;
}

const FORCED_OR_NOT: Words = { done: 'FAILED_OVER', failed: 'FAILOVER_FAILED', noun: 'failover' };
const wordsOf: Readonly<Record<FailoverMode, Words>> = {
  monitor: FORCED_OR_NOT,
  forced: FORCED_OR_NOT,
  switchover: { done: 'SWITCHED_OVER', failed: 'SWITCHOVER_FAILED', noun: 'switchover' },
};

async function finished(around: Surroundings, state: FailoverState, outcome: WorkflowOutcome): Promise<void> {
  const words = wordsOf[state.mode];
  if (outcome.kind === 'done') {
    const phases = phasesOf(state);
    const message = `${state.to} took over from ${state.from} in ${(downMs(phases) / 1000).toFixed(1)} s`;
    await letGo(around, state, () => ({ lifecycle: 'active', failure: '', pendingRestart: [] }), [
      { reason: words.done, message, phases },
    ]);
    publishFailoverPhases(phases);
    return;
  }
  const message = describeOutcome(outcome);
  const isLost = await isRaised(around, state);
  // Not raised: the old primary still is the primary, and the monitor looks after it.
  await letGo(
    around,
    state,
    () =>
      isLost
        ? { lifecycle: 'failed', failure: `the ${words.noun} to ${state.to} stopped: ${message}` }
        : { lifecycle: 'active' },
    [{ reason: words.failed, message, unlessLatest: true }],
  );
}
