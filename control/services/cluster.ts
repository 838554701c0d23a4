/** ClusterService: everything on one screen, and the audit. */
import type { UntypedServiceImplementation } from '@grpc/grpc-js';
import { unary } from '../../daemon/sys/grpc-unary.ts';
import type {
  AuditClusterRequest,
  ClusterServiceServer,
  ClusterStatus,
} from '../../proto/gen/lockstep/v1/cluster_service.ts';
import { Host } from '../../proto/gen/lockstep/v1/host_service.ts';
import type { HostRecord } from '../model/records.ts';
import { auditCluster, type AuditOptions } from './audit.ts';
import type { Views } from './views.ts';

export interface ClusterOptions extends AuditOptions {
  readonly views: Views;
  /** The host that control itself runs on: it needs no heartbeat to know that it is there. */
  readonly ownHost: string;
}

export function clusterService(
  options: ClusterOptions,
): Partial<ClusterServiceServer> & UntypedServiceImplementation {
  return {
    getClusterStatus: unary(options.log, () => clusterStatus(options)),
    auditCluster: unary(options.log, (request: AuditClusterRequest) => auditCluster(options, request)),
  };
}

async function clusterStatus(options: ClusterOptions): Promise<ClusterStatus> {
  const { repository, engine, views } = options;
  const [hosts, databases, operations] = await Promise.all([
    repository.hosts(),
    repository.databases(),
    engine.list({ unfinishedOnly: true }),
  ]);
  return {
    time: new Date(options.wallClock()),
    hosts: [...hosts.values()].map((host) => hostMessage(options, host)),
    databases: await Promise.all(databases.map((entry) => views.database(entry))),
    operations: await Promise.all(operations.map((snapshot) => views.operation(snapshot))),
  };
}

function hostMessage({ observations, ownHost }: ClusterOptions, host: HostRecord): Host {
  const isHere = host.host === ownHost;
  return Host.fromPartial({
    name: `hosts/${host.host}`,
    zone: host.zone,
    address: host.address,
    roles: [...host.roles],
    reachable: isHere || observations.isReachable(host.host),
    silenceMs: isHere ? 0 : Math.round(observations.silence(host.host)),
    capacityBytes: BigInt(host.capacityBytes),
    availableBytes: BigInt(observations.hosts.get(host.host)?.availableBytes ?? 0),
    version: host.version,
    metrics: `${host.address}:${String(host.metricsPort)}`,
  });
}
