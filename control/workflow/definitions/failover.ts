/**
 * failover: the in-sync secondary becomes the primary. Every step is downtime, so nothing waits that need not.
 *
 * raise-generation is the point of no return: from there on nobody but the new primary can ever acknowledge a write,
 * so the only way is forward, and the steps after it have no undo. What is before it is undone by telling the old
 * primary that it still is the primary; its engine is then started by recover-primary.
 */
import { LockstepError } from '../../../daemon/sys/errors.ts';
import type { PhaseRecord } from '../../model/records.ts';
import type { Step, StepContext, WorkflowDefinition, WorkflowOutcome } from '../workflow.ts';
import { publishFailoverPhases } from './channels.ts';
import { HostActions } from './host-actions.ts';
import {
  attachAndMount,
  type DatabaseWork,
  describeOutcome,
  letGo,
  pointAlias,
  requirePrimary,
} from './steps.ts';
import { pause, superseded, type Surroundings } from './surroundings.ts';

export type FailoverState = DatabaseWork & {
  readonly from: string;
  readonly to: string;
  /** The record's generation when it was decided: any change since makes the decision void. */
  readonly fromGeneration: number;
  /** By a person, the primary being well perhaps. */
  readonly requested: boolean;
  readonly why: string;
  /** When the primary was last heard, and when that was judged; the same for a requested one. */
  readonly lastHeardMs: number;
  readonly decidedAtMs: number;
  readonly raisedAtMs: number;
  readonly promotedAtMs: number;
  readonly mountedAtMs: number;
  readonly startedAtMs: number;
  readonly movedAtMs: number;
} & Readonly<Record<string, unknown>>;

type Context = StepContext<FailoverState>;

const BEFORE_MS = 3 * 60_000;
/** Nobody serves meanwhile and nothing can be undone: it is tried for long, and soon again. */
const FORWARD_MS = 10 * 60_000;
const FORWARD_ATTEMPTS = 20;
const FORWARD_BACKOFF_MS = 50;
const ATTEMPTS = 5;
const NOT_STARTED = { raisedAtMs: 0, promotedAtMs: 0, mountedAtMs: 0, startedAtMs: 0, movedAtMs: 0 };

export function failoverState(
  work: DatabaseWork,
  decision: Pick<
    FailoverState,
    'from' | 'to' | 'fromGeneration' | 'requested' | 'why' | 'lastHeardMs' | 'decidedAtMs'
  >,
): FailoverState {
  return { ...work, ...decision, ...NOT_STARTED };
}

export function failover(around: Surroundings): WorkflowDefinition<FailoverState> {
  return {
    type: 'failover',
    version: 1,
    steps: [
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

const actions = (around: Surroundings, context: Context): HostActions =>
  new HostActions(around, context, context.state.volume);

function releasePrimary(around: Surroundings): Step<FailoverState> {
  return {
    name: 'release-primary',
    title: ({ from, requested }) =>
      requested ? `Stop the engine on ${from} and step down` : `${from} no longer serves`,
    deadlineMs: BEFORE_MS,
    attempts: ATTEMPTS,
    backoffMs: around.pace.backoffMs,
    async do(context) {
      const { state } = context;
      // A primary that cannot be reached releases nothing; the lease that the secondary waits out is what counts.
      if (!state.requested || around.hosts.isGone(state.from)) return;
      const hosts = actions(around, context);
      await requireUnchanged(around, state);
      await hosts.release(state.from, state, { kill: false });
      await hosts.stepDown(state.from);
    },
    async undo(context) {
      const { state } = context;
      if (!state.requested || (await isRaised(around, state)) || around.hosts.isGone(state.from)) return;
      // Told the generation that it stepped down from, a primary knows that nobody else was chosen after all.
      await actions(around, context).setView(state.from);
    },
  };
}

function raiseGeneration(around: Surroundings): Step<FailoverState> {
  return {
    name: 'raise-generation',
    title: ({ to, fromGeneration }) => `Make ${to} the primary in generation ${String(fromGeneration + 1)}`,
    deadlineMs: BEFORE_MS,
    attempts: ATTEMPTS,
    backoffMs: FORWARD_BACKOFF_MS,
    async do(context) {
      const { state } = context;
      if (!(await isRaised(around, state))) {
        await untilHeard(around, state, context.signal);
        await requireUnchanged(around, state);
        if (state.requested) await requireReady(actions(around, context), state);
        await around.repository.updateVolume(state.volume, (record) => {
          if (record.generation !== state.fromGeneration) throw superseded(record, state.from);
          return { ...record, generation: record.generation + 1, primary: state.to, inSync: [state.to] };
        });
      }
      return { raisedAtMs: around.nowMs() };
    },
  };
}

/** Its own compare-and-set may have gone through before a crash that lost the log entry. */
async function isRaised(around: Surroundings, state: FailoverState): Promise<boolean> {
  const record = (await around.repository.volume(state.volume))?.value;
  return record !== undefined && record.generation > state.fromGeneration && record.primary === state.to;
}

/**
 * A control that has just started knows nothing of what its hosts hold, and its store may have come back older than
 * this workflow's beginning: the hosts are listened to before a generation is raised.
 */
async function untilHeard(around: Surroundings, state: FailoverState, signal: AbortSignal): Promise<void> {
  const { hosts, repository, pace } = around;
  const { replicas } = (await repository.requireVolume(state.volume)).value;
  while (!hosts.hasListened() && replicas.some((host) => hosts.incarnation(host) === undefined))
    await pause(pace.promotionPollMs, signal);
}

async function requireUnchanged(around: Surroundings, state: FailoverState): Promise<void> {
  const { value } = await around.repository.requireVolume(state.volume);
  if (value.generation !== state.fromGeneration || !value.inSync.includes(state.to))
    throw superseded(value, `${state.from} with ${state.to} in sync`);
  const behind = around.hosts.behind(value);
  if (behind !== undefined) throw new LockstepError('UNAVAILABLE', behind, { reason: 'RECORD_BEHIND' });
}

/**
 * The release of a well primary takes seconds, in which the one that is to follow may have died. Asked at the last
 * moment: then the old one is told to serve again, rather than nobody.
 */
async function requireReady(hosts: HostActions, { to, fromGeneration }: FailoverState): Promise<void> {
  const { state, generation } = await hosts.replica(to);
  if (state === 'SECONDARY' && generation === fromGeneration) return;
  throw new LockstepError(
    'FAILED_PRECONDITION',
    `${to} is ${state} of generation ${String(generation)}, no longer an in-sync secondary`,
    { reason: 'NOT_PROMOTABLE' },
  );
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

/** From the last sign of the old primary to the alias: what a client waited, part by part. */
export function phasesOf(state: FailoverState): readonly PhaseRecord[] {
  const marks: readonly (readonly [phase: string, atMs: number])[] = [
    ['detect', state.decidedAtMs],
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

async function finished(around: Surroundings, state: FailoverState, outcome: WorkflowOutcome): Promise<void> {
  if (outcome.kind === 'done') {
    const phases = phasesOf(state);
    const wholeMs = phases.reduce((sum, phase) => sum + phase.durationMs, 0);
    const message = `${state.to} took over from ${state.from} in ${(wholeMs / 1000).toFixed(1)} s`;
    await letGo(around, state, () => ({ lifecycle: 'active', failure: '', pendingRestart: [] }), [
      { reason: 'FAILED_OVER', message, phases },
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
        ? { lifecycle: 'failed', failure: `the failover to ${state.to} stopped: ${message}` }
        : { lifecycle: 'active' },
    [{ reason: 'FAILOVER_FAILED', message, unlessLatest: true }],
  );
}
