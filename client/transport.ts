/**
 * How every service of the library calls. An attempt has a deadline; a call is tried again only where its second
 * time cannot do harm, which the service says by `repeated`: reads, and changes that carry a request_id.
 */
import { type Client, Metadata, type MethodDefinition, type ServiceError } from '@grpc/grpc-js';
import { LockstepError } from '../daemon/sys/errors.ts';
import { errorOfService } from '../daemon/sys/grpc-status.ts';
import { callUnary, type MethodEntry, methodOf, requestOf } from '../daemon/sys/grpc-unary.ts';
import { type CallSettings, DEFAULT_DEADLINE_MS, retried } from './calls.ts';

export interface StreamSettings {
  /** Ends the stream; a loop over it ends without an error. */
  readonly signal?: AbortSignal;
}

/** The generated service's own entry, such as `DatabaseServiceService.watchDatabase`. */
type StreamEntry<Request, Response> = MethodEntry<Request, Response> &
  Pick<MethodDefinition<Request, Response>, 'responseStream'>;

export class Transport {
  readonly #client: Client;

  constructor(client: Client) {
    this.#client = client;
  }

  /** What is not given of the request is as by default. */
  once<Request extends object, Response>(
    entry: MethodEntry<Request, Response>,
    request: Partial<Request>,
    { signal, deadlineMs = DEFAULT_DEADLINE_MS }: CallSettings,
  ): Promise<Response> {
    const options = signal === undefined ? { deadlineMs } : { deadlineMs, signal };
    return callUnary(methodOf(this.#client, entry), requestOf(entry, given(request)), options);
  }

  /** Every attempt sends the same request, and so the same request id. */
  repeated<Request extends object, Response>(
    entry: MethodEntry<Request, Response>,
    request: Partial<Request>,
    settings: CallSettings,
  ): Promise<Response> {
    return retried(() => this.once(entry, request, settings), settings.signal);
  }

  /** One stream, from its opening to its end; the server's end of it is UNAVAILABLE, since none of ours ends by itself. */
  async *stream<Request extends object, Response>(
    entry: StreamEntry<Request, Response>,
    request: Partial<Request>,
    { signal }: StreamSettings,
  ): AsyncGenerator<Response, void> {
    const stream = this.#client.makeServerStreamRequest(
      entry.path,
      entry.requestSerialize,
      entry.responseDeserialize,
      requestOf(entry, given(request)),
      new Metadata(),
    );
    const hangUp = (): void => {
      stream.cancel();
    };
    signal?.addEventListener('abort', hangUp, { once: true });
    if (signal?.aborted === true) hangUp();
    try {
      for await (const message of stream) yield message as Response;
      throw new LockstepError('UNAVAILABLE', 'the server ended the stream');
    } catch (error) {
      throw isServiceError(error) ? errorOfService(error) : error;
    } finally {
      signal?.removeEventListener('abort', hangUp);
      stream.cancel();
    }
  }
}

/** Callers without strict types say `undefined` for what they do not say: that is the default, too. */
function given<Request extends object>(request: Request): Request {
  return Object.fromEntries(Object.entries(request).filter(([, value]) => value !== undefined)) as Request;
}

function isServiceError(error: unknown): error is ServiceError {
  return error instanceof Error && 'code' in error && 'metadata' in error;
}
