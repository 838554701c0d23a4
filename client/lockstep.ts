/**
 * The client library of Lockstep: `client/README.md` is its guide.
 *
 *     const client = new LockstepClient({ server: '127.0.0.10:7400' });
 *     const operation = await client.databases.create({ id: 'orders', engine: 'postgresql', sizeBytes: 1n << 30n });
 *     const database = await client.operations.wait(operation.name);
 *     client.close();
 *
 * Everything that fails throws a LockstepError with the server's code, reason and field violations.
 *
 * @packageDocumentation
 */
import { Channel, Client } from '@grpc/grpc-js';
import type { ClusterStatus } from '../proto/gen/lockstep/v1/cluster_service.ts';
import type { CallSettings } from './calls.ts';
import { channelCredentials, channelOptions, checkedServer, type TlsOptions } from './channel.ts';
import { Cluster } from './cluster.ts';
import { Databases } from './databases.ts';
import { EngineVersions } from './engine-versions.ts';
import { Events } from './events.ts';
import { Hosts } from './hosts.ts';
import { Operations } from './operations.ts';
import { Snapshots } from './snapshots.ts';
import { Transport } from './transport.ts';
import { Volumes } from './volumes.ts';
import { Workflows } from './workflows.ts';
import { Zones } from './zones.ts';

export type { CallSettings, ChangeSettings, RequestSettings } from './calls.ts';
export type { TlsOptions } from './channel.ts';
export { Cluster } from './cluster.ts';
export type {
  ConvertRedundancy,
  DeleteDatabase,
  RebootDatabase,
  ReseedDatabase,
  UpdateDatabase,
} from './database-changes.ts';
export { DatabaseChanges } from './database-changes.ts';
export { type CloneDatabase, type CreateDatabase, Databases, type ListDatabases } from './databases.ts';
export { EngineVersions, type ListEngineVersions } from './engine-versions.ts';
export { type EventFilter, Events, type EventSettings, type WatchEvents } from './events.ts';
export { type CordonHost, Hosts, type RegisterHost, type RemoveHost } from './hosts.ts';
export { Listing, type Page } from './listing.ts';
export * from './messages.ts';
export {
  type Operation,
  type OperationOutcome,
  operationOf,
  type OperationResult,
  Operations,
  type WaitSettings,
} from './operations.ts';
export { databaseId, hostId, resourceName, snapshotId, volumeId, workflowId } from './resource-names.ts';
export { type CreateSnapshot, type RestoreSnapshot, type SnapshotChoice, Snapshots } from './snapshots.ts';
export type { StreamSettings } from './transport.ts';
export { type CreateVolume, type ForcePrimary, type ScrubChoice, Volumes } from './volumes.ts';
export { type ListWorkflows, Workflows } from './workflows.ts';
export { Zones } from './zones.ts';
export {
  type ErrorCode,
  type ErrorDetails,
  type FieldViolation,
  LockstepError,
} from '../daemon/sys/errors.ts';

/** The quick start's control daemon. */
export const DEFAULT_SERVER = '127.0.0.10:7400';

export interface ClientOptions {
  /** host:port of the control daemon. */
  readonly server: string;
  /** Present: the connection is encrypted, and the server's certificate checked. `{}` trusts what Node.js trusts. */
  readonly tls?: TlsOptions;
}

/** One connection, shared by all of its calls, that is made again by itself; `close` ends it. */
export class LockstepClient {
  /** host:port */
  readonly server: string;
  readonly databases: Databases;
  readonly snapshots: Snapshots;
  readonly volumes: Volumes;
  readonly hosts: Hosts;
  readonly zones: Zones;
  readonly engineVersions: EngineVersions;
  readonly events: Events;
  readonly operations: Operations;
  readonly workflows: Workflows;
  readonly cluster: Cluster;
  readonly #channel: Channel;

  /** Opens nothing: the first call does. */
  constructor({ server, tls }: ClientOptions) {
    this.server = checkedServer(server);
    const credentials = channelCredentials(tls);
    this.#channel = new Channel(this.server, credentials, channelOptions(tls));
    const transport = new Transport(new Client(this.server, credentials, { channelOverride: this.#channel }));
    this.events = new Events(transport);
    this.databases = new Databases(transport, this.events);
    this.snapshots = new Snapshots(transport);
    this.volumes = new Volumes(transport);
    this.hosts = new Hosts(transport);
    this.zones = new Zones(transport);
    this.engineVersions = new EngineVersions(transport);
    this.operations = new Operations(transport);
    this.workflows = new Workflows(transport);
    this.cluster = new Cluster(transport);
  }

  /** The same as `cluster.status`. */
  status(settings: CallSettings = {}): Promise<ClusterStatus> {
    return this.cluster.status(settings);
  }

  /** Calls that are under way fail. */
  close(): void {
    this.#channel.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
