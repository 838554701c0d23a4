/** ClusterService: everything on one screen. */
import type { UntypedServiceImplementation } from '@grpc/grpc-js';
import { unary } from '../../daemon/sys/grpc-unary.ts';
import type { Log } from '../../daemon/sys/log.ts';
import type { ClusterServiceServer, ClusterStatus } from '../../proto/gen/lockstep/v1/cluster_service.ts';
import type { Repository } from '../repository.ts';
import type { WorkflowEngine } from '../workflow/executor.ts';
import type { HostViews } from './host-views.ts';
import type { Views } from './views.ts';

export interface ClusterOptions {
  readonly repository: Repository;
  readonly engine: WorkflowEngine;
  readonly views: Views;
  readonly hostViews: HostViews;
  readonly wallClock: () => number;
  readonly log: Log;
}

export function clusterService(
  options: ClusterOptions,
): Partial<ClusterServiceServer> & UntypedServiceImplementation {
  return { getClusterStatus: unary(options.log, () => clusterStatus(options)) };
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
    databases: await Promise.all(databases.map((entry) => views.database(entry))),
    operations: await Promise.all(operations.map((snapshot) => views.operation(snapshot))),
  };
}
