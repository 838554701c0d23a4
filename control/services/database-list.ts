/** Pages of the databases; those that are deleted only where they are asked for. */
import type {
  ListDatabasesRequest,
  ListDatabasesResponse,
} from '../../proto/gen/lockstep/v1/database_service.ts';
import { type DatabaseRecord, keys } from '../model/records.ts';
import type { Repository } from '../repository.ts';
import type { Entry } from '../store/store.ts';
import { lastOf, nextOf, pageSizeOf } from './fields.ts';
import type { Views } from './views.ts';

export async function listDatabases(
  { repository, views }: { readonly repository: Repository; readonly views: Views },
  { pageSize: asked, pageToken, showDeleted }: ListDatabasesRequest,
): Promise<ListDatabasesResponse> {
  const pageSize = pageSizeOf(asked);
  const found = await read(repository, {
    after: lastOf(keys.databases, pageToken),
    limit: pageSize + 1,
    isWanted: ({ lifecycle }) => showDeleted || lifecycle !== 'deleted',
  });
  const page = found.slice(0, pageSize);
  return {
    databases: await Promise.all(page.map((entry) => views.database(entry))),
    nextPageToken: nextOf(keys.databases, page, found.length),
  };
}

async function read(
  repository: Repository,
  wish: {
    readonly after: string | undefined;
    readonly limit: number;
    readonly isWanted: (record: DatabaseRecord) => boolean;
  },
): Promise<readonly Entry<DatabaseRecord>[]> {
  const found: Entry<DatabaseRecord>[] = [];
  for (let { after } = wish; ;) {
    const { limit } = wish;
    const entries = await repository.databases(after === undefined ? { limit } : { after, limit });
    found.push(...entries.filter(({ value }) => wish.isWanted(value)));
    after = entries.at(-1)?.key;
    if (entries.length < limit || found.length >= limit) return found.slice(0, limit);
  }
}
