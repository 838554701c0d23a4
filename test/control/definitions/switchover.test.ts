/** What a person asks for: a switchover of two that are well, and a failover whatever the primary is like. */
import { randomUUID } from 'node:crypto';
import t from 'tap';
import { LockstepError } from '../../../daemon/sys/errors.ts';
import {
  Database,
  DatabaseServiceService as service,
} from '../../../proto/gen/lockstep/v1/database_service.ts';
import { ControlHarness, refusal } from '../../support/control-harness.ts';

const named = { name: 'databases/orders' };
const failOver = (harness: ControlHarness, more = {}) =>
  harness.call(service.failoverDatabase, { ...named, ...more });
const switchOver = (harness: ControlHarness, more = {}) =>
  harness.call(service.switchoverDatabase, { ...named, ...more });

const reasonsOf = async (harness: ControlHarness): Promise<readonly string[]> =>
  (await harness.events()).map(({ reason }) => reason);

async function openOrders(t: Parameters<typeof ControlHarness.open>[0]): Promise<ControlHarness> {
  const harness = await ControlHarness.open(t);
  await harness.createOrders();
  return harness;
}

t.test('a switchover shuts the old engine down, hands over, and keeps both copies', async (t) => {
  const harness = await openOrders(t);
  const from = harness.a.calls.length;
  t.equal((await harness.finished(await switchOver(harness))).error, undefined);
  const order = harness.a.calls.slice(from).filter((call) => call !== 'getReplica');
  t.same(order.slice(0, 4), ['stopEngine', 'unmountFileSystem', 'detachVolume', 'stepDown']);
  t.same([...harness.a.engines.keys(), ...harness.a.devices, ...harness.a.mounts], []);
  t.match(await harness.until((database) => database.redundancy === 3), { primary: { host: 'host-b' } });
  const done = (await harness.events()).find(({ reason }) => reason === 'SWITCHED_OVER');
  t.same(
    done?.phases.map(({ phase }) => phase),
    ['prepare', 'shutdown', 'fence', 'promote', 'attach_and_mount', 'engine_recovery', 'alias'],
  );
  t.ok((await reasonsOf(harness)).includes('SWITCHOVER_STARTED'));
});

t.test('before anything of the old primary is stopped, its successor has the engine', async (t) => {
  const harness = await openOrders(t);
  const from = harness.b.calls.length;
  harness.b.injectOnce('installEngine', new LockstepError('FAILED_PRECONDITION', 'no packages'));
  const done = await harness.finished(await switchOver(harness));
  t.match(done.error, { message: /prepare-successor/ });
  t.ok(harness.b.calls.slice(from).includes('installEngine'));
  t.equal([...harness.a.engines.values()][0], 'RUNNING', 'it was never stopped');
  t.match(await harness.until((database) => database.state === 2 && database.busyWith === ''), {
    primary: { host: 'host-a' },
    generation: 2n,
    redundancy: 3,
  });
});

t.test('a switchover is refused while a copy is missing, with what to do instead', async (t) => {
  const harness = await openOrders(t);
  harness.b.die();
  await harness.until((database) => !database.safeToFailOver);
  const error = await refusal(switchOver(harness));
  t.match(error, { code: 'FAILED_PRECONDITION', reason: 'NOT_SAFE_TO_FAIL_OVER' });
  t.match(error.metadata, { subject: 'databases/orders', next: /in sync/ });
});

t.test('a switchover of a primary that is not well is refused, a failover of it is not', async (t) => {
  const harness = await openOrders(t);
  // The monitor leaves it alone, and nobody is served.
  for (const volume of harness.a.replicas.keys()) harness.a.engines.set(volume, 'FROZEN');
  await harness.until((database) => database.state === 5);
  t.match(await refusal(switchOver(harness)), { reason: 'NOT_WELL_ENOUGH', message: /FROZEN/ });
  t.equal((await harness.finished(await failOver(harness))).error, undefined);
  t.match(await harness.until((database) => database.state === 2), { primary: { host: 'host-b' } });
});

t.test('a failover kills the engine and leaves the rest to the fence', async (t) => {
  const harness = await openOrders(t);
  const from = harness.a.calls.length;
  t.equal((await harness.finished(await failOver(harness))).error, undefined);
  const order = harness.a.calls.slice(from).filter((call) => call !== 'getReplica');
  t.same(order.slice(0, 2), ['stopEngine', 'stepDown']);
  t.notOk(order.includes('unmountFileSystem') || order.includes('detachVolume'));
  t.match(await harness.until((database) => database.redundancy === 3), { primary: { host: 'host-b' } });
});

