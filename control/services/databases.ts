/** DatabaseService: checks what was asked for, and starts the workflow that does it. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { UntypedServiceImplementation } from '@grpc/grpc-js';
import { invalidField, LockstepError } from '../../daemon/sys/errors.ts';
import { unary } from '../../daemon/sys/grpc-unary.ts';
import type { Log } from '../../daemon/sys/log.ts';
import type { Operation } from '../../proto/gen/google/longrunning/operations.ts';
import type {
  ClaimPasswordRequest,
  ClaimPasswordResponse,
  CreateDatabaseRequest,
  DatabaseServiceServer,
  DeleteDatabaseRequest,
  FailoverDatabaseRequest,
  GetDatabaseRequest,
  ListDatabaseEventsRequest,
  ListDatabaseEventsResponse,
  ListDatabasesRequest,
  ListDatabasesResponse,
} from '../../proto/gen/lockstep/v1/database_service.ts';
import { etagOf, safeSuccessor, whyNotSafe } from '../model/database-view.ts';
import { type DatabaseRecord, type EventRecord, keys, type RequestRecord } from '../model/records.ts';
import type { Repository } from '../repository.ts';
import type { RequestIdentity, Starter } from '../starter.ts';
import type { Entry } from '../store/store.ts';
import type { HostKnowledge } from '../workflow/definitions/surroundings.ts';
import type { StartResult, WorkflowEngine } from '../workflow/executor.ts';
import { checkNotBusy } from './busy.ts';
import { checkPlacement, type CreateWish, newDatabase, parseCreate } from './create-request.ts';
import { checkRequestId, databaseIdOf, fingerprintOf, lastOf, pageSizeOf, pageToken } from './fields.ts';
import { packDatabase, type Views } from './views.ts';
import { watchDatabase, type Watchers } from './watch.ts';

/** Two requests that take the same port, or change the same record, at once: one of them looks again. */
const MAX_CONFLICTS = 20;
const HIGHEST_PORT = 65_535;
const LISTEN_POLL_MS = 25;

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
): DatabaseServiceServer & UntypedServiceImplementation {
  const { log, repository, views } = options;
  return {
    createDatabase: unary(log, (request: CreateDatabaseRequest) => create(options, request)),
    getDatabase: unary(log, async (request: GetDatabaseRequest) =>
      views.database(await repository.requireDatabase(databaseIdOf('name', request.name))),
    ),
    listDatabases: unary(log, (request: ListDatabasesRequest) => list(options, request)),
    deleteDatabase: unary(log, (request: DeleteDatabaseRequest) => remove(options, request)),
    failoverDatabase: unary(log, (request: FailoverDatabaseRequest) => failOver(options, request)),
    watchDatabase: watchDatabase(options),
    claimPassword: unary(log, (request: ClaimPasswordRequest) => claimPassword(options, request)),
    listDatabaseEvents: unary(log, (request: ListDatabaseEventsRequest) => listEvents(options, request)),
  };
}

async function create(options: DatabasesOptions, request: CreateDatabaseRequest): Promise<Operation> {
  const wish = parseCreate(request);
  return idempotently(options, 'create', request, async (identity) => {
    const taken = await options.repository.database(wish.id);
    if (taken !== undefined) throw nameTaken(taken.value);
    await checkRoom(options, wish);
    const database = newDatabase(wish, { port: await freePort(options), nowMs: options.wallClock() });
    if (!request.validateOnly) return options.starter.create(database, wish.zones, identity);
    const entry = { key: keys.database(wish.id), value: { ...database, busyWith: '' }, revision: 0 };
    return packDatabase(await options.views.database(entry));
  });
}

/** Right after its start control has heard nobody: what would be a shortage then is one only if it lasts. */
async function checkRoom({ hosts }: DatabasesOptions, wish: CreateWish): Promise<void> {
  while (!hosts.hasListened()) {
    try {
      checkPlacement(wish, await hosts.rooms());
      return;
    } catch {
      await sleep(LISTEN_POLL_MS);
    }
  }
  checkPlacement(wish, await hosts.rooms());
}

async function remove(options: DatabasesOptions, request: DeleteDatabaseRequest): Promise<Operation> {
  const id = databaseIdOf('name', request.name);
  return idempotently(options, 'delete', request, async (identity) => {
    const entry = await options.repository.requireDatabase(id);
    await checkEtag(options, entry, request.etag);
    await checkNotBusy(options.engine, entry.value);
    return options.starter.delete(entry, identity);
  });
}

