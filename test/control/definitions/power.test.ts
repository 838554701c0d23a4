/** Start, stop and reboot when something fails, or somebody dies. */
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { LockstepError } from '../../../daemon/sys/errors.ts';
import { errorOfStatus } from '../../../daemon/sys/grpc-status.ts';
import type { Operation } from '../../../proto/gen/google/longrunning/operations.ts';
import {
  Database,
  DatabaseServiceService as service,
} from '../../../proto/gen/lockstep/v1/database_service.ts';
import { ControlHarness, MIB } from '../../support/control-harness.ts';

const [ACTIVE, STOPPED] = [2, 7];
const [IN_SYNC, DEGRADED] = [3, 5];
const orders = { name: 'databases/orders' };

const refused = (): LockstepError =>
  new LockstepError('FAILED_PRECONDITION', 'the disk is on fire', { reason: 'FIRE' });
const away = (): LockstepError => new LockstepError('UNAVAILABLE', 'not now', { reason: 'BLIP' });

const verbs = {
  startDatabase: (harness: ControlHarness) => harness.call(service.startDatabase, orders),
  stopDatabase: (harness: ControlHarness) => harness.call(service.stopDatabase, orders),
  rebootDatabase: (harness: ControlHarness) => harness.call(service.rebootDatabase, orders),
  resetPassword: (harness: ControlHarness) => harness.call(service.resetPassword, orders),
  updateDatabase: (harness: ControlHarness) => harness.call(service.updateDatabase, { database: LARGER }),
};
const LARGER = Database.fromPartial({
  ...orders,
  sizeBytes: BigInt(512 * MIB),
  parameters: { work_mem: '8192' },
  tags: { a: '1' },
});

const run = async (harness: ControlHarness, verb: keyof typeof verbs): Promise<Operation> =>
  harness.finished(await verbs[verb](harness));

async function stopped(harness: ControlHarness): Promise<void> {
  await harness.createOrders();
  const done = await run(harness, 'stopDatabase');
  if (done.error !== undefined) throw new Error(done.error.message);
}

t.test('what a host advises where it refuses reaches whoever asked', async (t) => {
  const harness = await ControlHarness.open(t);
  await harness.createOrders();
  const next = 'give the daemon CAP_SYS_RESOURCE';
  const details = { reason: 'GROWTH_NOT_PERMITTED', metadata: { next } };
  harness.a.injectOnce(
    'checkFileSystemGrowth',
    new LockstepError('FAILED_PRECONDITION', 'not here', details),
  );
  const { error } = await run(harness, 'updateDatabase');
  t.match(error === undefined ? undefined : errorOfStatus(error), {
    message: 'step grow-secondaries failed: host host-a: not here',
    reason: 'GROWTH_NOT_PERMITTED',
    metadata: { next, step: 'grow-secondaries' },
  });
  t.same(harness.a.calls.includes('growReplica') || harness.b.calls.includes('growReplica'), false);
});

t.test('a stop that fails at any call leaves the database running as before', async (t) => {
  const failures = [
    ['stopEngine', 'stop-engine'],
    ['unmountFileSystem', 'detach'],
    ['detachVolume', 'detach'],
  ] as const;
  for (const [method, step] of failures) {
    const harness = await ControlHarness.open(t);
    await harness.createOrders();
    harness.a.injectOnce(method, refused());
    const done = await run(harness, 'stopDatabase');
    t.match(done.error, { message: `step ${step} failed: host host-a: the disk is on fire` });
    t.match(await harness.get(), { state: ACTIVE, redundancy: IN_SYNC, endpoint: { address: '127.0.0.1' } });
    t.same([...harness.a.engines.values()], ['RUNNING'], method);
    t.equal((await harness.events())[0]?.reason, 'STOP_FAILED');
  }
});

t.test('a start that fails at any call leaves the database stopped, and nothing on its host', async (t) => {
  const failures = [
    ['attachVolume', 'attach-and-mount'],
    ['mountFileSystem', 'attach-and-mount'],
    ['startEngine', 'start-engine'],
  ] as const;
  for (const [method, step] of failures) {
    const harness = await ControlHarness.open(t);
    await stopped(harness);
    harness.a.injectOnce(method, refused());
    const done = await run(harness, 'startDatabase');
    t.match(done.error, { message: `step ${step} failed: host host-a: the disk is on fire` });
    t.match(await harness.get(), { state: STOPPED, redundancy: IN_SYNC, endpoint: { address: '' } });
    t.same([...harness.a.engines, ...harness.a.mounts, ...harness.a.devices], [], method);
    t.equal((await run(harness, 'startDatabase')).error, undefined, 'and it can be started');
  }
});

t.test('a reboot that fails leaves the engine running', async (t) => {
  for (const method of ['stopEngine', 'startEngine']) {
    const harness = await ControlHarness.open(t);
    await harness.createOrders();
    harness.a.injectOnce(method, refused());
    t.match((await run(harness, 'rebootDatabase')).error, { message: /the disk is on fire/ });
    t.match(await harness.until(({ busyWith }) => busyWith === ''), { state: ACTIVE });
    t.same([...harness.a.engines.values()], ['RUNNING'], method);
  }
});

