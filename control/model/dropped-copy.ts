/** Whether a copy that was dropped while it was whole may be deleted. Pure. */
import type { DroppedCopyRecord, VolumeRecord } from './records.ts';

/**
 * One of those that it was dropped for fell out of the set since: until that one is in sync again, it may be the only
 * other copy of what was written before. Not for one that the volume has given up, or that `isLost` for good.
 */
export function isStillNeeded(
  { kept = [] }: DroppedCopyRecord,
  { database, replicas, inSync }: VolumeRecord,
  isLost: (host: string) => boolean,
): boolean {
  // An archive: nobody brings it in sync again, and this one was dropped before its snapshots were taken.
  if (database === '') return false;
  return kept.some((host) => replicas.includes(host) && !inSync.includes(host) && !isLost(host));
}
