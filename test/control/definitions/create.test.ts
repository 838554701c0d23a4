import { setTimeout as sleep } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { LockstepError } from '../../../daemon/sys/errors.ts';
import { ErrorInfo } from '../../../proto/gen/google/rpc/error_details.ts';
import { keys } from '../../../control/model/records.ts';
import { openLevelStore } from '../../../control/store/level-store.ts';
import { EventServiceService } from '../../../proto/gen/lockstep/v1/event_service.ts';
import { DatabaseServiceService } from '../../../proto/gen/lockstep/v1/database_service.ts';
import type { HostRoom } from '../../../control/placement/choose.ts';
import { definitionsOf } from '../../../control/workflow/definitions/definitions.ts';
import type { Surroundings } from '../../../control/workflow/definitions/surroundings.ts';
import { ControlHarness, MIB } from '../../support/control-harness.ts';

/** Half worked, then said no: for good, so that the workflow undoes. */
const refused = (): LockstepError =>
  new LockstepError('FAILED_PRECONDITION', 'the disk is on fire', { reason: 'FIRE' });
const away = (): LockstepError => new LockstepError('UNAVAILABLE', 'not now', { reason: 'BLIP' });

/** Nothing on the hosts, and of the database no record, no volume, no port, no event. */
async function checkCleanlyAbsent(t: Test, harness: ControlHarness, what: string): Promise<void> {
  t.same([...harness.a.leftovers(), ...harness.b.leftovers()], [], `${what}: nothing is left on the hosts`);
  await harness.stopControl();
  const store = await openLevelStore(`${harness.folder}/control`);
  try {
    for (const prefix of [keys.databases, keys.volumes, 'ports/', 'events/'])
      t.same(await store.list(prefix), [], `${what}: nothing below ${prefix}`);
  } finally {
    await store.close();
  }
}

const failures: readonly [method: string, host: 'a' | 'b', step: string][] = [
  ['createReplica', 'a', 'create-primary-volume'],
  ['setView', 'a', 'serve-primary'],
  ['getReplica', 'a', 'serve-primary'],
  ['attachVolume', 'a', 'attach-device'],
  ['makeFileSystem', 'a', 'make-file-system'],
  ['mountFileSystem', 'a', 'make-file-system'],
  ['installEngine', 'a', 'install-engine'],
  ['installEngine', 'b', 'install-engine'],
  ['initializeEngine', 'a', 'initialize-engine'],
  ['startEngine', 'a', 'start-engine'],
  ['createSnapshot', 'a', 'snapshot-primary'],
  ['createReplica', 'b', 'create-secondary-volume'],
  ['seedReplica', 'a', 'seed-secondary'],
  ['connectReplica', 'a', 'connect-replication'],
  ['deleteSnapshot', 'a', 'drop-snapshot'],
];

t.test(
  'a create that fails at any call is undone without a trace, and says which step and why',
  async (t) => {
    for (const [method, host, step] of failures) {
      await t.test(`${method} on ${host}`, async (t) => {
        const harness = await ControlHarness.open(t);
        harness[host].injectOnce(method, refused());
        const done = await harness.finished(await harness.create());
        t.match(done.error, {
          code: 9,
          message: `step ${step} failed: host host-${host}: the disk is on fire`,
        });
        const info = done.error?.details.find((detail) => detail.typeUrl.endsWith('ErrorInfo'));
        t.match(ErrorInfo.decode(info?.value ?? new Uint8Array()), { reason: 'FIRE', metadata: { step } });
        await checkCleanlyAbsent(t, harness, method);
      });
    }
  },
);

t.test('a create that meets a blip at any call succeeds all the same', async (t) => {
  const harness = await ControlHarness.open(t);
  for (const [method, host] of failures) harness[host].injectOnce(method, away());
  const database = await harness.createOrders();
  t.equal(database.redundancy, 3);
  t.same([...harness.a.snapshots.keys()], []);
});

t.test('an undo that meets a blip is tried again', async (t) => {
  const harness = await ControlHarness.open(t);
  harness.a.injectOnce('connectReplica', refused());
  for (const method of ['deleteReplica', 'deleteSnapshot', 'unmountFileSystem', 'detachVolume', 'stopEngine'])
    harness.a.injectOnce(method, away());
  harness.b.injectOnce('deleteReplica', away());
  t.match((await harness.finished(await harness.create())).error, {
    message: /step connect-replication failed/,
  });
  await checkCleanlyAbsent(t, harness, 'after blips');
});

