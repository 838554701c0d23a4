/** A volume is asked to grow: whose turn it is, what is refused, and what is recorded of what stopped on its way. */
import t, { type Test } from 'tap';
import { LockstepError } from '../../../daemon/sys/errors.ts';
import { SnapshotServiceService as snapshots } from '../../../proto/gen/lockstep/v1/snapshot_service.ts';
import { VolumeServiceService as service } from '../../../proto/gen/lockstep/v1/volume_service.ts';
import { ControlHarness, MIB, refusal } from '../../support/control-harness.ts';
import { SnapshotDouble } from '../../support/snapshot-double.ts';

const NAME = 'databases/copy';
const OLD = BigInt(64 * MIB);
const NEW = BigInt(128 * MIB);

/** A database with an engine, and a clone `copy` of it on host-a. */
async function withClone(t: Test): Promise<{ harness: ControlHarness; size: () => bigint | undefined }> {
  const harness = await ControlHarness.open(t, { hosts: false });
  const double = new SnapshotDouble();
  double.cloneBytes = OLD;
  double.names.add('monday');
  harness.a.addServices = (server) => {
    double.addTo(server);
  };
  await Promise.all([harness.a.start(), harness.b.start()]);
  await harness.hostsHeard();
  await harness.createOrders();
  const [origin] = harness.a.replicas.values();
  const name = 'databases/orders/snapshots/monday';
  await harness.call(snapshots.cloneSnapshot, { name, cloneId: 'copy', host: 'hosts/host-a' });
  const [volume = ''] = double.clones;
  if (origin === undefined) throw new Error('host-a has no replica');
  const view = { ...origin.view, volume, generation: 1n, inSync: ['host-a'] };
  harness.a.replicas.set(volume, { ...origin, volume, view, state: 'SOLO', sizeBytes: OLD });
  return { harness, size: () => harness.a.replicas.get(volume)?.sizeBytes };
}

const grow = (harness: ControlHarness, sizeBytes: bigint, more: object = {}) =>
  harness.call(service.growVolume, { name: NAME, sizeBytes, validateOnly: false, ...more });
const recorded = async (harness: ControlHarness): Promise<bigint> =>
  (await harness.call(service.getVolume, { name: NAME })).sizeBytes;

t.test('the record follows the replica, and one that answered too late is asked again', async (t) => {
  const { harness, size } = await withClone(t);
  const error = new LockstepError('DEADLINE_EXCEEDED', 'it takes too long', { reason: 'LATE' });
  harness.a.injections = [{ method: 'growReplica', error, times: 1 }];
  t.match(await refusal(grow(harness, NEW)), { reason: 'GROWTH_INCOMPLETE' });
  t.equal(size(), NEW, 'it has grown all the same');
  t.equal(await recorded(harness), OLD);
  t.match(await grow(harness, NEW), { sizeBytes: NEW });
  t.match(await harness.get(NAME), { sizeBytes: NEW });
});

t.test('a volume is not made smaller, nor one that an engine uses larger', async (t) => {
  const { harness, size } = await withClone(t);
  t.match(await refusal(grow(harness, OLD / 2n)), { reason: 'SHRINK_REFUSED' });
  t.match(await refusal(grow(harness, OLD + 1n)), { violations: [{ field: 'size_bytes' }] });
  t.match(await refusal(grow(harness, 10n * OLD, { name: 'databases/orders' })), { reason: 'HAS_ENGINE' });
  await grow(harness, NEW, { validateOnly: true });
  harness.a.die();
  t.equal(size(), OLD);
  t.equal(await recorded(harness), OLD);
});
