/** InventoryService over a real server with real volumes; the host's drivers only write down what they are asked. */
import { credentials, Server, ServerCredentials } from '@grpc/grpc-js';
import t, { type Test } from 'tap';
import { inventoryService } from '../../daemon/agent/inventory-service.ts';
import { callUnary, type MethodEntry, methodOf } from '../../daemon/sys/grpc-unary.ts';
import {
  InventoryServiceClient,
  InventoryServiceService as inventory,
} from '../../proto/gen/lockstep/agent/v1/inventory.ts';
import { refusal } from '../support/control-harness.ts';
import { openVolumes, SIZE, soloVolume } from '../support/open-volumes.ts';
import { quietLog } from '../support/quiet-log.ts';

const nothing = { processes: [], mounts: [], devices: [], records: [] };

async function start(t: Test) {
  const { volumes } = await openVolumes(t);
  const released: string[] = [];
  const drivers = {
    inventory: async () => nothing,
    release: async (volume: string, { force }: { readonly force: boolean }) => {
      released.push(`${volume} ${String(force)}`);
    },
  };
  const server = new Server();
  const parts = { volumes, drivers, recovered: Promise.resolve(), log: quietLog };
  server.addService(inventory, inventoryService(parts));
  const { promise: port, resolve } = Promise.withResolvers<number>();
  server.bindAsync('127.0.0.100:0', ServerCredentials.createInsecure(), (_error, bound) => {
    resolve(bound);
  });
  const client = new InventoryServiceClient(
    `127.0.0.100:${String(await port)}`,
    credentials.createInsecure(),
  );
  t.teardown(() => {
    client.close();
    server.forceShutdown();
  });
  const call = <Request, Response>(entry: MethodEntry<Request, Response>, request: Request) =>
    callUnary(methodOf(client, entry), request, { deadlineMs: 5000 });
  return { volumes, released, call };
}

t.test('replicas are told with their snapshots, those of a copy apart', async (t) => {
  const { volumes, call } = await start(t);
  await volumes.create('orders', SIZE);
  await volumes.store.snapshot('orders', 'monday', { quiesced: false, purpose: 'kept' });
  await volumes.require('orders').takeSeed('seed-1');
  t.same(await call(inventory.getInventory, {}), {
    ...nothing,
    replicas: ['orders'],
    snapshots: [
      { volume: 'orders', snapshot: 'monday', transient: false },
      { volume: 'orders', snapshot: 'seed-1', transient: true },
    ],
  });
});

t.test('traces are cleared of what is not served here, and never of what is', async (t) => {
  const { volumes, released, call } = await start(t);
  await call(inventory.clearTraces, { volume: 'gone' });
  await volumes.create('blank', SIZE);
  await call(inventory.clearTraces, { volume: 'blank' });
  t.same(released, ['gone true', 'blank true']);
  await soloVolume(volumes);
  const [serving] = volumes.all().filter(({ serves }) => serves);
  const refused = await refusal(call(inventory.clearTraces, { volume: serving?.name ?? '' }));
  t.match(refused, { code: 'FAILED_PRECONDITION', reason: 'REPLICA_SERVES' });
  t.equal(released.length, 2);
  t.same(volumes.all().length, 2, 'a replica stays whatever is cleared');
});