t.test('stop, start and reboot get through blips at every call', async (t) => {
  const harness = await ControlHarness.open(t);
  await harness.createOrders();
  const blip = (...methods: string[]): void => {
    for (const method of methods) harness.a.injectOnce(method, away());
  };
  blip('stopEngine', 'startEngine');
  t.equal((await run(harness, 'rebootDatabase')).error, undefined);
  blip('stopEngine', 'unmountFileSystem', 'detachVolume');
  t.equal((await run(harness, 'stopDatabase')).error, undefined);
  blip('setView', 'getReplica', 'attachVolume', 'mountFileSystem', 'startEngine');
  t.equal((await run(harness, 'startDatabase')).error, undefined);
  t.match(await harness.get(), { state: ACTIVE, generation: 2n });
});

t.test('the engine of a stopped database is never started, and nobody is promoted for it', async (t) => {
  const harness = await ControlHarness.open(t);
  await stopped(harness);
  harness.a.calls.splice(0);
  harness.b.calls.splice(0);
  harness.a.die();
  const silent = await harness.until(({ reason }) => reason.includes('host-a has been silent'));
  t.match(silent, { state: STOPPED, redundancy: DEGRADED });
  // Longer than a failover of a database in use takes.
  await sleep(1200);
  t.match(await harness.get(), { state: STOPPED, redundancy: DEGRADED, generation: 2n });
  t.same(harness.b.calls, []);
});

t.test('a stopped database whose primary is silent is started on its secondary', async (t) => {
  const harness = await ControlHarness.open(t);
  await stopped(harness);
  harness.a.die();
  await harness.until(({ redundancy }) => redundancy === DEGRADED);
  t.equal((await run(harness, 'startDatabase')).error, undefined);
  t.match(await harness.until(({ state }) => state === ACTIVE), {
    primary: { host: 'host-b' },
    generation: 3n,
    endpoint: { address: '127.0.0.1' },
  });
  const reasons = (await harness.events()).map(({ reason }) => reason);
  t.same(reasons.slice(0, 3), ['STARTED', 'FAILED_OVER', 'STOPPED']);
  await harness.a.comeBack();
  t.match(await harness.until(({ redundancy }) => redundancy === IN_SYNC), { primary: { host: 'host-b' } });
});

t.test('the missing copy of a stopped database is brought back', async (t) => {
  const harness = await ControlHarness.open(t);
  await stopped(harness);
  harness.b.die();
  await harness.until(({ generation }) => generation === 3n);
  t.match(await harness.get(), { state: STOPPED, redundancy: DEGRADED });
  await harness.b.comeBack();
  const whole = await harness.until(({ redundancy, busyWith }) => redundancy === IN_SYNC && busyWith === '');
  t.match(whole, { state: STOPPED, generation: 4n });
  t.same([...harness.a.engines.values(), ...harness.b.engines.values()], []);
});

t.test('a primary that dies while its database starts is failed over from', async (t) => {
  const harness = await ControlHarness.open(t);
  await stopped(harness);
  harness.a.injectOnce('startEngine', away(), 1000);
  harness.a.calls.splice(0);
  const starting = await harness.call(service.startDatabase, orders);
  while (!harness.a.calls.includes('mountFileSystem')) await sleep(5);
  harness.a.die();
  t.ok((await harness.finished(starting)).error);
  t.match(await harness.until(({ primary, state }) => primary?.host === 'host-b' && state === ACTIVE), {
    generation: 3n,
  });
});

t.test(
  'a control that dies after any entry of the log of a change finishes it after its restart',
  { timeout: 100_000 },
  async (t) => {
    for (const [verb, steps, ends] of [
      ['stopDatabase', 3, STOPPED],
      ['startDatabase', 4, ACTIVE],
      ['rebootDatabase', 2, ACTIVE],
      ['resetPassword', 2, ACTIVE],
      ['updateDatabase', 4, ACTIVE],
    ] as const)
      for (let dies = 1; dies <= 2 * steps + 1; dies++) {
        const harness = await ControlHarness.open(t);
        if (verb === 'startDatabase') await stopped(harness);
        else await harness.createOrders();
        await harness.stopControl();
        let count = 0;
        const afterLog = (): void => {
          if (++count === dies) throw new Error('the power went');
        };
        await harness.startControl({ afterLog });
        await harness.hostsHeard();
        const operation = await verbs[verb](harness);
        await harness.finished(operation).catch(() => undefined);
        await harness.stopControl();
        await harness.startControl();
        await harness.hostsHeard();
        const done = await harness.finished(operation);
        t.equal(done.error, undefined, `${verb} after entry ${String(dies)}`);
        // The control that has just started may have a heartbeat from before the end.
        const after = await harness.until(
          ({ redundancy, state }) => redundancy === IN_SYNC && state === ends,
        );
        const { sizeBytes, parameters, tags } = LARGER;
        const changed = verb === 'updateDatabase' ? { sizeBytes, parameters, tags } : {};
        t.match(after, { state: ends, busyWith: '', ...changed });
        harness.a.die();
        harness.b.die();
        await harness.stopControl();
      }
  },
);
