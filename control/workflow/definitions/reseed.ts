/**
 * reseed: a host that fell out of the in-sync set gets a copy of the primary's volume again, and rejoins. The primary
 * takes a snapshot by itself if no map of its own says what the target lacks; under a snapshot each first write to a
 * region costs more. `anew`, on a person's word, the target's copy is deleted first and all of the volume is copied; one
 * that is in sync leaves the set before that, in a generation of its own. What fails after that is a replica outside of
 * the set like any other, and reseeded by the monitor.
 */
import type { Step, StepContext, WorkflowDefinition, WorkflowOutcome } from '../workflow.ts';
import { connectTarget, Copying, makeEqualInSize, seedTarget } from './copy.ts';
import { requireServing } from './drop-copy.ts';
import { HostActions } from './host-actions.ts';
import { deleteSeedSnapshots } from './seed-snapshots.ts';
import { type DatabaseWork, describeOutcome, letGo, requirePrimary } from './steps.ts';
import type { Surroundings } from './surroundings.ts';

export type ReseedState = DatabaseWork & {
  readonly source: string;
  readonly target: string;
  readonly why: string;
  readonly anew: boolean;
  readonly snapshot: string;
} & Readonly<Record<string, unknown>>;

type Context = StepContext<ReseedState>;

const ORDINARY_MS = 2 * 60_000;
const COPY_MS = 24 * 60 * 60_000;
const ATTEMPTS = 3;

export function reseed(around: Surroundings): WorkflowDefinition<ReseedState> {
  const ordinary = { deadlineMs: ORDINARY_MS, attempts: ATTEMPTS, backoffMs: around.pace.backoffMs };
  const copying = { ...ordinary, deadlineMs: COPY_MS };
  const steps: readonly Step<ReseedState>[] = [
    {
      ...ordinary,
      name: 'leave-set',
      title: ({ target, anew }) =>
        anew ? `Take ${target} out of the in-sync set` : `${target} is outside of the in-sync set`,
      do: (context) => leaveSet(around, context),
    },
    {
      ...ordinary,
      name: 'release-target',
      title: ({ target }) => `Make sure that nothing on ${target} uses its old copy`,
      async do(context) {
        const { state } = context;
        await requirePrimary(around, state.volume, state.source);
        // A fenced host does this by itself; one that was down when it was fenced may not have come to it.
        await actions(around, context).release(state.target, state, { kill: true });
      },
    },
    {
      ...ordinary,
      name: 'prepare-target',
      title: ({ target }) => `Prepare the replica on ${target}`,
      async do(context) {
        const hosts = actions(around, context);
        const { source, target } = context.state;
        if (context.state.anew) await hosts.deleteReplica(target);
        await hosts.createReplica(target);
        await hosts.setView(target);
        await makeEqualInSize(hosts, { source, target });
      },
    },
    {
      ...copying,
      name: 'seed',
      title: ({ source, target }) => `Copy to ${target} what ${source} has`,
      async do(context) {
        const snapshot = await seedTarget(copyingOf(around, context));
        return snapshot === '' ? {} : { snapshot };
      },
      undo: (context) => deleteSeedSnapshots(around, context, context.state),
    },
    {
      ...copying,
      name: 'connect',
      title: ({ source, target }) => `Connect ${source} and ${target} and catch up until in sync`,
      do: async (context) => connectTarget(copyingOf(around, context)),
    },
    {
      ...ordinary,
      name: 'drop-snapshot',
      title: () => 'Drop the snapshot, if there is one',
      do: (context) => deleteSeedSnapshots(around, context, context.state),
    },
  ];
  return {
    type: 'reseed',
    version: 3,
    steps,
    finished: (state, outcome) => finished(around, state, outcome),
  };
}

const actions = (around: Surroundings, context: Context): HostActions =>
  new HostActions(around, context, context.state.volume);

const copyingOf = (around: Surroundings, context: Context): Copying =>
  new Copying(around, context, actions(around, context), context.state);

/** The primary has to know before the copy is deleted: it would hold its writes for that one. */
async function leaveSet(around: Surroundings, context: Context): Promise<void> {
  const { volume, source, target, anew } = context.state;
  if (!anew) return;
  const hosts = actions(around, context);
  const before = await requirePrimary(around, volume, source);
  if (before.inSync.includes(target)) await requireServing(hosts, before);
  await around.repository.updateVolume(volume, (record) =>
    record.primary === source && record.inSync.includes(target)
      ? {
          ...record,
          generation: record.generation + 1,
          inSync: record.inSync.filter((host) => host !== target),
        }
      : undefined,
  );
  const { generation } = await requirePrimary(around, volume, source);
  await hosts.setView(source);
  await hosts.untilServing(source, generation);
}

async function finished(around: Surroundings, state: ReseedState, outcome: WorkflowOutcome): Promise<void> {
  // That both are in sync was written down with the generation that says so.
  if (outcome.kind === 'done') return letGo(around, state, () => ({}), []);
  await letGo(around, state, () => ({}), [
    { reason: 'RESEED_FAILED', message: describeOutcome(outcome), unlessLatest: true },
  ]);
}
