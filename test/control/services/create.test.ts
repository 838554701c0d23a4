import t from 'tap';
import { LockstepError } from '../../../daemon/sys/errors.ts';
import {
  DatabaseServiceService as service,
  OperationMetadata,
  RedundancyMode,
} from '../../../proto/gen/lockstep/v1/database_service.ts';
import { Volume, VolumeServiceService } from '../../../proto/gen/lockstep/v1/volume_service.ts';
import { ControlHarness, refusal } from '../../support/control-harness.ts';

const SINGLE = RedundancyMode.REDUNDANCY_MODE_SINGLE;

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
  const claim = () => harness.call(service.claimPassword, { name: 'databases/orders' });
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

t.test('a database with one copy is made without a second one, and says that it has one', async (t) => {
  const harness = await ControlHarness.open(t);
  const operation = await harness.create({ redundancyMode: SINGLE, zones: ['b'] });
  const done = await harness.finished(operation);
  t.equal(done.error, undefined);
  const { tasks } = OperationMetadata.decode(done.metadata?.value ?? new Uint8Array());
  t.same(
    tasks.map(({ name }) => name),
    [
      'choose-hosts',
      'create-primary-volume',
      'serve-primary',
      'attach-device',
      'make-file-system',
      'install-engine',
      'initialize-engine',
      'start-engine',
      'publish-alias',
    ],
  );
  t.match(await harness.until(({ state }) => state === 2), {
    state: 2,
    redundancy: 1,
    redundancyMode: SINGLE,
    primary: { host: 'host-b' },
    secondary: undefined,
    safeToFailOver: false,
    nextStep: '',
    endpoint: { address: '127.0.0.1' },
  });
  t.same([...harness.a.calls, ...harness.a.leftovers(), ...harness.b.snapshots.keys()], []);
  const orders = { name: 'databases/orders' };
  t.equal((await harness.finished(await harness.call(service.stopDatabase, orders))).error, undefined);
  t.match(await harness.get(), { state: 7, redundancy: 1 });
  t.equal((await harness.finished(await harness.call(service.startDatabase, orders))).error, undefined);
  t.match(await harness.active(), { state: 2, redundancy: 1, generation: 1n });
});

t.test('a create of one copy that fails at any call leaves nothing', async (t) => {
  const methods = [
    'createReplica',
    'setView',
    'attachVolume',
    'mountFileSystem',
    'installEngine',
    'startEngine',
  ];
  for (const method of methods) {
    const harness = await ControlHarness.open(t);
    harness.a.injectOnce(method, new LockstepError('FAILED_PRECONDITION', 'no'));
    t.ok(
      (await harness.finished(await harness.create({ redundancyMode: SINGLE, zones: ['a'] }))).error,
      method,
    );
    t.same([...harness.a.leftovers(), ...harness.b.leftovers()], [], method);
    await t.rejects(harness.get(), { code: 'NOT_FOUND' });
  }
});

t.test('one copy goes to one zone, where there is room', async (t) => {
  const harness = await ControlHarness.open(t);
  for (const zones of [['a', 'b'], ['c']])
    t.match(await refusal(harness.create({ redundancyMode: SINGLE, zones })), {
      code: 'INVALID_ARGUMENT',
      violations: [{ field: 'zones', allowed: /one zone of: a, b/ }],
    });
  t.match(await refusal(harness.create({ redundancyMode: 7 as RedundancyMode })), {
    violations: [{ field: 'redundancy_mode' }],
  });
});

t.test('a volume without an engine may have one copy', async (t) => {
  const harness = await ControlHarness.open(t);
  const request = { volumeId: 'scratch', sizeBytes: 65_536n, redundancyMode: SINGLE };
  const done = await harness.finished(await harness.call(VolumeServiceService.createVolume, request));
  t.match(done.response?.typeUrl, /lockstep\.v1\.Volume$/);
  const volume = Volume.decode(done.response?.value ?? new Uint8Array());
  t.equal(volume.replicas.length, 1);
});
