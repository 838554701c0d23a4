/** Which hosts keep the final snapshot of a volume. Pure. */
import type { VolumeRecord } from './records.ts';

/** Those that took it: another one that was away meanwhile may keep an older snapshot of that name. */
export function finalSnapshotHosts(
  { replicas, finalSnapshot }: VolumeRecord,
  snapshot: string,
): readonly string[] {
  if (finalSnapshot?.name !== snapshot) return replicas;
  return replicas.filter((host) => finalSnapshot.hosts.includes(host));
}
