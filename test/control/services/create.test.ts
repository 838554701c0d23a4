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
