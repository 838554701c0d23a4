/**
 * For each type of workflow: how the world is before it, how it is begun, and how the world is when it is done or
 * undone. A type without one fails test/control/workflow/campaign.test.ts.
 */
import type { WorkflowDefinition, WorkflowState } from '../../control/workflow/workflow.ts';
import {
  Database,
  DatabaseServiceService as databases,
  RedundancyMode,
} from '../../proto/gen/lockstep/v1/database_service.ts';
import { HostServiceService as hosts } from '../../proto/gen/lockstep/v1/host_service.ts';
import { SnapshotServiceService as snapshots } from '../../proto/gen/lockstep/v1/snapshot_service.ts';
import { VolumeServiceService as volumes } from '../../proto/gen/lockstep/v1/volume_service.ts';
import { MIB } from '../support/control-harness.ts';
import type { World } from './world.ts';

type Type = WorkflowDefinition<WorkflowState>['type'];

export interface Scenario {
  prepare(world: World): Promise<unknown>;
  /** Answers its id. */
  begin(world: World): Promise<string>;
  /** Throws where the world is not as it is to be. */
  done(world: World): Promise<unknown>;
  /** The state before; or, where the way back is closed, what its definition promises. */
  undone(world: World): Promise<unknown>;
  /** Of the database once it was begun; absent: databases/orders. */
  readonly name?: string;
}

const orders = { name: 'databases/orders' };
const {
  REDUNDANCY_MODE_SINGLE: SINGLE,
  REDUNDANCY_MODE_UNSPECIFIED: REPLICATED,
  REDUNDANCY_MODE_REPLICATED: REDUNDANT,
} = RedundancyMode;
const NEW_SIZE = BigInt(512 * MIB);

const create = (world: World): Promise<unknown> => world.createOrders();
const well = (world: World): Promise<unknown> => world.well();
const usedAlone = (world: World): Promise<unknown> => world.well(orders.name, () => true);
const gone = (world: World): Promise<unknown> => world.gone();
const stopped = (world: World): Promise<unknown> => world.stopped();
const deleted = (world: World): Promise<unknown> => world.deleted();

async function createSingle(world: World): Promise<void> {
  await world.done(await world.harness.create({ redundancyMode: SINGLE, zones: [] }));
  await usedAlone(world);
}

async function createWithThird(world: World): Promise<void> {
  await world.addHost('host-c', 'c');
  await world.createOrders();
}

const convert = (redundancyMode: RedundancyMode) => async (world: World) =>
  world.idOf(await world.harness.call(databases.convertRedundancy, { ...orders, redundancyMode }));

const nothing = async (): Promise<void> => undefined;

async function createAndStop(world: World): Promise<void> {
  await world.createOrders();
  await world.done(await world.harness.call(databases.stopDatabase, orders));
}

const newVolume = (redundancyMode: RedundancyMode) => async (world: World) =>
  world.idOf(
    await world.harness.call(volumes.createVolume, {
      volumeId: 'orders',
      sizeBytes: BigInt(256 * MIB),
      redundancyMode,
    }),
  );

