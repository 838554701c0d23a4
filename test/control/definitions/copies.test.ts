/** Copies that are added, replaced and dropped while a database is served. */
import { setTimeout as sleep } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { LockstepError } from '../../../daemon/sys/errors.ts';
import type { Operation } from '../../../proto/gen/google/longrunning/operations.ts';
import {
  type ConvertRedundancyRequest,
  type Database,
  DatabaseServiceService as service,
  Redundancy,
  RedundancyMode,
} from '../../../proto/gen/lockstep/v1/database_service.ts';
import type { LogEntry } from '../../../control/workflow/workflow.ts';
import { ControlHarness, refusal } from '../../support/control-harness.ts';

const name = 'databases/orders';
const SINGLE = RedundancyMode.REDUNDANCY_MODE_SINGLE;
const REPLICATED = RedundancyMode.REDUNDANCY_MODE_REPLICATED;

const convert = (
  harness: ControlHarness,
  redundancyMode: RedundancyMode,
  more: Partial<ConvertRedundancyRequest> = {},
): Promise<Operation> => harness.call(service.convertRedundancy, { name, redundancyMode, ...more });

const isIdle = ({ busyWith }: Database): boolean => busyWith === '';

/** One copy, on host-a. */
async function single(harness: ControlHarness): Promise<void> {
  await harness.createOrders();
  await harness.until(isIdle);
  const done = await harness.finished(await convert(harness, SINGLE));
  if (done.error !== undefined) throw new Error(done.error.message);
  await harness.until(
    ({ redundancy, primary }) => redundancy === Redundancy.REDUNDANCY_NONE && primary?.role === 'SOLO',
  );
}

async function quietly(t: Test, isSo: () => boolean): Promise<void> {
  const endMs = performance.now() + 4000;
  while (!isSo() && performance.now() < endMs) await sleep(5);
  t.ok(isSo());
}

/** Since the workflow that is looked at, in order. */
const reasons = async (harness: ControlHarness): Promise<string[]> =>
  (await harness.events()).map(({ reason }) => reason).reverse();

t.test(
  'a replicated database becomes a single one: the other copy is gone, and nothing comes back',
  async (t) => {
    const harness = await ControlHarness.open(t);
    await single(harness);
    t.match(await harness.get(), {
      state: 2,
      redundancyMode: SINGLE,
      secondary: undefined,
      primary: { host: 'host-a' },
      reason: 'one copy was asked for; it is on host-a',
    });
    t.same(harness.b.leftovers(), []);
    await sleep(100);
    t.match(await harness.get(), { redundancy: Redundancy.REDUNDANCY_NONE, busyWith: '' });
    t.match(await refusal(convert(harness, SINGLE)), { reason: 'ALREADY_SINGLE' });
    t.same((await reasons(harness)).slice(-2), ['CONVERT_STARTED', 'CONVERTED']);
  },
);

t.test(
  'a single database becomes a replicated one, in sync, with the engine on the new host first',
  async (t) => {
    const harness = await ControlHarness.open(t);
    await single(harness);
    harness.b.calls.length = 0;
    const seen = new Set<Redundancy>();
    const operation = await convert(harness, REPLICATED);
    const done = harness.finished(operation);
    for (let database = await harness.get(); !isIdle(database); database = await harness.get())
      seen.add(database.redundancy);
    t.equal((await done).error, undefined);
    t.ok(seen.has(Redundancy.REDUNDANCY_SEEDING));
    t.notOk(seen.has(Redundancy.REDUNDANCY_NONE), 'nor is it called whole while it is made');
    t.match(await harness.until((database) => database.redundancy === Redundancy.REDUNDANCY_IN_SYNC), {
      redundancyMode: REPLICATED,
      primary: { host: 'host-a' },
      secondary: { host: 'host-b', role: 'SECONDARY' },
    });
    t.same(
      harness.b.calls.filter((call) => call === 'installEngine' || call === 'createReplica'),
      ['installEngine', 'createReplica'],
    );
    t.same([...harness.a.snapshots.keys()], []);
    t.match(await refusal(convert(harness, REPLICATED)), {
      reason: 'ALREADY_REPLICATED',
      metadata: { next: /reseed/ },
    });
  },
);

