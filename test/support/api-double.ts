/** The whole public API on a real gRPC server in this process, whose answers each test decides. */
import { Server, ServerCredentials, status, type UntypedServiceImplementation } from '@grpc/grpc-js';
import type { Test } from 'tap';
import { LockstepClient, type TlsOptions } from '../../client/lockstep.ts';
import { LockstepError } from '../../daemon/sys/errors.ts';
import { statusReply } from '../../daemon/sys/grpc-status.ts';
import { OperationsService } from '../../proto/gen/google/longrunning/operations.ts';
import { ClusterServiceService } from '../../proto/gen/lockstep/v1/cluster_service.ts';
import { DatabaseServiceService } from '../../proto/gen/lockstep/v1/database_service.ts';
import { EngineVersionServiceService } from '../../proto/gen/lockstep/v1/engine_service.ts';
import { EventServiceService } from '../../proto/gen/lockstep/v1/event_service.ts';
import { HostServiceService, ZoneServiceService } from '../../proto/gen/lockstep/v1/host_service.ts';
import { SnapshotServiceService } from '../../proto/gen/lockstep/v1/snapshot_service.ts';
import { VolumeServiceService } from '../../proto/gen/lockstep/v1/volume_service.ts';
import { WorkflowServiceService } from '../../proto/gen/lockstep/v1/workflow_service.ts';

/** A request to its answer; of a stream, to its messages, after which it breaks. What throws is answered as our servers do. */
export type Answers = Readonly<Record<string, (request: never) => unknown>>;

export const services = [
  DatabaseServiceService,
  SnapshotServiceService,
  VolumeServiceService,
  HostServiceService,
  ZoneServiceService,
  EngineVersionServiceService,
  EventServiceService,
  WorkflowServiceService,
  ClusterServiceService,
  OperationsService,
] as const;

export const unavailable = Object.assign(new Error('going away'), {
  code: status.UNAVAILABLE,
  details: 'going away',
});

interface ServerSettings {
  readonly credentials?: ServerCredentials;
}

/** host:port of a server that ends with the test. */
export async function serve(t: Test, answers: Answers, settings: ServerSettings = {}): Promise<string> {
  const server = new Server();
  for (const service of services) server.addService(service, implementation(service, answers));
  const credentials = settings.credentials ?? ServerCredentials.createInsecure();
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  server.bindAsync('127.0.0.1:0', credentials, (error, bound) => {
    if (error === null) resolve(bound);
    else reject(error);
  });
  const port = await promise;
  t.teardown(() => {
    server.forceShutdown();
  });
  return `127.0.0.1:${String(port)}`;
}

/** A client of such a server. */
export async function connect(
  t: Test,
  answers: Answers,
  settings: ServerSettings & { readonly tls?: TlsOptions } = {},
): Promise<LockstepClient> {
  const { tls } = settings;
  const client = new LockstepClient({
    server: await serve(t, answers, settings),
    ...(tls === undefined ? {} : { tls }),
  });
  t.teardown(() => {
    client.close();
  });
  return client;
}

type Service = (typeof services)[number];
type Callback = (error: unknown, response?: unknown) => void;
interface Stream {
  readonly request: never;
  write(message: unknown): void;
  emit(name: string, error: unknown): void;
}

function implementation(service: Service, answers: Answers): UntypedServiceImplementation {
  const handlers = Object.entries(service).map(([name, { responseStream }]) => {
    const answer = (request: never): unknown => {
      const given = answers[name];
      if (given === undefined)
        throw new LockstepError('INTERNAL', `nothing answers ${name}`, { reason: 'TEST_HAS_NO_ANSWER' });
      return given(request);
    };
    const stream = (call: Stream): void => {
      try {
        for (const message of answer(call.request) as unknown[]) call.write(message);
        call.emit('error', unavailable);
      } catch (error) {
        call.emit('error', replyOf(error));
      }
    };
    const unary = (call: { readonly request: never }, callback: Callback): void => {
      try {
        callback(null, answer(call.request));
      } catch (error) {
        callback(replyOf(error));
      }
    };
    return [name, responseStream ? stream : unary];
  });
  return Object.fromEntries(handlers) as UntypedServiceImplementation;
}

function replyOf(error: unknown): unknown {
  return error instanceof LockstepError ? statusReply(error) : error;
}
