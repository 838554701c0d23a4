/** AuditCluster over real gRPC, with doubles for the hosts: what it finds there, and what it mends. */
import t from 'tap';
import { keys } from '../../../control/model/records.ts';
import { openLevelStore } from '../../../control/store/level-store.ts';
import type { Mutation } from '../../../control/store/store.ts';
import { join } from 'node:path';
import { ClusterServiceService as cluster } from '../../../proto/gen/lockstep/v1/cluster_service.ts';
import { DatabaseServiceService as databases } from '../../../proto/gen/lockstep/v1/database_service.ts';
import { SnapshotServiceService as snapshots } from '../../../proto/gen/lockstep/v1/snapshot_service.ts';
import { LockstepError } from '../../../daemon/sys/errors.ts';
import { ControlHarness } from '../../support/control-harness.ts';

/** Puts records there that no workflow would leave. */
async function tamper(harness: ControlHarness, mutations: readonly Mutation[]): Promise<void> {
  await harness.stopControl();
  const store = await openLevelStore(join(harness.folder, 'control'));
  await store.transact([], mutations);
  await store.close();
  await harness.startControl();
  await harness.hostsHeard();
}

t.test('after a create nothing is found; what is put beside it is, and is mended', async (t) => {
  const harness = await ControlHarness.open(t);
  await harness.createOrders();
  const clean = await harness.call(cluster.auditCluster, {});
  t.same(clean.findings, []);
  t.same(clean.unreachable, []);
  t.ok(clean.checked > 5);
  const secondary = harness.b.engines.size === 0 ? harness.b : harness.a;
  secondary.mounts.add('stray-1');
  secondary.devices.add('stray-1');
  secondary.snapshots.set('seed-old', [...secondary.replicas.keys()][0] ?? '');
  const found = await harness.call(cluster.auditCluster, {});
  const subjects = found.findings.map(({ subject }) => subject).sort();
  t.match(subjects, ['/dev/stray-1', '/mnt/stray-1', 'run/volumes/stray-1', /snapshots\/seed-old$/]);
  t.same(new Set(found.findings.map(({ host }) => host)), new Set([`hosts/${secondary.host}`]));
  t.ok(secondary.mounts.has('stray-1'), 'it only looked');
  const repaired = await harness.call(cluster.auditCluster, { repair: true });
  t.same(new Set(repaired.findings.map((finding) => finding.repaired)), new Set([true]));
  t.same((await harness.call(cluster.auditCluster, {})).findings, []);
  t.notOk(secondary.mounts.has('stray-1'));
  t.match(await harness.active(), { state: 2 }, 'the database is as it was');
});

t.test('holds and ports of what is gone are let go', async (t) => {
  const harness = await ControlHarness.open(t);
  await harness.createOrders();
  await harness.stopControl();
  const store = await openLevelStore(join(harness.folder, 'control'));
  const entry = await store.get<object>(keys.database('orders'));
  await store.close();
  const record = { ...entry?.value, busyWith: 'reseed-orders-gone' };
  await tamper(harness, [
    { key: keys.database('orders'), value: record },
    { key: keys.port(5999), value: { database: 'bills' } },
  ]);
  const repaired = await harness.call(cluster.auditCluster, { repair: true });
  t.match(repaired.findings.map(({ subject, repaired: isRepaired }) => [subject, isRepaired]).sort(), [
    ['databases/orders hold', true],
    ['ports/5999', true],
  ]);
  t.same((await harness.call(cluster.auditCluster, {})).findings, []);
  t.equal((await harness.get()).busyWith, '');
});

t.test('a host that cannot be asked is named, and nothing on it is taken for gone', async (t) => {
  const harness = await ControlHarness.open(t);
  await harness.createOrders();
  const database = await harness.get();
  const secondary = database.secondary?.host === 'hosts/host-b' ? harness.b : harness.a;
  secondary.die();
  await harness.until(({ redundancy }) => redundancy !== 3);
  const answer = await harness.call(cluster.auditCluster, {});
  t.same(answer.unreachable, [`hosts/${secondary.host}`]);
  t.same(answer.findings, []);
});

t.test('what cannot be mended says why, and is not called repaired', async (t) => {
  const harness = await ControlHarness.open(t);
  await harness.createOrders();
  const secondary = harness.b.engines.size === 0 ? harness.b : harness.a;
  secondary.snapshots.set('seed-old', [...secondary.replicas.keys()][0] ?? '');

  secondary.injectOnce('deleteSnapshot', new LockstepError('INTERNAL', 'the disk hangs'));
  secondary.injections = secondary.injections.map((one) => ({ ...one, times: 9 }));
  const { findings } = await harness.call(cluster.auditCluster, { repair: true });
  t.match(findings, [{ repaired: false, what: /repairing it failed.*the disk hangs/ }]);
});

t.test('the snapshot of a clone whose host died meanwhile is found when that is back', async (t) => {
  const harness = await ControlHarness.open(t);
  await harness.createOrders();
  const [name, snapshotsOfA] = ['databases/orders', harness.snapshotsOfA];
  harness.b.injectOnce('takeSnapshot', new LockstepError('UNAVAILABLE', 'the answer was lost'), 10);
  snapshotsOfA.beforeClone = async () => {
    harness.b.die();
    await harness.hostsHeard(1);
  };
  const clone = await harness.call(databases.cloneDatabase, { name, databaseId: 'copy' });
  t.equal((await harness.finished(clone)).error, undefined);
  await harness.b.comeBack();
  await harness.until(({ redundancy, busyWith }) => redundancy === 3 && busyWith === '');
  const { findings } = await harness.call(cluster.auditCluster, { repair: true });
  t.match(findings, [
    {
      host: 'hosts/host-b',
      subject: /snapshots\/clone-[\da-f]{8}$/,
      nextStep: /lockstep volume snapshot delete .* --host host-b$/,
      repaired: false,
    },
  ]);
  const [left] = findings;
  await harness.call(snapshots.deleteSnapshot, { name: left?.subject ?? '', host: left?.host ?? '' });
  t.same((await harness.call(cluster.auditCluster, {})).findings, []);
});