export const SCENARIOS: Readonly<Partial<Record<Type, Scenario>>> = {
  'create-database': {
    prepare: nothing,
    begin: async (world) => world.idOf(await world.harness.create()),
    done: well,
    undone: gone,
  },
  'create-volume': { prepare: nothing, begin: newVolume(REPLICATED), done: well, undone: gone },
  'create-single-database': {
    prepare: nothing,
    begin: async (world) => world.idOf(await world.harness.create({ redundancyMode: SINGLE, zones: [] })),
    done: usedAlone,
    undone: gone,
  },
  'create-single-volume': { prepare: nothing, begin: newVolume(SINGLE), done: usedAlone, undone: gone },
  'delete-database': {
    prepare: create,
    begin: async (world) => world.idOf(await world.harness.call(databases.deleteDatabase, orders)),
    done: deleted,
    undone: well,
  },
  'undelete-database': {
    async prepare(world) {
      await world.createOrders();
      await world.delete();
    },
    begin: async (world) => world.idOf(await world.harness.call(databases.undeleteDatabase, orders)),
    done: well,
    undone: deleted,
  },
  'purge-database': {
    async prepare(world) {
      await newVolume(REPLICATED)(world);
      await world.well();
    },
    begin: async (world) =>
      world.idOf(
        await world.harness.call(volumes.deleteVolume, { name: (await world.harness.get()).volume }),
      ),
    done: gone,
    async undone(world) {
      // It may have failed after its last step had done its work.
      if (await world.isThere()) {
        await world.halfDone();
        await world.delete();
      }
      await world.gone();
    },
  },
  'clone-database': {
    prepare: create,
    begin: async (world) =>
      world.idOf(await world.harness.call(databases.cloneDatabase, { ...orders, databaseId: 'copy' })),
    name: 'databases/copy',
    done: (world) => world.well('databases/copy', () => true),
    async undone(world) {
      if (await world.isThere('databases/copy')) throw new Error('the clone is there');
      await world.well();
    },
  },
  'clone-volume': {
    async prepare(world) {
      await world.createOrders();
      await world.harness.call(snapshots.createSnapshot, { parent: orders.name, snapshotId: 'monday' });
    },
    async begin(world) {
      const name = `${orders.name}/snapshots/monday`;
      // It answers when it has ended.
      void world.harness.call(snapshots.cloneSnapshot, { name, cloneId: 'copy' }).catch(() => undefined);
      return world.begun();
    },
    name: 'databases/copy',
    done: (world) => world.well('databases/copy', () => true),
    async undone(world) {
      if (await world.isThere('databases/copy')) throw new Error('the clone is there');
      await world.well();
    },
  },
  'resize-volume': {
    async prepare(world) {
      await newVolume(REPLICATED)(world);
      await world.well();
    },
    async begin(world) {
      // It answers when it has ended.
      void world.harness.call(volumes.growVolume, { ...orders, sizeBytes: NEW_SIZE }).catch(() => undefined);
      return world.begun();
    },
    done: (world) => world.well(orders.name, ({ sizeBytes }) => sizeBytes === NEW_SIZE),
    undone: well,
  },
  'convert-redundancy': {
    prepare: createSingle,
    begin: convert(REDUNDANT),
    done: well,
    undone: usedAlone,
  },
  'convert-to-single': {
    prepare: create,
    begin: convert(SINGLE),
    done: usedAlone,
    undone: well,
  },
  'drop-surplus': {
    prepare: createWithThird,
    async begin(world) {
      await world.addReplica();
      return world.begun();
    },
    done: well,
    undone: well,
  },
  'replace-replica': {
    prepare: createWithThird,
    async begin(world) {
      await world.harness.call(hosts.drainHost, { name: 'hosts/host-b' });
      return world.begun();
    },
    done: well,
    undone: well,
  },
  'drain-host': {
    prepare: createWithThird,
    begin: async (world) => world.idOf(await world.harness.call(hosts.drainHost, { name: 'hosts/host-b' })),
    done: well,
    undone: well,
  },
  failover: {
    prepare: create,
    begin: async (world) => world.idOf(await world.harness.call(databases.failoverDatabase, orders)),
    done: well,
    undone: well,
  },
  reseed: {
    async prepare(world) {
      await world.createOrders();
      world.harness.b.die();
      await world.well(orders.name, ({ generation }) => generation > 2n);
    },
    async begin(world) {
      await world.harness.b.comeBack();
      return world.begun();
    },
    done: well,
    undone: well,
  },
  'recover-primary': {
    prepare: create,
    async begin(world) {
      world.primary.engines.clear();
      return world.begun();
    },
    done: well,
    undone: well,
  },
  'revert-volume': {
    async prepare(world) {
      await world.createOrders();
      world.harness.snapshotsOfA.names.add('monday');
    },
    async begin(world) {
      const name = `${orders.name}/snapshots/monday`;
      return world.idOf(await world.harness.call(snapshots.revertVolume, { name, acceptDataLoss: true }));
    },
    done: well,
    undone: well,
  },
  'start-database': {
    prepare: createAndStop,
    begin: async (world) => world.idOf(await world.harness.call(databases.startDatabase, orders)),
    done: well,
    undone: stopped,
  },
  'stop-database': {
    prepare: create,
    begin: async (world) => world.idOf(await world.harness.call(databases.stopDatabase, orders)),
    done: stopped,
    undone: well,
  },
  'reboot-database': {
    prepare: create,
    begin: async (world) => world.idOf(await world.harness.call(databases.rebootDatabase, orders)),
    done: well,
    undone: well,
  },
  'update-database': {
    prepare: create,
    async begin(world) {
      const database = Database.fromPartial({
        ...orders,
        sizeBytes: NEW_SIZE,
        parameters: { work_mem: '8192' },
      });
      return world.idOf(await world.harness.call(databases.updateDatabase, { database }));
    },
    done: (world) => world.well(orders.name, ({ sizeBytes }) => sizeBytes === NEW_SIZE),
    undone: (world) => world.well(orders.name, ({ parameters }) => Object.keys(parameters).length === 0),
  },
  'rename-database': {
    prepare: create,
    begin: async (world) =>
      world.idOf(await world.harness.call(databases.renameDatabase, { ...orders, newDatabaseId: 'shop' })),
    name: 'databases/shop',
    done: (world) => world.well('databases/shop'),
    undone: (world) => world.well('databases/shop'),
  },
  'reset-password': {
    prepare: create,
    begin: async (world) => world.idOf(await world.harness.call(databases.resetPassword, orders)),
    done: well,
    undone: well,
  },
};
