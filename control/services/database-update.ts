/** UpdateDatabase and ResetPassword: changes of a database that goes on being used. */
import { LockstepError } from '../../daemon/sys/errors.ts';
import { unary } from '../../daemon/sys/grpc-unary.ts';
import type { Log } from '../../daemon/sys/log.ts';
import type { Operation } from '../../proto/gen/google/longrunning/operations.ts';
import type {
  DatabaseServiceServer,
  ResetPasswordRequest,
  UpdateDatabaseRequest,
} from '../../proto/gen/lockstep/v1/database_service.ts';
import type { DatabaseRecord, VolumeRecord } from '../model/records.ts';
import type { RequestIdentity } from '../starter.ts';
import type { Entry } from '../store/store.ts';
import type { UpdateWish } from '../workflow/definitions/update-database.ts';
import type { StartResult } from '../workflow/executor.ts';
import {
  changeDatabase,
  type ChangeOptions,
  checkHasEngine,
  checkLifecycle,
  checkHeard,
} from './database-change.ts';
import { databaseIdOf } from './fields.ts';
import { checkGrowth, wishOf } from './update-mask.ts';

type UpdateHandlers = Pick<DatabaseServiceServer, 'updateDatabase' | 'resetPassword'>;

/** What only the record has to say is said by then; it is not an error if not. */
const RECORDS_MS = 5000;

export function updateHandlers(options: ChangeOptions & { readonly log: Log }): UpdateHandlers {
  return {
    updateDatabase: unary(options.log, (request: UpdateDatabaseRequest) => update(options, request)),
    resetPassword: unary(options.log, (request: ResetPasswordRequest) => resetPassword(options, request)),
  };
}

function update(options: ChangeOptions, request: UpdateDatabaseRequest): Promise<Operation> {
  const { name = '', etag = '' } = request.database ?? {};
  // By the name that the field has in this request alone.
  databaseIdOf('database.name', name);
  return changeDatabase(options, 'update', { ...request, name, etag }, async (entry) => {
    const wish = wishOf(entry.value, request);
    const volume = (await options.repository.requireVolume(entry.value.volume)).value;
    await checkWish(options, entry.value, volume, wish);
    return { would: wish, begin: (identity) => begin(options, entry, { volume, wish, identity }) };
  });
}

async function checkWish(
  { hosts }: ChangeOptions,
  database: DatabaseRecord,
  volume: VolumeRecord,
  { sizeBytes, parameters }: UpdateWish,
): Promise<void> {
  if (sizeBytes !== undefined) {
    checkGrowth(database, volume, sizeBytes);
    checkLifecycle(database, ['active']);
    for (const host of volume.inSync) checkHeard(hosts, database.id, host);
    await checkRooms(hosts, database, volume, sizeBytes);
  }
  checkLifecycle(database, ['active', 'stopped']);
  if (parameters !== undefined && database.lifecycle === 'active')
    checkHeard(hosts, database.id, volume.primary);
}

async function checkRooms(
  hosts: ChangeOptions['hosts'],
  { id }: DatabaseRecord,
  volume: VolumeRecord,
  sizeBytes: number,
): Promise<void> {
  const moreBytes = sizeBytes - volume.sizeBytes;
  const rooms = (await hosts.rooms()).filter(({ host }) => volume.replicas.includes(host));
  const small = rooms.filter(({ reachable, roomBytes }) => reachable && roomBytes < moreBytes);
  if (small.length === 0) return;
  const there = small.map(({ host, roomBytes }) => `${host} has ${String(roomBytes)}`).join(', ');
  throw new LockstepError('FAILED_PRECONDITION', `${String(moreBytes)} bytes more are needed, and ${there}`, {
    reason: 'NO_ROOM',
    metadata: {
      subject: `databases/${id}`,
      next: `make room on ${small.map(({ host }) => host).join(' and ')}, or move the copy to another host`,
    },
  });
}

async function begin(
  options: ChangeOptions,
  entry: Entry<DatabaseRecord>,
  {
    volume,
    wish,
    identity,
  }: {
    readonly volume: VolumeRecord;
    readonly wish: UpdateWish;
    readonly identity: RequestIdentity | undefined;
  },
): Promise<StartResult> {
  const isRunning = entry.value.lifecycle === 'active';
  const state = { primary: volume.primary, wish, isRunning };
  const started = await options.starter.work('update-database', entry, state, { request: identity });
  const isQuick = wish.sizeBytes === undefined && (wish.parameters === undefined || !isRunning);
  // Nothing but the record changes: the operation is done when it is answered.
  if (started.ok && isQuick)
    await options.engine.wait(started.id, { signal: AbortSignal.timeout(RECORDS_MS) }).catch(() => undefined);
  return started;
}

function resetPassword(options: ChangeOptions, request: ResetPasswordRequest): Promise<Operation> {
  return changeDatabase(options, 'reset-password', request, async (entry) => {
    checkHasEngine(entry.value);
    checkLifecycle(entry.value, ['active']);
    const { primary } = (await options.repository.requireVolume(entry.value.volume)).value;
    checkHeard(options.hosts, entry.value.id, primary);
    return {
      would: {},
      begin: (identity) => options.starter.work('reset-password', entry, { primary }, { request: identity }),
    };
  });
}
