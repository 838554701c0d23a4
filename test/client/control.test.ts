/** The library and the command against the real control, whose hosts are doubles. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import t, { type Test } from 'tap';
import { LockstepClient } from '../../client/lockstep.ts';
import { attempt } from '../support/client-command.ts';
import { ControlHarness, MIB } from '../support/control-harness.ts';

t.setTimeout(180_000);
const LOCKSTEP = resolve(import.meta.dirname, '../../client/cli/lockstep.sh');
const SIZE = BigInt(256 * MIB);

async function open(t: Test): Promise<{ harness: ControlHarness; client: LockstepClient }> {
  const harness = await ControlHarness.open(t);
  const client = new LockstepClient({ server: harness.address });
  t.teardown(() => {
    client.close();
  });
  return { harness, client };
}

t.test('a database is created, waited for and watched', async (t) => {
  const { harness, client } = await open(t);
  const operation = await client.databases.create({ id: 'orders', engine: 'postgresql', sizeBytes: SIZE });
  let changes = 0;
  const database = await client.operations.wait(operation.name, {
    onProgress: () => {
      changes += 1;
    },
  });
  t.equal(database?.name, 'databases/orders');
  t.ok(changes > 1, `${String(changes)} changes`);
  await harness.until(({ redundancy }) => redundancy === 3);
  t.same(
    (await client.databases.list()).map(({ name }) => name),
    ['databases/orders'],
  );
  const watch = client.databases.watch('orders');
  t.match(await watch.next(), { done: false, value: { name: 'databases/orders' } });
  await watch.return();
  const workflow = await client.workflows.get(operation.name);
  t.equal(workflow.type, 'create-database');
  t.ok((await client.workflows.log(workflow.name)).length > 4);
  t.ok((await client.hosts.list()).length >= 2);
  t.same((await client.zones.list()).map(({ name }) => name).sort(), ['zones/a', 'zones/b']);
});

t.test('a request id makes two creates one operation', async (t) => {
  const { client } = await open(t);
  const request = { id: 'orders', engine: 'postgresql', sizeBytes: SIZE };
  const requestId = '0b1f5c1e-6a3e-4a44-9a55-0f8a5d6c7b10';
  const first = await client.databases.create(request, { requestId });
  const second = await client.databases.create(request, { requestId });
  t.equal(first.name, second.name);
  await client.operations.wait(first.name);
});

t.test('a watch of events outlives control, without a loss and without one twice', async (t) => {
  const { harness, client } = await open(t);
  const aborter = new AbortController();
  const seen: string[] = [];
  const watching = (async () => {
    for await (const event of client.events.watch({
      parent: 'databases/-',
      backlog: 10,
      signal: aborter.signal,
    }))
      seen.push(event.name);
  })();
  await harness.createOrders();
  await harness.stopControl();
  await harness.startControl();
  await harness.hostsHeard();
  const operation = await client.databases.failover('orders');
  await client.operations.wait(operation.name);
  const all = (await client.events.list({ parent: 'databases/-' })).map(({ name }) => name).toReversed();
  const endMs = performance.now() + 10_000;
  while (seen.length < all.length && performance.now() < endMs)
    await new Promise((next) => setTimeout(next, 20));
  aborter.abort();
  await watching;
  t.ok(all.length >= 3, `${String(all.length)} events`);
  t.same(seen.slice(0, all.length), all);
});

t.test('every refusal says what to do next', async (t) => {
  const home = mkdtempSync(join(tmpdir(), 'lockstep-home-'));
  process.env['XDG_CONFIG_HOME'] = home;
  t.teardown(() => {
    rmSync(home, { recursive: true, force: true });
  });
  const { harness } = await open(t);
  await harness.createOrders();
  const refused = [
    'database get nobody',
    'database create orders --size 256MiB',
    'database create Orders --size 256MiB',
    'database create sales --size 1MiB',
    'database create sales --engine oracle',
    'database create sales --zones a,z --size 256MiB',
    'database create sales --zones a,a --size 256MiB',
    'database delete nobody --yes',
    'database undelete orders',
    'database start orders',
    'database update orders --size 1MiB --etag nothing',
    'database update orders --parameter no_such_parameter=1',
    'database stop orders --etag nothing',
    'database rename orders Orders',
    'database convert orders --to replicated',
    'database reseed orders --host nobody',
    'database clone nobody copy',
    'snapshot get orders@nothing',
    'snapshot get orders',
    'snapshot delete orders@nothing --yes',
    'snapshot restore orders@nothing back',
    'volume status nobody',
    'volume delete orders --yes',
    'volume grow orders 1GiB',
    'volume force orders --host host-b --accept-data-loss',
    'host get nobody',
    'host register host-a --zone z',
    'host remove host-a --yes',
    'host drain host-a --etag nothing',
    'event list --parent nonsense/x',
    'event list --reason NONSENSE',
    'operation get nothing',
    'workflow get nothing',
    'workflow retry nothing',
    'workflow abandon nothing --yes',
  ];
  for (const words of refused) {
    const { status, stderr } = await attempt(
      LOCKSTEP,
      '--server',
      harness.address,
      '--json',
      ...words.split(' '),
    );
    t.equal(status, 1, `${words}: ${stderr}`);
    const { error } = JSON.parse(stderr.slice(stderr.indexOf('{\n'))) as {
      error: { message: string; next: string; code: string; reason: string };
    };
    t.match(error.next, /\S+ \S+/, `${words}: ${error.reason}: ${error.message}`);
    t.notMatch(error.message, 'no control daemon answers', words);
    t.not(error.code, 'INTERNAL', `${words}: ${error.message}`);
  }
});
