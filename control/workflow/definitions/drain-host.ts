/**
 * drain-host: everything on a host moves to others. It does so by the workflows that move one database: a switchover where
 * its primary is there, then a replacement of its copy; a single copy is given a second one, which takes over, and is
 * dropped. What is next is read from the records each time, so that a step that is run again goes on where it was, and
 * the workflows that it starts have names that it finds again.
 *
 * Nothing is undone: what was moved stays moved, and the host stays cordoned. One database that cannot be moved does not
 * keep the others.
 */
import { LockstepError, messageOf } from '../../../daemon/sys/errors.ts';
import { type HostAdminRecord, keys, type VolumeRecord } from '../../model/records.ts';
import { conditionOf } from '../../repository.ts';
import type { WorkflowSnapshot } from '../snapshot.ts';
import type { StepContext, WorkflowDefinition, WorkflowOutcome } from '../workflow.ts';
import type { Held } from '../../copy-starter.ts';
import { describeOutcome } from './steps.ts';
import { pause, type Surroundings } from './surroundings.ts';

export type DrainState = {
  readonly workflow: string;
  readonly host: string;
  /** What was there in the beginning, by the databases' ids. */
  readonly databases: readonly string[];
} & Readonly<Record<string, unknown>>;

type Context = StepContext<DrainState>;

const ORDINARY_MS = 60_000;
/** Every copy may have to be made anew, one after the other. */
const MOVE_MS = 14 * 24 * 60 * 60_000;
const ATTEMPTS = 5;
/** How long a database that is about to be well, or that something else holds for a moment, is waited for. */
const PATIENCE_MS = 2 * 60_000;
const MAX_CONFLICTS = 20;
const NAME_CHARACTERS = 8;

export function drainHost(around: Surroundings): WorkflowDefinition<DrainState> {
  return {
    type: 'drain-host',
    version: 1,
    steps: [
      {
        name: 'cordon',
        title: ({ host }) => `Place nothing new on ${host}`,
        deadlineMs: ORDINARY_MS,
        attempts: ATTEMPTS,
        backoffMs: around.pace.backoffMs,
        do: ({ state }) =>
          changeAdmin(around, state.host, (admin) =>
            admin.cordoned ? undefined : { ...admin, cordoned: true },
          ),
      },
      {
        name: 'move-databases',
        title: ({ host }) => `Move every database on ${host} elsewhere`,
        deadlineMs: MOVE_MS,
        attempts: 1,
        backoffMs: around.pace.backoffMs,
        do: (context) => moveAll(around, context),
      },
    ],
    finished: (state, outcome) => finished(around, state, outcome),
  };
}

async function moveAll(around: Surroundings, context: Context): Promise<void> {
  const { host, databases } = context.state;
  /** By volume. */
  const failures = new Map<string, string>();
  for (;;) {
    const left = await placedOn(around, host);
    const total = new Set([...databases, ...left.map(({ database }) => database)]).size;
    const done = total - left.length;
    context.progress(
      `${String(done)} of ${String(total)} databases`,
      total === 0 ? 100 : (done / total) * 100,
    );
    const next = left.find(({ volume }) => !failures.has(volume));
    if (next === undefined) break;
    try {
      if (next.database === '') throw keptForSnapshot();
      await moveOne(around, context, next.database);
    } catch (error) {
      if (context.signal.aborted) throw error;
      const subject = next.database === '' ? `volumes/${next.volume}` : `databases/${next.database}`;
      failures.set(next.volume, `${subject}: ${messageOf(error)}`);
    }
  }
  if (failures.size === 0) return;
  const why = [...failures.values()];
  throw new LockstepError('FAILED_PRECONDITION', why.join('; '), {
    reason: 'DRAIN_INCOMPLETE',
    metadata: {
      subject: `hosts/${host}`,
      next: `mend what the message names, then: lockstep host drain ${host}`,
    },
  });
}

async function placedOn(around: Surroundings, host: string): Promise<readonly VolumeRecord[]> {
  const volumes = (await around.repository.volumes()).map(({ value }) => value);
  return volumes.filter(({ replicas }) => replicas.includes(host));
}

/** Until no copy of it is there. */
async function moveOne(around: Surroundings, context: Context, database: string): Promise<void> {
  const { host } = context.state;
  let patientUntilMs = around.nowMs() + PATIENCE_MS;
  for (;;) {
    const held = await read(around, database);
    if (held === undefined || !held.volume.value.replicas.includes(host)) return;
    const { busyWith } = held.entry.value;
    if (busyWith !== '') {
      await ended(around, context, busyWith);
      // What a failed workflow still holds is half done: nobody goes on with it by himself.
      const after = (await read(around, database))?.entry.value.busyWith;
      if (after === busyWith && around.nowMs() > patientUntilMs) throw stillHeld(busyWith);
    } else {
      const id = childId(context.state, held, nextMove(held, host));
      await requireNotFailed(around, id);
      const isStarted = await begin(around, held, host, id, around.nowMs() > patientUntilMs);
      if (isStarted) {
        requireDone(await ended(around, context, id));
        patientUntilMs = around.nowMs() + PATIENCE_MS;
        continue;
      }
    }
    await pause(around.pace.copyPollMs, context.signal);
  }
}

async function read(around: Surroundings, database: string): Promise<Held | undefined> {
  const entry = await around.repository.database(database);
  const volume = entry === undefined ? undefined : await around.repository.volume(entry.value.volume);
  return entry === undefined || volume === undefined ? undefined : { entry, volume };
}

