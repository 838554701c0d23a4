/** A volume by its own name, or by that of its database. */
import { LockstepError } from '../../daemon/sys/errors.ts';
import type { ArchiveRecord, DatabaseRecord, VolumeRecord } from '../model/records.ts';
import type { Repository } from '../repository.ts';
import type { Entry } from '../store/store.ts';
import { volumeOrDatabaseOf } from './fields.ts';

export interface FoundVolume {
  readonly volume: Entry<VolumeRecord>;
  /** Undefined of an archive. */
  readonly database: Entry<DatabaseRecord> | undefined;
  readonly archive: Entry<ArchiveRecord> | undefined;
}

/** `field`: where the request has the name. */
export async function findVolume(repository: Repository, name: string, field = 'name'): Promise<FoundVolume> {
  const id = volumeOrDatabaseOf(field, name);
  const own = name.startsWith('databases/') ? undefined : await repository.volume(id);
  const volume = own ?? (await volumeOfDatabase(repository, id));
  if (volume === undefined)
    throw new LockstepError('NOT_FOUND', `there is no volume ${id}, and no database with one`, {
      reason: 'VOLUME_NOT_FOUND',
      metadata: { subject: name },
    });
  return foundOf(repository, volume);
}

async function volumeOfDatabase(
  repository: Repository,
  id: string,
): Promise<Entry<VolumeRecord> | undefined> {
  const database = await repository.database(id);
  return database === undefined ? undefined : repository.volume(database.value.volume);
}

export async function foundOf(repository: Repository, volume: Entry<VolumeRecord>): Promise<FoundVolume> {
  const [database, archive] = await Promise.all([
    repository.database(volume.value.database),
    repository.archive(volume.value.volume),
  ]);
  return { volume, database, archive };
}
