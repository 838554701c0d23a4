/** What keeps a host from being removed, and what helps: not everything that has a copy there can be moved away. */
import { copyName, type InstallationFacts } from '../model/host-view.ts';
import type { DatabaseRecord, VolumeRecord } from '../model/records.ts';
import type { Repository } from '../repository.ts';
import { refused } from './host-checks.ts';

export async function checkHoldsNothing(
  repository: Repository,
  { volumes }: InstallationFacts,
  host: string,
): Promise<void> {
  const held = volumes.filter(({ replicas }) => replicas.includes(host));
  if (held.length === 0) return;
  const entries = await repository.databases();
  const databases = new Map(entries.map(({ value }) => [value.id, value]));
  const helps = new Set(held.map((record) => whatHelps(host, record, databases.get(record.database))));
  const names = held.map(copyName).join(', ');
  throw refused('HOST_HOLDS_COPIES', host, `hosts/${host} has copies of ${names}`, {
    next: [...helps].join('; '),
  });
}

/** A drain moves what is in service. */
function whatHelps(
  host: string,
  { volume, database: id }: VolumeRecord,
  database: DatabaseRecord | undefined,
): string {
  if (id === '')
    return `volumes/${volume} is kept for its snapshots, and goes with the last: lockstep snapshot list ${volume}`;
  if (database?.lifecycle !== 'deleted') return `lockstep host drain ${host}`;
  const { finalSnapshot, expireTimeMs } = database;
  const rest =
    finalSnapshot === ''
      ? ''
      : ` but for its final snapshot: lockstep snapshot delete ${volume}@${finalSnapshot}`;
  const time = new Date(expireTimeMs).toISOString();
  return `databases/${id} is deleted: lockstep database undelete ${id} brings it back, so that it can be moved; or it goes at ${time}${rest}`;
}