type Move = 'switch' | 'convert' | 'single' | 'replace';

function nextMove({ entry, volume }: Held, host: string): Move {
  const { primary, replicas } = volume.value;
  if (primary === host) return replicas.length === 1 ? 'convert' : 'switch';
  return entry.value.copies === 1 ? 'single' : 'replace';
}

/** The same for the same state of the database, so that a step that is run again finds what it started. */
function childId({ workflow, host }: DrainState, { entry, volume }: Held, move: Move): string {
  const generation = String(volume.value.generation);
  const drain = workflow.slice(-NAME_CHARACTERS);
  return `${move}-${entry.value.id}-${host.slice(0, NAME_CHARACTERS)}-${drain}-g${generation}`;
}

/** False: not now, and it may be in a moment. */
async function begin(
  around: Surroundings,
  held: Held,
  host: string,
  id: string,
  isLastTry: boolean,
): Promise<boolean> {
  const offspring = around.offspring();
  const { lifecycle, copies: wanted } = held.entry.value;
  if (lifecycle !== 'active')
    throw new LockstepError('FAILED_PRECONDITION', `it is ${lifecycle}`, { reason: 'NOT_ACTIVE' });
  const cause = { why: `${host} is drained`, id };
  switch (nextMove(held, host)) {
    case 'convert':
      return (await offspring.copies.convert(held, { place: {}, copies: wanted }, cause)).ok;
    case 'single':
      return (await offspring.copies.toSingle(held, cause)).ok;
    case 'replace':
      return (await offspring.copies.replace(held, { host, isLost: false }, cause)).ok;
    case 'switch':
      try {
        return (await offspring.switchover(held, cause)).ok;
      } catch (error) {
        // A copy that was made a moment ago is said to be in sync with the next heartbeat.
        if (isLastTry || !(error instanceof LockstepError) || error.code !== 'FAILED_PRECONDITION')
          throw error;
        return false;
      }
  }
}

/** Looked at again and again: after a restart of control it may not run yet. */
async function ended(
  around: Surroundings,
  context: Context,
  id: string,
): Promise<WorkflowSnapshot | undefined> {
  for (;;) {
    const snapshot = await around.offspring().get(id);
    if (snapshot?.standing.kind !== 'running') return snapshot;
    await pause(around.pace.copyPollMs, context.signal);
  }
}

async function requireNotFailed(around: Surroundings, id: string): Promise<void> {
  const snapshot = await around.offspring().get(id);
  if (snapshot !== undefined && snapshot.standing.kind !== 'running') requireDone(snapshot);
}

function requireDone(snapshot: WorkflowSnapshot | undefined): void {
  const standing = snapshot?.standing;
  if (standing?.kind === 'finished' && standing.outcome.kind === 'done') return;
  const why = standing === undefined ? 'it is gone' : whyNotDone(standing);
  throw new LockstepError('FAILED_PRECONDITION', `operations/${snapshot?.record.id ?? ''}: ${why}`, {
    reason: 'CHILD_FAILED',
  });
}

function whyNotDone(standing: WorkflowSnapshot['standing']): string {
  if (standing.kind === 'halted') return `it waits for a person: ${standing.reason}`;
  if (standing.kind === 'running' || standing.outcome.kind === 'done') return 'it has not failed';
  const { outcome } = standing;
  return outcome.kind === 'abandoned' ? `a person gave it up: ${outcome.reason}` : describeOutcome(outcome);
}

const stillHeld = (workflow: string): LockstepError =>
  new LockstepError('FAILED_PRECONDITION', `operations/${workflow} holds it, and has ended`, {
    reason: 'DATABASE_BUSY',
  });

/** Its database was deleted since the drain began, and the grace time is over. */
const keptForSnapshot = (): LockstepError =>
  new LockstepError('FAILED_PRECONDITION', 'it is kept for its final snapshot, and is not moved', {
    reason: 'ARCHIVE',
  });

async function finished(around: Surroundings, state: DrainState, outcome: WorkflowOutcome): Promise<void> {
  const { host, workflow } = state;
  const event =
    outcome.kind === 'done'
      ? { reason: 'HOST_DRAINED' as const, message: `${String(state.databases.length)} databases were moved` }
      : { reason: 'HOST_DRAIN_FAILED' as const, message: describeOutcome(outcome) };
  await changeAdmin(
    around,
    host,
    (admin) => (admin.busyWith === workflow ? { ...admin, busyWith: '' } : undefined),
    [{ ...event, generation: 0, workflow }],
  );
}

async function changeAdmin(
  { repository }: Surroundings,
  host: string,
  change: (admin: HostAdminRecord) => HostAdminRecord | undefined,
  events: Parameters<Surroundings['repository']['eventWrites']>[1] = [],
): Promise<void> {
  for (let conflicts = 0; conflicts < MAX_CONFLICTS; conflicts++) {
    const entry = await repository.hostAdmin(host);
    const next = change(entry.value);
    if (next === undefined) return;
    const writes = await repository.eventWrites({ host }, events);
    const result = await repository.store.transact(
      [conditionOf(entry), ...writes.conditions],
      [{ key: keys.hostAdmin(host), value: next }, ...writes.mutations],
    );
    if (result.ok) return;
  }
  throw new LockstepError('ABORTED', `the records of hosts/${host} change all the time`, {
    reason: 'CONTENTION',
  });
}
