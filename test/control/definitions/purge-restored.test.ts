/** A control store that comes back from a backup in which a database is deleted that was undeleted since. */
import { cp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { DatabaseServiceService as databases } from '../../../proto/gen/lockstep/v1/database_service.ts';
import { openRetention, type Retained } from '../../support/retention-harness.ts';

const NAME = 'databases/orders';
const [ACTIVE, DELETED] = [2, 10];
const DAY_MS = 24 * 60 * 60_000;
/** Far beyond the time in which control waits for its hosts. */
const LONG_MS = 2000;
const inTwoDays = { wallClock: () => Date.now() + 2 * DAY_MS };

/** In use again; control is stopped, and its store is that of before. */
async function restored(t: Test): Promise<Retained> {
  const run = await openRetention(t);
  const { harness, done } = run;
  t.equal((await done(databases.deleteDatabase, { name: NAME, skipFinalSnapshot: true })).error, undefined);
  const [control, backup] = [join(harness.folder, 'control'), join(harness.folder, 'backup')];
  await harness.stopControl();
  await cp(control, backup, { recursive: true });
  await harness.startControl();
  await harness.hostsHeard();
  t.equal((await done(databases.undeleteDatabase, { name: NAME })).error, undefined);
  await harness.until(({ state, redundancy }) => state === ACTIVE && redundancy === 3);
  await harness.stopControl();
  await rm(control, { recursive: true });
  await cp(backup, control, { recursive: true });
  return run;
}

t.test('what was undeleted since the backup is not purged: its grace time begins anew', async (t) => {
  const { harness, done } = await restored(t);
  await harness.startControl(inTwoDays);
  await sleep(LONG_MS);
  const database = await harness.get();
  t.match(database, { state: DELETED, busyWith: '' });
  t.ok((database.expireTime?.getTime() ?? 0) > inTwoDays.wallClock() + DAY_MS - 60_000);
  t.strictSame([harness.a.engines.size, harness.a.replicas.size, harness.b.replicas.size], [1, 1, 1]);
  t.equal((await done(databases.undeleteDatabase, { name: NAME })).error, undefined);
  await harness.until(({ state, redundancy }) => state === ACTIVE && redundancy === 3);
});

t.test('nor while the host that may know of it has not been heard', async (t) => {
  const { harness } = await restored(t);
  harness.a.die();
  // It was told where the store stood, and knows of no newer generation.
  for (const replica of harness.b.replicas.values())
    replica.view = { ...replica.view, generation: replica.view.generation - 1n };
  await harness.startControl(inTwoDays);
  await sleep(LONG_MS);
  t.match(await harness.get(), { state: DELETED, busyWith: '' });
  t.equal(harness.b.replicas.size, 1);
  await harness.a.comeBack();
  await sleep(LONG_MS);
  t.match(await harness.get(), { state: DELETED });
  t.strictSame([harness.a.replicas.size, harness.b.replicas.size], [1, 1]);
});

t.test('nor where none of its hosts comes up for a while', async (t) => {
  const { harness } = await restored(t);
  harness.a.die();
  harness.b.die();
  await harness.startControl(inTwoDays);
  await sleep(LONG_MS);
  t.match(await harness.get(), { state: DELETED, busyWith: '' });
  await Promise.all([harness.a.comeBack(), harness.b.comeBack()]);
  const { expireTime } = await harness.until(
    (database) => (database.expireTime?.getTime() ?? 0) > inTwoDays.wallClock(),
  );
  t.ok(expireTime);
  t.strictSame([harness.a.replicas.size, harness.b.replicas.size], [1, 1]);
  t.match(await harness.events(), [{ reason: 'GRACE_RENEWED' }]);
});

t.test('a purge that hears of it before it deletes a copy leaves the database deleted', async (t) => {
  const run = await openRetention(t);
  const { harness, done } = run;
  t.equal((await done(databases.deleteDatabase, { name: NAME, skipFinalSnapshot: true })).error, undefined);
  await harness.stopControl();
  let isTold = false;
  await harness.startControl({
    ...inTwoDays,
    afterLog(entry) {
      if (entry.kind !== 'step-done' || entry.step !== 'release-hosts' || isTold) return Promise.resolve();
      isTold = true;
      for (const replica of harness.a.replicas.values())
        replica.view = { ...replica.view, generation: replica.view.generation + 1n };
      // Longer than a heartbeat takes.
      return sleep(200);
    },
  });
  while (!isTold) await sleep(5);
  await harness.until(({ state, busyWith }) => state === DELETED && busyWith === '');
  t.strictSame([harness.a.replicas.size, harness.b.replicas.size], [1, 1]);
});
