/**
 * create-database: a primary with its engine first; the second copy is then made from a snapshot of it. create-volume
 * is the same without an engine.
 *
 * Each undo removes what its own do may have left, done or half done. The volume's record is the first thing written
 * and the last to go, since every call to a host is fenced by it.
 */
import { assert, LockstepError } from '../../../daemon/sys/errors.ts';
import { majorOf } from '../../model/engine-parameters.ts';
import { type HostRecord, keys, type VolumeRecord } from '../../model/records.ts';
import { NO_ENGINE } from '../../model/engines.ts';
import { chooseCopies } from '../../placement/choose.ts';
import type { Writes } from '../../repository.ts';
import type { Entry } from '../../store/store.ts';
import type { Step, StepContext, WorkflowDefinition, WorkflowOutcome } from '../workflow.ts';
import { connectTarget, Copying, seedTarget, snapshotName } from './copy.ts';
import { HostActions } from './host-actions.ts';
import { type DatabaseWork, describeOutcome, letGo, pointAlias } from './steps.ts';
import { gently, patiently, pause, type Surroundings } from './surroundings.ts';

export type CreateState = DatabaseWork & {
  readonly sizeBytes: number;
  /** As asked for; empty: any. */
  readonly zones: readonly string[];
  /** 1 or 2. */
  readonly copies: number;
  readonly primary: string;
  readonly primaryZone: string;
  readonly secondary: string;
  readonly secondaryZone: string;
  readonly engineVersion: string;
  readonly snapshot: string;
} & Readonly<Record<string, unknown>>;

type Context = StepContext<CreateState>;
type CreateStep = Step<CreateState>;

/** Longer than the patience of an undo. */
const ORDINARY_MS = 2 * 60_000;
const ENGINE_MS = 20 * 60_000;
const COPY_MS = 24 * 60 * 60_000;
const ATTEMPTS = 3;
/** Two requests that choose the same room at once: one of them chooses again. */
const MAX_PLACEMENT_CONFLICTS = 10;

export type CreateType =
  'create-database' | 'create-volume' | 'create-single-database' | 'create-single-volume';

export function createType(engine: string, copies: number): CreateType {
  const what = engine === NO_ENGINE ? 'volume' : 'database';
  return copies === 1 ? `create-single-${what}` : `create-${what}`;
}

export function createDatabase(around: Surroundings): WorkflowDefinition<CreateState> {
  return definition(around, 'create-database', { before: engineSteps(around), after: copySteps(around) });
}

/** Of a volume that is used over NBD: the same without what an engine needs. */
export function createVolume(around: Surroundings): WorkflowDefinition<CreateState> {
  return definition(around, 'create-volume', { before: [], after: copySteps(around) });
}

/** With one copy, and nothing of what makes a second one. */
export function createSingleDatabase(around: Surroundings): WorkflowDefinition<CreateState> {
  return definition(around, 'create-single-database', { before: engineSteps(around), after: [] });
}

export function createSingleVolume(around: Surroundings): WorkflowDefinition<CreateState> {
  return definition(around, 'create-single-volume', { before: [], after: [] });
}

const engineSteps = (around: Surroundings): readonly CreateStep[] => [
  attachDevice(around),
  makeFileSystem(around),
  installEngine(around),
  initializeEngine(around),
  startEngine(around),
];

const copySteps = (around: Surroundings): readonly CreateStep[] => [
  snapshotPrimary(around),
  createSecondaryVolume(around),
  seedSecondary(around),
  connectReplication(around),
  dropSnapshot(around),
];

function definition(
  around: Surroundings,
  type: CreateType,
  { before, after }: { readonly before: readonly CreateStep[]; readonly after: readonly CreateStep[] },
): WorkflowDefinition<CreateState> {
  const placed = [chooseHostsStep(around), createPrimaryVolume(around), servePrimary(around)];
  const steps = [...placed, ...before, ...after, publishAlias(around)];
  return { type, version: 1, steps, finished: (state, outcome) => finished(around, state, outcome) };
}

function step(
  around: Surroundings,
  parts: Pick<CreateStep, 'name' | 'title' | 'do'> & Partial<CreateStep>,
): CreateStep {
  const { undo } = parts;
  return {
    deadlineMs: ORDINARY_MS,
    attempts: ATTEMPTS,
    backoffMs: around.pace.backoffMs,
    ...parts,
    ...(undo === undefined
      ? {}
      : { undo: (context) => patiently(around, context.signal, () => undo(context)) }),
  };
}

