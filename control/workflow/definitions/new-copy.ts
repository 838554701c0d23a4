/**
 * The steps that make one more copy of a volume that is served, on another host: a second one, or one in the place of
 * another. The primary serves all the while.
 *
 * The volume's record names the new host first, so that nothing is ever on a host that no record tells of; to undo is to
 * take the host out of the record again, and its copy is then on the list of those to be deleted (dropped-copies.ts).
 * So an undo never waits for a host that is gone. Where another member of the set could take over from a primary that is
 * lost meanwhile, the copy gives way to that failover at once (copy.ts).
 */
import { assert, LockstepError } from '../../../daemon/sys/errors.ts';
import { majorOf } from '../../model/engine-parameters.ts';
import { NO_ENGINE } from '../../model/engines.ts';
import { type HostRecord, keys, type VolumeRecord } from '../../model/records.ts';
import { chooseHost, type CopyWish } from '../../placement/choose.ts';
import type { Entry } from '../../store/store.ts';
import type { Step, StepContext } from '../workflow.ts';
import { connectTarget, Copying, makeEqualInSize, seedTarget } from './copy.ts';
import { deleteDropped, dropCopies } from './drop-copy.ts';
import { HostActions } from './host-actions.ts';
import { deleteSeedSnapshots } from './seed-snapshots.ts';
import type { DatabaseWork } from './steps.ts';
import { pause, superseded, type Surroundings } from './surroundings.ts';

export type NewCopyState = DatabaseWork & {
  /** The primary. */
  readonly source: string;
  /** The copies that go once the new one is in sync. */
  readonly drops: readonly string[];
  /** Those were lost: if they come back, to bring them up to date may be less work than the new copy. */
  readonly areLost: boolean;
  /** The replicas of the volume when it began. Absent in logs from before there was it: those were source and drops. */
  readonly before?: readonly string[];
  /** Where the new copy is to go; empty: control chooses. */
  readonly zone: string;
  readonly host: string;
  /** Chosen by the first step. */
  readonly target: string;
  readonly snapshot: string;
  readonly why: string;
} & Readonly<Record<string, unknown>>;

type Context = StepContext<NewCopyState>;

const ORDINARY_MS = 2 * 60_000;
const ENGINE_MS = 20 * 60_000;
const COPY_MS = 24 * 60 * 60_000;
const ATTEMPTS = 3;
/** Two workflows that choose the same room at once: one of them chooses again. */
const MAX_PLACEMENT_CONFLICTS = 10;