t.test('a second copy goes where it is asked for, and a place that cannot be is refused', async (t) => {
  const harness = await ControlHarness.open(t);
  await harness.addHost('host-c', 'c');
  await harness.addHost('host-a2', 'a');
  await single(harness);
  const place = (where: string): Promise<Operation> => convert(harness, REPLICATED, { place: where });
  t.match(await refusal(place('hosts/host-x')), { violations: [{ field: 'place' }] });
  t.match(await refusal(place('somewhere')), { code: 'INVALID_ARGUMENT' });
  t.match(await refusal(place('hosts/host-a2')), {
    reason: 'NO_FITTING_HOST',
    message: /host-a2, in the zone of the other copy/,
  });
  t.match(await refusal(convert(harness, 0)), { violations: [{ field: 'redundancy_mode' }] });
  const would = await convert(harness, REPLICATED, { place: 'zones/c', validateOnly: true });
  t.match(would, { done: true, name: '' });
  t.match(await harness.get(), { redundancyMode: SINGLE, busyWith: '' });
  t.equal((await harness.finished(await place('zones/c'))).error, undefined);
  t.match(await harness.get(), { secondary: { host: 'host-c' } });
});

t.test(
  'the same request again answers the same operation, and another one meanwhile is ABORTED',
  async (t) => {
    const harness = await ControlHarness.open(t);
    await single(harness);
    const requestId = '0b5a1e2c-0000-4000-8000-000000000001';
    const first = await convert(harness, REPLICATED, { requestId });
    t.match(await refusal(convert(harness, REPLICATED)), {
      code: 'ABORTED',
      reason: 'DATABASE_BUSY',
      metadata: { operation: first.name },
    });
    await harness.finished(first);
    t.equal((await convert(harness, REPLICATED, { requestId })).name, first.name);
    const stale = convert(harness, SINGLE, { etag: '1.1' });
    t.match(await refusal(stale), { code: 'ABORTED', reason: 'ETAG_MISMATCH' });
  },
);

t.test('towards one copy the primary stays; to keep the other is a switchover first', async (t) => {
  const harness = await ControlHarness.open(t);
  await harness.createOrders();
  await harness.until(isIdle);
  t.match(await refusal(convert(harness, SINGLE, { place: 'hosts/host-b' })), {
    code: 'FAILED_PRECONDITION',
    reason: 'NOT_PRIMARY',
    metadata: { next: /switchover orders/ },
  });
  const done = await harness.finished(await convert(harness, SINGLE, { place: 'hosts/host-a' }));
  t.equal(done.error, undefined);
});

t.test('a conversion that fails at any step leaves one copy, and nothing on the new host', async (t) => {
  const onSource = ['setView', 'seedReplica', 'connectReplica', 'deleteSnapshot'];
  const onTarget = ['installEngine', 'createReplica'];
  for (const method of [...onSource, ...onTarget]) {
    const harness = await ControlHarness.open(t);
    await single(harness);
    const host = onSource.includes(method) ? harness.a : harness.b;
    host.injectOnce(method, new LockstepError('FAILED_PRECONDITION', 'no'));
    const done = await harness.finished(await convert(harness, REPLICATED));
    t.match(done.error, { message: /step .* failed: .*no/ }, method);
    const after = await harness.until(
      (database) => isIdle(database) && database.redundancy === Redundancy.REDUNDANCY_NONE,
    );
    t.match(after, { redundancyMode: SINGLE, state: 2, secondary: undefined }, method);
    await quietly(t, () => harness.b.leftovers().length === 0);
    t.same([...harness.a.snapshots.keys()], [], method);
    t.same((await reasons(harness)).at(-1), 'CONVERT_FAILED');
    await harness.stopControl();
  }
});

