/** FailoverDatabase and SwitchoverDatabase: what has to be so before either is begun. */
import { LockstepError } from '../../daemon/sys/errors.ts';
import { unary } from '../../daemon/sys/grpc-unary.ts';
import type { Log } from '../../daemon/sys/log.ts';
import type { Operation } from '../../proto/gen/google/longrunning/operations.ts';
import {
  type Database,
  DatabaseState,
  type FailoverDatabaseRequest,
  Redundancy,
  type SwitchoverDatabaseRequest,
} from '../../proto/gen/lockstep/v1/database_service.ts';
import { type DatabaseFacts, safeSuccessor, viewDatabase, whyNotSafe } from '../model/database-view.ts';
import type { DatabaseRecord } from '../model/records.ts';
import type { FailoverDecision, Starter } from '../starter.ts';
import type { Entry } from '../store/store.ts';
import type { FailoverMode } from '../workflow/definitions/failover-state.ts';
import { checkNotBusy } from './busy.ts';
import { checkEtag } from './etag.ts';
import { databaseIdOf } from './fields.ts';
import { idempotently, type IdempotentOptions } from './idempotent.ts';
import { packDatabase } from './views.ts';

export interface FailoverOptions extends IdempotentOptions {
  readonly starter: Starter;
  readonly nowMs: () => number;
  readonly log: Log;
}

type FailoverRequest = FailoverDatabaseRequest | SwitchoverDatabaseRequest;
type Kind = Exclude<FailoverMode, 'monitor'>;

export function failoverMethods(options: FailoverOptions) {
  const { log } = options;
  return {
    failoverDatabase: unary(log, (request: FailoverDatabaseRequest) => failOver(options, request, 'forced')),
    switchoverDatabase: unary(log, (request: SwitchoverDatabaseRequest) =>
      failOver(options, request, 'switchover'),
    ),
  };
}

async function failOver(options: FailoverOptions, request: FailoverRequest, mode: Kind): Promise<Operation> {
  const id = databaseIdOf('name', request.name);
  const method = mode === 'forced' ? 'failover' : 'switchover';
  return idempotently(options, method, request, async (identity) => {
    const { repository, engine, views, starter } = options;
    const entry = await repository.requireDatabase(id);
    await checkEtag(repository, entry, request.etag);
    await checkNotBusy(engine, entry.value);
    const decision = await decideOn(options, entry, mode);
    const volume = await repository.requireVolume(entry.value.volume);
    if (request.validateOnly) return packDatabase(withRolesChanged(await views.database(entry)));
    return starter.failover(entry, volume, decision, identity);
  });
}

/** What a person's request comes to. Refused as `successorOf` says. */
export async function decideOn(
  options: Pick<FailoverOptions, 'views' | 'nowMs'>,
  entry: Entry<DatabaseRecord>,
  mode: Kind,
): Promise<FailoverDecision> {
  const to = await successorOf(options, entry, mode);
  const atMs = options.nowMs();
  return { to, why: 'a person asked for it', mode, lastHeardMs: atMs, decidedAtMs: atMs };
}

/** Who takes over. Refused where a failover would lose writes, and a switchover also where anything is not well. */
async function successorOf(
  options: Pick<FailoverOptions, 'views'>,
  entry: Entry<DatabaseRecord>,
  mode: Kind,
): Promise<string> {
  const facts = await options.views.facts(entry);
  const subject = `databases/${entry.value.id}`;
  checkMovable(entry.value, subject);
  const refusal = whyNotSafe(facts);
  const to = safeSuccessor(facts);
  if (refusal !== undefined || to === undefined)
    throw new LockstepError(
      'FAILED_PRECONDITION',
      `a ${mode === 'forced' ? 'failover' : 'switchover'} of ${entry.value.id} is not safe now: ${refusal ?? 'nobody can take over'}`,
      {
        reason: 'NOT_SAFE_TO_FAIL_OVER',
        metadata: { subject, next: 'wait until both copies are in sync; the status says what is missing' },
      },
    );
  if (mode === 'switchover') checkWell(facts, subject);
  return to;
}

/** What a failed workflow still holds is half done, and a database without an engine is not one to be moved. */
function checkMovable({ id, lifecycle, busyWith, failure }: DatabaseRecord, subject: string): void {
  const isIdle = lifecycle === 'stopped' || lifecycle === 'deleted';
  if (isIdle)
    throw new LockstepError('FAILED_PRECONDITION', `${id} is ${lifecycle}: there is no service to move`, {
      reason: 'NOT_RUNNING',
      metadata: {
        subject,
        next: `lockstep database ${lifecycle === 'stopped' ? 'start' : 'undelete'} ${id}`,
      },
    });
  if (busyWith !== '')
    throw new LockstepError('FAILED_PRECONDITION', `a failover of ${id} is not safe now: ${failure}`, {
      reason: 'NOT_SAFE_TO_FAIL_OVER',
      metadata: { subject, next: `see operations/${busyWith}, which left it half done` },
    });
}

function checkWell(facts: DatabaseFacts, subject: string): void {
  const { state, redundancy, reason, nextStep } = viewDatabase(facts);
  if (state === DatabaseState.DATABASE_STATE_ACTIVE && redundancy === Redundancy.REDUNDANCY_IN_SYNC) return;
  throw new LockstepError(
    'FAILED_PRECONDITION',
    `a switchover needs both copies in sync and their hosts well: ${reason}`,
    {
      reason: 'NOT_WELL_ENOUGH',
      metadata: {
        subject,
        next:
          nextStep === ''
            ? 'wait until it is well, or use FailoverDatabase, which kills the engine'
            : nextStep,
      },
    },
  );
}

/** As it would be at the end of the operation. */
function withRolesChanged(database: Database): Database {
  const { primary, secondary, generation } = database;
  if (primary === undefined || secondary === undefined) return database;
  return {
    ...database,
    generation: generation + 1n,
    primary: { ...secondary, role: primary.role },
    secondary: { ...primary, role: secondary.role },
  };
}
