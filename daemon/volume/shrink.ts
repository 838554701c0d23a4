/**
 * A replica is made smaller while nobody uses the volume: nothing but holes may lie beyond the new end, and on the
 * primary every replica that it knows of has to be in sync. Of a replicated volume the primary goes first: a member may
 * be larger than its primary (docs/replication.md, "A volume that grows, or shrinks").
 */
import { LockstepError } from '../sys/errors.ts';
import type { Volume } from './volume.ts';
import type { Volumes } from './volumes.ts';

/** Idempotent; on stable storage when it answers. Whoever calls it sees to it that nothing else changes the volume. */
export async function shrinkReplica(volumes: Volumes, name: string, sizeBytes: number): Promise<void> {
  const volume = volumes.require(name);
  if (sizeBytes >= volume.sizeBytes) return;
  const { exports } = volumes;
  checkUnused(volumes, volume);
  exports.hold(name, 'it is being made smaller');
  try {
    // What was discarded is stable on every member then, and nobody pulls it after a restart.
    if (volume.serves) await flushed(volume);
    await volumes.store.resize(name, sizeBytes);
    volume.resized(sizeBytes);
  } finally {
    exports.release(name);
  }
}

function checkUnused(volumes: Volumes, volume: Volume): void {
  const { name, state, status } = volume;
  const isWhole = state === 'SOLO' || state === 'SERVING' || state === 'SECONDARY';
  const isCopying =
    status.join !== undefined && status.join.phase !== 'DONE' && status.join.phase !== 'FAILED';
  if (!isWhole || status.dirty.length > 0 || isCopying || status.mixed)
    throw refused(
      name,
      `the replica is ${state}, and not every replica is known to be in sync`,
      'NOT_IN_SYNC',
    );
  if (status.scrub?.phase === 'RUNNING')
    throw refused(name, 'a scrub is under way; wait for it, or stop it', 'SCRUB_UNDER_WAY');
  if (volumes.exports.isHeld(name)) throw refused(name, 'a revert of it is under way', 'REVERT_UNDER_WAY');
  if (volumes.exports.clientsOf(name) > 0)
    throw refused(
      name,
      'NBD clients are connected that know of its end; disconnect first',
      'CLIENTS_CONNECTED',
    );
}

function flushed(volume: Volume): Promise<void> {
  return new Promise((resolve, reject) => {
    volume.submit({ kind: 'flush' }, (result) => {
      if (result.ok) resolve();
      else reject(refused(volume.name, `a flush failed: ${result.failure}`, 'FLUSH_FAILED'));
    });
  });
}

const refused = (volume: string, why: string, reason: string): LockstepError =>
  new LockstepError('FAILED_PRECONDITION', `volume ${volume} is not made smaller: ${why}`, {
    reason,
    metadata: { volume },
  });
