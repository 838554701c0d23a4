/**
 * delete-database: a database ends softly. Its alias is withdrawn, its engine stopped in good order, its devices released;
 * then nobody writes any more, so that the final snapshot is the same on both hosts. Its copies stay until the grace
 * time is over: undelete-database brings it back, purge-database ends it.
 *
 * What fails on the way is undone: the database is served again. Where that cannot be done by the undo, since the host
 * is gone, the database is given back to the monitor, which fails it over or starts its engine.
 */
import { LockstepError, messageOf } from '../../../daemon/sys/errors.ts';
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

export type DeleteState = DatabaseWork & {
  readonly primary: string;
  /** Its engine did not run before: the undo does not start it. */
  readonly wasStopped: boolean;
  /** Empty: none is taken. */
  readonly finalSnapshot: string;
  /**
   * Whoever answered that it has no snapshot of that name: only there it is the workflow's own. Absent before that was
   * asked, and in logs from before there was it: then it is the primary.
   */
  readonly freeOn?: readonly string[];
  /** Where it stands. */
  readonly snapshotHosts: readonly string[];
  readonly graceMs: number;
} & Readonly<Record<string, unknown>>;

type Context = StepContext<DeleteState>;
type DeleteStep = Step<DeleteState>;

const STEP_MS = 5 * 60_000;
const ATTEMPTS = 3;
/** What a secondary answers that cannot take the snapshot: the primary's is enough. */
const SPARED: ReadonlySet<string> = new Set([
  'NOT_FOUND',
  'UNAVAILABLE',
  'DEADLINE_EXCEEDED',
  'FAILED_PRECONDITION',
  'ABORTED',
]);

export function deleteDatabase(around: Surroundings): WorkflowDefinition<DeleteState> {
  return {
    type: 'delete-database',
    version: 2,
    steps: [
      checkSnapshotName(around),
      withdrawAliasStep(around),
      releaseHosts(around),
      takeFinalSnapshot(around),
    ],
    finished: (state, outcome) => finished(around, state, outcome),
  };
}

function step(
  around: Surroundings,
  parts: Pick<DeleteStep, 'name' | 'title' | 'do'> & Partial<DeleteStep>,
): DeleteStep {
  return { deadlineMs: STEP_MS, attempts: ATTEMPTS, backoffMs: around.pace.backoffMs, ...parts };
}

const snapshotsOf = (around: Surroundings, context: Context): SnapshotActions =>
  new SnapshotActions(around, context, context.state.volume);

/** Later one of that name is taken to be its own, and is replaced: only where it was seen that there is none. */
function checkSnapshotName(around: Surroundings): DeleteStep {
  return step(around, {
    name: 'check-snapshot-name',
    title: ({ finalSnapshot }) =>
      finalSnapshot === '' ? 'No final snapshot' : `See that no snapshot is called ${finalSnapshot}`,
    async do(context) {
      const { finalSnapshot, volume, primary } = context.state;
      if (finalSnapshot === '') return;
      const record = await requirePrimary(around, volume, primary);
      const namesOn = async (host: string): Promise<readonly string[]> =>
        (await snapshotsOf(around, context).list(host)).map(({ name }) => name);
      const others = await Promise.all(
        othersOf(record).map(async (host) => ({
          host,
          names: await spare(around, host, () => namesOn(host)),
        })),
      );
      const answers = [{ host: primary, names: await namesOn(primary) }, ...others];
      if (answers.some(({ names }) => names?.includes(finalSnapshot)))
        throw new LockstepError('ALREADY_EXISTS', `${volume} has a snapshot ${finalSnapshot} already`, {
          reason: 'SNAPSHOT_EXISTS',
          metadata: { next: 'Name another final snapshot.' },
        });
      return { freeOn: answers.filter(({ names }) => names !== undefined).map(({ host }) => host) };
    },
  });
}

function withdrawAliasStep(around: Surroundings): DeleteStep {
  return step(around, {
    name: 'withdraw-alias',
    title: ({ database }) => `Withdraw the alias of ${database}`,
    do: ({ state }) => withdrawAlias(around, state.database),
    undo: async ({ state }) => {
      if (!state.wasStopped) await pointAlias(around, state, state.primary);
    },
  });
}