t.test('a failover goes on although the old primary refuses to release anything', async (t) => {
  const harness = await openOrders(t);
  harness.a.injectOnce('stopEngine', new LockstepError('UNAVAILABLE', 'it hangs in the kernel'));
  harness.a.injectOnce('stepDown', new LockstepError('DEADLINE_EXCEEDED', 'it does not come to rest'));
  t.equal((await harness.finished(await failOver(harness))).error, undefined);
  t.match(await harness.until((database) => database.state === 2), { primary: { host: 'host-b' } });
});

const BEFORE = ['installEngine', 'stopEngine', 'unmountFileSystem', 'detachVolume', 'stepDown'] as const;
for (const method of BEFORE)
  t.test(`a switchover whose ${method} fails leaves the old primary serving`, async (t) => {
    const harness = await openOrders(t);
    const host = method === 'installEngine' ? harness.b : harness.a;
    host.injectOnce(method, new LockstepError('FAILED_PRECONDITION', 'something is in flight'));
    const done = await harness.finished(await switchOver(harness));
    t.match(done.error, { message: /prepare-successor|release-primary/ });
    const back = await harness.until(
      (database) => database.state === 2 && database.redundancy === 3 && database.busyWith === '',
    );
    t.match(back, { primary: { host: 'host-a' }, generation: 2n }, 'and its engine is started again');
    t.ok((await reasonsOf(harness)).includes('SWITCHOVER_FAILED'));
  });

for (const call of [failOver, switchOver])
  t.test(`one to a host that died meanwhile leaves the old primary serving (${call.name})`, async (t) => {
    const harness = await openOrders(t);
    harness.b.injectOnce(
      'getReplica',
      new LockstepError('FAILED_PRECONDITION', 'it has just been restarted', { reason: 'GONE' }),
    );
    const done = await harness.finished(await call(harness));
    t.match(done.error, { message: /step (raise-generation|prepare-successor) failed/ });
    const back = await harness.until((database) => database.state === 2 && database.busyWith === '');
    t.match(back, { primary: { host: 'host-a' }, generation: 2n });
  });

t.test('validate_only says who would be primary, and changes nothing', async (t) => {
  const harness = await openOrders(t);
  for (const call of [failOver, switchOver]) {
    const { done, response } = await call(harness, { validateOnly: true });
    t.ok(done);
    t.match(Database.decode(response?.value ?? Buffer.alloc(0)), {
      primary: { host: 'host-b' },
      secondary: { host: 'host-a' },
      generation: 3n,
    });
  }
  t.match(await harness.get(), { primary: { host: 'host-a' }, generation: 2n, busyWith: '' });
});

t.test('an etag of before, and a request_id of another request, are refused', async (t) => {
  const harness = await openOrders(t);
  t.match(await refusal(switchOver(harness, { etag: '1.1' })), { code: 'ABORTED', reason: 'ETAG_MISMATCH' });
  const { etag } = await harness.get();
  const requestId = randomUUID();
  const first = await switchOver(harness, { etag, requestId });
  t.equal((await switchOver(harness, { etag, requestId })).name, first.name, 'the same request again');
  t.match(await refusal(failOver(harness, { etag, requestId })), { code: 'INVALID_ARGUMENT' });
  await harness.finished(first);
});

t.test('a second one while the first runs is told which operation holds the database', async (t) => {
  const harness = await openOrders(t);
  harness.b.promotionMs = 300;
  const first = await switchOver(harness);
  t.match(await refusal(failOver(harness)), {
    code: 'ABORTED',
    reason: 'DATABASE_BUSY',
    metadata: { operation: first.name },
  });
  await harness.finished(first);
});

t.test(
  'a control that dies after any entry of a switchover ends it after its restart',
  { timeout: 60_000 },
  async (t) => {
    const entries = 2 * 7 + 1;
    for (let dies = 1; dies <= entries; dies++) {
      const harness = await openOrders(t);
      await harness.stopControl();
      let count = 0;
      const died = Promise.withResolvers<undefined>();
      await harness.startControl({
        afterLog: () => {
          if (++count !== dies) return;
          died.resolve(undefined);
          throw new Error('the power went');
        },
      });
      await harness.until((database) => database.safeToFailOver && database.redundancy === 3);
      await switchOver(harness);
      await died.promise;
      await harness.stopControl();
      await harness.startControl();
      const moved = await harness.until((database) => database.state === 2 && database.busyWith === '');
      t.match(moved, { primary: { host: 'host-b' } }, `after entry ${String(dies)}`);
      t.equal((await reasonsOf(harness)).filter((reason) => reason === 'SWITCHED_OVER').length, 1);
      // Their heartbeats would keep the next one's hosts from being heard in time.
      harness.a.die();
      harness.b.die();
      await harness.stopControl();
    }
  },
);
