/** The steps of a failover before its point of no return, and that one itself: see failover.ts. */
import { LockstepError, messageOf } from '../../../daemon/sys/errors.ts';
import { NO_ENGINE } from '../../model/engines.ts';
import type { Step, StepContext } from '../workflow.ts';
import type { FailoverState } from './failover-state.ts';
import { HostActions } from './host-actions.ts';
import { pause, type StepRun, superseded, type Surroundings } from './surroundings.ts';

type Context = StepContext<FailoverState>;

const BEFORE_MS = 3 * 60_000;
/** Of the distribution's package manager, where the successor has not run such an engine yet. */
const PREPARE_MS = 20 * 60_000;
export const FORWARD_BACKOFF_MS = 50;
const ATTEMPTS = 5;
/** A primary that is not well may answer nothing: after this its successor waits for the end of the lease instead. */
const FORCED_RELEASE_MS = 2000;

export const actions = (around: Surroundings, context: Context): HostActions =>
  new HostActions(around, context, context.state.volume);

/** While the old primary serves: what would else be found missing when nobody does. */
export function prepareSuccessor(around: Surroundings): Step<FailoverState> {
  return {
    name: 'prepare-successor',
    title: ({ to, mode }) => (mode === 'switchover' ? `Make ${to} ready` : `${to} takes over as it is`),
    deadlineMs: PREPARE_MS,
    attempts: ATTEMPTS,
    backoffMs: around.pace.backoffMs,
    async do(context) {
      const { state } = context;
      if (state.mode === 'switchover') {
        const hosts = actions(around, context);
        await requireUnchanged(around, state);
        await requireReady(hosts, state);
        if (state.engine !== NO_ENGINE)
          await hosts.installEngine(state.to, state.engine, state.engineVersion);
      }
      return { preparedAtMs: around.nowMs() };
    },
  };
}

export function releasePrimary(around: Surroundings): Step<FailoverState> {
  return {
    name: 'release-primary',
    title: ({ from, mode }) => RELEASE_TITLE[mode](from),
    deadlineMs: BEFORE_MS,
    attempts: ATTEMPTS,
    backoffMs: around.pace.backoffMs,
    async do(context) {
      const { state } = context;
      // A primary that cannot be reached releases nothing; the lease that the secondary waits out is what counts.
      if (state.mode !== 'monitor' && !around.hosts.isGone(state.from)) {
        await requireUnchanged(around, state);
        if (state.mode === 'switchover') await shutDown(around, context);
        else await cutOff(around, context);
      }
      return { releasedAtMs: around.nowMs() };
    },
    async undo(context) {
      const { state } = context;
      if (state.mode === 'monitor' || around.hosts.isGone(state.from)) return;
      if (await isRaised(around, state)) return;
      // Told the generation that it stepped down from, a primary knows that nobody else was chosen after all.
      await actions(around, context).setView(state.from);
    },
  };
}

const RELEASE_TITLE: Readonly<Record<FailoverState['mode'], (from: string) => string>> = {
  monitor: (from) => `${from} no longer serves`,
  forced: (from) => `Kill the engine on ${from} and step down`,
  switchover: (from) => `Shut down the engine on ${from} and step down`,
};

/** What steps down says so to the secondary, which then has no lease to wait out. */
async function shutDown(around: Surroundings, context: Context): Promise<void> {
  const { state } = context;
  const hosts = actions(around, context);
  await hosts.release(state.from, state, { kill: false });
  await hosts.stepDown(state.from);
}

/**
 * Device and file system are left to the fence, which takes them away by force: of a primary that is not well they may
 * hang. Whatever of this fails makes the successor wait for the end of the lease, and nothing worse.
 */
async function cutOff(around: Surroundings, context: Context): Promise<void> {
  const { state } = context;
  const signal = AbortSignal.any([context.signal, AbortSignal.timeout(FORCED_RELEASE_MS)]);
  const run: StepRun = { workflowId: context.workflowId, step: context.step, signal };
  const hosts = new HostActions(around, run, state.volume);
  try {
    if (state.engine !== NO_ENGINE) await hosts.stopEngine(state.from, state, { kill: true });
    await hosts.stepDown(state.from);
  } catch (error) {
    if (context.signal.aborted) throw error;
    around.log.warn(
      { host: state.from, volume: state.volume, error: messageOf(error) },
      'the old primary does not release the volume; the new one waits for the end of its lease',
    );
  }
}

export function raiseGeneration(around: Surroundings): Step<FailoverState> {
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
        if (state.mode !== 'monitor') await requireReady(actions(around, context), state);
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
export async function isRaised(around: Surroundings, state: FailoverState): Promise<boolean> {
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
