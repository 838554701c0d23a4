/**
 * The client library of Lockstep.
 *
 *     const client = new LockstepClient({ server: '127.0.0.10:7400' });
 *     const operation = await client.databases.create({ id: 'orders', engine: 'postgresql', sizeBytes: 1n << 30n });
 *     const database = await client.operations.wait(operation.name);
 *     client.close();
 *
 * Everything that fails throws a LockstepError with the server's code, reason and field violations.
 */
import { Channel, type ChannelOptions, credentials } from '@grpc/grpc-js';
import { invalidField } from '../daemon/sys/errors.ts';
import { callUnary } from '../daemon/sys/grpc-unary.ts';
import { OperationsClient } from '../proto/gen/google/longrunning/operations.ts';
import { ClusterServiceClient, type ClusterStatus } from '../proto/gen/lockstep/v1/cluster_service.ts';
import { DatabaseServiceClient } from '../proto/gen/lockstep/v1/database_service.ts';
import { EventServiceClient } from '../proto/gen/lockstep/v1/event_service.ts';
import { SnapshotServiceClient } from '../proto/gen/lockstep/v1/snapshot_service.ts';
import { VolumeServiceClient } from '../proto/gen/lockstep/v1/volume_service.ts';
import { type CallSettings, retried } from './calls.ts';
import { Databases } from './databases.ts';
import { callOptions, Operations } from './operations.ts';
import { Snapshots } from './snapshots.ts';
import { Volumes } from './volumes.ts';

export type { CallSettings } from './calls.ts';
export { type ChangeSettings, type CreateDatabase, databaseId, resourceName } from './databases.ts';
export { type Operation, type OperationOutcome, operationOf, type WaitSettings } from './operations.ts';
export { type CreateSnapshot, type SnapshotChoice, snapshotId } from './snapshots.ts';
export { type CreateVolume, type ForcePrimary, volumeId } from './volumes.ts';
export { LockstepError } from '../daemon/sys/errors.ts';

export const DEFAULT_SERVER = '127.0.0.10:7400';

/**
 * The reconnect backoff of gRPC grows to two minutes by default, which is longer than a control daemon's restart;
 * and control is reached inside one's own network, where a proxy meant for the web is in the way.
 */
const CHANNEL: ChannelOptions = {
  'grpc.initial_reconnect_backoff_ms': 100,
  'grpc.max_reconnect_backoff_ms': 1000,
  'grpc.keepalive_time_ms': 10_000,
  'grpc.keepalive_timeout_ms': 5000,
  'grpc.enable_http_proxy': 0,
  // Clients of one process would else share a connection, and with it the backoff of a server that just came back.
  'grpc.use_local_subchannel_pool': 1,
};

export class LockstepClient {
  /** host:port */
  readonly server: string;
  readonly databases: Databases;
  readonly operations: Operations;
  readonly volumes: Volumes;
  readonly snapshots: Snapshots;
  readonly #cluster: ClusterServiceClient;
  readonly #channel: Channel;

  constructor(options: { readonly server: string }) {
    this.server = checkedServer(options.server);
    const plaintext = credentials.createInsecure();
    this.#channel = new Channel(this.server, plaintext, CHANNEL);
    const shared = { channelOverride: this.#channel };
    this.databases = new Databases(
      new DatabaseServiceClient(this.server, plaintext, shared),
      new EventServiceClient(this.server, plaintext, shared),
    );
    this.operations = new Operations(new OperationsClient(this.server, plaintext, shared));
    this.volumes = new Volumes(new VolumeServiceClient(this.server, plaintext, shared));
    this.snapshots = new Snapshots(new SnapshotServiceClient(this.server, plaintext, shared));
    this.#cluster = new ClusterServiceClient(this.server, plaintext, shared);
  }

  /** Databases, hosts and running operations, read at one instant. */
  status(settings: CallSettings = {}): Promise<ClusterStatus> {
    const call = () =>
      callUnary(this.#cluster.getClusterStatus.bind(this.#cluster), {}, callOptions(settings));
    return retried(call, settings.signal);
  }

  close(): void {
    this.#channel.close();
  }
}

const HIGHEST_PORT = 65_535;

function checkedServer(server: string): string {
  const parts = /^[^:/\s]+:(\d{1,5})$/.exec(server);
  const port = Number(parts?.[1] ?? 0);
  if (port < 1 || port > HIGHEST_PORT)
    throw invalidField('server', server, 'host:port of the control daemon, such as 127.0.0.10:7400');
  return server;
}
