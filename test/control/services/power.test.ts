/** Start, stop and reboot as a person asks for them: what is refused, and what the database is then. */
import t from 'tap';
import {
  Database,
  DatabaseServiceService as service,
} from '../../../proto/gen/lockstep/v1/database_service.ts';
import { VolumeServiceService } from '../../../proto/gen/lockstep/v1/volume_service.ts';
import { ControlHarness, refusal } from '../../support/control-harness.ts';
import { resolved } from '../../support/resolved.ts';

const UUID = '123e4567-e89b-42d3-a456-426614174001';
const [ACTIVE, STOPPED, STOPPING] = [2, 7, 8];
const IN_SYNC = 3;
const orders = { name: 'databases/orders' };

t.test('a stopped database keeps both copies in sync and its name, and is started again', async (t) => {
  const harness = await ControlHarness.open(t);
  await harness.createOrders();
  const stopped = await harness.finished(await harness.call(service.stopDatabase, orders));
  t.equal(stopped.error, undefined);
  const still = Database.decode(stopped.response?.value ?? new Uint8Array());
  t.match(still, {
    state: STOPPED,
    redundancy: IN_SYNC,
    reason: /a person stopped it/,
    nextStep: /database start orders/,
    safeToFailOver: false,
    endpoint: { address: '' },
    generation: 2n,
  });
  t.same([...harness.a.engines, ...harness.a.mounts, ...harness.a.devices], []);
  t.equal(await resolved(still), 'NOERROR');
  const started = await harness.finished(await harness.call(service.startDatabase, orders));
  t.equal(started.error, undefined);
  const again = await harness.until((database) => database.state === ACTIVE);
  t.match(again, { redundancy: IN_SYNC, primary: { host: 'host-a' }, generation: 2n });
  t.equal(await resolved(again), 'NOERROR 127.0.0.1');
  t.same([...harness.a.engines.values()], ['RUNNING']);
  const reasons = (await harness.events()).map(({ reason }) => reason);
  t.same(reasons.slice(0, 2), ['STARTED', 'STOPPED']);
});

t.test('what cannot be is refused with the next thing to do', async (t) => {
  const harness = await ControlHarness.open(t);
  await harness.createOrders();
  t.match(await refusal(harness.call(service.startDatabase, orders)), {
    code: 'FAILED_PRECONDITION',
    reason: 'DATABASE_ACTIVE',
  });
  await harness.finished(await harness.call(service.stopDatabase, orders));
  for (const work of [
    harness.call(service.stopDatabase, orders),
    harness.call(service.rebootDatabase, orders),
  ])
    t.match(await refusal(work), {
      code: 'FAILED_PRECONDITION',
      reason: 'DATABASE_STOPPED',
      metadata: { subject: 'databases/orders', next: /lockstep database start orders/ },
    });
  t.match(await refusal(harness.call(service.failoverDatabase, orders)), {
    reason: 'NOT_RUNNING',
    metadata: { next: /database start orders/ },
  });
  t.match(await refusal(harness.call(service.startDatabase, { ...orders, etag: 'old' })), {
    code: 'ABORTED',
    reason: 'ETAG_MISMATCH',
  });
  t.match(await refusal(harness.call(service.startDatabase, { ...orders, requestId: 'x' })), {
    violations: [{ field: 'request_id' }],
  });
});

t.test('the same request is the same operation, and another one meanwhile is aborted', async (t) => {
  const harness = await ControlHarness.open(t);
  await harness.createOrders();
  const first = await harness.call(service.stopDatabase, { ...orders, requestId: UUID });
  const busy = await refusal(harness.call(service.rebootDatabase, orders));
  t.match(busy, { code: 'ABORTED', reason: 'DATABASE_BUSY', metadata: { operation: first.name } });
  await harness.finished(first);
  const again = await harness.call(service.stopDatabase, { ...orders, requestId: UUID });
  t.match(again, { name: first.name, done: true, error: undefined });
});

t.test('a request that is only looked at answers what would be, and stops nothing', async (t) => {
  const harness = await ControlHarness.open(t);
  await harness.createOrders();
  const looked = await harness.call(service.stopDatabase, { ...orders, validateOnly: true });
  t.match(looked, { name: '', done: true });
  t.match(Database.decode(looked.response?.value ?? new Uint8Array()), { state: STOPPING });
  await harness.call(service.rebootDatabase, { ...orders, validateOnly: true });
  t.match(await harness.get(), { state: ACTIVE, busyWith: '' });
  t.notOk(harness.a.calls.includes('stopEngine'));
});

t.test('a volume without an engine has nothing to stop', async (t) => {
  const harness = await ControlHarness.open(t);
  const request = { volumeId: 'scratch', sizeBytes: 65_536n };
  await harness.finished(await harness.call(VolumeServiceService.createVolume, request));
  t.match(await refusal(harness.call(service.stopDatabase, { name: 'databases/scratch' })), {
    code: 'FAILED_PRECONDITION',
    reason: 'NO_ENGINE',
  });
});

t.test('a reboot stops the engine and starts it where it is', async (t) => {
  const harness = await ControlHarness.open(t);
  await harness.createOrders();
  harness.a.calls.splice(0);
  t.equal((await harness.finished(await harness.call(service.rebootDatabase, orders))).error, undefined);
  t.same(harness.a.calls, ['stopEngine', 'startEngine']);
  t.match(await harness.get(), { state: ACTIVE, generation: 2n, primary: { host: 'host-a' } });
  t.equal((await harness.events())[0]?.reason, 'REBOOTED');
});

t.test('a reboot with a switchover goes to the secondary', async (t) => {
  const harness = await ControlHarness.open(t);
  await harness.createOrders();
  const request = { ...orders, withSwitchover: true };
  t.equal((await harness.finished(await harness.call(service.rebootDatabase, request))).error, undefined);
  t.match(await harness.until(({ state }) => state === ACTIVE), { primary: { host: 'host-b' } });
});
