/** ClusterService: everything on one screen, and the audit. */
import type { UntypedServiceImplementation } from '@grpc/grpc-js';
import { unary } from '../../daemon/sys/grpc-unary.ts';
import type {
  AuditClusterRequest,
  ClusterServiceServer,
  ClusterStatus,
} from '../../proto/gen/lockstep/v1/cluster_service.ts';
import { auditCluster, type AuditOptions } from './audit.ts';
import type { HostViews } from './host-views.ts';
import type { Views } from './views.ts';

export interface ClusterOptions extends AuditOptions {
  readonly views: Views;
  readonly hostViews: HostViews;
}

export function clusterService(options: ClusterOptions): ClusterServiceServer & UntypedServiceImplementation {
  return {
    getClusterStatus: unary(options.log, () => clusterStatus(options)),
    auditCluster: unary(options.log, (request: AuditClusterRequest) => auditCluster(options, request)),
  };
}

async function clusterStatus(options: ClusterOptions): Promise<ClusterStatus> {
  const { repository, engine, views, hostViews } = options;
  const [hosts, databases, operations] = await Promise.all([
    hostViews.all(),
    repository.databases(),
    engine.list({ unfinishedOnly: true }),
  ]);
  return {
    time: new Date(options.wallClock()),
    hosts: [...hosts],
    // What is deleted and only kept is nothing that could be well or not.
    databases: await Promise.all(
      databases.filter(({ value }) => value.lifecycle !== 'deleted').map((entry) => views.database(entry)),
    ),
    operations: await Promise.all(operations.map((snapshot) => views.operation(snapshot))),
  };
}