/** Titles are shown before hosts are chosen, too. */
const known = (before: string, fact: string): string => (fact === '' ? '' : before + fact);

const actions = (around: Surroundings, context: Context): HostActions =>
  new HostActions(around, context, context.state.volume);

function chooseHostsStep(around: Surroundings): CreateStep {
  return step(around, {
    name: 'choose-hosts',
    title: ({ copies, primary, secondary }) => {
      if (copies === 1) return primary === '' ? 'Choose a host' : `Choose a host: ${primary}`;
      const what = 'Choose hosts in two zones';
      return primary === '' ? what : `${what}: ${primary} and ${secondary}`;
    },
    do: ({ state, signal }) => placeVolume(around, state, signal),
    undo: async ({ state }) => {
      await around.repository.store.transact([], [{ key: keys.volume(state.volume), deleted: true }]);
    },
  });
}

async function placeVolume(
  around: Surroundings,
  state: CreateState,
  signal: AbortSignal,
): Promise<Partial<CreateState>> {
  for (let conflicts = 0; conflicts < MAX_PLACEMENT_CONFLICTS;) {
    const placed = (await around.repository.volume(state.volume))?.value;
    if (placed !== undefined) return namesOf(around, placed);
    // Before the rooms: what is placed on a host after this is not in the rooms, and ends the reservation.
    const hosts = await around.repository.hostEntries();
    const placement = chooseCopies(await around.hosts.rooms(), state);
    if (!placement.ok && (await around.hosts.awaitsHosts())) {
      // This control has just started: the hosts are there, and have not said so yet.
      await pause(around.pace.copyPollMs, signal);
      continue;
    }
    if (!placement.ok)
      throw new LockstepError('FAILED_PRECONDITION', placement.message, { reason: placement.reason });
    const record: VolumeRecord = {
      volume: state.volume,
      database: state.database,
      sizeBytes: state.sizeBytes,
      generation: 0,
      primary: '',
      inSync: [],
      replicas: placement.hosts,
    };
    if (await reserve(around, record, hosts)) return namesOf(around, record);
    conflicts++;
  }
  throw new LockstepError('ABORTED', 'other databases were placed all the time', { reason: 'CONTENTION' });
}

/** Writes the hosts' records too, unchanged: two volumes that count on the same room cannot both be placed. */
export async function reserve(
  around: Surroundings,
  record: VolumeRecord,
  hosts: readonly Entry<HostRecord>[],
): Promise<boolean> {
  const known = hosts.filter((entry) => record.replicas.includes(entry.value.host));
  if (known.length !== record.replicas.length) return false;
  const key = keys.volume(record.volume);
  const result = await around.repository.store.transact(
    [{ key, absent: true }, ...known.map(({ key: host, revision }) => ({ key: host, revision }))],
    [{ key, value: record }, ...known.map(({ key: host, value }) => ({ key: host, value }))],
  );
  return result.ok;
}

async function namesOf(around: Surroundings, record: VolumeRecord): Promise<Partial<CreateState>> {
  const [primary, secondary = ''] = record.replicas;
  assert(primary !== undefined, 'a volume is placed on one host or two');
  const hosts = await around.repository.hosts();
  const zone = (host: string): string => hosts.get(host)?.zone ?? '';
  return { primary, primaryZone: zone(primary), secondary, secondaryZone: zone(secondary) };
}

function createPrimaryVolume(around: Surroundings): CreateStep {
  return step(around, {
    name: 'create-primary-volume',
    title: ({ primary, primaryZone }) =>
      `Create the primary volume${known(' on ', primary)}${known(', zone ', primaryZone)}`,
    do: async (context) => actions(around, context).createReplica(context.state.primary),
    undo: async (context) => {
      if (context.state.primary !== '') await actions(around, context).deleteReplica(context.state.primary);
    },
  });
}

function servePrimary(around: Surroundings): CreateStep {
  return step(around, {
    name: 'serve-primary',
    title: ({ primary }) => `Serve the volume${known(' on ', primary)}`,
    do: async (context) => {
      const { volume, primary } = context.state;
      await around.repository.updateVolume(volume, (record) =>
        record.generation > 0 ? undefined : { ...record, generation: 1, primary, inSync: [primary] },
      );
      const hosts = actions(around, context);
      await hosts.setView(primary);
      await hosts.untilServing(primary, 1);
    },
  });
}

