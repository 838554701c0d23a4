/** The quick start's database: created where it is not there, waited for where it is. */
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { LockstepError, messageOf } from '../../daemon/sys/errors.ts';
import {
  type Database,
  DatabaseState,
  Redundancy,
  type Endpoint,
} from '../../proto/gen/lockstep/v1/database_service.ts';
import type { Credential, Credentials } from '../cli/credentials.ts';
import { redundancyName, stateName } from '../cli/names.ts';
import { showProgress } from '../cli/progress.ts';
import type { LockstepClient, Operation } from '../lockstep.ts';
import { lockstepCommand, quickstartCommand } from './commands.ts';
import { database as orders } from './plan.ts';
import type { Session } from './session.ts';
import type { SummaryFacts } from './summary.ts';

const ACTIVE_TIMEOUT_MS = 120_000;
/** Copying the second copy anew can take longer: then the summary says so, and it goes on without us. */
const IN_SYNC_TIMEOUT_MS = 60_000;
const CONNECT_TIMEOUT_MS = 20_000;
const CONNECT_ATTEMPT_MS = 3000;
const POLL_MS = 250;

export async function bringUpDatabase(
  session: Session,
  client: LockstepClient,
  credentials: Credentials,
): Promise<SummaryFacts> {
  const since = performance.now();
  const present = await find(session, client);
  if (present === undefined) await create(session, client);
  else await resume(session, client, present);
  const createdInMs = present === undefined ? performance.now() - since : undefined;
  const database = await client.databases.get(orders.id, { signal: session.signal });
  const credential = await passwordOf(client, credentials, database);
  if (database.endpoint !== undefined && credential !== undefined)
    await proveConnection(session, database.endpoint, credential);
  return { database, password: credential?.password, credentialsPath: credentials.path, createdInMs };
}

async function find(session: Session, client: LockstepClient): Promise<Database | undefined> {
  try {
    return await client.databases.get(orders.id, { signal: session.signal });
  } catch (error) {
    if (error instanceof LockstepError && error.code === 'NOT_FOUND') return undefined;
    throw error;
  }
}

async function create(session: Session, client: LockstepClient): Promise<void> {
  session.say(`Creating the database ${orders.id}: PostgreSQL, 1 GiB, one copy in each of two zones.`);
  await follow(session, client, await client.databases.create(orders, { signal: session.signal }));
}

/** A workflow that an earlier call started, or that control started by itself, is shown like one of ours. */
async function resume(session: Session, client: LockstepClient, present: Database): Promise<void> {
  session.say(`The database ${orders.id} is there already.`);
  if (present.state === DatabaseState.DATABASE_STATE_FAILED)
    throw new LockstepError('FAILED_PRECONDITION', `${orders.id} has failed: ${present.reason}`, {
      reason: 'DATABASE_FAILED',
      metadata: {
        next: `${lockstepCommand(session.plan, `database delete ${orders.id}`)}, then ${quickstartCommand(session.plan)}`,
      },
    });
  if (present.state === DatabaseState.DATABASE_STATE_CREATING && present.busyWith !== '')
    await follow(session, client, await client.operations.get(present.busyWith, { signal: session.signal }));
  await waitFor(session, client, ACTIVE_TIMEOUT_MS, isActive);
  await waitFor(session, client, IN_SYNC_TIMEOUT_MS, isInSync);
}

function isActive(database: Database): boolean {
  return database.state === DatabaseState.DATABASE_STATE_ACTIVE && database.endpoint?.address !== '';
}

function isInSync(database: Database): boolean {
  return isActive(database) && database.redundancy === Redundancy.REDUNDANCY_IN_SYNC;
}

async function follow(session: Session, client: LockstepClient, operation: Operation): Promise<void> {
  const progress = showProgress(process.stdout);
  try {
    await client.operations.wait(operation.name, {
      signal: session.signal,
      onProgress: (changed) => {
        progress.update(changed);
      },
    });
  } finally {
    await progress.end();
  }
}

/** Says each change of state; when the time is up the summary tells how things are. */
async function waitFor(
  session: Session,
  client: LockstepClient,
  timeoutMs: number,
  arrived: (database: Database) => boolean,
): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  for (let said = ''; performance.now() < deadline;) {
    const database = await client.databases.get(orders.id, { signal: session.signal });
    if (arrived(database)) return;
    const state = `${stateName(database.state)}, ${redundancyName(database.redundancy)}`;
    if (state !== said)
      session.say(`${orders.id} is ${state}${database.reason === '' ? '' : `: ${database.reason}`}`);
    said = state;
    await sleep(POLL_MS, undefined, { signal: session.signal });
  }
}

async function passwordOf(
  client: LockstepClient,
  credentials: Credentials,
  database: Database,
): Promise<Credential | undefined> {
  const key = { server: client.server, uid: database.uid };
  const saved = await credentials.find(key);
  if (saved !== undefined || !database.passwordUnclaimed) return saved;
  return credentials.claim(key, async () => {
    const { user, password } = await client.databases.claimPassword(database.name);
    return { database: orders.id, user, password };
  });
}

/** The connection string that is printed is one that worked a moment ago. */
async function proveConnection(session: Session, endpoint: Endpoint, credential: Credential): Promise<void> {
  const deadline = performance.now() + CONNECT_TIMEOUT_MS;
  for (;;) {
    session.signal.throwIfAborted();
    try {
      await answerOneQuery(endpoint, credential);
      return;
    } catch (error) {
      if (performance.now() > deadline)
        throw new LockstepError(
          'UNAVAILABLE',
          `PostgreSQL at ${endpoint.address}:${String(endpoint.port)} does not take connections: ${messageOf(error)}`,
          { reason: 'ENGINE_SILENT', cause: error },
        );
      await sleep(POLL_MS, undefined, { signal: session.signal });
    }
  }
}

async function answerOneQuery(endpoint: Endpoint, credential: Credential): Promise<void> {
  const connection = new pg.Client({
    host: endpoint.address,
    port: endpoint.port,
    user: credential.user,
    password: credential.password,
    database: endpoint.database,
    connectionTimeoutMillis: CONNECT_ATTEMPT_MS,
    query_timeout: CONNECT_ATTEMPT_MS,
  });
  // An error of a connection that is being given up is not for anyone.
  connection.on('error', () => undefined);
  try {
    await connection.connect();
    await connection.query('SELECT 1');
  } finally {
    await connection.end().catch(() => undefined);
  }
}