export function newCopySteps(around: Surroundings): readonly Step<NewCopyState>[] {
  const ordinary = { deadlineMs: ORDINARY_MS, attempts: ATTEMPTS, backoffMs: around.pace.backoffMs };
  const copying = { ...ordinary, deadlineMs: COPY_MS };
  return [
    {
      ...ordinary,
      name: 'choose-host',
      title: ({ target }) => `Choose a host for the new copy${target === '' ? '' : `: ${target}`}`,
      do: ({ state, signal }) => chooseTarget(around, state, signal),
      undo: (context) => takeBack(around, context),
    },
    {
      ...ordinary,
      name: 'install-engine',
      title: ({ engine, target }) =>
        engine === NO_ENGINE ? 'Install nothing: it has no engine' : `Install ${engine} on ${target}`,
      deadlineMs: ENGINE_MS,
      do: (context) => installEngine(around, context),
    },
    {
      ...ordinary,
      name: 'create-copy',
      title: ({ target }) => `Create the new copy on ${target}`,
      do: (context) => createCopy(around, context),
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
}

const actions = (around: Surroundings, context: Context): HostActions =>
  new HostActions(around, context, context.state.volume);

async function chooseTarget(
  around: Surroundings,
  state: NewCopyState,
  signal: AbortSignal,
): Promise<Partial<NewCopyState>> {
  for (let conflicts = 0; conflicts < MAX_PLACEMENT_CONFLICTS;) {
    // Before the rooms: what is placed on a host after this is not in the rooms, and ends the reservation.
    const hosts = await around.repository.hostEntries();
    const volume = await around.repository.requireVolume(state.volume);
    if (volume.value.primary !== state.source) throw superseded(volume.value, state.source);
    const placed = addedTo(volume.value, state);
    if (placed !== undefined) return { target: placed };
    const wish = await wishOf(around, volume.value, state);
    const choice = chooseHost(await around.hosts.rooms(), wish);
    if (!choice.ok && (await around.hosts.awaitsHosts())) {
      // This control has just started: the hosts are there, and have not said so yet.
      await pause(around.pace.copyPollMs, signal);
      continue;
    }
    if (!choice.ok) throw new LockstepError('FAILED_PRECONDITION', choice.message, { reason: choice.reason });
    const target = choice.host.host;
    if (await reserve(around, volume, target, hosts)) return { target };
    conflicts++;
  }
  throw new LockstepError('ABORTED', 'other copies were placed all the time', { reason: 'CONTENTION' });
}

/** The database is held by this workflow: whoever is in its record and was not before is in it by this step. */
function addedTo({ replicas }: VolumeRecord, state: NewCopyState): string | undefined {
  const { source, drops, before = [source, ...drops] } = state;
  return replicas.find((host) => !before.includes(host));
}

async function wishOf(around: Surroundings, record: VolumeRecord, state: NewCopyState): Promise<CopyWish> {
  const hosts = await around.repository.hosts();
  const dropped = await around.repository.droppedCopies();
  const zoneOf = (host: string): string => hosts.get(host)?.zone ?? '';
  const [old] = state.drops;
  return {
    sizeBytes: record.sizeBytes,
    place: {
      ...(state.zone === '' ? {} : { zone: state.zone }),
      ...(state.host === '' ? {} : { host: state.host }),
    },
    zonesTaken: record.replicas.filter((host) => !state.drops.includes(host)).map(zoneOf),
    hostsTaken: [
      ...record.replicas,
      ...dropped.filter(({ value }) => value.volume === record.volume).map(({ value }) => value.host),
    ],
    ...(old === undefined ? {} : { preferredZone: zoneOf(old) }),
  };
}

/** Writes the host's record too, unchanged: two volumes that count on the same room cannot both be placed. */
async function reserve(
  around: Surroundings,
  volume: Entry<VolumeRecord>,
  target: string,
  hosts: readonly Entry<HostRecord>[],
): Promise<boolean> {
  const host = hosts.find(({ value }) => value.host === target);
  if (host === undefined) return false;
  const next: VolumeRecord = { ...volume.value, replicas: [...volume.value.replicas, target] };
  const result = await around.repository.store.transact(
    [
      { key: volume.key, revision: volume.revision },
      { key: host.key, revision: host.revision },
      { key: keys.droppedCopy(target, next.volume), absent: true },
    ],
    [
      { key: volume.key, value: next },
      { key: host.key, value: host.value },
    ],
  );
  return result.ok;
}

/** So that a failover to it never waits for a download. Packages stay when the rest is undone. */
async function installEngine(around: Surroundings, context: Context): Promise<void> {
  const { engine, engineVersion, target } = context.state;
  if (engine === NO_ENGINE) return;
  const version = await actions(around, context).installEngine(target, engine, engineVersion);
  if (majorOf(engine, version) === majorOf(engine, engineVersion)) return;
  throw new LockstepError(
    'FAILED_PRECONDITION',
    `the database runs ${engine} ${engineVersion}, and ${target} has ${version}: its copy could never take over`,
    {
      reason: 'ENGINE_VERSIONS_DIFFER',
      metadata: { next: `install ${engine} ${majorOf(engine, engineVersion)} on ${target}` },
    },
  );
}

async function createCopy(around: Surroundings, context: Context): Promise<void> {
  const hosts = actions(around, context);
  const { source, target } = context.state;
  await hosts.createReplica(target);
  // The primary learns where the new host is; else it would have to wait for its next heartbeat.
  await hosts.setView(source);
  await makeEqualInSize(hosts, { source, target });
}

/**
 * Out of the record, and out of the set if it came that far. In a generation of its own even where it did not: that
 * ends the copy. Not where the primary is gone: its secondary is of this generation, and is to take over. That may be
 * the new copy itself: once it is in the set it holds every acknowledged write, perhaps alone, and stays.
 */
async function takeBack(around: Surroundings, context: Context): Promise<void> {
  const { state } = context;
  const record = (await around.repository.volume(state.volume))?.value;
  const target = record === undefined ? undefined : addedTo(record, state);
  // A person may have chosen it meanwhile (lockstep volume force): then it is what there is.
  if (target === undefined || record?.primary === target) return;
  const ends = record?.primary === state.source && !around.hosts.isGone(state.source);
  if (!ends && record?.inSync.includes(target) === true) return;
  await dropCopies(around, state.volume, [target], { inNewGeneration: ends });
  await deleteDropped(around, context, state.volume, [target]);
}

function copyingOf(around: Surroundings, context: Context): Copying {
  const { state } = context;
  assert(state.target !== '', 'the host was chosen');
  const { workflow, volume, source, target } = state;
  const givesUp = state.areLost ? oldCopyIsBack(around, state) : () => undefined;
  return new Copying(around, context, actions(around, context), {
    workflow,
    volume,
    source,
    target,
    givesUp,
  });
}

/**
 * A host that was given up comes back with nearly everything: then its copy is brought up to date instead, by the
 * monitor as soon as this workflow has let go, if less is missing there than is left of the new copy.
 */
function oldCopyIsBack(
  around: Surroundings,
  { drops, volume, target }: NewCopyState,
): (source: {
  readonly dirty: readonly { readonly host: string; readonly dirtyBytes: number; readonly known: boolean }[];
  readonly copy: { readonly target: string; readonly leftBytes: number } | undefined;
}) => LockstepError | undefined {
  return ({ dirty, copy }) => {
    if (copy?.target !== target) return undefined;
    const back = dirty.find(
      ({ host, known, dirtyBytes }) =>
        known && drops.includes(host) && dirtyBytes < copy.leftBytes && around.hosts.holds(host, volume),
    );
    if (back === undefined) return undefined;
    return new LockstepError('FAILED_PRECONDITION', `${back.host} is back, and lacks less than ${target}`, {
      reason: 'OLD_COPY_IS_BACK',
    });
  };
}
