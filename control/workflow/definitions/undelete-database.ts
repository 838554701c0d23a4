/**
 * undelete-database: a deleted database is served again, within its grace time. Where the primary's host is gone the
 * database is given back to the monitor as it is, which fails it over. The final snapshot goes again, since nothing is
 * final; one that is in use stays, as any other snapshot. Where the undo fails, the database counts as active and the
 * monitor goes on: an engine may run there, and nobody looks after that of a deleted database.
 */
import { LockstepError, messageOf } from '../../../daemon/sys/errors.ts';
import { finalSnapshotHosts } from '../../model/final-snapshot.ts';
import type { VolumeRecord } from '../../model/records.ts';
import type { Step, StepContext, WorkflowDefinition, WorkflowOutcome } from '../workflow.ts';
import { HostActions } from './host-actions.ts';
import { withdrawAlias } from './purge-database.ts';
import { SnapshotActions } from './snapshot-actions.ts';
import {
  attachAndMount,
  type DatabaseWork,
  describeOutcome,
  letGo,
  pointAlias,
  requirePrimary,
} from './steps.ts';
import { patiently, type Surroundings } from './surroundings.ts';

export type UndeleteState = DatabaseWork & {
  readonly primary: string;
  /** Of the volume at the beginning. Absent in logs from before there was it. */
  readonly generation?: number;
  /** Empty: none was taken. */
  readonly finalSnapshot: string;
  /** As the record has them before. */
  readonly deleteTimeMs: number;
  readonly expireTimeMs: number;
} & Readonly<Record<string, unknown>>;

type Context = StepContext<UndeleteState>;
type UndeleteStep = Step<UndeleteState>;

const STEP_MS = 3 * 60_000;
const ENGINE_MS = 10 * 60_000;
const ATTEMPTS = 3;

export function undeleteDatabase(around: Surroundings): WorkflowDefinition<UndeleteState> {
  return {
    type: 'undelete-database',
    version: 2,
    steps: [attach(around), startEngine(around), publishAlias(around), dropFinalSnapshot(around)],
    finished: (state, outcome) => finished(around, state, outcome),
  };
}

/** Nothing is done where the primary is gone and another has every write, and nothing has to be undone there. */
function step(
  around: Surroundings,
  parts: Pick<UndeleteStep, 'name' | 'title' | 'do'> & Partial<UndeleteStep>,
): UndeleteStep {
  const { undo } = parts;
  const isGone = ({ state }: Context): boolean => around.hosts.isGone(state.primary);
  return {
    deadlineMs: STEP_MS,
    attempts: ATTEMPTS,
    backoffMs: around.pace.backoffMs,
    ...parts,
    async do(context) {
      if (!isGone(context)) return parts.do(context);
      const { volume, primary } = context.state;
      if ((await requirePrimary(around, volume, primary)).inSync.length === 1)
        throw new LockstepError('UNAVAILABLE', `${primary} is away, and no other host has every write`, {
          reason: 'HOST_UNREACHABLE',
          metadata: { next: `Bring ${primary} back, and undelete again.` },
        });
      // Whoever goes on with it learns of this generation, be it the primary itself after all.
      await raiseRecord(around, context.state);
    },
    ...(undo === undefined
      ? {}
      : {
          undo: async (context: Context) => {
            if (!isGone(context)) await patiently(around, context.signal, () => undo(context));
          },
        }),
  };
}

const actions = (around: Surroundings, context: Context): HostActions =>
  new HostActions(around, context, context.state.volume);

function attach(around: Surroundings): UndeleteStep {
  return step(around, {
    name: 'attach-and-mount',
    title: ({ primary }) => `Attach the volume to ${primary} and mount it`,
    async do(context) {
      const { volume, primary } = context.state;
      const { generation } = await requirePrimary(around, volume, primary);
      const hosts = actions(around, context);
      await hosts.setView(primary);
      await hosts.untilServing(primary, generation);
      await raiseGeneration(around, context, hosts);
      await attachAndMount(hosts, primary, context.state);
    },
    async undo(context) {
      const { primary } = context.state;
      const hosts = actions(around, context);
      await hosts.unmount(primary);
      await hosts.detach(primary);
    },
  });
}

