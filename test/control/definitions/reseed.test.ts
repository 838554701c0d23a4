/** A person has a replica copied to, at once or anew. */
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { LockstepError } from '../../../daemon/sys/errors.ts';
import type { Operation } from '../../../proto/gen/google/longrunning/operations.ts';
import {
  type Database,
  DatabaseServiceService as service,
  Redundancy,
  RedundancyMode,
  type ReseedDatabaseRequest,
} from '../../../proto/gen/lockstep/v1/database_service.ts';
import { ControlHarness, refusal } from '../../support/control-harness.ts';
import { openTwice } from '../../support/twice.ts';

const name = 'databases/orders';
const isWhole = ({ redundancy, busyWith }: Database): boolean =>
  redundancy === Redundancy.REDUNDANCY_IN_SYNC && busyWith === '';
const reseed = (harness: ControlHarness, more: Partial<ReseedDatabaseRequest> = {}): Promise<Operation> =>
  harness.call(service.reseedDatabase, { name, ...more });

t.test('a replica in sync is copied to anew: it leaves the set, and its copy is made again', async (t) => {
  const harness = await ControlHarness.open(t);
  await harness.createOrders();
  const before = await harness.until(isWhole);
  harness.b.calls.length = 0;
  const operation = await reseed(harness, { anew: true });
  const seen = new Set<Redundancy>();
  for (let database = await harness.get(); !isWhole(database); database = await harness.get()) {
    seen.add(database.redundancy);
    await sleep(1);
  }
  t.equal((await harness.finished(operation)).error, undefined);
  t.ok(seen.has(Redundancy.REDUNDANCY_RESYNCING));
  t.notOk(seen.has(Redundancy.REDUNDANCY_NONE));
  const made = harness.b.calls.filter((call) => call === 'deleteReplica' || call === 'createReplica');
  t.same(made, ['deleteReplica', 'createReplica']);
  t.equal((await harness.get()).generation, before.generation + 2n, 'out of the set, and in again');
  t.match(await harness.get(), { primary: { host: 'host-a' }, safeToFailOver: true });
  t.same([...harness.a.snapshots.keys()], []);
});

t.test('one that is in sync is left alone without that word, and what cannot be is refused', async (t) => {
  const harness = await ControlHarness.open(t);
  await harness.createOrders();
  await harness.until(isWhole);
  t.match(await refusal(reseed(harness)), { reason: 'ALREADY_IN_SYNC', metadata: { next: /--anew/ } });
  t.match(await refusal(reseed(harness, { host: 'hosts/host-x' })), {
    code: 'INVALID_ARGUMENT',
    violations: [{ field: 'host', allowed: 'hosts/host-b' }],
  });
  t.match(await refusal(reseed(harness, { etag: '1.1', anew: true })), { reason: 'ETAG_MISMATCH' });
  t.match(await reseed(harness, { anew: true, validateOnly: true }), { done: true, name: '' });
  t.equal((await harness.get()).busyWith, '');
  harness.b.die();
  await harness.until(({ generation, busyWith }) => generation === 3n && busyWith === '');
  await harness.until(({ secondary }) => secondary?.reachable === false);
  t.match(await refusal(reseed(harness)), {
    reason: 'HOST_UNREACHABLE',
    metadata: { next: /bring host-b back/ },
  });
});

t.test('a single copy has nobody to be copied to', async (t) => {
  const harness = await ControlHarness.open(t);
  await harness.createOrders();
  await harness.until(isWhole);
  const redundancyMode = RedundancyMode.REDUNDANCY_MODE_SINGLE;
  await harness.finished(await harness.call(service.convertRedundancy, { name, redundancyMode }));
  t.match(await refusal(reseed(harness)), { reason: 'ONE_COPY', metadata: { next: /--to replicated/ } });
});

t.test('a reseed that waits for its next try is begun at once on a word', async (t) => {
  const harness = await ControlHarness.open(t);
  await harness.createOrders();
  await harness.until(isWhole);
  harness.b.die();
  await harness.until(({ generation, busyWith }) => generation === 3n && busyWith === '');
  // Three tries fail: the next one would come four seconds later.
  harness.a.injectOnce('seedReplica', new LockstepError('FAILED_PRECONDITION', 'no'), 3);
  await harness.b.comeBack();
  await harness.until(() => harness.a.injections[0]?.times === 0);
  await harness.until(({ busyWith }) => busyWith === '');
  const beganMs = performance.now();
  t.equal((await harness.finished(await reseed(harness))).error, undefined);
  await harness.until(isWhole);
  t.ok(performance.now() - beganMs < 2000);
});

t.test('one that fails on its way is reseeded by the monitor', async (t) => {
  for (const method of ['deleteReplica', 'createReplica']) {
    const harness = await ControlHarness.open(t);
    await harness.createOrders();
    await harness.until(isWhole);
    harness.b.injectOnce(method, new LockstepError('FAILED_PRECONDITION', 'no'));
    const done = await harness.finished(await reseed(harness, { anew: true }));
    t.match(done.error, { message: /step prepare-target failed/ });
    t.match(await harness.until(isWhole), { secondary: { host: 'host-b' } }, method);
    await harness.stopControl();
  }
});

t.test('a replica does not leave the set of a primary that has just died: it takes over', async (t) => {
  const harness = await ControlHarness.open(t);
  await harness.createOrders();
  await harness.until(isWhole);
  await harness.stopControl();
  await harness.startControl({
    afterLog(entry) {
      if (entry.kind === 'step-started' && entry.step === 'leave-set') harness.a.die();
    },
  });
  await harness.hostsHeard();
  await harness.until(({ state, primary }) => state === 2 && primary?.reachable === true);
  const done = await harness.finished(await reseed(harness, { anew: true }));
  t.match(done.error, { message: /host-a is to go on with fewer copies/ });
  await harness.until(({ state, primary }) => state === 2 && primary?.host === 'host-b');
});

t.test('a reseed anew stands being run twice', async (t) => {
  const harness = await openTwice(t);
  await harness.createOrders();
  await harness.until(isWhole);
  t.equal((await harness.finished(await reseed(harness, { anew: true }))).error, undefined);
  await harness.until(isWhole);
});
