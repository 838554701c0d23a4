/** What a database's new name changes in the control store, for one transaction: all of it, or nothing. */
import { type DatabaseRecord, type EventRecord, keys, type VolumeRecord } from './model/records.ts';
import { type Repository, sequenceOf, type Writes } from './repository.ts';
import type { Entry } from './store/store.ts';

/**
 * `next`: the record under its new name. No event is written meanwhile that would be left behind: whoever writes one
 * writes the database's record or the volume's with it.
 */
export async function renameWrites(
  repository: Repository,
  database: Entry<DatabaseRecord>,
  volume: Entry<VolumeRecord>,
  next: DatabaseRecord,
): Promise<Writes> {
  const key = keys.database(next.id);
  const events = await repository.store.list<EventRecord>(keys.events(database.value.id));
  return {
    conditions: [
      { key: database.key, revision: database.revision },
      { key: volume.key, revision: volume.revision },
      { key, absent: true },
    ],
    mutations: [
      { key: database.key, deleted: true },
      { key, value: next },
      { key: volume.key, value: { ...volume.value, database: next.id } },
      ...(next.port === 0 ? [] : [{ key: keys.port(next.port), value: { database: next.id } }]),
      ...events.flatMap((event) => [
        { key: event.key, deleted: true as const },
        { key: keys.event(next.id, sequenceOf(event.key)), value: event.value },
      ]),
    ],
  };
}
