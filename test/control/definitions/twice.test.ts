/** Whatever a workflow does or undoes may be cut off and run again: here everything is, every time. */
import t from 'tap';
import { definitionsOf } from '../../../control/workflow/definitions/definitions.ts';
import type { Surroundings } from '../../../control/workflow/definitions/surroundings.ts';
import type {
  Step,
  StepContext,
  WorkflowDefinition,
  WorkflowState,
} from '../../../control/workflow/workflow.ts';
import { LockstepError } from '../../../daemon/sys/errors.ts';
import type { Operation } from '../../../proto/gen/google/longrunning/operations.ts';
import { EventServiceService } from '../../../proto/gen/lockstep/v1/event_service.ts';
import { DatabaseServiceService as service } from '../../../proto/gen/lockstep/v1/database_service.ts';
import { ControlHarness } from '../../support/control-harness.ts';

function twice(around: Surroundings): readonly WorkflowDefinition<WorkflowState>[] {
  return definitionsOf(around).map((definition) => ({
    ...definition,
    steps: definition.steps.map(stepTwice),
    finished: async (state, outcome) => {
      await definition.finished?.(state, outcome);
      await definition.finished?.(state, outcome);
    },
  }));
}

function stepTwice(step: Step<WorkflowState>): Step<WorkflowState> {
  const again = {
    ...step,
    do: async (context: StepContext<WorkflowState>) => {
      await step.do(context);
      return step.do(context);
    },
  };
  if (step.undo === undefined) return again;
  const undo = async (context: StepContext<WorkflowState>): Promise<void> => {
    await step.undo?.(context);
    await step.undo?.(context);
  };
  return { ...again, undo };
}

async function openTwice(t: Parameters<typeof ControlHarness.open>[0]): Promise<ControlHarness> {
  const harness = await ControlHarness.open(t);
  await harness.stopControl();
  await harness.startControl({ definitions: twice });
  await harness.hostsHeard();
  return harness;
}

const named = { name: 'databases/orders', etag: '', requestId: '' };

t.test('create, failover, reseed, recovery and delete stand being run twice', async (t) => {
  const harness = await openTwice(t);
  await harness.createOrders();
  const requested = await harness.finished(await harness.call(service.failoverDatabase, named));
  t.equal(requested.error, undefined);
  t.match(await harness.until((database) => database.redundancy === 3), {
    primary: { host: 'host-b' },
    generation: 4n,
  });
  await harness.until((database) => database.busyWith === '');
  harness.b.die();
  await harness.until((database) => database.state === 2 && database.primary?.host === 'host-a');
  await harness.b.comeBack();
  await harness.until((database) => database.redundancy === 3 && database.busyWith === '');
  harness.a.engines.clear();
  await harness.until((database) => database.state !== 2 || database.busyWith !== '');
  await harness.until((database) => database.state === 2 && database.busyWith === '');
  const { events } = await harness.call(EventServiceService.listEvents, {
    parent: named.name,
    pageSize: 0,
    pageToken: '',
  });
  const counted = events
    .map((event) => event.reason)
    .filter((reason) => reason !== 'IN_SYNC')
    .reverse();
  t.same(counted, [
    'CREATE_STARTED',
    'CREATED',
    'FAILOVER_STARTED',
    'FAILED_OVER',
    'RESEED_STARTED',
    'PRIMARY_LOST',
    'FAILOVER_STARTED',
    'FAILED_OVER',
    'RESEED_STARTED',
    'ENGINE_RESTARTED',
  ]);
  const deleted = await harness.finished(await harness.call(service.deleteDatabase, named));
  t.equal(deleted.error, undefined);
  t.same([...harness.a.leftovers(), ...harness.b.leftovers()], []);
});

t.test('a switchover stands being run twice', async (t) => {
  const harness = await openTwice(t);
  await harness.createOrders();
  const done = await harness.finished(await harness.call(service.switchoverDatabase, named));
  t.equal(done.error, undefined);
  t.match(await harness.until((database) => database.redundancy === 3), { primary: { host: 'host-b' } });
});

t.test('the undo of every step of create stands being run twice', async (t) => {
  const harness = await openTwice(t);
  // The last call to a host of all: every step before it is undone.
  harness.a.injectOnce('deleteSnapshot', new LockstepError('FAILED_PRECONDITION', 'no'));
  const done = await harness.finished(await harness.create());
  t.match(done.error, { message: /step drop-snapshot failed/ });
  t.same([...harness.a.leftovers(), ...harness.b.leftovers()], []);
  await t.rejects(harness.get(), { code: 'NOT_FOUND' });
});

t.test('the undo of a switchover and of a reseed stand being run twice', async (t) => {
  const harness = await openTwice(t);
  await harness.createOrders();
  harness.a.injectOnce('stepDown', new LockstepError('FAILED_PRECONDITION', 'no'));
  const requested = await harness.finished(await harness.call(service.switchoverDatabase, named));
  t.match(requested.error, { message: /release-primary/ });
  await harness.until((database) => database.state === 2 && database.busyWith === '');
  harness.b.die();
  await harness.until((database) => database.generation === 3n);
  harness.a.injectOnce('connectReplica', new LockstepError('FAILED_PRECONDITION', 'no'));
  await harness.b.comeBack();
  await harness.until((database) => database.redundancy === 3 && database.busyWith === '');
  t.same([...harness.a.snapshots.keys()], []);
});

t.test('stop, start and reboot, and their undo, stand being run twice', async (t) => {
  const harness = await openTwice(t);
  await harness.createOrders();
  const done = async (operation: Promise<Operation>): Promise<string> =>
    (await harness.finished(await operation)).error?.message ?? '';
  const no = (): LockstepError => new LockstepError('FAILED_PRECONDITION', 'no');
  t.equal(await done(harness.call(service.rebootDatabase, named)), '');
  harness.a.injectOnce('detachVolume', no());
  t.match(await done(harness.call(service.stopDatabase, named)), /step detach failed/);
  t.match(await harness.get(), { state: 2, redundancy: 3, busyWith: '' });
  t.equal(await done(harness.call(service.stopDatabase, named)), '');
  harness.a.injectOnce('startEngine', no());
  t.match(await done(harness.call(service.startDatabase, named)), /step start-engine failed/);
  t.match(await harness.get(), { state: 7, redundancy: 3 });
  t.same([...harness.a.engines, ...harness.a.mounts, ...harness.a.devices], []);
  t.equal(await done(harness.call(service.startDatabase, named)), '');
  t.match(await harness.get(), { state: 2, redundancy: 3, generation: 2n });
});
