/** RenameDatabase, ResetPassword, GetConnectionInfo: what a client finds afterwards. */
import t from 'tap';
import { keys } from '../../../control/model/records.ts';
import { openLevelStore } from '../../../control/store/level-store.ts';
import { LockstepError } from '../../../daemon/sys/errors.ts';
import { OperationsService } from '../../../proto/gen/google/longrunning/operations.ts';
import {
  Database,
  DatabaseServiceService as service,
  OperationMetadata,
} from '../../../proto/gen/lockstep/v1/database_service.ts';
import { VolumeServiceService } from '../../../proto/gen/lockstep/v1/volume_service.ts';
import { ControlHarness, refusal } from '../../support/control-harness.ts';
import { resolved } from '../../support/resolved.ts';

const UUID = '123e4567-e89b-42d3-a456-426614174003';
const name = 'databases/orders';
const shop = 'databases/shop';

t.test('a database has another name, and with it another alias, while its engine runs on', async (t) => {
  const harness = await ControlHarness.open(t);
  const before = await harness.createOrders();
  harness.a.calls.splice(0);
  const request = { name, newDatabaseId: 'shop', requestId: UUID };
  const operation = await harness.call(service.renameDatabase, request);
  const done = await harness.finished(operation);
  t.equal(done.error, undefined);
  t.match(OperationMetadata.decode(done.metadata?.value ?? new Uint8Array()), { target: shop });
  const renamed = Database.decode(done.response?.value ?? new Uint8Array());
  t.match(renamed, {
    name: shop,
    uid: before.uid,
    state: 2,
    redundancy: 3,
    endpoint: { database: 'orders', port: before.endpoint?.port },
  });
  t.same(harness.a.calls, [], 'nobody is told');
  t.equal(await resolved(renamed), 'NOERROR 127.0.0.1');
  t.equal(await resolved(before), 'NXDOMAIN');
  t.match(await refusal(harness.get()), { code: 'NOT_FOUND', reason: 'DATABASE_NOT_FOUND' });
  t.same(
    (await harness.events(shop)).map(({ reason }) => reason),
    ['RENAMED', 'CREATED', 'IN_SYNC', 'CREATE_STARTED'],
  );
  t.match(await harness.call(VolumeServiceService.getVolume, { name: renamed.volume }), { database: shop });
  t.equal((await harness.call(service.renameDatabase, request)).name, operation.name, 'asked for again');
  t.match(await harness.call(OperationsService.getOperation, { name: operation.name }), { done: true });
});