function attachDevice(around: Surroundings): CreateStep {
  return step(around, {
    name: 'attach-device',
    title: ({ primary }) => `Attach the volume${known(' to ', primary)} as a block device`,
    do: async (context) => actions(around, context).attach(context.state.primary),
    undo: async (context) => gently(around, () => actions(around, context).detach(context.state.primary)),
  });
}

function makeFileSystem(around: Surroundings): CreateStep {
  return step(around, {
    name: 'make-file-system',
    title: () => 'Make a file system on it and mount it',
    do: async (context) => {
      const hosts = actions(around, context);
      await hosts.makeFileSystem(context.state.primary);
      await hosts.mount(context.state.primary);
    },
    undo: async (context) => gently(around, () => actions(around, context).unmount(context.state.primary)),
  });
}

/** On both hosts, so that a failover never waits for a download. Packages stay when the rest is undone. */
function installEngine(around: Surroundings): CreateStep {
  return step(around, {
    name: 'install-engine',
    title: ({ engine, primary, secondary }) =>
      `Install ${engine}${known(' on ', primary)}${known(' and ', secondary)}`,
    deadlineMs: ENGINE_MS,
    do: async (context) => {
      const { primary, secondary, engine, engineVersion } = context.state;
      const hosts = actions(around, context);
      const [version, other] = await Promise.all([
        hosts.installEngine(primary, engine, engineVersion),
        secondary === '' ? undefined : hosts.installEngine(secondary, engine, engineVersion),
      ]);
      // The files of one major version are not readable by another: such a secondary could never take over.
      if (other !== undefined && majorOf(engine, version) !== majorOf(engine, other))
        throw new LockstepError(
          'FAILED_PRECONDITION',
          `${primary} has ${engine} ${version}, ${secondary} has ${other}: install the same major version on both`,
          { reason: 'ENGINE_VERSIONS_DIFFER' },
        );
      return { engineVersion: version };
    },
  });
}

function initializeEngine(around: Surroundings): CreateStep {
  return step(around, {
    name: 'initialize-engine',
    title: ({ database }) => `Initialise the engine and its database ${database}`,
    deadlineMs: ENGINE_MS,
    do: async (context) => {
      // The log keeps what a step answers for ever: the password stays in the record that forgets it.
      const { value } = await around.repository.requireDatabase(context.state.database);
      if (value.unclaimedPassword === '')
        throw new LockstepError('FAILED_PRECONDITION', 'the password was claimed before it was set', {
          reason: 'PASSWORD_CLAIMED',
        });
      const hosts = actions(around, context);
      await hosts.initializeEngine(context.state.primary, context.state, value.unclaimedPassword);
    },
  });
}

function startEngine(around: Surroundings): CreateStep {
  return step(around, {
    name: 'start-engine',
    title: ({ primary }) => `Start the engine${known(' on ', primary)}`,
    deadlineMs: ENGINE_MS,
    do: async (context) => actions(around, context).startEngine(context.state.primary, context.state),
    undo: async (context) =>
      gently(around, () =>
        actions(around, context).stopEngine(context.state.primary, context.state, { kill: true }),
      ),
  });
}

function snapshotPrimary(around: Surroundings): CreateStep {
  return step(around, {
    name: 'snapshot-primary',
    title: ({ primary }) => `Snapshot the volume${known(' on ', primary)}`,
    do: async (context) => {
      const snapshot = await snapshotName(around, jobOf(context.state), context.signal);
      await actions(around, context).createSnapshot(context.state.primary, snapshot);
      return { snapshot };
    },
    undo: (context) => deleteSnapshots(around, context),
  });
}

function createSecondaryVolume(around: Surroundings): CreateStep {
  return step(around, {
    name: 'create-secondary-volume',
    title: ({ secondary, secondaryZone }) =>
      `Create the secondary volume${known(' on ', secondary)}${known(', zone ', secondaryZone)}`,
    do: async (context) => actions(around, context).createReplica(context.state.secondary),
    undo: async (context) => actions(around, context).deleteReplica(context.state.secondary),
  });
}