t.test(
  'a host that dies while it is copied to costs nothing, and what it has is deleted when it is back',
  async (t) => {
    const harness = await ControlHarness.open(t);
    await single(harness);
    harness.a.injectOnce('connectReplica', new LockstepError('FAILED_PRECONDITION', 'no'));
    const operation = await convert(harness, REPLICATED);
    await quietly(t, () => harness.b.replicas.size > 0);
    harness.b.die();
    t.not((await harness.finished(operation)).error, undefined);
    // A busy machine may have the other host late with a heartbeat.
    const after = await harness.until((database) => isIdle(database) && database.state === 2);
    t.equal(after.redundancy, Redundancy.REDUNDANCY_NONE);
    t.equal(harness.b.replicas.size, 1);
    await harness.b.comeBack();
    await quietly(t, () => harness.b.replicas.size === 0);
  },
);

/** Control and host-a die once such an entry is written; control comes back alone. */
async function bothDieAt(
  harness: ControlHarness,
  at: { readonly kind: LogEntry['kind']; readonly step: string },
  begin: () => Promise<unknown>,
): Promise<void> {
  await harness.stopControl();
  await harness.startControl({
    afterLog(entry) {
      if (entry.kind !== at.kind || !('step' in entry) || entry.step !== at.step) return;
      harness.a.die();
      throw new Error('control dies as well');
    },
  });
  await harness.hostsHeard();
  await harness.until(({ state, primary }) => state === 2 && primary?.reachable === true);
  await begin();
  while (harness.a.isAlive) await sleep(1);
  await harness.stopControl();
  await harness.startControl();
}

t.test('a new copy that came into the set takes over where the primary is lost meanwhile', async (t) => {
  const harness = await ControlHarness.open(t);
  await single(harness);
  harness.a.injectOnce('deleteSnapshot', new LockstepError('FAILED_PRECONDITION', 'no'));
  await bothDieAt(harness, { kind: 'step-failed', step: 'drop-snapshot' }, () =>
    convert(harness, REPLICATED),
  );
  await harness.until(({ state, primary }) => state === 2 && primary?.host === 'host-b');
});

t.test('the second copy is not dropped where the primary is lost meanwhile: it takes over', async (t) => {
  const harness = await ControlHarness.open(t);
  await harness.createOrders();
  await harness.until(isIdle);
  await bothDieAt(harness, { kind: 'step-started', step: 'drop-copy' }, () => convert(harness, SINGLE));
  await harness.until(({ state, primary }) => state === 2 && primary?.host === 'host-b');
});

async function withThird(t: Test): Promise<{ harness: ControlHarness; c: ControlHarness['a'] }> {
  const harness = await ControlHarness.open(t);
  harness.replaceAfterSeconds = 1;
  await harness.stopControl();
  await harness.startControl();
  const c = await harness.addHost('host-c', 'c');
  await harness.hostsHeard(3);
  await harness.createOrders();
  await harness.until(isIdle);
  return { harness, c };
}

t.test(
  'a secondary that stays away is replaced on another host, and gives its old copy up when it is back',
  async (t) => {
    const { harness, c } = await withThird(t);
    harness.b.die();
    const said = /bring host-b back; .*; else host-c gets its copy (in 1 s|soon)/;
    const lost = await harness.until(({ nextStep }) => said.test(nextStep));
    t.match(lost, { redundancy: Redundancy.REDUNDANCY_DEGRADED });
    const made = await harness.until(({ redundancy }) => redundancy === Redundancy.REDUNDANCY_RESYNCING);
    t.match(made, { reason: /one copy only while another is made anew/ });
    t.match(await harness.until((database) => database.redundancy === 3 && isIdle(database)), {
      primary: { host: 'host-a' },
      secondary: { host: 'host-c' },
      redundancyMode: REPLICATED,
    });
    t.equal(c.replicas.size, 1);
    t.same((await reasons(harness)).slice(-3), ['REPLACE_STARTED', 'IN_SYNC', 'REPLACED']);
    t.equal(harness.b.replicas.size, 1);
    await harness.b.comeBack();
    await quietly(t, () => harness.b.replicas.size === 0);
    t.match(await harness.get(), { redundancy: 3, secondary: { host: 'host-c' } });
  },
);

