/** What is on this host, for control's audit: lockstep.agent.v1.InventoryService, thin over volumes and drivers. */
import type {
  ClearTracesRequest,
  InventoryServiceServer,
  InventorySnapshot,
} from '../../proto/gen/lockstep/agent/v1/inventory.ts';
import type { HostDrivers } from '../host/host.ts';
import { seedIdOf } from '../store/layered-disk.ts';
import { LockstepError } from '../sys/errors.ts';
import { unary } from '../sys/grpc-unary.ts';
import type { Log } from '../sys/log.ts';
import type { Volumes } from '../volume/volumes.ts';

export interface InventoryServiceParts {
  readonly volumes: Volumes;
  readonly drivers: Pick<HostDrivers, 'inventory' | 'release'>;
  /** What a crash left is cleared: before that there is more here than will stay. */
  readonly recovered: Promise<void>;
  readonly log: Log;
}

export function inventoryService(parts: InventoryServiceParts): InventoryServiceServer {
  const { volumes, drivers, recovered, log } = parts;
  return {
    getInventory: unary(log, async () => {
      await recovered;
      const { processes, mounts, devices, records } = await drivers.inventory();
      const replicas = [...volumes.all().map(({ name }) => name), ...volumes.unopened().map((r) => r.volume)];
      return {
        replicas,
        snapshots: replicas.flatMap((volume) => snapshotsOf(volumes, volume)),
        processes: processes.map((process) => ({ ...process })),
        mounts: mounts.map((mount) => ({ ...mount })),
        devices: devices.map((device) => ({ ...device })),
        records: records.map((record) => ({ ...record })),
      };
    }),
    clearTraces: unary(log, async ({ volume }: ClearTracesRequest) => {
      await recovered;
      // Whatever control takes it for: what serves has an engine whose end would be an outage.
      if (volumes.get(volume)?.serves === true)
        throw new LockstepError('FAILED_PRECONDITION', `the replica of ${volume} on this host serves`, {
          reason: 'REPLICA_SERVES',
          metadata: { volume },
        });
      log.warn({ volume }, 'clears what is here of a volume, as control asks');
      await drivers.release(volume, { force: true });
      return {};
    }),
  };
}

/** One that was taken for a copy by the name that DeleteSnapshot knows it by. */
function snapshotsOf(volumes: Volumes, volume: string): readonly InventorySnapshot[] {
  return volumes.store
    .snapshots(volume)
    .map(({ name, purpose }) =>
      purpose === 'seed'
        ? { volume, snapshot: seedIdOf(name), transient: true }
        : { volume, snapshot: name, transient: false },
    );
}