function seedSecondary(around: Surroundings): CreateStep {
  return step(around, {
    name: 'seed-secondary',
    title: ({ secondary, secondaryZone }) =>
      `Seed ${secondary || 'the secondary'}${known(' in zone ', secondaryZone)} from the snapshot`,
    deadlineMs: COPY_MS,
    do: async (context) => {
      const snapshot = await seedTarget(copyingOf(around, context));
      return snapshot === '' ? {} : { snapshot };
    },
  });
}

function connectReplication(around: Surroundings): CreateStep {
  return step(around, {
    name: 'connect-replication',
    title: ({ primary, secondary }) =>
      `Connect ${primary || 'the primary'} and ${secondary || 'the secondary'} and catch up until in sync`,
    deadlineMs: COPY_MS,
    do: async (context) => connectTarget(copyingOf(around, context)),
    // Out of the set before its replica is deleted: else the primary would hold its I/O for the one that is gone. In a
    // generation of its own even where it is not in it yet: that ends the copy, and refuses what it may have asked for.
    undo: async (context) => {
      const { volume, primary } = context.state;
      const next = await around.repository.updateVolume(volume, (record) =>
        record.primary === primary
          ? { ...record, generation: record.generation + 1, inSync: [primary] }
          : undefined,
      );
      const record = next ?? (await around.repository.volume(volume))?.value;
      if (record?.primary === primary) await actions(around, context).setView(primary);
    },
  });
}

function dropSnapshot(around: Surroundings): CreateStep {
  return step(around, {
    name: 'drop-snapshot',
    title: () => 'Drop the snapshot',
    do: (context) => deleteSnapshots(around, context),
  });
}

function publishAlias(around: Surroundings): CreateStep {
  return step(around, {
    name: 'publish-alias',
    title: ({ database }) => `Publish the alias of ${database}`,
    do: async ({ state }) => pointAlias(around, state, state.primary),
    undo: async ({ state }) => {
      await around.repository.updateDatabase(state.database, (record) =>
        record.aliasHost === '' ? undefined : { ...record, aliasHost: '' },
      );
    },
  });
}

/** The one that was used, and the one that a step which was cut off may have taken since. */
async function deleteSnapshots(around: Surroundings, context: Context): Promise<void> {
  const { primary, snapshot } = context.state;
  const names = new Set([snapshot, await snapshotName(around, jobOf(context.state), context.signal)]);
  names.delete('');
  for (const name of names) await actions(around, context).deleteSnapshot(primary, name);
}

function jobOf(state: CreateState): { workflow: string; volume: string; source: string; target: string } {
  return { workflow: state.workflow, volume: state.volume, source: state.primary, target: state.secondary };
}

function copyingOf(around: Surroundings, context: Context): Copying {
  return new Copying(around, context, actions(around, context), jobOf(context.state));
}

async function finished(around: Surroundings, state: CreateState, outcome: WorkflowOutcome): Promise<void> {
  switch (outcome.kind) {
    case 'done':
      return letGo(
        around,
        state,
        () => ({ lifecycle: 'active', failure: '', engineVersion: state.engineVersion }),
        [
          {
            reason: 'CREATED',
            message: `created on ${state.primary}, ${state.secondary === '' ? 'with one copy' : `with a second copy on ${state.secondary}`}`,
          },
        ],
      );
    case 'undone':
      return removeDatabase(around, state);
    case 'stuck':
      // The workflow keeps its hold: only a delete, which a person asks for, takes it over.
      return letGo(
        around,
        state,
        () => ({ lifecycle: 'failed', failure: describeOutcome(outcome), busyWith: state.workflow }),
        [{ reason: 'CREATE_FAILED', message: describeOutcome(outcome) }],
      );
  }
}

/** As if it had never been: the operation alone remembers, and says why. `also` is written in the same transaction. */
export async function removeDatabase(
  around: Surroundings,
  work: DatabaseWork,
  also: Writes = { conditions: [], mutations: [] },
): Promise<void> {
  const { store } = around.repository;
  const entry = await around.repository.database(work.database);
  if (entry?.value.busyWith !== work.workflow) return;
  const events = await store.list(keys.events(work.database));
  const gone = [keys.database(work.database), keys.port(work.port), ...events.map((event) => event.key)];
  const result = await store.transact(
    [{ key: entry.key, revision: entry.revision }, ...also.conditions],
    [...gone.map((key) => ({ key, deleted: true as const })), ...also.mutations],
  );
  if (!result.ok)
    throw new LockstepError('ABORTED', `${result.conflict} changed meanwhile`, { reason: 'CONTENTION' });
}
