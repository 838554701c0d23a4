/** InventoryService of a host double: what it was told to make, and what a test puts beside it. */
import type { Server } from '@grpc/grpc-js';
import { unary } from '../../daemon/sys/grpc-unary.ts';
import {
  type ClearTracesRequest,
  type GetInventoryResponse,
  InventoryServiceService,
} from '../../proto/gen/lockstep/agent/v1/inventory.ts';
import { quietLog } from './quiet-log.ts';

/** What of an AgentDouble there is to find. */
export interface Belongings {
  readonly replicas: ReadonlyMap<string, unknown>;
  /** Name to volume: those that are taken for copies. */
  readonly snapshots: ReadonlyMap<string, string>;
  readonly kept: () => Iterable<readonly [string, string]>;
  readonly devices: Set<string>;
  readonly mounts: Set<string>;
  readonly engines: Map<string, string>;
}

export function addInventory(server: Server, double: Belongings): void {
  server.addService(InventoryServiceService, {
    getInventory: unary(quietLog, () => inventoryOf(double)),
    clearTraces: unary(quietLog, ({ volume }: ClearTracesRequest) => {
      double.engines.delete(volume);
      double.mounts.delete(volume);
      double.devices.delete(volume);
      return {};
    }),
  });
}

function inventoryOf(double: Belongings): GetInventoryResponse {
  const devices = [...double.devices];
  return {
    replicas: [...double.replicas.keys()],
    snapshots: [
      ...[...double.snapshots].map(([snapshot, volume]) => ({ volume, snapshot, transient: true })),
      ...[...double.kept()].map(([snapshot, volume]) => ({ volume, snapshot, transient: false })),
    ],
    processes: [...double.engines].map(([volume, state]) => ({
      name: `engine-${volume}`,
      pid: 7,
      volume,
      alive: state === 'RUNNING',
    })),
    mounts: [...double.mounts].map((volume) => ({ mountPoint: `/mnt/${volume}`, source: '', volume })),
    devices: devices.map((volume) => ({ device: `/dev/${volume}`, volume })),
    records: devices.map((volume) => ({ volume, engine: 'postgresql' })),
  };
}
