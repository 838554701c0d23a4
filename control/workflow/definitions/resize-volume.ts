/**
 * resize-volume: a volume without an engine is made larger or smaller while it is used.
 *
 * Its secondaries grow first, since a write beyond the end of one would be refused there; the primary last, and the
 * record after it. What stops on its way is harmless (a replica that is too large holds zeroes there, and is not copied to
 * before its primary is as large) and is asked for again.
 *
 * It is made smaller in the other order, and only while every replica is in sync: one that is away would bring back what
 * it has beyond the end when the volume grows again. That nothing is there each host proves by itself.
 *
 * The database is held until the record says what the replicas have: nothing begins to copy to one of another size. So it
 * ends when the primary falls silent, whatever another host's disk is at: its failover waits for that.
 */
import { LockstepError, messageOf } from '../../../daemon/sys/errors.ts';
import type { VolumeRecord } from '../../model/records.ts';
import type { Step, WorkflowDefinition, WorkflowOutcome } from '../workflow.ts';
import { HostActions } from './host-actions.ts';
import { type DatabaseWork, letGo } from './steps.ts';
import type { Surroundings } from './surroundings.ts';
import { whileHeard } from './while-heard.ts';

export type ResizeState = DatabaseWork & {
  readonly sizeBytes: number;
  readonly shrinks: boolean;
} & Readonly<Record<string, unknown>>;

/** A host that trims, or looks whether anything is there, may take a minute; they are asked one after the other. */
const STEP_MS = 5 * 60_000;
/** A host that is well answers at once. */
const OUTSIDE_MS = 3000;

export function resizeVolume(around: Surroundings): WorkflowDefinition<ResizeState> {
  // Whoever asked waits for the answer, and asks again.
  const once = { deadlineMs: STEP_MS, attempts: 1, backoffMs: around.pace.backoffMs };
  const steps: readonly Step<ResizeState>[] = [
    {
      ...once,
      name: 'resize-replicas',
      title: ({ shrinks, sizeBytes }) =>
        `Make the copies ${shrinks ? 'smaller' : 'larger'}: ${String(sizeBytes)} bytes`,
      async do(context) {
        const { volume, sizeBytes, shrinks } = context.state;
        const { value: record } = await around.repository.requireVolume(volume);
        const hosts = new HostActions(around, context, volume);
        const heard = { hosts, host: record.primary, signal: context.signal };
        if (shrinks) await whileHeard(around, heard, (bounded) => shrinkReplicas(bounded, record, sizeBytes));
        else await growReplicas(around, heard, { record, sizeBytes });
      },
    },
    {
      ...once,
      name: 'write-size',
      title: () => 'Write its size down',
      do: ({ state }) => writeSize(around, state),
    },
  ];
  return {
    type: 'resize-volume',
    version: 1,
    steps,
    finished: (state, outcome) => finished(around, state, outcome),
  };
}

async function growReplicas(
  around: Surroundings,
  heard: Parameters<typeof whileHeard>[1],
  { record, sizeBytes }: { readonly record: VolumeRecord; readonly sizeBytes: number },
): Promise<void> {
  try {
    await whileHeard(around, heard, async (hosts) => {
      await growSecondaries(around, hosts, { volume: record.volume, sizeBytes });
      await hosts.growReplica(record.primary, sizeBytes);
    });
  } catch (error) {
    throw new LockstepError(
      error instanceof LockstepError ? error.code : 'UNAVAILABLE',
      `volume ${record.volume} has not grown: ${messageOf(error)}; ask again`,
      { reason: 'GROWTH_INCOMPLETE', metadata: { subject: `volumes/${record.volume}` } },
    );
  }
}

/** Those outside the set are not waited for: one that is away, or slow, is made as large before it is copied to. */
export async function growSecondaries(
  around: Surroundings,
  hosts: HostActions,
  { volume, sizeBytes }: { readonly volume: string; readonly sizeBytes: number },
): Promise<void> {
  const { value: record } = await around.repository.requireVolume(volume);
  const others = record.replicas.filter((host) => host !== record.primary);
  const isMember = (host: string): boolean => record.inSync.includes(host);
  const outside = others.filter((host) => !isMember(host) && !around.hosts.isGone(host));
  const briefly = hosts.cutOffBy(AbortSignal.timeout(OUTSIDE_MS));
  await Promise.allSettled(outside.map((host) => briefly.growReplica(host, sizeBytes)));
  await Promise.all(others.filter(isMember).map((host) => hosts.growReplica(host, sizeBytes)));
}

async function shrinkReplicas(hosts: HostActions, record: VolumeRecord, sizeBytes: number): Promise<void> {
  checkAllInSync(record);
  await hosts.shrinkReplica(record.primary, sizeBytes);
  const secondaries = record.replicas.filter((host) => host !== record.primary);
  await Promise.all(secondaries.map((host) => hosts.shrinkReplica(host, sizeBytes)));
}

export function checkAllInSync({ volume, replicas, inSync }: VolumeRecord): void {
  const outside = replicas.filter((host) => !inSync.includes(host));
  if (outside.length === 0) return;
  throw new LockstepError(
    'FAILED_PRECONDITION',
    `${outside.join(' and ')} is not in sync, and may have more`,
    { reason: 'NOT_IN_SYNC', metadata: { subject: `volumes/${volume}` } },
  );
}

async function writeSize(around: Surroundings, { volume, sizeBytes, workflow }: ResizeState): Promise<void> {
  const { value: before } = await around.repository.requireVolume(volume);
  const message = `from ${String(before.sizeBytes)} to ${String(sizeBytes)} bytes`;
  await around.repository.updateVolume(
    volume,
    (record) => (record.sizeBytes === sizeBytes ? undefined : { ...record, sizeBytes }),
    ({ generation }) => [{ reason: 'VOLUME_RESIZED', message, generation, workflow }],
  );
}

/** Nothing is undone: whoever asked is told, and asks again. */
function finished(around: Surroundings, state: ResizeState, outcome: WorkflowOutcome): Promise<void> {
  const { sizeBytes } = state;
  return letGo(around, state, () => (outcome.kind === 'done' ? { sizeBytes } : {}), []);
}
