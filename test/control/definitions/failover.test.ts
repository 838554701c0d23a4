import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import t, { type Test } from 'tap';
import { LockstepError } from '../../../daemon/sys/errors.ts';
import { EventServiceService } from '../../../proto/gen/lockstep/v1/event_service.ts';
import { DatabaseServiceService as service } from '../../../proto/gen/lockstep/v1/database_service.ts';
import { type Event } from '../../../proto/gen/lockstep/v1/event_service.ts';
import { ControlHarness, refusal } from '../../support/control-harness.ts';

async function eventsOf(harness: ControlHarness): Promise<Event[]> {
  const { events } = await harness.call(EventServiceService.listEvents, {
    parent: 'databases/orders',
    pageSize: 100,
    pageToken: '',
  });
  return events;
}

const named = { name: 'databases/orders' };
const failOver = (harness: ControlHarness) => harness.call(service.failoverDatabase, named);

const PHASES = ['detect', 'fence', 'promote', 'attach_and_mount', 'engine_recovery', 'alias'];

function collect(t: Test, name: string): unknown[] {
  const seen: unknown[] = [];
  const listener = (message: unknown): void => {
    seen.push(message);
  };
  subscribe(name, listener);
  t.teardown(() => unsubscribe(name, listener));
  return seen;
}

t.test('a primary that dies is replaced, phase by phase, and reseeded when it is back', async (t) => {
  const harness = await ControlHarness.open(t);
  const phases = collect(t, 'lockstep:control:failover');
  const workflows = collect(t, 'lockstep:control:workflow');
  await harness.createOrders();
  harness.a.die();
  const moved = await harness.until(
    (database) => database.state === 2 && database.primary?.host === 'host-b',
  );
  t.match(moved, {
    generation: 3n,
    redundancy: 5,
    safeToFailOver: false,
    secondary: { role: 'UNREACHABLE' },
  });
  t.match(moved.nextStep, /bring host-a back/);
  const failedOver = (await eventsOf(harness)).find((event) => event.reason === 'FAILED_OVER');
  t.same(
    failedOver?.phases.map(({ phase }) => phase),
    PHASES,
  );
  t.ok((failedOver?.phases[0]?.durationMs ?? 0) >= 300, 'detection takes the minimum time of silence');
  t.equal(phases.length, PHASES.length);
  await harness.a.comeBack();
  const whole = await harness.until((database) => database.redundancy === 3);
  t.match(whole, { primary: { host: 'host-b' }, secondary: { host: 'host-a' }, generation: 4n });
  await harness.until((database) => database.busyWith === '');
  const reasons = (await eventsOf(harness)).map((event) => event.reason).reverse();
  t.same(reasons.slice(3), ['PRIMARY_LOST', 'FAILOVER_STARTED', 'FAILED_OVER', 'RESEED_STARTED', 'IN_SYNC']);
  t.match(workflows, [
    { type: 'create-database', outcome: 'done' },
    { type: 'failover', outcome: 'done' },
    { type: 'reseed' },
  ]);
});

t.test('a failover that would lose writes is refused with the reason', async (t) => {
  const harness = await ControlHarness.open(t);
  await harness.createOrders();
  harness.b.die();
  await harness.until((database) => !database.safeToFailOver);
  t.match(await refusal(failOver(harness)), {
    code: 'FAILED_PRECONDITION',
    reason: 'NOT_SAFE_TO_FAIL_OVER',
    message: /host-b|host-a alone/,
  });
  t.match(await harness.active(), { state: 2, primary: { host: 'host-a' } });
});

t.test('a failover gets through blips and refusals at every call', async (t) => {
  const harness = await ControlHarness.open(t);
  await harness.createOrders();
  for (const method of ['setView', 'getReplica', 'attachVolume', 'mountFileSystem', 'startEngine']) {
    harness.b.injectOnce(method, new LockstepError('UNAVAILABLE', 'not now'));
    harness.b.injectOnce(method, new LockstepError('FAILED_PRECONDITION', 'not yet'));
  }
  harness.a.die();
  t.match(await harness.until((database) => database.primary?.host === 'host-b' && database.state === 2), {
    generation: 3n,
  });
});

t.test(
  'a control that dies after any entry of a failover finishes it after its restart',
  { timeout: 60_000 },
  async (t) => {
    const entries = 2 * 7 + 1;
    for (let dies = 1; dies <= entries; dies++) {
      const harness = await ControlHarness.open(t);
      await harness.createOrders();
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
      await harness.until((database) => database.safeToFailOver);
      harness.a.die();
      await died.promise;
      await harness.stopControl();
      await harness.startControl();
      const moved = await harness.until((database) => database.state === 2 && database.busyWith === '');
      t.match(moved, { primary: { host: 'host-b' }, generation: 3n }, `after entry ${String(dies)}`);
      const failedOver = (await eventsOf(harness)).filter((event) => event.reason === 'FAILED_OVER');
      t.equal(failedOver.length, 1, 'told once');
      harness.b.die();
      await harness.stopControl();
    }
  },
);
