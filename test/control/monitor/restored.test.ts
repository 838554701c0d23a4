/** A control store that comes back from a backup, with hosts that know more than it does. */
import { cp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { CoordinatorServiceService as service } from '../../../proto/gen/lockstep/agent/v1/agent.ts';
import { ControlHarness } from '../../support/control-harness.ts';

const folders = (harness: ControlHarness): [string, string] => [
  join(harness.folder, 'control'),
  join(harness.folder, 'backup'),
];

async function backUp(harness: ControlHarness): Promise<void> {
  const [control, backup] = folders(harness);
  await harness.stopControl();
  await cp(control, backup, { recursive: true });
  await harness.startControl();
}

/** Control and both hosts are stopped: whoever is to be heard next is up to the test. */
async function restore(harness: ControlHarness): Promise<void> {
  const [control, backup] = folders(harness);
  harness.a.die();
  harness.b.die();
  await harness.stopControl();
  await rm(control, { recursive: true });
  await cp(backup, control, { recursive: true });
  await harness.startControl();
}

/** By the primary of the backup, which knows of no other: it wants to go on alone. */
const propose = (harness: ControlHarness) =>
  harness.call(service.proposeView, {
    host: 'host-a',
    volume: [...harness.a.replicas.keys()][0] ?? '',
    fromGeneration: 2n,
    inSync: ['host-a'],
    hostRebooted: false,
    reason: '',
    store: undefined,
  });

/** In sync on both at generation 2 in the backup; then a dies and b, alone, is the primary of generation 3. */
async function failedOverSinceBackup(harness: ControlHarness): Promise<void> {
  await harness.createOrders();
  await backUp(harness);
  await harness.hostsHeard();
  await harness.until((database) => database.redundancy === 3);
  harness.a.die();
  await harness.until((one) => one.generation === 3n && one.primary?.host === 'host-b' && one.state === 2);
}

t.test('no old primary goes on while the host that may be the new one is not heard', async (t) => {
  const harness = await ControlHarness.open(t);
  await failedOverSinceBackup(harness);
  await restore(harness);
  await harness.a.comeBack();
  const refused = { accepted: false, reason: /host-b may know a newer decision/ };
  t.match(await propose(harness), refused);
  await harness.stopControl();
  await harness.startControl();
  t.match(
    await propose(harness),
    refused,
    'nor after a restart of control, in which nobody tells of it again',
  );
  await harness.b.comeBack();
  await harness.until((one) => one.generation >= 3n && one.primary?.host === 'host-b');
  await harness.hostsHeard();
  t.match(await propose(harness), { accepted: false, reason: /host-b is the primary/ });
  const healed = await harness.until((one) => one.redundancy === 3 && one.state === 2);
  t.match(healed, { primary: { host: 'host-b' } });
});

t.test('no failover from a store that is behind', async (t) => {
  const harness = await ControlHarness.open(t);
  await harness.createOrders();
  await backUp(harness);
  // b is dropped after the backup, and lacks what was acknowledged since.
  await harness.hostsHeard();
  await harness.until((database) => database.redundancy === 3);
  const [replicaOfB] = harness.b.replicas.values();
  const before = replicaOfB?.view;
  harness.b.die();
  await harness.until((database) => database.generation === 3n);
  await restore(harness);
  if (replicaOfB !== undefined && before !== undefined) {
    replicaOfB.view = before;
    replicaOfB.state = 'SECONDARY';
  }
  await harness.b.start();
  await new Promise((resolve) => setTimeout(resolve, 1000));
  t.match(
    await harness.get(),
    { generation: 2n, primary: { host: 'host-a' } },
    'far beyond the time of silence',
  );
  await harness.a.comeBack();
  await harness.until(
    (one) => one.generation >= 3n && one.primary?.host === 'host-a' && one.redundancy === 3,
  );
});

t.test('a store that only missed its own restart is trusted at once', async (t) => {
  const harness = await ControlHarness.open(t);
  await harness.createOrders();
  for (let restarts = 0; restarts < 2; restarts++) {
    await harness.stopControl();
    await harness.startControl();
    await harness.hostsHeard();
  }
  t.match(await propose(harness), { accepted: true });
});
