/** DatabaseService: checks what was asked for, and starts the workflow that does it. */
import type { UntypedServiceImplementation } from '@grpc/grpc-js';
import { LockstepError } from '../../daemon/sys/errors.ts';
import { unary } from '../../daemon/sys/grpc-unary.ts';
import type { Log } from '../../daemon/sys/log.ts';
import type { Operation } from '../../proto/gen/google/longrunning/operations.ts';
import type {
  ClaimPasswordRequest,
  ClaimPasswordResponse,
  CloneDatabaseRequest,
  CreateDatabaseRequest,
  DatabaseServiceServer,
  DeleteDatabaseRequest,
  GetConnectionInfoRequest,
  GetDatabaseRequest,
  ListDatabasesRequest,
  UndeleteDatabaseRequest,
} from '../../proto/gen/lockstep/v1/database_service.ts';
import type { Agents } from '../agents.ts';
import { keys } from '../model/records.ts';
import type { Repository } from '../repository.ts';
import type { Starter } from '../starter.ts';
import type { HostKnowledge } from '../workflow/definitions/surroundings.ts';
import type { WorkflowEngine } from '../workflow/executor.ts';
import { checkRoom, nameTaken, newDatabase, parseCreate } from './create-request.ts';
import { cloneDatabase } from './database-clone.ts';
import { connectionInfo } from './connection-info.ts';
import { failoverMethods } from './database-failover.ts';
import { listDatabases } from './database-list.ts';
import { deleteDatabase, undeleteDatabase } from './database-retention.ts';
import { powerHandlers } from './database-power.ts';
import { renameHandlers } from './database-rename.ts';
import { updateHandlers } from './database-update.ts';
import { databaseIdOf } from './fields.ts';
import { idempotently } from './idempotent.ts';
import { freePort } from './ports.ts';
import { redundancyMethods } from './redundancy.ts';
import { packDatabase, type Views } from './views.ts';
import { watchDatabase, type Watchers } from './watch.ts';

export interface DatabasesOptions {
  readonly repository: Repository;
  readonly engine: WorkflowEngine;
  readonly starter: Starter;
  readonly agents: Agents;
  readonly views: Views;
  readonly hosts: HostKnowledge;
  readonly watchers: Watchers;
  readonly enginePort: number;
  /** How long a deleted database can be brought back. */
  readonly deleteGraceMs: number;
  readonly nowMs: () => number;
  readonly wallClock: () => number;
  readonly log: Log;
}

export function databaseService(
  options: DatabasesOptions,
): DatabaseServiceServer & UntypedServiceImplementation {
  const { log, repository, views } = options;
  return {
    createDatabase: unary(log, (request: CreateDatabaseRequest, { signal }) =>
      create(options, request, signal),
    ),
    getDatabase: unary(log, async (request: GetDatabaseRequest) =>
      views.database(await repository.requireDatabase(databaseIdOf('name', request.name))),
    ),
    listDatabases: unary(log, (request: ListDatabasesRequest) => listDatabases(options, request)),
    deleteDatabase: unary(log, (request: DeleteDatabaseRequest) => deleteDatabase(options, request)),
    cloneDatabase: unary(log, (request: CloneDatabaseRequest) => cloneDatabase(options, request)),
    undeleteDatabase: unary(log, (request: UndeleteDatabaseRequest) => undeleteDatabase(options, request)),
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
    const database = newDatabase(wish, {
      port: await freePort(options.repository, options.enginePort),
      nowMs: options.wallClock(),
    });
    if (!request.validateOnly) return options.starter.create(database, wish.zones, identity);
    const entry = { key: keys.database(wish.id), value: database, revision: 0 };
    return packDatabase(await options.views.database(entry));
  });
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
