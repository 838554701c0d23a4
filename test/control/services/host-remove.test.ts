/** RemoveHost: what helps where a host still has copies, and what is forgotten with it. */
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { keys, type LeftSnapshotRecord } from '../../../control/model/records.ts';
import { openLevelStore } from '../../../control/store/level-store.ts';
import type { ControlStore } from '../../../control/store/store.ts';
import type { LockstepError } from '../../../daemon/sys/errors.ts';
import { DatabaseServiceService as databases } from '../../../proto/gen/lockstep/v1/database_service.ts';
import {
  HostServiceService as service,
  ZoneServiceService,
} from '../../../proto/gen/lockstep/v1/host_service.ts';
import { ControlHarness, refusal } from '../../support/control-harness.ts';
import { openRetention, type Retained } from '../../support/retention-harness.ts';

const ORDERS = 'databases/orders';
const name = 'hosts/host-b';

const remove = ({ harness }: Pick<Retained, 'harness'>): Promise<LockstepError> =>
  refusal(harness.call(service.removeHost, { name }));

async function isGone({ harness }: Retained): Promise<void> {
  while ((await harness.call(service.getHost, { name })).reachable)
    await new Promise((resolve) => setTimeout(resolve, 5));
}

async function deleted(t: Test, finalSnapshotId: string, graceHours: number): Promise<Retained> {
  const run = await openRetention(t, {}, { graceHours });
  const skipFinalSnapshot = finalSnapshotId === '';
  const request = { name: ORDERS, finalSnapshotId, skipFinalSnapshot };
  t.equal((await run.done(databases.deleteDatabase, request)).error, undefined);
  run.harness.b.die();
  await isGone(run);
  return run;
}

t.test('of a copy of a deleted database it is said when it goes, and how it comes back', async (t) => {
  const run = await deleted(t, '', 24);
  const { metadata, ...refused } = await remove(run);
  t.match(refused, { reason: 'HOST_HOLDS_COPIES' });
  const { expireTime } = await run.harness.get();
  t.equal(
    metadata['next'],
    'databases/orders is deleted: lockstep database undelete orders brings it back, so that it can be moved; ' +
      `or it goes at ${expireTime?.toISOString() ?? ''}`,
  );
});

t.test('of one with a final snapshot it is said that this stays', async (t) => {
  const run = await deleted(t, 'the-end', 24);
  const { metadata } = await remove(run);
  t.match(
    metadata['next'],
    /Z but for its final snapshot: lockstep snapshot delete orders-[0-9a-f]+@the-end$/,
  );
});

t.test('an archive is shown as the volume that it is, and goes with its snapshots', async (t) => {
  const run = await deleted(t, 'the-end', 0);
  const { harness } = run;
  const isThere = (): Promise<boolean> =>
    harness.get().then(
      () => true,
      () => false,
    );
  while (await isThere()) await new Promise((resolve) => setTimeout(resolve, 5));
  const [volume = ''] = harness.a.replicas.keys();
  const { primaries, secondaries } = await harness.call(service.getHost, { name });
  t.strictSame([primaries, secondaries], [[], [`volumes/${volume}`]]);
  const { zones } = await harness.call(ZoneServiceService.listZones, {});
  t.match(zones, [{ databases: 0 }, { databases: 0 }]);
  const { message, metadata } = await remove(run);
  t.equal(message, `hosts/host-b has copies of volumes/${volume}`);
  t.match(metadata['next'], `lockstep snapshot list ${volume}`);
  t.notMatch(metadata['next'], 'drain');
  const drained = await refusal(harness.call(service.drainHost, { name }));
  t.match(drained.message, `volumes/${volume}: it is kept for its snapshots`);
});

t.test('with a host goes what was to be deleted on it when it is heard again', async (t) => {
  const harness = await ControlHarness.open(t);
  const c = await harness.addHost('host-c', 'c');
  await harness.hostsHeard(3);
  c.die();
  await harness.stopControl();
  const inStore = async <Value>(act: (store: ControlStore) => Promise<Value>): Promise<Value> => {
    const store = await openLevelStore(join(harness.folder, 'control'));
    try {
      return await act(store);
    } finally {
      await store.close();
    }
  };
  const left = ['host-c', 'host-c2'].map((host): LeftSnapshotRecord => ({
    host,
    volume: 'orders-1',
    snapshot: 'seed-1',
  }));
  await inStore((store) =>
    store.transact(
      [],
      left.map((value) => ({ key: keys.leftSnapshot(value), value })),
    ),
  );
  await harness.startControl();
  await harness.call(service.removeHost, { name: 'hosts/host-c' });
  await harness.stopControl();
  const entries = await inStore((store) => store.list<LeftSnapshotRecord>(keys.leftSnapshots));
  t.same(
    entries.map(({ value }) => value.host),
    ['host-c2'],
  );
});
