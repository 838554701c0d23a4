/** google.longrunning.Operations: every workflow is one. */
import { status, type ServiceError, type UntypedServiceImplementation } from '@grpc/grpc-js';
import { invalidField, LockstepError } from '../../daemon/sys/errors.ts';
import { unary } from '../../daemon/sys/grpc-unary.ts';
import type { Log } from '../../daemon/sys/log.ts';
import type {
  GetOperationRequest,
  ListOperationsRequest,
  ListOperationsResponse,
  Operation,
  OperationsServer,
  WaitOperationRequest,
} from '../../proto/gen/google/longrunning/operations.ts';
import type { WorkflowEngine } from '../workflow/executor.ts';
import type { WorkflowSnapshot } from '../workflow/snapshot.ts';
import { lastOf, pageSizeOf, pageToken, workflowIdOf } from './fields.ts';
import type { Views } from './views.ts';

/** Without one in the request. A client that waits longer asks again. */
const MAX_WAIT_MS = 10 * 60_000;
const LIST = 'operations';

export interface OperationsOptions {
  readonly engine: WorkflowEngine;
  readonly views: Views;
  readonly log: Log;
}

export function operationsService(
  options: OperationsOptions,
): OperationsServer & UntypedServiceImplementation {
  const { log, engine, views } = options;
  return {
    getOperation: unary(log, async (request: GetOperationRequest) =>
      views.operation(await find(engine, request.name)),
    ),
    listOperations: unary(log, (request: ListOperationsRequest) => list(options, request)),
    waitOperation: unary(log, (request: WaitOperationRequest, context) =>
      wait(options, request, context.signal),
    ),
    cancelOperation: (_call, callback) =>
      callback(unimplemented('a workflow is not cancelled: it ends, or undoes what it did, by itself')),
    deleteOperation: (_call, callback) =>
      callback(unimplemented('operations are kept as the record of what was done')),
  };
}

async function find(engine: WorkflowEngine, name: string): Promise<WorkflowSnapshot> {
  const snapshot = await engine.get(workflowIdOf('name', name));
  if (snapshot === undefined)
    throw new LockstepError('NOT_FOUND', `there is no ${name}`, {
      reason: 'OPERATION_NOT_FOUND',
      metadata: { subject: name },
    });
  return snapshot;
}

/** Newest first. */
async function list(
  options: OperationsOptions,
  request: ListOperationsRequest,
): Promise<ListOperationsResponse> {
  if (request.name !== '' && request.name !== LIST)
    throw invalidField('name', request.name, `${LIST}, or nothing`);
  const pageSize = pageSizeOf(request.pageSize);
  const last = lastOf(LIST + request.filter, request.pageToken);
  const wanted = filterOf(request.filter);
  const snapshots = await options.engine.list({ unfinishedOnly: wanted === false });
  const ordered = snapshots
    .filter((snapshot) => wanted !== true || snapshot.standing.kind === 'finished')
    .sort((a, b) => (cursorOf(a) < cursorOf(b) ? 1 : -1))
    .filter((snapshot) => last === undefined || cursorOf(snapshot) < last);
  const page = ordered.slice(0, pageSize);
  const end = page.at(-1);
  return {
    operations: await Promise.all(page.map((snapshot) => options.views.operation(snapshot))),
    nextPageToken:
      end === undefined || ordered.length === page.length
        ? ''
        : pageToken(LIST + request.filter, cursorOf(end)),
    unreachable: [],
  };
}

const TIME_DIGITS = 15;
const cursorOf = ({ record }: WorkflowSnapshot): string =>
  `${String(record.createTimeMs).padStart(TIME_DIGITS, '0')} ${record.id}`;

function filterOf(filter: string): boolean | undefined {
  const value = /^done\s*=\s*(true|false)$/.exec(filter.trim())?.[1];
  if (filter.trim() !== '' && value === undefined)
    throw invalidField('filter', filter, 'done=true, done=false, or nothing');
  return value === undefined ? undefined : value === 'true';
}

/** Answers the operation as it then is, done or not: a wait that took too long is not an error. */
async function wait(
  options: OperationsOptions,
  request: WaitOperationRequest,
  hungUp: AbortSignal,
): Promise<Operation> {
  const { engine, views } = options;
  const { record, standing } = await find(engine, request.name);
  if (standing.kind === 'running') {
    const { seconds, nanos } = request.timeout ?? { seconds: BigInt(MAX_WAIT_MS / 1000), nanos: 0 };
    const waitMs = Math.max(0, Math.min(MAX_WAIT_MS, Number(seconds) * 1000 + Math.floor(nanos / 1e6)));
    const timeout = AbortSignal.timeout(waitMs);
    const signal = AbortSignal.any([timeout, hungUp]);
    // How the wait ended does not matter: the operation is read again.
    await engine.wait(record.id, { signal }).catch(() => undefined);
  }
  return views.operation(await find(engine, request.name));
}

function unimplemented(message: string): Partial<ServiceError> {
  return { code: status.UNIMPLEMENTED, details: message };
}
