/**
 * A copy that goes: out of the volume's record at once, and on its host as soon as that can be reached. Between the two
 * it is on a list in the control store (dropped-copies.ts works it off), so that a host that was lost and comes back
 * does not keep it.
 */
import { LockstepError, messageOf } from '../../../daemon/sys/errors.ts';
import { isStillNeeded } from '../../model/dropped-copy.ts';
import { type DroppedCopyRecord, keys, type VolumeRecord } from '../../model/records.ts';
import type { Step } from '../workflow.ts';
import { HostActions } from './host-actions.ts';
import type { DatabaseWork } from './steps.ts';
import { pause, superseded, type StepRun, type Surroundings } from './surroundings.ts';

export type DropState = DatabaseWork & {
  /** The primary. */
  readonly source: string;
  readonly drops: readonly string[];
  /** Made in their place, and in sync; empty: nothing was. */
  readonly target: string;
} & Readonly<Record<string, unknown>>;

const STEP_MS = 2 * 60_000;
/** There is no way back after it, and nothing in it depends on a host that is lost. */
const ATTEMPTS = 10;
const MAX_CONFLICTS = 20;
/** How long the primary is waited for, which would hold its I/O for a copy that is gone. */
const TELL_MS = 5000;

export function dropCopyStep<State extends DropState>(around: Surroundings): Step<State> {
  return {
    name: 'drop-copy',
    title: ({ drops }) => `Drop the copy on ${drops.join(' and ')}`,
    deadlineMs: STEP_MS,
    attempts: ATTEMPTS,
    backoffMs: around.pace.backoffMs,
    async do(context) {
      const { volume, drops, target } = context.state;
      const { value } = await around.repository.requireVolume(volume);
      const left = drops.filter((host) => value.replicas.includes(host));
      if (left.length > 0) {
        const shrinks = (record: VolumeRecord): boolean =>
          target === '' || left.some((host) => record.inSync.includes(host));
        const wasServing = shrinks(value);
        const check = (record: VolumeRecord): void => {
          requireReady(around, context.state, record, left);
          if (shrinks(record) && !wasServing)
            throw new LockstepError('UNAVAILABLE', `a copy came into the set that is to go`, {
              reason: 'CONTENTION',
            });
        };
        check(value);
        if (wasServing) await requireServing(new HostActions(around, context, volume), value);
        // Else a primary that still copies to one of them would go on.
        await dropCopies(around, volume, left, { inNewGeneration: target === '', check });
      }
      await deleteDropped(around, context, volume, drops);
    },
  };
}

/** What is dropped is not missed: of the very record that goes without it. */
function requireReady(
  around: Surroundings,
  { source, target }: DropState,
  record: VolumeRecord,
  drops: readonly string[],
): void {
  if (record.primary !== source) throw superseded(record, source);
  if (target === '') requireWholeWithout(around, record, drops);
  else if (!record.inSync.includes(target))
    throw new LockstepError('UNAVAILABLE', `${target} fell out of the in-sync set again`, {
      reason: 'NOT_IN_SYNC',
    });
}

/** Where nothing was made in its place. What stays may have fallen out of the set since it was decided, or be about to. */
function requireWholeWithout(
  { hosts }: Surroundings,
  { replicas, inSync }: VolumeRecord,
  drops: readonly string[],
): void {
  const stays = replicas.filter((host) => !drops.includes(host));
  const gone = stays.filter((host) => hosts.isGone(host));
  if (gone.length > 0)
    throw new LockstepError(
      'FAILED_PRECONDITION',
      `${gone.join(' and ')} would stay, and cannot be reached`,
      {
        reason: 'HOST_UNREACHABLE',
      },
    );
  const missing = stays.filter((host) => !inSync.includes(host));
  if (missing.length === 0) return;
  throw new LockstepError(
    'FAILED_PRECONDITION',
    `${missing.join(' and ')} would stay, and does not hold every acknowledged write`,
    { reason: 'NOT_IN_SYNC' },
  );
}

/**
 * Before a copy leaves the set. Never beside a primary which died a moment ago: it alone would learn of the generation
 * without that copy, and nobody could take over. A failover comes first.
 */