t.test('a renamed database fails over, and its old name is free', async (t) => {
  const harness = await ControlHarness.open(t);
  await harness.createOrders();
  await harness.finished(await harness.call(service.renameDatabase, { name, newDatabaseId: 'shop' }));
  const second = await harness.createOrders();
  t.not(second.endpoint?.port, (await harness.get(shop)).endpoint?.port, 'its port stays its own');
  harness.a.die();
  for (;;) {
    const moved = await harness.get(shop);
    if (moved.primary?.host === 'host-b' && moved.state === 2) break;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  await harness.until(({ primary, state }) => primary?.host === 'host-b' && state === 2);
});

t.test('a name that is taken, reserved or the same is refused', async (t) => {
  const harness = await ControlHarness.open(t);
  await harness.createOrders();
  await harness.finished(await harness.create({ databaseId: 'shop' }));
  const rename = (newDatabaseId: string, validateOnly = false) =>
    harness.call(service.renameDatabase, { name, newDatabaseId, validateOnly });
  t.match(await refusal(rename('shop')), {
    code: 'ALREADY_EXISTS',
    reason: 'DATABASE_EXISTS',
    violations: [{ field: 'new_database_id', value: 'shop' }],
  });
  for (const id of ['orders', 'ns', 'Shop', ''])
    t.match(await refusal(rename(id)), {
      code: 'INVALID_ARGUMENT',
      violations: [{ field: 'new_database_id', value: id }],
    });
  const looked = await rename('store', true);
  t.equal(Database.decode(looked.response?.value ?? new Uint8Array()).name, 'databases/store');
  t.match(await harness.get(), { name, busyWith: '' });
});

t.test('of two renames at once one is done, and no record is left between them', async (t) => {
  const harness = await ControlHarness.open(t);
  await harness.createOrders();
  const rename = (newDatabaseId: string) => harness.call(service.renameDatabase, { name, newDatabaseId });
  const results = await Promise.allSettled([rename('one'), rename('two')]);
  t.equal(results.filter(({ status }) => status === 'fulfilled').length, 1);
  const { databases } = await harness.call(service.listDatabases, {});
  t.equal(databases.length, 1);
  await harness.stopControl();
  const store = await openLevelStore(`${harness.folder}/control`);
  const left = [...(await store.list('events/')), ...(await store.list(keys.databases))];
  const id = databases[0]?.name.replace('databases/', '') ?? '';
  t.ok(left.every(({ key }) => key.split('/')[1] === id));
  t.same(
    (await store.list('ports/')).map(({ value }) => value),
    [{ database: id }],
  );
  await store.close();
});

const reset = async (harness: ControlHarness) =>
  harness.finished(await harness.call(service.resetPassword, { name }));
const claim = async (harness: ControlHarness) =>
  (await harness.call(service.claimPassword, { name })).password;

t.test('a reset password is the engine’s, is claimed once, and is in no log', async (t) => {
  const harness = await ControlHarness.open(t);
  await harness.createOrders();
  const first = await claim(harness);
  t.equal((await reset(harness)).error, undefined);
  t.match(await harness.get(), { passwordUnclaimed: true });
  const second = await claim(harness);
  t.not(second, first);
  t.same([...harness.a.passwords.values()], [second]);
  t.match(await refusal(claim(harness)), { reason: 'PASSWORD_CLAIMED' });
  await harness.stopControl();
  const store = await openLevelStore(`${harness.folder}/control`);
  const all = [
    ...(await store.list('workflow')),
    ...(await store.list('events/')),
    ...(await store.list('databases/')),
  ];
  t.notMatch(JSON.stringify(all), second);
  await store.close();
});

t.test('an engine that repeats the password in its refusal does not bring it into the log', async (t) => {
  const harness = await ControlHarness.open(t);
  await harness.createOrders();
  const unclaimed = await claim(harness);
  let leaked = '';
  const { passwords } = harness.a;
  const set = passwords.set.bind(passwords);
  passwords.set = (volume, password) => {
    leaked = password;
    set(volume, password);
    throw new LockstepError('FAILED_PRECONDITION', `ALTER ROLE admin PASSWORD '${password}' was refused`);
  };
  const done = await reset(harness);
  t.match(done.error, { message: /ALTER ROLE admin PASSWORD '\(the password\)' was refused/ });
  t.ok(leaked !== '' && leaked !== unclaimed);
  t.match((await harness.events())[0], { reason: 'PASSWORD_RESET_FAILED', message: /reset it again/ });
  await harness.stopControl();
  const store = await openLevelStore(`${harness.folder}/control`);
  t.notMatch(
    JSON.stringify([...(await store.list('workflow')), ...(await store.list('databases/'))]),
    leaked,
  );
  await store.close();
});

t.test('what a client connects with is told, the password aside', async (t) => {
  const harness = await ControlHarness.open(t);
  await harness.createOrders();
  const info = await harness.call(service.getConnectionInfo, { name });
  t.match(info, {
    endpoint: { alias: 'orders.db.lockstep.internal', user: 'admin', database: 'orders' },
    uri: 'postgresql://admin@orders.db.lockstep.internal:5432/orders',
    multiHostUri:
      /^postgresql:\/\/admin@127\.0\.0\.1:5432,127\.0\.0\.1:5432\/orders\?target_session_attrs=read-write$/,
    command: /psql.*orders\.db\.lockstep\.internal/,
  });
  await harness.finished(await harness.call(service.renameDatabase, { name, newDatabaseId: 'shop' }));
  t.match(await harness.call(service.getConnectionInfo, { name: shop }), {
    uri: 'postgresql://admin@shop.db.lockstep.internal:5432/orders',
  });
  const request = { volumeId: 'scratch', sizeBytes: 65_536n };
  await harness.finished(await harness.call(VolumeServiceService.createVolume, request));
  const scratch = { name: 'databases/scratch' };
  t.match(await refusal(harness.call(service.getConnectionInfo, scratch)), { reason: 'NO_ENGINE' });
});