/**
 * A control store that comes back from a backup of before this has the database as deleted, and its time as over: hosts
 * that hold a newer generation than that are what keeps it (coordinator.ts, purge-database.ts).
 */
async function raiseGeneration(around: Surroundings, { state }: Context, hosts: HostActions): Promise<void> {
  const { volume, primary } = state;
  const raised = await raiseRecord(around, state);
  // A try before this one may have raised it, and not told of it.
  const current = raised ?? (await requirePrimary(around, volume, primary));
  await hosts.setView(primary);
  await hosts.untilServing(primary, current.generation);
  await hosts.noteReplica(primary);
  // They learn of it with their next heartbeat all the same, but would be shown as not in sync until then.
  for (const host of current.inSync.filter((one) => one !== primary && !around.hosts.isGone(one)))
    await hosts
      .setView(host)
      .then(() => hosts.noteReplica(host))
      .catch((error: unknown) => {
        around.log.warn({ host, volume, error: messageOf(error) }, 'a host learns later of an undelete');
      });
}

/** Once; where it is not known whether a try before has, once more does no harm. Answers the record where it has. */
function raiseRecord(
  { repository }: Surroundings,
  { volume, primary, generation }: UndeleteState,
): Promise<VolumeRecord | undefined> {
  return repository.updateVolume(volume, (record) =>
    record.generation === (generation ?? record.generation) && record.primary === primary
      ? { ...record, generation: record.generation + 1 }
      : undefined,
  );
}

function startEngine(around: Surroundings): UndeleteStep {
  return step(around, {
    name: 'start-engine',
    title: ({ primary }) => `Start the engine on ${primary}`,
    deadlineMs: ENGINE_MS,
    do: (context) => actions(around, context).startEngine(context.state.primary, context.state),
    undo: (context) =>
      actions(around, context).stopEngine(context.state.primary, context.state, { kill: false }),
  });
}

function publishAlias(around: Surroundings): UndeleteStep {
  return step(around, {
    name: 'publish-alias',
    title: ({ database }) => `Publish the alias of ${database}`,
    do: ({ state }) => pointAlias(around, state, state.primary),
    undo: ({ state }) => withdrawAlias(around, state.database),
  });
}

function dropFinalSnapshot(around: Surroundings): UndeleteStep {
  return step(around, {
    name: 'drop-final-snapshot',
    title: ({ finalSnapshot }) =>
      finalSnapshot === '' ? 'There is no final snapshot' : `Drop the final snapshot ${finalSnapshot}`,
    async do(context) {
      const { volume, finalSnapshot } = context.state;
      if (finalSnapshot === '') return;
      const { value } = await around.repository.requireVolume(volume);
      const snapshots = new SnapshotActions(around, context, volume);
      for (const host of finalSnapshotHosts(value, finalSnapshot).filter((one) => !around.hosts.isGone(one)))
        await snapshots.remove(host, finalSnapshot).catch((error: unknown) => {
          around.log.warn({ host, finalSnapshot, error: messageOf(error) }, 'a final snapshot stays');
        });
    },
  });
}

const BACK = {
  lifecycle: 'active',
  failure: '',
  deleteTimeMs: 0,
  expireTimeMs: 0,
  finalSnapshot: '',
  pendingRestart: [],
} as const;

async function finished(around: Surroundings, state: UndeleteState, outcome: WorkflowOutcome): Promise<void> {
  if (outcome.kind === 'done')
    return letGo(around, state, () => BACK, [
      { reason: 'UNDELETED', message: `brought back on ${state.primary}` },
    ]);
  // As with a start: what may run, and cannot be stopped, must not count as deleted.
  if (outcome.kind === 'stuck')
    return letGo(around, state, () => BACK, [
      {
        reason: 'UNDELETE_FAILED',
        message: `${describeOutcome(outcome)}; it is brought up all the same, and a final snapshot stays`,
      },
    ]);
  const { deleteTimeMs, expireTimeMs, finalSnapshot } = state;
  const before = { lifecycle: 'deleted', deleteTimeMs, expireTimeMs, finalSnapshot } as const;
  await letGo(around, state, () => before, [
    { reason: 'UNDELETE_FAILED', message: describeOutcome(outcome) },
  ]);
}
