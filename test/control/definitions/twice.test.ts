/** Whatever a workflow does or undoes may be cut off and run again: here everything is, every time. */
import t from 'tap';
import { LockstepError } from '../../../daemon/sys/errors.ts';
import type { Operation } from '../../../proto/gen/google/longrunning/operations.ts';
import { EventServiceService } from '../../../proto/gen/lockstep/v1/event_service.ts';
import {
  Database,
  DatabaseServiceService as service,
  RedundancyMode,
} from '../../../proto/gen/lockstep/v1/database_service.ts';
import { openTwice } from '../../support/twice.ts';

const named = { name: 'databases/orders', etag: '', requestId: '' };

t.test('create, failover, reseed and recovery stand being run twice', async (t) => {
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
  t.match(await harness.active(), { state: 2, redundancy: 3, busyWith: '' });
  t.equal(await done(harness.call(service.stopDatabase, named)), '');
  harness.a.injectOnce('startEngine', no());
  t.match(await done(harness.call(service.startDatabase, named)), /step start-engine failed/);
  t.match(await harness.get(), { state: 7, redundancy: 3 });
  t.same([...harness.a.engines, ...harness.a.mounts, ...harness.a.devices], []);
  t.equal(await done(harness.call(service.startDatabase, named)), '');
  t.match(await harness.active(), { state: 2, redundancy: 3, generation: 2n });
});

t.test('update, its undo, rename and reset of the password stand being run twice', async (t) => {
  const harness = await openTwice(t);
  await harness.createOrders();
  const done = async (operation: Promise<Operation>): Promise<string> =>
    (await harness.finished(await operation)).error?.message ?? '';
  const update = (database: Partial<Database>): Promise<Operation> =>
    harness.call(service.updateDatabase, { database: Database.fromPartial({ ...named, ...database }) });
  const larger = { sizeBytes: 512n * 1024n * 1024n, parameters: { work_mem: '8192' }, tags: { a: '1' } };
  harness.a.injectOnce('growFileSystem', new LockstepError('FAILED_PRECONDITION', 'no'));
  t.match(await done(update(larger)), /step grow-file-system failed/);
  t.match(await harness.active(), { state: 2, parameters: {}, tags: {}, sizeBytes: 256n * 1024n * 1024n });
  t.same([...harness.enginesOfA.parameters.values()], [{}], 'configured back');
  t.equal(await done(update(larger)), '');
  t.match(await harness.get(), larger);
  t.equal(await done(harness.call(service.resetPassword, named)), '');
  const { password } = await harness.call(service.claimPassword, named);
  t.same([...harness.a.passwords.values()], [password]);
  t.equal(await done(harness.call(service.renameDatabase, { ...named, newDatabaseId: 'shop' })), '');
  t.match(await harness.get('databases/shop'), { state: 2, redundancy: 3, busyWith: '' });
  const reasons = (await harness.events('databases/shop')).map(({ reason }) => reason);
  t.same(reasons.slice(0, 4), ['RENAMED', 'PASSWORD_RESET', 'UPDATED', 'UPDATE_FAILED']);
});

t.test('a create of one copy, and its undo, stand being run twice', async (t) => {
  const harness = await openTwice(t);
  const single = { redundancyMode: RedundancyMode.REDUNDANCY_MODE_SINGLE, zones: ['a'] };
  harness.a.injectOnce('startEngine', new LockstepError('FAILED_PRECONDITION', 'no'));
  t.match((await harness.finished(await harness.create(single))).error, { message: /start-engine failed/ });
  t.same(harness.a.leftovers(), []);
  t.equal((await harness.finished(await harness.create(single))).error, undefined);
  t.match(await harness.active(), { state: 2, redundancy: 1 });
});
