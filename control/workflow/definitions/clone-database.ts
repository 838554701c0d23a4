/**
 * clone-database: a new database that begins as a snapshot, on the host that keeps it: of a running database one that is
 * taken for it, on the secondary's host where that is in sync, so that the primary does not feel it; or one that is
 * kept, also of an archive. It shares with its origin what neither changes, so that nothing is copied and it is usable
 * within seconds. The engine recovers as from a crash, and gets a password of its own.
 *
 * clone-volume is the same without an engine, of a snapshot that is kept.
 *
 * It has one copy. Where two are asked for the record says so, and the monitor has the second one made.
 */
import { LockstepError, messageOf } from '../../../daemon/sys/errors.ts';
import { cloneSnapshotOf } from '../../model/clone-snapshot.ts';
import { keys, type VolumeRecord } from '../../model/records.ts';
import type { Step, StepContext, WorkflowDefinition, WorkflowOutcome } from '../workflow.ts';
import { removeDatabase, reserve } from './create-database.ts';
import { HostActions } from './host-actions.ts';
import { withdrawAlias } from './purge-database.ts';
import { SnapshotActions } from './snapshot-actions.ts';
import { attachAndMount, type DatabaseWork, describeOutcome, letGo, pointAlias } from './steps.ts';
import { gently, patiently, pause, type Surroundings } from './surroundings.ts';

export type CloneState = DatabaseWork & {
  /** The volume that is cloned. */
  readonly origin: string;
  /** Empty: one is taken for this, and dropped again. */
  readonly keptSnapshot: string;
  readonly snapshot: string;
  /** Of the snapshot, and so of the clone; empty before it is chosen. */
  readonly host: string;
  /** Of the snapshot that is kept, or else of the origin as it was; what the clone tells of itself replaces it. */
  readonly sizeBytes: number;
} & Readonly<Record<string, unknown>>;

type Context = StepContext<CloneState>;
type CloneStep = Step<CloneState>;

const ORDINARY_MS = 2 * 60_000;
const ENGINE_MS = 10 * 60_000;
const ATTEMPTS = 3;
const FIRST_GENERATION = 1;
const MAX_PLACEMENT_CONFLICTS = 10;
/** What a secondary answers that cannot take a snapshot now: then the primary does. */
const PASSED_ON: ReadonlySet<string> = new Set([
  'UNAVAILABLE',
  'DEADLINE_EXCEEDED',
  'FAILED_PRECONDITION',
  'ABORTED',
]);

export function cloneDatabase(around: Surroundings): WorkflowDefinition<CloneState> {
  return {
    type: 'clone-database',
    version: 1,
    steps: [
      takeSnapshot(around),
      reserveVolume(around),
      cloneSnapshot(around),
      dropSnapshot(around),
      attach(around),
      startEngine(around),
      setPassword(around),
      publishAlias(around),
    ],
    finished: (state, outcome) => finished(around, state, outcome),
  };
}

/** Of a kept snapshot, to be used over NBD: the same without what an engine needs. */
export function cloneVolume(around: Surroundings): WorkflowDefinition<CloneState> {
  return {
    type: 'clone-volume',
    version: 1,
    steps: [reserveVolume(around), cloneSnapshot(around), publishAlias(around)],
    finished: (state, outcome) => finished(around, state, outcome),
  };
}

