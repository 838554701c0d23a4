/** Volumes that are made and removed by themselves, without an engine. */
import { LockstepError } from '../../daemon/sys/errors.ts';
import type { Operation } from '../../proto/gen/google/longrunning/operations.ts';
import type { CreateVolumeRequest, DeleteVolumeRequest } from '../../proto/gen/lockstep/v1/volume_service.ts';
import { NO_ENGINE } from '../model/engines.ts';
import type { DatabaseRecord, VolumeRecord } from '../model/records.ts';
import type { Repository } from '../repository.ts';
import type { Starter } from '../starter.ts';
import type { Entry } from '../store/store.ts';
import type { HostKnowledge } from '../workflow/definitions/surroundings.ts';
import { checkNotBusy } from './busy.ts';
import { checkRoom, nameTaken, newDatabase, parseCreateVolume } from './create-request.ts';
import { checkMayGo } from './database-retention.ts';
import { volumeOrDatabaseOf } from './fields.ts';
import { idempotently, type IdempotentOptions } from './idempotent.ts';
import { packEmpty, packVolume } from './views.ts';

export interface LifecycleOptions extends IdempotentOptions {
  readonly starter: Starter;
  readonly hosts: HostKnowledge;
  readonly wallClock: () => number;
}

/** No port of its own: its clients come to the NBD port of its host. */
const NO_PORT = 0;

export async function createVolume(
  options: LifecycleOptions,
  request: CreateVolumeRequest,
  signal: AbortSignal,
): Promise<Operation> {
  const wish = parseCreateVolume(request);
  return idempotently(options, 'create-volume', request, async (identity) => {
    const taken = await options.repository.database(wish.id);
    if (taken !== undefined) throw nameTaken('volume_id', taken.value);
    await checkRoom(options.hosts, wish, signal);
    const database = newDatabase(wish, { port: NO_PORT, nowMs: options.wallClock() });
    if (!request.validateOnly) return options.starter.create(database, wish.zones, identity);
    const parts = { volume: { value: notPlaced(database) }, database: undefined };
    return packVolume(await options.views.volume(parts));
  });
}

function notPlaced({ id, volume, sizeBytes }: DatabaseRecord): VolumeRecord {
  return { volume, database: id, sizeBytes, generation: 0, primary: '', inSync: [], replicas: [] };
}

export async function deleteVolume(
  options: LifecycleOptions,
  request: DeleteVolumeRequest,
): Promise<Operation> {
  return idempotently(options, 'delete-volume', request, async (identity) => {
    const database = await findOwner(options.repository, request.name);
    const { engine, id } = database.value;
    if (engine !== NO_ENGINE)
      throw new LockstepError('FAILED_PRECONDITION', `${id} is a database; its volume goes with it`, {
        reason: 'HAS_ENGINE',
        metadata: { subject: request.name, next: `To delete the database: lockstep database delete ${id}` },
      });
    await checkNotBusy(options.engine, database.value);
    checkMayGo(database.value);
    return request.validateOnly ? packEmpty() : options.starter.remove(database, '', identity);
  });
}

/** Not by the volume's record, which a create writes later and a delete that was cut off has removed before. */
async function findOwner(repository: Repository, name: string): Promise<Entry<DatabaseRecord>> {
  const id = volumeOrDatabaseOf('name', name);
  const volume = name.startsWith('databases/') ? undefined : await repository.volume(id);
  if (volume?.value.database === '')
    throw new LockstepError('FAILED_PRECONDITION', `${id} is kept for its final snapshot`, {
      reason: 'ARCHIVE',
      metadata: { subject: name, next: 'It goes with its last snapshot: DeleteSnapshot.' },
    });
  const database = await repository.database(volume?.value.database ?? id);
  if (database === undefined)
    throw new LockstepError('NOT_FOUND', `there is no volume ${id}`, {
      reason: 'VOLUME_NOT_FOUND',
      metadata: { subject: name },
    });
  return database;
}
