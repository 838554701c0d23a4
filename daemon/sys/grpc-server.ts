/** The gRPC server of every daemon: its limits, and refusals that are complete whoever made them. */
import {
  Server,
  type ServerInterceptor,
  ServerInterceptingCall,
  ServerListenerBuilder,
  type ServiceDefinition,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { HealthImplementation } from 'grpc-health-check';
import { LockstepError, messageOf } from './errors.ts';
import { completed, type SentStatus } from './grpc-refusals.ts';
import { statusReply } from './grpc-status.ts';

/** A request beyond it is refused while it arrives. The largest are heartbeats of a host with thousands of replicas. */
export const MAX_REQUEST_BYTES = 4 * 1024 * 1024;
/** Calls in progress on one connection; a client has more of them wait on its side. */
export const MAX_CONCURRENT_STREAMS = 1024;

const LIMITS = {
  'grpc.max_receive_message_length': MAX_REQUEST_BYTES,
  'grpc.max_concurrent_streams': MAX_CONCURRENT_STREAMS,
  // A client that lost its power says no goodbye: without a sign of life its watches would be kept for ever.
  'grpc.keepalive_time_ms': 20_000,
  'grpc.keepalive_timeout_ms': 10_000,
};

/** What a request was read as that is no message of its type. */
class Unreadable {
  readonly cause: unknown;

  constructor(cause: unknown) {
    this.cause = cause;
  }
}

/** What hosts and control say to each other is not for people: what to do next is said by whom a person asked. */
const PRIVATE = '/lockstep.agent.';

const completeRefusals: ServerInterceptor = (method, call) => {
  const complete = method.path.startsWith(PRIVATE) ? (status: SentStatus) => status : completed;
  return new ServerInterceptingCall(call, {
    start: (next) => {
      const listener = new ServerListenerBuilder()
        .withOnReceiveMessage((message: unknown, pass) => {
          if (message instanceof Unreadable) call.sendStatus(complete(unreadable(method.path, message)));
          else pass(message);
        })
        .build();
      next(listener);
    },
    sendStatus: (status, next) => {
      next(complete(status));
    },
  });
};

export class ApiServer extends Server {
  /** grpc.health.v1: '' for the daemon, the rest by the full names of services. */
  readonly health = new HealthImplementation({ '': 'NOT_SERVING' });

  constructor() {
    super({ ...LIMITS, interceptors: [completeRefusals] });
    this.health.addToServer(this);
  }

  /** grpc-js itself would call a request that does not parse INTERNAL: as if the server were to blame. */
  override addService(service: ServiceDefinition, implementation: UntypedServiceImplementation): void {
    const methods = Object.entries(service).map(([name, method]) => {
      const requestDeserialize = (bytes: Buffer): unknown => {
        try {
          return method.requestDeserialize(bytes) as object;
        } catch (cause) {
          return new Unreadable(cause);
        }
      };
      return [name, { ...method, requestDeserialize }] as const;
    });
    super.addService(Object.fromEntries(methods), implementation);
  }
}

function unreadable(path: string, { cause }: Unreadable): ReturnType<typeof statusReply> {
  return statusReply(
    new LockstepError('INVALID_ARGUMENT', `the request of ${path} cannot be read: ${messageOf(cause)}`, {
      reason: 'UNREADABLE_REQUEST',
      metadata: {
        next: 'Make the request from the message types that server reflection tells of this server.',
      },
      cause,
    }),
  );
}
