/** Changes that carry a request_id, and start a workflow or answer at once. */
import { invalidField, LockstepError } from '../../daemon/sys/errors.ts';
import type { Operation } from '../../proto/gen/google/longrunning/operations.ts';
import type { Any } from '../../proto/gen/google/protobuf/any.ts';
import { keys, type RequestRecord } from '../model/records.ts';
import type { Repository } from '../repository.ts';
import type { RequestIdentity } from '../starter.ts';
import type { StartResult, WorkflowEngine } from '../workflow/executor.ts';
import { checkRequestId, fingerprintOf } from './fields.ts';
import type { Views } from './views.ts';

/** Two requests that take the same port, or change the same record, at once: one of them looks again. */
const MAX_CONFLICTS = 20;

export interface IdempotentOptions {
  readonly repository: Repository;
  readonly engine: WorkflowEngine;
  readonly views: Views;
}

/**
 * The same request_id answers the same operation, whatever has become of it. A start that met a conflict is judged
 * anew from the beginning: what it conflicted with may be the same request, arrived twice.
 */
export async function idempotently(
  options: IdempotentOptions,
  method: string,
  request: { readonly requestId: string },
  start: (identity: RequestIdentity | undefined) => Promise<StartResult | Any>,
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
  options: IdempotentOptions,
  identity: RequestIdentity | undefined,
): Promise<Operation | undefined> {
  if (identity === undefined) return undefined;
  const earlier = await options.repository.store.get<RequestRecord>(keys.request(identity.id));
  if (earlier === undefined) return undefined;
  if (earlier.value.fingerprint !== identity.fingerprint)
    throw invalidField('request_id', identity.id, 'an id that no other request has used');
  return operationOf(options, earlier.value.workflow);
}

async function operationOf(options: IdempotentOptions, workflow: string): Promise<Operation> {
  const snapshot = await options.engine.get(workflow);
  if (snapshot === undefined)
    throw new LockstepError('NOT_FOUND', `there is no operations/${workflow} any more`, {
      reason: 'OPERATION_NOT_FOUND',
    });
  return options.views.operation(snapshot);
}
