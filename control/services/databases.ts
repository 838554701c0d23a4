/** DatabaseService: checks what was asked for, and starts the workflow that does it. */
import type { UntypedServiceImplementation } from '@grpc/grpc-js';
import { LockstepError } from '../../daemon/sys/errors.ts';
import { unary } from '../../daemon/sys/grpc-unary.ts';
import type { Log } from '../../daemon/sys/log.ts';
import type { Operation } from '../../proto/gen/google/longrunning/operations.ts';
import type {
  ClaimPasswordRequest,
  ClaimPasswordResponse,
  CreateDatabaseRequest,
  DatabaseServiceServer,
  DeleteDatabaseRequest,
  GetConnectionInfoRequest,
  GetDatabaseRequest,
  ListDatabasesRequest,
  ListDatabasesResponse,
} from '../../proto/gen/lockstep/v1/database_service.ts';
import { keys } from '../model/records.ts';
import type { Repository } from '../repository.ts';
import type { Starter } from '../starter.ts';
import type { HostKnowledge } from '../workflow/definitions/surroundings.ts';
import type { WorkflowEngine } from '../workflow/executor.ts';
import { checkNotBusy } from './busy.ts';
import { checkRoom, nameTaken, newDatabase, parseCreate } from './create-request.ts';
import { connectionInfo } from './connection-info.ts';
import { failoverMethods } from './database-failover.ts';
import { powerHandlers } from './database-power.ts';
import { renameHandlers } from './database-rename.ts';
import { updateHandlers } from './database-update.ts';
import { checkEtag } from './etag.ts';
import { databaseIdOf, lastOf, nextOf, pageSizeOf } from './fields.ts';
import { idempotently } from './idempotent.ts';
import { redundancyMethods } from './redundancy.ts';
import { packDatabase, type Views } from './views.ts';
import { watchDatabase, type Watchers } from './watch.ts';

const HIGHEST_PORT = 65_535;

export interface DatabasesOptions {
  readonly repository: Repository;
  readonly engine: WorkflowEngine;
  readonly starter: Starter;
  readonly views: Views;
  readonly hosts: HostKnowledge;
  readonly watchers: Watchers;
  readonly enginePort: number;
  readonly nowMs: () => number;
  readonly wallClock: () => number;
  readonly log: Log;
}

export function databaseService(
  options: DatabasesOptions,
): Partial<DatabaseServiceServer> & UntypedServiceImplementation {
  const { log, repository, views } = options;
  return {
    createDatabase: unary(log, (request: CreateDatabaseRequest, { signal }) =>
      create(options, request, signal),
    ),
    getDatabase: unary(log, async (request: GetDatabaseRequest) =>
      views.database(await repository.requireDatabase(databaseIdOf('name', request.name))),
    ),
    listDatabases: unary(log, (request: ListDatabasesRequest) => list(options, request)),
    deleteDatabase: unary(log, (request: DeleteDatabaseRequest) => remove(options, request)),
    ...failoverMethods(options),
    ...redundancyMethods(options),
    watchDatabase: watchDatabase(options),
    ...powerHandlers(options),
    ...updateHandlers(options),
    ...renameHandlers(options),
    getConnectionInfo: unary(log, ({ name }: GetConnectionInfoRequest) => connectionInfo(options, name)),
    claimPassword: unary(log, (request: ClaimPasswordRequest) => claimPassword(options, request)),
  };
}

async function create(
  options: DatabasesOptions,
  request: CreateDatabaseRequest,
  signal: AbortSignal,
): Promise<Operation> {
  const wish = parseCreate(request);
  return idempotently(options, 'create', request, async (identity) => {
    const taken = await options.repository.database(wish.id);
    if (taken !== undefined) throw nameTaken('database_id', taken.value);
    await checkRoom(options.hosts, wish, signal);
    const database = newDatabase(wish, { port: await freePort(options), nowMs: options.wallClock() });
    if (!request.validateOnly) return options.starter.create(database, wish.zones, identity);
    const entry = { key: keys.database(wish.id), value: database, revision: 0 };
    return packDatabase(await options.views.database(entry));
  });
}

async function remove(options: DatabasesOptions, request: DeleteDatabaseRequest): Promise<Operation> {
  const id = databaseIdOf('name', request.name);
  return idempotently(options, 'delete', request, async (identity) => {
    const entry = await options.repository.requireDatabase(id);
    await checkEtag(options.repository, entry, request.etag);
    await checkNotBusy(options.engine, entry.value);
    return options.starter.delete(entry, identity);
  });
}

async function freePort(options: DatabasesOptions): Promise<number> {
  const taken = new Set((await options.repository.databases()).map((entry) => entry.value.port));
  for (let port = options.enginePort; port <= HIGHEST_PORT; port++) if (!taken.has(port)) return port;
  throw new LockstepError('RESOURCE_EXHAUSTED', `no port from ${String(options.enginePort)} up is free`, {
    reason: 'NO_FREE_PORT',
  });
}

async function list(
  options: DatabasesOptions,
  request: ListDatabasesRequest,
): Promise<ListDatabasesResponse> {
  const pageSize = pageSizeOf(request.pageSize);
  const last = lastOf(keys.databases, request.pageToken);
  const after = last === undefined ? {} : { after: last };
  const entries = await options.repository.databases({ ...after, limit: pageSize + 1 });
  const page = entries.slice(0, pageSize);
  return {
    databases: await Promise.all(page.map((entry) => options.views.database(entry))),
    nextPageToken: nextOf(keys.databases, page, entries.length),
  };
}

/** Forgotten on stable storage before it is answered: a crash between the two loses it, and never shows it twice. */
async function claimPassword(
  options: DatabasesOptions,
  request: ClaimPasswordRequest,
): Promise<ClaimPasswordResponse> {
  const id = databaseIdOf('name', request.name);
  const { value } = await options.repository.requireDatabase(id);
  if (value.lifecycle === 'creating')
    throw new LockstepError('FAILED_PRECONDITION', `${request.name} is still being created`, {
      reason: 'NOT_CREATED_YET',
      metadata: { subject: request.name },
    });
  let password = '';
  await options.repository.updateDatabase(id, (record) => {
    password = record.unclaimedPassword;
    return password === '' ? undefined : { ...record, unclaimedPassword: '' };
  });
  if (password === '')
    throw new LockstepError(
      'FAILED_PRECONDITION',
      `the password of ${request.name} was handed over already`,
      {
        reason: 'PASSWORD_CLAIMED',
        metadata: { subject: request.name },
      },
    );
  return { user: value.user, password };
}
