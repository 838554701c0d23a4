/**
 * start-database: a stopped database is used again. What fails is undone to a stopped one; where that fails too, the
 * database counts as active and the monitor goes on: it was asked for, and a host that cannot be told to stop what it
 * may have started is failed over from, as any other.
 *
 * A primary that is lost is followed by an in-sync secondary, by the very rules of a failover: the monitor's decision
 * for a database in use, and the compare-and-set of the generation. That is not undone: the new primary holds every
 * acknowledged write, and the old one is brought up to date when it is back.
 */
import { LockstepError, messageOf } from '../../../daemon/sys/errors.ts';
import type { VolumeRecord } from '../../model/records.ts';
import type { Step, StepContext, WorkflowDefinition, WorkflowOutcome } from '../workflow.ts';
import { HostActions } from './host-actions.ts';
import { DEVICE_MS, ENGINE_MS, type PowerState, powerStep, withdrawAlias } from './power-steps.ts';
import { attachAndMount, describeOutcome, letGo, pointAlias } from './steps.ts';
import { pause, type Surroundings } from './surroundings.ts';

/** A daemon that restarts, a machine that recovers, or a takeover that waits out a lease. */
const PRIMARY_MS = 60_000;
const READY_MS = 2 * PRIMARY_MS;

export function startDatabase(around: Surroundings): WorkflowDefinition<PowerState> {
  return {
    type: 'start-database',
    version: 1,
    steps: [
      readyPrimary(around),
      powerStep(around, {
        name: 'attach-and-mount',
        title: ({ primary }) => `Attach the volume to ${primary} and mount it`,
        deadlineMs: DEVICE_MS,
        act: (hosts, state) => attachAndMount(hosts, state.primary, state),
        undo: async (hosts, { primary }) => {
          await hosts.unmount(primary);
          await hosts.detach(primary);
        },
      }),
      powerStep(around, {
        name: 'start-engine',
        title: ({ primary }) => `Start the engine on ${primary}`,
        deadlineMs: ENGINE_MS,
        act: (hosts, state) => hosts.startEngine(state.primary, state),
        undo: (hosts, state) => hosts.stopEngine(state.primary, state, { kill: true }),
      }),
      powerStep(around, {
        name: 'publish-alias',
        title: ({ database }) => `Publish the address of ${database}`,
        deadlineMs: DEVICE_MS,
        act: (_hosts, state) => pointAlias(around, state, state.primary),
        undo: (_hosts, { database }) => withdrawAlias(around, database),
      }),
    ],
    finished: (state, outcome) => finished(around, state, outcome),
  };
}

function readyPrimary(around: Surroundings): Step<PowerState> {
  return {
    name: 'ready-primary',
    title: ({ primary }) => `Find the primary${primary === '' ? '' : `: ${primary}`}`,
    deadlineMs: READY_MS,
    attempts: 1,
    backoffMs: around.pace.backoffMs,
    async do(context) {
      const giveUpAtMs = around.nowMs() + PRIMARY_MS;
      for (;;) {
        const { value: record } = await around.repository.requireVolume(context.state.volume);
        await takeOver(around, context.state, record);
        const refusal = await whyNotServing(around, context);
        if (refusal === undefined) return { primary: (await primaryOf(around, context.state)).primary };
        if (around.nowMs() >= giveUpAtMs)
          throw new LockstepError('UNAVAILABLE', refusal, { reason: 'NO_PRIMARY' });
        context.progress(refusal, 0);
        await pause(around.pace.copyPollMs, context.signal);
      }
    },
  };
}

const primaryOf = async (around: Surroundings, { volume }: PowerState): Promise<VolumeRecord> =>
  (await around.repository.requireVolume(volume)).value;

/** Where the rules say so. A crash after it finds the new primary in the record. */
async function takeOver(around: Surroundings, state: PowerState, record: VolumeRecord): Promise<void> {
  const { value: database } = await around.repository.requireDatabase(state.database);
  const successor = around.hosts.successor(database, record);
  if (successor === undefined) return;
  const { to, why } = successor;
  await around.repository.updateVolume(
    state.volume,
    (now) =>
      now.generation === record.generation
        ? { ...now, generation: now.generation + 1, primary: to, inSync: [to] }
        : undefined,
    ({ generation }) => [
      { reason: 'FAILED_OVER', message: `at its start ${to} follows ${record.primary}: ${why}`, generation },
    ],
  );
}

/** One that stepped down serves again when it is told its own generation; one that was just chosen is told by this. */
async function whyNotServing(
  around: Surroundings,
  context: StepContext<PowerState>,
): Promise<string | undefined> {
  const { primary, generation } = await primaryOf(around, context.state);
  if (around.hosts.isGone(primary)) return `the primary ${primary} is silent, and nobody may follow it yet`;
  const hosts = new HostActions(around, context, context.state.volume);
  try {
    await hosts.setView(primary);
    const replica = await hosts.replica(primary);
    const isServing = replica.state === 'SERVING' || replica.state === 'SOLO';
    if (replica.generation >= generation && isServing) return undefined;
    return `the replica on the primary ${primary} is ${replica.state}`;
  } catch (error) {
    return messageOf(error);
  }
}

async function finished(around: Surroundings, state: PowerState, outcome: WorkflowOutcome): Promise<void> {
  switch (outcome.kind) {
    case 'done':
      return letGo(around, state, () => ({ lifecycle: 'active', failure: '', pendingRestart: [] }), [
        { reason: 'STARTED', message: `a person asked for it; the engine runs on ${state.primary}` },
      ]);
    case 'undone':
      return letGo(around, state, () => ({ lifecycle: 'stopped' }), [
        { reason: 'START_FAILED', message: describeOutcome(outcome) },
      ]);
    case 'stuck':
      return letGo(around, state, () => ({ lifecycle: 'active' }), [
        { reason: 'START_FAILED', message: `${describeOutcome(outcome)}; it is brought up all the same` },
      ]);
  }
}