t.test('where no other host fits, the view says why, and the old copy is waited for', async (t) => {
  const { harness, c } = await withThird(t);
  c.capacityBytes = 1n;
  harness.b.die();
  const stuck = await harness.until(({ nextStep }) => /no other host can take its copy/.test(nextStep));
  t.match(stuck, { nextStep: /zone c: host host-c, 0 MiB free/, redundancy: Redundancy.REDUNDANCY_DEGRADED });
  await sleep(1200);
  t.match(await harness.get(), { busyWith: '' });
  await harness.b.comeBack();
  t.match(await harness.until((database) => database.redundancy === 3), { secondary: { host: 'host-b' } });
});

t.test(
  'a replacement that fails at any step leaves the old copy in the record, and is tried again',
  async (t) => {
    for (const method of [
      'createReplica',
      'installEngine',
      'seedReplica',
      'connectReplica',
      'deleteSnapshot',
    ]) {
      const { harness, c } = await withThird(t);
      const isOnTarget = method === 'createReplica' || method === 'installEngine';
      const host = isOnTarget ? c : harness.a;
      host.injectOnce(method, new LockstepError('FAILED_PRECONDITION', 'no'));
      harness.b.die();
      await harness.until(
        (database) => database.redundancy === 3 && database.secondary?.host === 'host-c' && isIdle(database),
      );
      const told = (await reasons(harness)).filter((reason) => reason.startsWith('REPLACE'));
      t.same(told, ['REPLACE_STARTED', 'REPLACE_FAILED', 'REPLACED'], method);
      t.same([...harness.a.snapshots.keys()], [], method);
      await harness.stopControl();
    }
  },
);

t.test(
  'an old copy that comes back and lacks less than the new one is brought up to date instead',
  async (t) => {
    const { harness, c } = await withThird(t);
    harness.a.holdsSeed = true;
    harness.b.die();
    await harness.until(({ busyWith }) => busyWith.includes('replace'));
    await quietly(t, () => harness.a.calls.includes('seedReplica') && c.replicas.size === 1);
    harness.a.dirty = [{ host: 'host-b', dirtyBytes: 65_536n, known: true }];
    await harness.b.comeBack();
    await harness.until(({ busyWith }) => !busyWith.includes('replace'));
    harness.a.holdsSeed = false;
    const whole = await harness.until((database) => database.redundancy === 3 && isIdle(database));
    t.match(whole, { secondary: { host: 'host-b' } });
    await quietly(t, () => c.replicas.size === 0);
    const failed = (await harness.events()).find(({ reason }) => reason === 'REPLACE_FAILED');
    t.match(failed, { message: /host-b is back, and lacks less than host-c/ });
  },
);

t.test(
  'an old copy that comes back and lacks more than is left of the new one is given up all the same',
  async (t) => {
    const { harness } = await withThird(t);
    harness.a.holdsSeed = true;
    harness.b.die();
    await harness.until(({ busyWith }) => busyWith.includes('replace'));
    await quietly(t, () => harness.a.calls.includes('seedReplica'));
    harness.a.dirty = [{ host: 'host-b', dirtyBytes: 2n ** 40n, known: true }];
    await harness.b.comeBack();
    await sleep(150);
    t.match(await harness.get(), {
      redundancy: Redundancy.REDUNDANCY_RESYNCING,
      secondary: { host: 'host-c' },
    });
    await harness.until(({ busyWith }) => busyWith.includes('replace'));
    for (const replica of harness.a.replicas.values())
      if (replica.copy !== undefined) replica.copy = { ...replica.copy, phase: 'SEEDED' };
    const whole = await harness.until((database) => database.redundancy === 3 && isIdle(database));
    t.match(whole, { secondary: { host: 'host-c' } });
    await quietly(t, () => harness.b.replicas.size === 0);
  },
);