async function failOver(options: DatabasesOptions, request: FailoverDatabaseRequest): Promise<Operation> {
  const id = databaseIdOf('name', request.name);
  return idempotently(options, 'failover', request, async (identity) => {
    const entry = await options.repository.requireDatabase(id);
    await checkEtag(options, entry, request.etag);
    await checkNotBusy(options.engine, entry.value);
    const facts = await options.views.facts(entry);
    const refusal = whyNotSafe(facts);
    const to = safeSuccessor(facts);
    const volume = await options.repository.volume(entry.value.volume);
    if (entry.value.busyWith !== '' || refusal !== undefined || volume === undefined || to === undefined)
      throw new LockstepError(
        'FAILED_PRECONDITION',
        `a failover of ${id} is not safe now: ${refusal ?? entry.value.failure}`,
        { reason: 'NOT_SAFE_TO_FAIL_OVER', metadata: { subject: request.name } },
      );
    const nowMs = options.nowMs();
    const decision = {
      to,
      why: 'a person asked for it',
      requested: true,
      lastHeardMs: nowMs,
      decidedAtMs: nowMs,
    };
    return options.starter.failover(entry, volume, decision, identity);
  });
}

/**
 * The same request_id answers the same operation, whatever has become of it. A start that met a conflict is judged
 * anew from the beginning: what it conflicted with may be the same request, arrived twice.
 */
async function idempotently(
  options: DatabasesOptions,
  method: string,
  request: { readonly requestId: string },
  start: (identity: RequestIdentity | undefined) => Promise<StartResult | ReturnType<typeof packDatabase>>,
): Promise<Operation> {
  checkRequestId(request.requestId);
  const fingerprint = fingerprintOf(method, request);
  const identity =
    request.requestId === '' ? undefined : { id: request.requestId.toLowerCase(), fingerprint };
  for (let conflicts = 0; conflicts < MAX_CONFLICTS; conflicts++) {
    const earlier = await earlierOperation(options, identity);
    if (earlier !== undefined) return earlier;
    const result = await start(identity);
    if ('typeUrl' in result)
      return { name: '', metadata: undefined, done: true, error: undefined, response: result };
    if (result.ok) return operationOf(options, result.id);
  }
  throw new LockstepError('ABORTED', 'the records change all the time; try again', { reason: 'CONTENTION' });
}

async function earlierOperation(
  options: DatabasesOptions,
  identity: RequestIdentity | undefined,
): Promise<Operation | undefined> {
  if (identity === undefined) return undefined;
  const earlier = await options.repository.store.get<RequestRecord>(keys.request(identity.id));
  if (earlier === undefined) return undefined;
  if (earlier.value.fingerprint !== identity.fingerprint)
    throw invalidField('request_id', identity.id, 'an id that no other request has used');
  return operationOf(options, earlier.value.workflow);
}

async function operationOf(options: DatabasesOptions, workflow: string): Promise<Operation> {
  const snapshot = await options.engine.get(workflow);
  if (snapshot === undefined)
    throw new LockstepError('NOT_FOUND', `there is no operations/${workflow} any more`, {
      reason: 'OPERATION_NOT_FOUND',
    });
  return options.views.operation(snapshot);
}

async function freePort(options: DatabasesOptions): Promise<number> {
  const taken = new Set((await options.repository.databases()).map((entry) => entry.value.port));
  for (let port = options.enginePort; port <= HIGHEST_PORT; port++) if (!taken.has(port)) return port;
  throw new LockstepError('RESOURCE_EXHAUSTED', `no port from ${String(options.enginePort)} up is free`, {
    reason: 'NO_FREE_PORT',
  });
}

async function checkEtag(
  options: DatabasesOptions,
  entry: Entry<DatabaseRecord>,
  etag: string,
): Promise<void> {
  if (etag === '') return;
  const volume = await options.repository.volume(entry.value.volume);
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

function nameTaken(database: DatabaseRecord): LockstepError {
  return new LockstepError(
    'ALREADY_EXISTS',
    `databases/${database.id} exists already; it is ${database.lifecycle}`,
    {
      reason: 'DATABASE_EXISTS',
      violations: [{ field: 'database_id', value: database.id, allowed: 'a name that no database has' }],
      metadata: { subject: `databases/${database.id}` },
    },
  );
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

async function listEvents(
  options: DatabasesOptions,
  request: ListDatabaseEventsRequest,
): Promise<ListDatabaseEventsResponse> {
  const id = databaseIdOf('parent', request.parent);
  await options.repository.requireDatabase(id);
  const pageSize = pageSizeOf(request.pageSize);
  const prefix = keys.events(id);
  const last = lastOf(prefix, request.pageToken);
  const after = last === undefined ? {} : { after: last };
  const entries = await options.repository.store.list<EventRecord>(prefix, {
    ...after,
    limit: pageSize + 1,
    reverse: true,
  });
  const page = entries.slice(0, pageSize);
  return {
    events: page.map(({ value }) => ({
      time: new Date(value.timeMs),
      reason: value.reason,
      message: value.message,
      generation: BigInt(value.generation),
      phases: value.phases.map((phase) => ({ ...phase })),
    })),
    nextPageToken: nextOf(prefix, page, entries.length),
  };
}

function nextOf(list: string, page: readonly Entry[], found: number): string {
  const end = page.at(-1);
  return end === undefined || found === page.length ? '' : pageToken(list, end.key);
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
