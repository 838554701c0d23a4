/** A host is drained: everything on it moves to others. */
import { setTimeout as sleep } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { LockstepError } from '../../../daemon/sys/errors.ts';
import { type Operation, OperationsService } from '../../../proto/gen/google/longrunning/operations.ts';
import { Host, HostServiceService as hosts } from '../../../proto/gen/lockstep/v1/host_service.ts';
import {
  type Database,
  DatabaseServiceService as service,
  OperationMetadata,
  RedundancyMode,
} from '../../../proto/gen/lockstep/v1/database_service.ts';
import type { AgentDouble } from '../../support/agent-double.ts';
import { ControlHarness, refusal } from '../../support/control-harness.ts';
import { openTwice } from '../../support/twice.ts';

const name = 'hosts/host-a';
const isWhole = ({ redundancy, busyWith, state }: Database): boolean =>
  state === 2 && redundancy === 3 && busyWith === '';

interface Cluster {
  readonly harness: ControlHarness;
  readonly c: AgentDouble;
}

async function cluster(
  t: Test,
  open: (t: Test) => Promise<ControlHarness> = (t) => ControlHarness.open(t),
): Promise<Cluster> {
  const harness = await open(t);
  const c = await harness.addHost('host-c', 'c');
  await harness.hostsHeard(3);
  return { harness, c };
}

async function create(harness: ControlHarness, databaseId: string, zones: string[]): Promise<void> {
  const done = await harness.finished(await harness.create({ databaseId, zones }));
  if (done.error !== undefined) throw new Error(done.error.message);
  await until(harness, databaseId, isWhole);
}

async function until(
  harness: ControlHarness,
  id: string,
  isSo: (database: Database) => boolean,
): Promise<Database> {
  const endMs = performance.now() + 8000;
  for (;;) {
    const database = await harness.get(`databases/${id}`);
    if (isSo(database)) return database;
    if (performance.now() > endMs) throw new Error(`${id}: ${database.reason}`);
    await sleep(5);
  }
}

/** The last heartbeat before the drain's end may still tell of what was deleted: the next one does not. */
async function removed(harness: ControlHarness): Promise<void> {
  for (let tries = 0; ; tries++)
    try {
      await harness.call(hosts.removeHost, { name });
      return;
    } catch (error) {
      const isTooSoon = error instanceof LockstepError && error.reason === 'HOST_HOLDS_VOLUMES';
      if (!isTooSoon || tries > 20) throw error;
      await sleep(20);
    }
}

async function makeSingle(harness: ControlHarness, id: string): Promise<void> {
  const request = { name: `databases/${id}`, redundancyMode: RedundancyMode.REDUNDANCY_MODE_SINGLE };
  const done = await harness.finished(await harness.call(service.convertRedundancy, request));
  if (done.error !== undefined) throw new Error(done.error.message);
  await until(harness, id, ({ redundancy, primary }) => redundancy === 1 && primary?.role === 'SOLO');
}

const drain = (harness: ControlHarness, validateOnly = false): Promise<Operation> =>
  harness.call(hosts.drainHost, { name, validateOnly });

const isEmpty = ({ primaries, secondaries }: Host): boolean => primaries.length + secondaries.length === 0;

t.test(
  'a host with five databases is drained: none is left there, and each has two copies again',
  async (t) => {
    const { harness, c } = await cluster(t);
    for (const id of ['one', 'two']) await create(harness, id, ['a', 'b']);
    for (const id of ['three', 'four']) await create(harness, id, ['b', 'a']);
    await create(harness, 'five', ['a', 'c']);
    const would = await drain(harness, true);
    t.match(would, { done: true, response: { typeUrl: 'type.googleapis.com/lockstep.v1.Host' } });
    t.match(await harness.call(hosts.getHost, { name }), { cordoned: false, busyWith: '' });
    const operation = await drain(harness);
    t.match(await harness.call(hosts.getHost, { name }), { cordoned: true, busyWith: operation.name });
    t.match(await refusal(drain(harness)), {
      code: 'ABORTED',
      reason: 'HOST_BUSY',
      metadata: { operation: operation.name },
    });
    const told = new Set<string>();
    let last = operation;
    while (!last.done) {
      last = await harness.call(OperationsService.getOperation, { name: operation.name });
      const { tasks } = OperationMetadata.decode(last.metadata?.value ?? Buffer.alloc(0));
      told.add(tasks.find((task) => task.name === 'move-databases')?.progress ?? '');
      await sleep(5);
    }
    t.equal(last.error, undefined);
    t.ok(told.has('0 of 5 databases') && told.has('3 of 5 databases'), [...told].join(', '));
    const drained = Host.decode(last.response?.value ?? Buffer.alloc(0));
    t.match(drained, { name, cordoned: true, primaries: [], secondaries: [], busyWith: '' });
    t.same(harness.a.leftovers(), []);
    for (const id of ['one', 'two', 'three', 'four', 'five']) {
      const { primary, secondary } = await until(harness, id, isWhole);
      t.same([primary?.host, secondary?.host].sort(), ['host-b', 'host-c'], id);
    }
    t.equal(c.replicas.size, 5);
  },
);

