/** A purge whose host is gone: what it leaves there is deleted once the host is heard, or forgotten with the host. */
import { setTimeout as sleep } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { keys } from '../../../control/model/records.ts';
import { openLevelStore } from '../../../control/store/level-store.ts';
import type { ControlOptions } from '../../../control/control.ts';
import { LockstepError } from '../../../daemon/sys/errors.ts';
import { DatabaseServiceService as databases } from '../../../proto/gen/lockstep/v1/database_service.ts';
import { HostServiceService as hosts } from '../../../proto/gen/lockstep/v1/host_service.ts';
import { SnapshotServiceService as snapshots } from '../../../proto/gen/lockstep/v1/snapshot_service.ts';
import { VolumeServiceService as volumes } from '../../../proto/gen/lockstep/v1/volume_service.ts';
import { refusal } from '../../support/control-harness.ts';
import { openRetention, type Retained } from '../../support/retention-harness.ts';
import { twice } from '../../support/twice.ts';

const NAME = 'databases/orders';
const DAY_MS = 24 * 60 * 60_000;

async function until(what: string, isSo: () => boolean | Promise<boolean>): Promise<void> {
  const endMs = performance.now() + 8000;
  while (!(await isSo())) {
    if (performance.now() > endMs) throw new Error(`not so: ${what}`);
    await sleep(5);
  }
}

const isNotFound = (error: unknown): boolean => error instanceof LockstepError && error.code === 'NOT_FOUND';
const isGone = async (asked: Promise<unknown>): Promise<boolean> => asked.then(() => false, isNotFound);

/** Two days on by control's wall clock, as seen by a control that starts now. */
async function later({ harness }: Retained, extra: Partial<ControlOptions> = {}): Promise<void> {
  await harness.stopControl();
  await harness.startControl({ wallClock: () => Date.now() + 2 * DAY_MS, ...extra });
}

async function deleted(
  t: Test,
  request: { readonly skipFinalSnapshot?: boolean; readonly finalSnapshotId?: string },
) {
  const run = await openRetention(t);
  // One that this control never heard is waited for as long as one that is lost.
  run.harness.replaceAfterSeconds = 1;
  t.equal((await run.done(databases.deleteDatabase, { name: NAME, ...request })).error, undefined);
  return run;
}

/** Of the control that is stopped for it, when the answers that are on their way have come. */
async function droppedCopies({ harness }: Retained): Promise<readonly string[]> {
  await sleep(100);
  await harness.stopControl();
  const store = await openLevelStore(`${harness.folder}/control`);
  try {
    return (await store.list(keys.droppedCopies)).map(({ key }) => key);
  } finally {
    await store.close();
  }
}

for (const which of ['a', 'b'] as const) {
  const host = `host-${which}`;

  t.test(
    `a deleted database goes although ${host} died with a copy, and ${host} can be removed`,
    async (t) => {
      const run = await deleted(t, { skipFinalSnapshot: true });
      const { harness } = run;
      harness[which].die();
      t.match(await refusal(harness.call(hosts.removeHost, { name: `hosts/${host}` })), {
        reason: 'HOST_HOLDS_COPIES',
      });
      await later(run);
      await until('the database is gone', () => isGone(harness.get()));
      t.match(run.leftovers(), [new RegExp(`^${host}: replica`)], 'nothing on the host that lives');
      await harness.call(hosts.removeHost, { name: `hosts/${host}` });
      t.match(await refusal(harness.call(hosts.getHost, { name: `hosts/${host}` })), { code: 'NOT_FOUND' });
      await harness.call(hosts.registerHost, { hostId: host, zone: which });
      await harness[which].comeBack();
      await until('what it still had is deleted', () => run.leftovers().length === 0);
      t.strictSame(await droppedCopies(run), []);
    },
  );
}

t.test('a host that comes back after the purge is rid of its copy', async (t) => {
  const run = await deleted(t, { skipFinalSnapshot: true });
  const { harness } = run;
  harness.b.die();
  await later(run);
  await until('the database is gone', () => isGone(harness.get()));
  await harness.b.comeBack();
  await until('its copy is deleted', () => run.leftovers().length === 0);
  t.strictSame(await droppedCopies(run), []);
});

t.test('an archive whose last snapshot is deleted goes although a host died with a copy', async (t) => {
  const run = await deleted(t, { finalSnapshotId: 'the-end' });
  const { harness } = run;
  const name = (await harness.get()).volume;
  await later(run);
  await until('the database is gone', () => isGone(harness.get()));
  harness.b.die();
  await harness.call(snapshots.deleteSnapshot, { name: `${name}/snapshots/the-end` });
  await until('the archive is gone', () => isGone(harness.call(volumes.getVolume, { name })));
  await harness.b.comeBack();
  await until('its copy is deleted', () => run.leftovers().length === 0);
});

t.test('a volume without an engine is deleted although a host died with a copy', async (t) => {
  const run = await openRetention(t);
  const { harness, done } = run;
  await done(volumes.createVolume, { volumeId: 'plain', sizeBytes: 1024n * 1024n });
  const other = [...harness.b.replicas.keys()].filter((volume) => volume.startsWith('orders'));
  harness.b.die();
  await until('it is silent', async () => {
    return !(await harness.call(hosts.getHost, { name: 'hosts/host-b' })).reachable;
  });
  await until('nothing holds it', async () => (await harness.get('databases/plain')).busyWith === '');
  t.equal((await done(volumes.deleteVolume, { name: 'databases/plain' })).error, undefined);
  await harness.b.comeBack();
  await until('its copy is deleted', () => harness.b.replicas.size === 1);
  t.strictSame([...harness.b.replicas.keys()], other);
});

t.test('a purge that is taken up again remembers which hosts were gone', async (t) => {
  const run = await deleted(t, { skipFinalSnapshot: true });
  const { harness } = run;
  harness.b.die();
  let hasDied = false;
  await later(run, {
    afterLog(entry) {
      if (entry.kind !== 'step-done' || entry.step !== 'delete-replicas') return;
      hasDied = true;
      throw new Error('control dies');
    },
  });
  await until('control has died', () => hasDied);
  t.match(run.leftovers(), [/^host-b: replica/]);
  await harness.stopControl();
  await harness.b.comeBack();
  await later(run);
  await until('the database is gone', () => isGone(harness.get()));
  await until('the copy is deleted', () => run.leftovers().length === 0);
});

t.test('a purge with a host that is gone stands being run twice', async (t) => {
  const run = await deleted(t, { skipFinalSnapshot: true });
  run.harness.b.die();
  await later(run, { definitions: twice });
  await until('the database is gone', () => isGone(run.harness.get()));
  t.strictSame((await droppedCopies(run)).length, 1);
});
