import t from 'tap';
import { DatabaseServiceService } from '../../../proto/gen/lockstep/v1/database_service.ts';
import { ControlHarness } from '../../support/control-harness.ts';

t.test('a database is created, in sync, and its alias names the primary', async (t) => {
  const harness = await ControlHarness.open(t);
  const database = await harness.createOrders();
  t.equal(database.primary?.host, 'host-a');
  t.equal(database.secondary?.host, 'host-b');
  t.equal(database.generation, 2n);
  t.equal(database.endpoint?.address, '127.0.0.1');
  t.equal(database.safeToFailOver, true);
  t.equal(database.busyWith, '');
});

t.test('the password is handed over once, and is the one the engine was given', async (t) => {
  const harness = await ControlHarness.open(t);
  await harness.createOrders();
  const claim = () => harness.call(DatabaseServiceService.claimPassword, { name: 'databases/orders' });
  const { password } = await claim();
  t.same([...harness.a.passwords.values()], [password]);
  await t.rejects(claim(), { code: 'FAILED_PRECONDITION', reason: 'PASSWORD_CLAIMED' });
});

t.test('a database is created with tags, parameters, protection and a version', async (t) => {
  const harness = await ControlHarness.open(t);
  const wish = { tags: { team: 'shop' }, deletionProtection: true, engineVersion: '15' };
  const operation = await harness.create({ ...wish, parameters: { work_mem: '8192 kB' } });
  t.equal((await harness.finished(operation)).error, undefined);
  t.match(await harness.get(), {
    tags: { team: 'shop' },
    parameters: { work_mem: '8192' },
    parametersPendingRestart: [],
    deletionProtection: true,
    engineVersion: '15.14',
    redundancyMode: 1,
  });
});

t.test('entries of maps in another order are the same request', async (t) => {
  const harness = await ControlHarness.open(t);
  const requestId = '123e4567-e89b-42d3-a456-426614174004';
  const first = await harness.create({ requestId, tags: { a: '1', b: '2' } });
  t.equal((await harness.create({ requestId, tags: { b: '2', a: '1' } })).name, first.name);
  await harness.finished(first);
});