function step(
  around: Surroundings,
  parts: Pick<CloneStep, 'name' | 'title' | 'do'> & Partial<CloneStep>,
): CloneStep {
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

const actions = (around: Surroundings, context: Context): HostActions =>
  new HostActions(around, context, context.state.volume);
const snapshotsOf = (around: Surroundings, context: Context): SnapshotActions =>
  new SnapshotActions(around, context, context.state.origin);
const ownSnapshot = ({ workflow }: CloneState): string => cloneSnapshotOf(workflow);

function takeSnapshot(around: Surroundings): CloneStep {
  return step(around, {
    name: 'take-snapshot',
    title: ({ origin, host, keptSnapshot }) => {
      if (keptSnapshot !== '') return `Use snapshot ${keptSnapshot} of ${origin} on ${host}`;
      return `Take a snapshot of ${origin}${host === '' ? '' : ` on ${host}`}`;
    },
    async do(context) {
      const { origin, keptSnapshot } = context.state;
      if (keptSnapshot !== '') return { snapshot: keptSnapshot };
      const { value: record } = await around.repository.requireVolume(origin);
      const snapshot = ownSnapshot(context.state);
      const candidates = await candidatesOf(around, record, context.signal);
      for (const host of candidates)
        try {
          await snapshotsOf(around, context).take(host, snapshot);
          return { snapshot, host };
        } catch (error) {
          const isLast = host === candidates.at(-1);
          if (isLast || !(error instanceof LockstepError && PASSED_ON.has(error.code))) throw error;
          around.log.warn({ host, error: messageOf(error) }, 'a clone is taken from the next host');
        }
      throw noRoom(record);
    },
    undo: (context) => dropOwnSnapshots(around, context),
  });
}

/** The secondary first: what is read and synced there the primary's clients do not feel. */
async function candidatesOf(
  around: Surroundings,
  { primary, inSync, sizeBytes }: VolumeRecord,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const secondaries = inSync.filter((host) => host !== primary);
  const hosts = primary === '' ? secondaries : [...secondaries, primary];
  const fitting: string[] = [];
  for (const host of hosts) {
    const room = await roomOn(around, host, signal);
    if (room >= sizeBytes && !around.hosts.isGone(host)) fitting.push(host);
  }
  return fitting;
}

/** In bytes; 0 where it cannot be reached. Waits for a first heartbeat where this control has just started. */
async function roomOn(around: Surroundings, host: string, signal: AbortSignal): Promise<number> {
  for (;;) {
    const room = (await around.hosts.rooms()).find((one) => one.host === host && one.reachable);
    if (room !== undefined || !(await around.hosts.awaitsHosts())) return room?.roomBytes ?? 0;
    await pause(around.pace.copyPollMs, signal);
  }
}

function noRoom({ volume, inSync, sizeBytes }: VolumeRecord): LockstepError {
  return new LockstepError(
    'FAILED_PRECONDITION',
    `${String(sizeBytes)} bytes are needed on a host that has ${volume}: ${inSync.join(' or ')}; none has as much room and can be reached`,
    { reason: 'NO_ROOM', metadata: { next: 'Delete what is not needed there, or give the host more room.' } },
  );
}

/** Of every host, since a step that was cut off may have gone on to the next one. */
async function dropOwnSnapshots(around: Surroundings, context: Context): Promise<void> {
  const { origin, keptSnapshot, host } = context.state;
  if (keptSnapshot !== '') return;
  const record = (await around.repository.volume(origin))?.value;
  const hosts = new Set([...(record?.replicas ?? []), ...(host === '' ? [] : [host])]);
  for (const one of hosts)
    // One that is gone may keep it: the audit finds it once that is back.
    if (one === host || !around.hosts.isGone(one))
      await snapshotsOf(around, context).remove(one, ownSnapshot(context.state));
}

/** The record first, so that nothing is ever on a host that no record tells of. */
function reserveVolume(around: Surroundings): CloneStep {
  return step(around, {
    name: 'reserve-volume',
    title: ({ host }) => `Take room on ${host}`,
    do: async ({ state, signal }) => {
      for (let conflicts = 0; conflicts < MAX_PLACEMENT_CONFLICTS; conflicts++) {
        if ((await around.repository.volume(state.volume)) !== undefined) return;
        const hosts = await around.repository.hostEntries();
        const room = await roomOn(around, state.host, signal);
        if (room < state.sizeBytes)
          throw new LockstepError(
            'FAILED_PRECONDITION',
            `${String(state.sizeBytes)} bytes are needed on ${state.host}; there are ${String(room)}`,
            { reason: 'NO_ROOM', metadata: { next: `Delete what is not needed on ${state.host}.` } },
          );
        if (await reserve(around, recordOf(state), hosts)) return;
      }
      throw new LockstepError('ABORTED', 'other databases were placed all the time', {
        reason: 'CONTENTION',
      });
    },
    undo: async ({ state }) => {
      await around.repository.store.transact([], [{ key: keys.volume(state.volume), deleted: true }]);
    },
  });
}

/** A clone is primary of its first generation, as its host makes it. */
function recordOf({ volume, database, sizeBytes, host }: CloneState): VolumeRecord {
  return {
    volume,
    database,
    sizeBytes,
    generation: FIRST_GENERATION,
    primary: host,
    inSync: [host],
    replicas: [host],
  };
}

function cloneSnapshot(around: Surroundings): CloneStep {
  return step(around, {
    name: 'clone-volume',
    title: ({ origin, snapshot, host }) => `Clone ${origin}@${snapshot} on ${host}`,
    async do(context) {
      const { volume, snapshot, host } = context.state;
      // Of a snapshot that was taken for this: its volume may have grown meanwhile.
      const sizeBytes = await snapshotsOf(around, context).clone(host, snapshot, volume);
      await around.repository.updateVolume(volume, (record) =>
        record.sizeBytes === sizeBytes ? undefined : { ...record, sizeBytes },
      );
      const hosts = actions(around, context);
      await hosts.setView(host);
      await hosts.untilServing(host, FIRST_GENERATION);
      await hosts.noteReplica(host);
      return { sizeBytes };
    },
    undo: async (context) => actions(around, context).deleteReplica(context.state.host),
  });
}

/** What the clone needs of it stays. */
function dropSnapshot(around: Surroundings): CloneStep {
  return step(around, {
    name: 'drop-snapshot',
    title: ({ keptSnapshot }) => (keptSnapshot === '' ? 'Drop the snapshot' : 'The snapshot stays'),
    do: (context) => dropOwnSnapshots(around, context),
  });
}

function attach(around: Surroundings): CloneStep {
  return step(around, {
    name: 'attach-and-mount',
    title: ({ host }) => `Attach the volume to ${host} and mount it`,
    do: (context) => attachAndMount(actions(around, context), context.state.host, context.state),
    undo: async (context) =>
      gently(around, async () => {
        const hosts = actions(around, context);
        await hosts.unmount(context.state.host);
        await hosts.detach(context.state.host);
      }),
  });
}

function startEngine(around: Surroundings): CloneStep {
  return step(around, {
    name: 'start-engine',
    title: ({ host }) => `Start the engine on ${host}, with its crash recovery`,
    deadlineMs: ENGINE_MS,
    do: (context) => actions(around, context).startEngine(context.state.host, context.state),
    undo: (context) =>
      gently(around, () =>
        actions(around, context).stopEngine(context.state.host, context.state, { kill: true }),
      ),
  });
}

/** The one that the origin has is nobody's to use here. */
function setPassword(around: Surroundings): CloneStep {
  return step(around, {
    name: 'set-password',
    title: ({ user }) => `Set a new password of ${user}`,
    async do(context) {
      const { host, database } = context.state;
      // As with a create, the log keeps what a step answers for ever: the password stays in the record that forgets it.
      const { value } = await around.repository.requireDatabase(database);
      await actions(around, context).setEnginePassword(host, context.state, value.unclaimedPassword);
    },
  });
}

function publishAlias(around: Surroundings): CloneStep {
  return step(around, {
    name: 'publish-alias',
    title: ({ database }) => `Publish the alias of ${database}`,
    do: ({ state }) => pointAlias(around, state, state.host),
    undo: ({ state }) => withdrawAlias(around, state.database),
  });
}

async function finished(around: Surroundings, state: CloneState, outcome: WorkflowOutcome): Promise<void> {
  const { origin, keptSnapshot, host, sizeBytes, workflow } = state;
  switch (outcome.kind) {
    case 'done': {
      const of = keptSnapshot === '' ? origin : `${origin}@${keptSnapshot}`;
      return letGo(around, state, () => ({ lifecycle: 'active', failure: '', sizeBytes }), [
        { reason: 'CLONED', message: `a clone of ${of} on ${host}` },
      ]);
    }
    case 'undone':
      return removeDatabase(around, state);
    case 'stuck':
      // As with a create: only a delete, which a person asks for, takes it over.
      return letGo(
        around,
        state,
        () => ({ lifecycle: 'failed', failure: describeOutcome(outcome), busyWith: workflow }),
        [{ reason: 'CLONE_FAILED', message: describeOutcome(outcome) }],
      );
  }
}
