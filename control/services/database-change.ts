/** What every change of a database has in common: checked in one order, begun once for each request_id. */
import type { Operation } from '../../proto/gen/google/longrunning/operations.ts';
import { LockstepError } from '../../daemon/sys/errors.ts';
import { NO_ENGINE } from '../model/engines.ts';
import type { DatabaseLifecycle, DatabaseRecord } from '../model/records.ts';
import type { RequestIdentity, Starter } from '../starter.ts';
import type { Entry } from '../store/store.ts';
import type { HostKnowledge } from '../workflow/definitions/surroundings.ts';
import type { StartResult } from '../workflow/executor.ts';
import { checkNotBusy } from './busy.ts';
import { checkEtag } from './etag.ts';
import { databaseIdOf } from './fields.ts';
import { idempotently, type IdempotentOptions } from './idempotent.ts';
import { packDatabase } from './views.ts';

export interface ChangeOptions extends IdempotentOptions {
  readonly starter: Starter;
  readonly hosts: HostKnowledge;
  readonly nowMs: () => number;
}

export interface ChangeRequest {
  readonly name: string;
  readonly etag: string;
  readonly requestId: string;
  readonly validateOnly: boolean;
}

export interface Change {
  /** What the record would say; shown by a request that is only to be validated. */
  readonly would: Partial<DatabaseRecord>;
  begin(identity: RequestIdentity | undefined): Promise<StartResult>;
}

/** `plan` checks what is special about the change, and says what is to be begun. It changes nothing by itself. */
export function changeDatabase(
  options: ChangeOptions,
  method: string,
  request: ChangeRequest,
  plan: (entry: Entry<DatabaseRecord>) => Change | Promise<Change>,
): Promise<Operation> {
  const id = databaseIdOf('name', request.name);
  return idempotently(options, method, request, async (identity) => {
    const entry = await options.repository.requireDatabase(id);
    await checkEtag(options.repository, entry, request.etag);
    await checkNotBusy(options.engine, entry.value);
    const change = await plan(entry);
    if (!request.validateOnly) return change.begin(identity);
    return packDatabase(
      await options.views.database({ ...entry, value: { ...entry.value, ...change.would } }),
    );
  });
}

export function checkHasEngine({ id, engine, volume }: DatabaseRecord): void {
  if (engine !== NO_ENGINE) return;
  throw new LockstepError('FAILED_PRECONDITION', `databases/${id} is a volume without an engine`, {
    reason: 'NO_ENGINE',
    metadata: { subject: `databases/${id}`, next: `it is used over NBD: lockstep volume get ${volume}` },
  });
}

const NEXT: Readonly<Partial<Record<DatabaseLifecycle, (id: string) => string>>> = {
  stopped: (id) => `start it: lockstep database start ${id}`,
  active: (id) => `stop it: lockstep database stop ${id}`,
  deleted: (id) => `have it back: lockstep database undelete ${id}`,
};

export function checkLifecycle(
  { id, lifecycle }: DatabaseRecord,
  allowed: readonly DatabaseLifecycle[],
): void {
  if (allowed.includes(lifecycle)) return;
  const next = NEXT[lifecycle]?.(id) ?? `see why: lockstep database get ${id}`;
  throw new LockstepError(
    'FAILED_PRECONDITION',
    `databases/${id} is ${lifecycle}; it has to be ${allowed.join(' or ')}`,
    {
      reason: `DATABASE_${lifecycle.toUpperCase().replaceAll('-', '_')}`,
      metadata: { subject: `databases/${id}`, next },
    },
  );
}

/** A host that is silent can be told nothing: the failover, or its return, comes first. */
export function checkHeard(hosts: HostKnowledge, id: string, host: string): void {
  if (host !== '' && !hosts.isGone(host)) return;
  throw new LockstepError(
    'FAILED_PRECONDITION',
    `${host === '' ? 'its primary' : host} cannot be reached now`,
    {
      reason: 'HOST_UNREACHABLE',
      metadata: {
        subject: `databases/${id}`,
        next: `bring the host back, or wait until its database goes on without it: lockstep database get ${id}`,
      },
    },
  );
}