export async function requireServing(hosts: HostActions, { primary }: VolumeRecord): Promise<void> {
  const state = await hosts.replica(primary).then(
    (replica) => replica.state,
    (error: unknown) => messageOf(error),
  );
  if (state === 'SERVING' || state === 'SOLO') return;
  throw new LockstepError(
    'FAILED_PRECONDITION',
    `${primary} is to go on with fewer copies, and is: ${state}`,
    {
      reason: 'NOT_SERVED',
    },
  );
}

/**
 * In a generation of its own where one of them is in the set, or where that is asked for. `check` throws where the record
 * has become one that they have to stay in.
 */
export async function dropCopies(
  { repository }: Pick<Surroundings, 'repository'>,
  volume: string,
  hosts: readonly string[],
  options: { readonly inNewGeneration: boolean; readonly check?: (record: VolumeRecord) => void },
): Promise<void> {
  for (let conflicts = 0; conflicts < MAX_CONFLICTS; conflicts++) {
    const entry = await repository.requireVolume(volume);
    const { value } = entry;
    if (!hosts.some((host) => value.replicas.includes(host))) return;
    if (hosts.includes(value.primary)) throw superseded(value, `beside ${hosts.join(', ')}`);
    options.check?.(value);
    const stays = (host: string): boolean => !hosts.includes(host);
    const isNew = options.inNewGeneration || hosts.some((host) => value.inSync.includes(host));
    const next: VolumeRecord = {
      ...value,
      generation: value.generation + (isNew ? 1 : 0),
      inSync: value.inSync.filter(stays),
      replicas: value.replicas.filter(stays),
    };
    const { generation, inSync: kept } = next;
    const dropped = hosts.map((host): DroppedCopyRecord => ({
      ...{ host, volume, generation },
      ...(value.inSync.includes(host) ? { kept } : {}),
    }));
    const result = await repository.store.transact(
      [{ key: entry.key, revision: entry.revision }],
      [
        { key: entry.key, value: next },
        ...dropped.map((record) => ({ key: keys.droppedCopy(record.host, volume), value: record })),
      ],
    );
    if (result.ok) return;
  }
  throw new LockstepError('ABORTED', `the record of ${volume} changes all the time`, {
    reason: 'CONTENTION',
  });
}

/** As far as the hosts can be reached now; the rest stays on the list. */
export async function deleteDropped(
  around: Surroundings,
  run: StepRun,
  volume: string,
  hosts: readonly string[],
): Promise<void> {
  const record = (await around.repository.volume(volume))?.value;
  const actions = new HostActions(around, run, volume);
  if (record !== undefined && !(await tell(around, run, actions, record))) return;
  for (const host of hosts) {
    const key = keys.droppedCopy(host, volume);
    const dropped = await around.repository.store.get<DroppedCopyRecord>(key);
    if (dropped === undefined || around.hosts.isGone(host)) continue;
    // As it is by now: nobody is lost for good that was there a moment ago.
    const now = (await around.repository.volume(volume))?.value;
    if (now !== undefined && isStillNeeded(dropped.value, now, () => false)) continue;
    try {
      await actions.deleteReplica(host);
      await around.repository.store.transact([], [{ key, deleted: true }]);
    } catch (error) {
      if (run.signal.aborted) throw error;
      around.log.warn(
        { host, volume, error: messageOf(error) },
        'a dropped copy cannot be deleted now; it is tried again',
      );
    }
  }
}

/** The primary goes first, so that it does not wait for one that is gone. False: it does not know yet. */
async function tell(
  around: Surroundings,
  run: StepRun,
  actions: HostActions,
  { primary, generation }: VolumeRecord,
): Promise<boolean> {
  if (primary === '' || around.hosts.isGone(primary)) return false;
  const giveUpAtMs = around.nowMs() + TELL_MS;
  while (around.nowMs() < giveUpAtMs) {
    try {
      await actions.setView(primary);
      if ((await actions.replica(primary)).generation >= generation) return true;
    } catch (error) {
      if (run.signal.aborted) throw error;
      if (around.hosts.isGone(primary)) return false;
    }
    await pause(around.pace.promotionPollMs, run.signal);
  }
  return false;
}
