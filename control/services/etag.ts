/** A change that names the etag it was decided on is refused where the database has changed since. */
import { LockstepError } from '../../daemon/sys/errors.ts';
import { etagOf } from '../model/database-view.ts';
import type { DatabaseRecord } from '../model/records.ts';
import type { Repository } from '../repository.ts';
import type { Entry } from '../store/store.ts';

/** An empty etag asks for no check. */
export async function checkEtag(
  repository: Repository,
  entry: Entry<DatabaseRecord>,
  etag: string,
): Promise<void> {
  if (etag === '') return;
  const volume = await repository.volume(entry.value.volume);
  const current = etagOf(entry.revision, volume?.value);
  if (etag === current) return;
  throw new LockstepError(
    'ABORTED',
    `the database has changed: its etag is ${current}, not ${etag}; read it again`,
    {
      reason: 'ETAG_MISMATCH',
      metadata: { subject: `databases/${entry.value.id}`, etag: current },
    },
  );
}