t.test('a single copy moves by way of a second one, and stays single', async (t) => {
  const { harness, c } = await cluster(t);
  await create(harness, 'orders', ['a', 'b']);
  await makeSingle(harness, 'orders');
  harness.b.capacityBytes = 1n;
  await sleep(60);
  const done = await harness.finished(await drain(harness));
  t.equal(done.error, undefined);
  const moved = await until(
    harness,
    'orders',
    ({ redundancy, busyWith }) => redundancy === 1 && busyWith === '',
  );
  t.match(moved, { primary: { host: 'host-c' }, redundancyMode: RedundancyMode.REDUNDANCY_MODE_SINGLE });
  t.same(harness.a.leftovers(), []);
  t.equal(c.engines.size, 1);
});

t.test('a drain is refused where not every copy would find a place, and cordons nothing', async (t) => {
  const { harness, c } = await cluster(t);
  for (const id of ['one', 'two']) await create(harness, id, ['a', 'b']);
  // Of 256 MiB each, one after the other.
  c.capacityBytes = 300n * 1024n * 1024n;
  await sleep(60);
  for (const validateOnly of [true, false])
    t.match(await refusal(drain(harness, validateOnly)), {
      code: 'FAILED_PRECONDITION',
      reason: 'DRAIN_IMPOSSIBLE',
      message:
        /^not everything on host-a can be moved: databases\/two: 256 MiB are needed .*host-c, 44 MiB free/,
    });
  t.match(await harness.call(hosts.getHost, { name }), { cordoned: false });
});

t.test(
  'a database that cannot be moved fails the drain and not the others; asked again it goes on',
  async (t) => {
    const { harness, c } = await cluster(t);
    for (const id of ['one', 'two', 'three']) await create(harness, id, ['b', 'a']);
    c.injectOnce('createReplica', new LockstepError('FAILED_PRECONDITION', 'its disk is full'));
    const failed = await harness.finished(await drain(harness));
    t.match(failed.error, {
      message: /move-databases failed: databases\/\w+: operations\/replace-.*its disk is full/,
    });
    const after = await harness.call(hosts.getHost, { name });
    t.match(after, { cordoned: true, busyWith: '', primaries: [] });
    t.equal(after.secondaries.length, 1);
    const again = await harness.finished(await drain(harness));
    t.equal(again.error, undefined);
    t.ok(isEmpty(await harness.call(hosts.getHost, { name })));
    await removed(harness);
    await t.rejects(harness.call(hosts.getHost, { name }), { code: 'NOT_FOUND' });
  },
);

t.test('a control that dies while a host is drained goes on with it', async (t) => {
  const { harness } = await cluster(t);
  for (const id of ['one', 'two']) await create(harness, id, ['a', 'b']);
  await drain(harness);
  for (let round = 0; round < 3; round++) {
    await sleep(60);
    await harness.stopControl();
    await harness.startControl();
  }
  for (;;) {
    const host = await harness.call(hosts.getHost, { name });
    if (isEmpty(host) && host.busyWith === '') break;
    await sleep(10);
  }
  const { operations } = await harness.call(OperationsService.listOperations, { pageSize: 100 });
  const replacements = operations.filter((one) => /operations\/replace/.test(one.name));
  t.ok(replacements.length <= 2, 'no more than one for each');
  for (const id of ['one', 'two'])
    t.match(await until(harness, id, isWhole), { primary: { host: 'host-b' } });
});

t.test('a drain stands being run twice', async (t) => {
  const { harness } = await cluster(t, openTwice);
  await create(harness, 'one', ['a', 'b']);
  const done = await harness.finished(await drain(harness));
  t.equal(done.error, undefined);
  t.same(harness.a.leftovers(), []);
  t.match(await until(harness, 'one', isWhole), {
    primary: { host: 'host-b' },
    secondary: { host: 'host-c' },
  });
});

t.test('a primary that dies while another copy moves is failed over from at once', async (t) => {
  const { harness } = await cluster(t);
  await create(harness, 'one', ['b', 'a']);
  // The copy to host-c never gets on.
  harness.b.restartsDuringSeed = 0;
  harness.b.holdsSeed = true;
  const operation = await drain(harness);
  await until(harness, 'one', ({ busyWith }) => busyWith.includes('replace'));
  await sleep(50);
  harness.b.die();
  const moved = await until(
    harness,
    'one',
    ({ primary, state }) => primary?.host === 'host-a' && state === 2,
  );
  t.ok(moved.primary?.reachable);
  harness.b.holdsSeed = false;
  await harness.b.comeBack();
  const done = await harness.finished(operation);
  // Where the copy stood by then decides in which words.
  t.match(done.error, { message: /host-b/ });
});

t.test('what was deleted since the drain began, and is kept as an archive, ends the drain', async (t) => {
  const { harness } = await cluster(t, (t) => ControlHarness.open(t, { graceHours: 0 }));
  for (const id of ['one', 'two']) await create(harness, id, ['b', 'a']);
  harness.b.holdsSeed = true;
  const operation = await drain(harness);
  await until(harness, 'one', ({ busyWith }) => busyWith.includes('replace'));
  const request = { name: 'databases/two', finalSnapshotId: 'the-end' };
  t.equal((await harness.finished(await harness.call(service.deleteDatabase, request))).error, undefined);
  while (
    await harness.get('databases/two').then(
      () => true,
      () => false,
    )
  )
    await sleep(5);
  harness.b.holdsSeed = false;
  for (const replica of harness.b.replicas.values())
    if (replica.copy !== undefined) replica.copy = { ...replica.copy, phase: 'SEEDED' };
  const done = await harness.finished(operation);
  t.match(done.error, { message: /volumes\/two-.*: it is kept for its final snapshot/ });
  t.match(await until(harness, 'one', isWhole), { secondary: { host: 'host-c' } });
});
