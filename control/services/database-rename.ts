/** RenameDatabase. */
import { unary } from '../../daemon/sys/grpc-unary.ts';
import { invalidField } from '../../daemon/sys/errors.ts';
import type { Log } from '../../daemon/sys/log.ts';
import type { Operation } from '../../proto/gen/google/longrunning/operations.ts';
import type {
  DatabaseServiceServer,
  RenameDatabaseRequest,
} from '../../proto/gen/lockstep/v1/database_service.ts';
import { nameTaken } from './create-request.ts';
import { changeDatabase, type ChangeOptions, checkLifecycle } from './database-change.ts';
import { checkNewDatabaseId } from './fields.ts';

const FIELD = 'new_database_id';

export function renameHandlers(
  options: ChangeOptions & { readonly log: Log },
): Pick<DatabaseServiceServer, 'renameDatabase'> {
  return { renameDatabase: unary(options.log, (request: RenameDatabaseRequest) => rename(options, request)) };
}

function rename(options: ChangeOptions, request: RenameDatabaseRequest): Promise<Operation> {
  const { newDatabaseId: id } = request;
  checkNewDatabaseId(id, FIELD);
  return changeDatabase(options, 'rename', request, async (entry) => {
    if (id === entry.value.id) throw invalidField(FIELD, id, 'a name other than the one that it has');
    checkLifecycle(entry.value, ['active', 'stopped']);
    const taken = await options.repository.database(id);
    if (taken !== undefined) throw nameTaken(FIELD, taken.value);
    const volume = await options.repository.requireVolume(entry.value.volume);
    return { would: { id }, begin: (identity) => options.starter.rename(entry, volume, id, identity) };
  });
}
