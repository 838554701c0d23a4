/** The two ends of a unary call as promises: errors are LockstepError on both sides. */
import {
  type CallOptions,
  type Client,
  type ClientUnaryCall,
  Metadata,
  type MethodDefinition,
  type ServerUnaryCall,
  type ServiceError,
  type handleUnaryCall,
} from '@grpc/grpc-js';
import { AssertionFailure, LockstepError, messageOf } from './errors.ts';
import { errorOfService, statusReply } from './grpc-status.ts';
import type { Log } from './log.ts';

export interface CallContext {
  /** Aborted when the caller hung up or its deadline passed. */
  readonly signal: AbortSignal;
}

/** Wraps a handler: what it throws becomes a status with details, and what is not a LockstepError is logged. */
export function unary<Request, Response>(
  log: Log,
  handler: (request: Request, context: CallContext) => Promise<Response> | Response,
): handleUnaryCall<Request, Response> {
  return (call, callback) => {
    void answer(log, handler, call).then(
      (response) => {
        callback(null, response);
      },
      (error: unknown) => {
        logUnexpected(log, call.getPath(), error);
        callback(statusReply(error));
      },
    );
  };
}

async function answer<Request, Response>(
  log: Log,
  handler: (request: Request, context: CallContext) => Promise<Response> | Response,
  call: ServerUnaryCall<Request, Response>,
): Promise<Response> {
  const aborter = new AbortController();
  call.on('cancelled', () => {
    aborter.abort(new LockstepError('ABORTED', 'the caller hung up, or its deadline has passed'));
  });
  log.debug({ path: call.getPath() }, 'call');
  return handler(call.request, { signal: aborter.signal });
}

/** An assertion is our own bug: going on would be to guess, so it is thrown where the process dies of it. */
export function logUnexpected(log: Log, path: string, error: unknown): void {
  if (error instanceof LockstepError && error.code !== 'INTERNAL') return;
  log.error({ path, err: error, stack: error instanceof Error ? error.stack : undefined }, messageOf(error));
  if (error instanceof AssertionFailure) setImmediate(() => throwIt(error));
}

function throwIt(error: Error): never {
  throw error;
}

/** A client method of the generated stubs, in its widest form. Bind it to its client. */
export type UnaryMethod<Request, Response> = (
  request: Request,
  metadata: Metadata,
  options: Partial<CallOptions>,
  callback: (error: ServiceError | null, response: Response) => void,
) => ClientUnaryCall;

export interface UnaryOptions {
  readonly deadlineMs: number;
  readonly signal?: AbortSignal;
}

/** Calls with a deadline, and hangs up when the signal is aborted. */
export function callUnary<Request, Response>(
  method: UnaryMethod<Request, Response>,
  request: Request,
  options: UnaryOptions,
): Promise<Response> {
  const { signal } = options;
  if (signal?.aborted === true) return Promise.reject(abortError(signal));
  const { promise, resolve, reject } = Promise.withResolvers<Response>();
  const deadline = Date.now() + options.deadlineMs;
  const call = method(request, new Metadata(), { deadline }, (error, response) => {
    signal?.removeEventListener('abort', hangUp);
    if (error === null) resolve(response);
    else reject(signal?.aborted === true ? abortError(signal) : errorOfService(error));
  });
  const hangUp = (): void => {
    call.cancel();
  };
  signal?.addEventListener('abort', hangUp, { once: true });
  return promise;
}

/** A request of which only what differs from the defaults is given. */
export function requestOf<Request>(
  entry: Pick<MethodDefinition<Request, unknown>, 'requestDeserialize'>,
  given: Partial<Request>,
): Request {
  return { ...entry.requestDeserialize(Buffer.alloc(0)), ...given };
}

/** The same by the generated service's own entry, such as `AgentServiceService.attachVolume`. */
export type MethodEntry<Request, Response> = Pick<
  MethodDefinition<Request, Response>,
  'path' | 'requestSerialize' | 'requestDeserialize' | 'responseDeserialize'
>;

export function methodOf<Request, Response>(
  client: Client,
  entry: MethodEntry<Request, Response>,
): UnaryMethod<Request, Response> {
  return (request, metadata, options, callback) =>
    client.makeUnaryRequest(
      entry.path,
      entry.requestSerialize,
      entry.responseDeserialize,
      request,
      metadata,
      options,
      (error: ServiceError | null, response?: Response) => {
        // Without an error there is a response; the stubs' own type says the same.
        callback(error, response as Response);
      },
    );
}

function abortError(signal: AbortSignal): Error {
  const reason: unknown = signal.reason;
  return reason instanceof LockstepError
    ? reason
    : new LockstepError('ABORTED', 'given up', { cause: reason });
}