/** A host beside the primary that is gone is not waited for: what comes back learns that it serves nobody. */
function releaseHosts(around: Surroundings): DeleteStep {
  return step(around, {
    name: 'release-hosts',
    title: () => 'Stop the engine in good order, unmount and detach on every host',
    async do(context) {
      const { state } = context;
      const record = await requirePrimary(around, state.volume, state.primary);
      const hosts = new HostActions(around, context, state.volume);
      await hosts.release(state.primary, state, { kill: false });
      const others = othersOf(record).filter((host) => !around.hosts.isGone(host));
      await Promise.all(
        others.map((host) => spare(around, host, () => hosts.release(host, state, { kill: true }))),
      );
    },
    async undo(context) {
      const { state } = context;
      if (state.wasStopped || around.hosts.isGone(state.primary)) return;
      const hosts = new HostActions(around, context, state.volume);
      await patiently(around, context.signal, async () => {
        await attachAndMount(hosts, state.primary, state);
        await hosts.startEngine(state.primary, state);
      });
    },
  });
}

/** On the primary, and where a secondary is in sync and has none of that name there too: what outlives the database outlives a host. */
function takeFinalSnapshot(around: Surroundings): DeleteStep {
  return step(around, {
    name: 'take-final-snapshot',
    title: ({ finalSnapshot }) =>
      finalSnapshot === '' ? 'Take no final snapshot' : `Take the final snapshot ${finalSnapshot}`,
    async do(context) {
      const { volume, primary, finalSnapshot } = context.state;
      if (finalSnapshot === '') return;
      const record = await requirePrimary(around, volume, primary);
      const take = async (host: string): Promise<string> => {
        const snapshots = snapshotsOf(around, context);
        // Of a try before this one, perhaps from before the engine had ended.
        await snapshots.remove(host, finalSnapshot);
        await snapshots.take(host, finalSnapshot);
        return host;
      };
      const free = ownHosts(context.state);
      const secondaries = othersOf(record).filter(
        (host) => record.inSync.includes(host) && free.includes(host),
      );
      const taken = await Promise.all([
        take(primary),
        ...secondaries.map((host) => spare(around, host, () => take(host))),
      ]);
      const snapshotHosts = taken.filter((host) => host !== undefined);
      await around.repository.updateVolume(volume, (value) => ({
        ...value,
        finalSnapshot: { name: finalSnapshot, hosts: snapshotHosts },
      }));
      return { snapshotHosts };
    },
    async undo(context) {
      const { finalSnapshot } = context.state;
      if (finalSnapshot === '') return;
      const hosts = ownHosts(context.state).filter((host) => !around.hosts.isGone(host));
      for (const host of hosts)
        await patiently(around, context.signal, () =>
          snapshotsOf(around, context).remove(host, finalSnapshot),
        );
    },
  });
}

/** Where a snapshot of the final one's name is none of a person. */
const ownHosts = ({ freeOn, primary }: DeleteState): readonly string[] => freeOn ?? [primary];

const othersOf = ({ replicas, primary }: VolumeRecord): readonly string[] =>
  replicas.filter((host) => host !== primary);

async function spare<Value>(
  around: Surroundings,
  host: string,
  run: () => Promise<Value>,
): Promise<Value | undefined> {
  try {
    return await run();
  } catch (error) {
    if (!(error instanceof LockstepError && SPARED.has(error.code))) throw error;
    around.log.warn({ host, error: messageOf(error) }, 'a delete goes on without this host');
    return undefined;
  }
}

async function finished(around: Surroundings, state: DeleteState, outcome: WorkflowOutcome): Promise<void> {
  const { finalSnapshot, snapshotHosts, graceMs, wasStopped } = state;
  if (outcome.kind === 'done') {
    const deleteTimeMs = around.wallClock();
    const ends = { deleteTimeMs, expireTimeMs: deleteTimeMs + graceMs, finalSnapshot, aliasHost: '' };
    const kept = finalSnapshot === '' ? 'no' : `${finalSnapshot} on ${snapshotHosts.join(' and ')} as`;
    return letGo(around, state, () => ({ lifecycle: 'deleted', failure: '', pendingRestart: [], ...ends }), [
      { reason: 'DELETED', message: `deleted, with ${kept} final snapshot` },
    ]);
  }
  await letGo(around, state, () => ({ lifecycle: wasStopped ? 'stopped' : 'active' }), [
    { reason: 'DELETE_FAILED', message: describeOutcome(outcome) },
  ]);
}
