/** ClusterService: everything on one screen. */
import type { UntypedServiceImplementation } from '@grpc/grpc-js';
import { unary } from '../../daemon/sys/grpc-unary.ts';
import type { Log } from '../../daemon/sys/log.ts';
import type { ClusterServiceServer, ClusterStatus } from '../../proto/gen/lockstep/v1/cluster_service.ts';
import { Host } from '../../proto/gen/lockstep/v1/host_service.ts';
import type { HostRecord } from '../model/records.ts';
import type { Observations } from '../monitor/observations.ts';
import type { Repository } from '../repository.ts';
import type { WorkflowEngine } from '../workflow/executor.ts';
import type { Views } from './views.ts';

export interface ClusterOptions {
  readonly repository: Repository;
  readonly engine: WorkflowEngine;
  readonly observations: Observations;
  readonly views: Views;
  /** The host that control itself runs on: it needs no heartbeat to know that it is there. */
  readonly ownHost: string;
  readonly wallClock: () => number;
  readonly log: Log;
}

export function clusterService(
  options: ClusterOptions,
): Partial<ClusterServiceServer> & UntypedServiceImplementation {
  return { getClusterStatus: unary(options.log, () => clusterStatus(options)) };
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
    // What is deleted and only kept is nothing that could be well or not.
    databases: await Promise.all(
      databases.filter(({ value }) => value.lifecycle !== 'deleted').map((entry) => views.database(entry)),
    ),
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