t.test('an undo that cannot reach a host asks for a person, and a delete cleans up later', async (t) => {
  // The copy asks to be taken into the set at the primary's next heartbeat: after it was undone.
  const harness = await ControlHarness.open(t, { heartbeatMs: 100 });
  harness.a.injectOnce('connectReplica', refused());
  harness.b.injectOnce('deleteReplica', away(), 1000);
  const done = await harness.finished(await harness.create());
  t.match(done.error, {
    message: /undoing step create-secondary-volume failed, and a person is needed: .*host-b/,
  });
  await sleep(250);
  t.match(await harness.get(), { state: 6, redundancy: 5, busyWith: '' });
  const asked = { parent: 'databases/orders', pageSize: 100, pageToken: '' };
  const { events } = await harness.call(EventServiceService.listEvents, asked);
  t.same(
    events.map((event) => event.reason),
    ['CREATE_FAILED', 'CREATE_STARTED'],
    'and the copy that was undone is not taken into the set',
  );
  harness.b.injections = [];
  const request = { name: 'databases/orders', etag: '', requestId: '' };
  const deleted = await harness.finished(await harness.call(DatabaseServiceService.deleteDatabase, request));
  t.equal(deleted.error, undefined);
  await checkCleanlyAbsent(t, harness, 'after the delete');
});

t.test('different major versions of the engine are refused', async (t) => {
  const harness = await ControlHarness.open(t);
  harness.b.engineVersion = '16.2';
  const done = await harness.finished(await harness.create());
  t.match(done.error, {
    message: /step install-engine failed: host-a has postgresql 15.14, host-b has 16.2/,
  });
});

t.test('a daemon that restarts while it seeds is seeded from again, with a new snapshot', async (t) => {
  const harness = await ControlHarness.open(t);
  harness.a.restartsDuringSeed = 2;
  await harness.createOrders();
  const seeds = harness.a.calls.filter((method) => method === 'seedReplica').length;
  t.ok(seeds >= 3, `${String(seeds)} seeds`);
  t.same([...harness.a.snapshots.keys()], []);
});

t.test(
  'a control that dies after any entry of the log ends with the database created',
  { timeout: 100_000 },
  async (t) => {
    const entries = 2 * 14 + 1;
    for (let dies = 1; dies <= entries; dies++) {
      const harness = await ControlHarness.open(t);
      await harness.stopControl();
      let count = 0;
      await harness.startControl({
        afterLog: () => {
          if (++count === dies) throw new Error('the power went');
        },
      });
      await harness.hostsHeard();
      const operation = await harness.create();
      await harness.finished(operation).catch(() => undefined);
      await harness.stopControl();
      await harness.startControl();
      const done = await harness.finished(operation);
      t.equal(done.error, undefined, `after entry ${String(dies)}`);
      t.match(await harness.until((database) => database.redundancy === 3), { state: 2 });
      harness.a.die();
      harness.b.die();
      await harness.stopControl();
    }
  },
);

/** Two workflows that look at the same room before either has taken it; the second acts once the first has. */
function atOnce(around: Surroundings): ReturnType<typeof definitionsOf> {
  const secondLooked = Promise.withResolvers<undefined>();
  let looks = 0;
  const rooms = async (): Promise<readonly HostRoom[]> => {
    const seen = await around.hosts.rooms();
    looks++;
    if (looks === 1) await secondLooked.promise;
    else if (looks === 2) {
      secondLooked.resolve(undefined);
      while ((await around.repository.volumes()).length === 0) await sleep(1);
    }
    return seen;
  };
  return definitionsOf({ ...around, hosts: { ...around.hosts, rooms } });
}

t.test('of two creates at once, on hosts with room for one, one is refused', async (t) => {
  const harness = await ControlHarness.open(t, { hosts: false });
  await harness.stopControl();
  await harness.startControl({ definitions: atOnce });
  for (const double of [harness.a, harness.b]) double.capacityBytes = BigInt(300 * MIB);
  await Promise.all([harness.a.start(), harness.b.start()]);
  await harness.hostsHeard();
  const started = await Promise.all(['one', 'two'].map((databaseId) => harness.create({ databaseId })));
  const done = await Promise.all(started.map((operation) => harness.finished(operation)));
  const messages = done.flatMap(({ error }) => (error === undefined ? [] : [error.message]));
  t.match(messages, [/choose-hosts failed: 256 MiB are needed/]);
  t.equal(messages.length, 1);
});
