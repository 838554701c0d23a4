/** A change that was decided on an old view of the database is refused: ABORTED, with the etag of now. */
import { LockstepError } from '../../daemon/sys/errors.ts';
import { etagOf } from '../model/database-view.ts';
import type { DatabaseRecord } from '../model/records.ts';
import type { Repository } from '../repository.ts';
import type { Entry } from '../store/store.ts';

/** Nothing where the request has none. */
export async function checkEtag(
  repository: Repository,
  entry: Entry<DatabaseRecord>,
  etag: string,
): Promise<void> {
  if (etag === '') return;
  const volume = await repository.volume(entry.value.volume);
  const current = etagOf(entry.revision, volume?.value);
  if (etag !== current)
    throw new LockstepError(
      'ABORTED',
      `the database has changed: its etag is ${current}, not ${etag}; read it again`,
      {
        reason: 'ETAG_MISMATCH',
        metadata: { subject: `databases/${entry.value.id}`, etag: current },
      },
    );
}
