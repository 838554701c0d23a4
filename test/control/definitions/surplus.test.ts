/** A third copy that a replacement left, which a person ended half done: it does not stay, and is nobody else's. */
import { setTimeout as sleep } from 'node:timers/promises';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { keys } from '../../../control/model/records.ts';
import { openLevelStore } from '../../../control/store/level-store.ts';
import type { WorkflowRecord } from '../../../control/workflow/workflow.ts';
import { ClusterServiceService as cluster } from '../../../proto/gen/lockstep/v1/cluster_service.ts';
import type { Database } from '../../../proto/gen/lockstep/v1/database_service.ts';
import { HostServiceService as hosts } from '../../../proto/gen/lockstep/v1/host_service.ts';
import { WorkflowServiceService as workflows } from '../../../proto/gen/lockstep/v1/workflow_service.ts';
import { ControlHarness } from '../../support/control-harness.ts';
import { changeVolume } from '../../support/stored-volume.ts';
import { twice } from '../../support/twice.ts';

const isIdle = ({ busyWith, redundancy }: Database): boolean => busyWith === '' && redundancy === 3;

async function until(what: string, isSo: () => boolean | Promise<boolean>): Promise<void> {
  const endMs = performance.now() + 8000;
  while (!(await isSo())) {
    if (performance.now() > endMs) throw new Error(`not so: ${what}`);
    await sleep(5);
  }
}

/** Oldest first. */
const reasons = async (harness: ControlHarness): Promise<readonly string[]> =>
  (await harness.events()).map(({ reason }) => reason).reverse();

interface Cluster {
  readonly harness: ControlHarness;
  readonly c: ControlHarness['a'];
}

/** Replacements halt once they have made a blank copy, if `halts`. */
async function opened(t: Test, { halts }: { readonly halts: boolean }): Promise<Cluster> {
  const harness = await ControlHarness.open(t);
  harness.replaceAfterSeconds = 1;
  await harness.stopControl();
  await harness.startControl({
    afterLog(entry, { type }) {
      if (halts && type === 'replace-replica' && entry.kind === 'step-done' && entry.step === 'create-copy')
        throw new Error('the log cannot be written');
    },
  });
  const c = await harness.addHost('host-c', 'c');
  await harness.hostsHeard(3);
  await harness.createOrders();
  await harness.until(isIdle);
  return { harness, c };
}

/** `meanwhile`: once it has halted. */
async function abandon(
  harness: ControlHarness,
  meanwhile = async (): Promise<void> => undefined,
): Promise<void> {
  const { busyWith } = await harness.until((database) => database.busyWith.includes('replace'));
  const name = busyWith.replace('operations/', 'workflows/');
  await until('it halts', async () =>
    /cannot be written/.test((await harness.call(workflows.getWorkflow, { name })).reason),
  );
  await meanwhile();
  await harness.call(workflows.abandonWorkflow, { name, acceptHalfDone: true });
}

/** Of the control that is stopped for it. */
async function replicas(harness: ControlHarness): Promise<readonly string[]> {
  const { volume } = await harness.get();
  await harness.stopControl();
  return (await changeVolume(harness, volume.replace('volumes/', ''))).replicas;
}

t.test('a third copy is brought up to date, and the one that is lost goes in its place', async (t) => {
  const { harness, c } = await opened(t, { halts: true });
  harness.b.die();
  await abandon(harness);
  await until('the surplus is dropped', async () => (await reasons(harness)).includes('CONVERTED'));
  t.match(await harness.until(isIdle), { secondary: { host: 'host-c' }, state: 2 });
  t.equal(c.replicas.size, 1);
  await harness.b.comeBack();
  await until('the lost copy is deleted', () => harness.b.replicas.size === 0);
  t.same(await replicas(harness), ['host-a', 'host-c']);
});

t.test('where the old copy is in sync the blank one goes at once', async (t) => {
  const { harness, c } = await opened(t, { halts: true });
  await harness.call(hosts.drainHost, { name: 'hosts/host-b' });
  await abandon(harness);
  await until('the third copy is deleted', () => c.replicas.size === 0);
  t.match(await harness.until(isIdle), { secondary: { host: 'host-b' } });
  t.same(await replicas(harness), ['host-a', 'host-b']);
});

t.test('a replacement does not take a copy that was there before for its own', async (t) => {
  const { harness, c } = await opened(t, { halts: true });
  harness.b.die();
  await abandon(harness, async () => {
    c.die();
    await until('it is silent', async () => {
      const { hosts: all } = await harness.call(cluster.getClusterStatus, {});
      return all.some(({ name, reachable }) => name === 'hosts/host-c' && !reachable);
    });
  });
  const { volume } = await harness.get();
  await harness.stopControl();
  await harness.startControl();
  await harness.addHost('host-d', 'd');
  t.match(await harness.until((database) => isIdle(database) && database.secondary?.host === 'host-d'), {
    state: 2,
  });
  t.notOk((await reasons(harness)).includes('REPLACE_FAILED'));
  await until('the surplus is dropped', async () => (await reasons(harness)).includes('CONVERTED'));
  for (const host of [harness.b, c]) {
    await host.comeBack();
    await until('its copy is deleted', () => host.replicas.size === 0);
  }
  await harness.stopControl();
  t.same((await changeVolume(harness, volume.replace('volumes/', ''))).replicas, ['host-a', 'host-d']);
});

t.test('a replacement that began before it knew the replicas goes on', async (t) => {
  const { harness, c } = await opened(t, { halts: false });
  harness.a.holdsSeed = true;
  harness.b.die();
  await until('it copies', () => c.replicas.size === 1 && harness.a.calls.includes('seedReplica'));
  const { busyWith } = await harness.get();
  await harness.stopControl();
  const store = await openLevelStore(join(harness.folder, 'control'));
  const key = keys.workflow(busyWith.replace('operations/', ''));
  const record = (await store.get<WorkflowRecord>(key))?.value;
  const { before, ...initialState } = record?.initialState ?? {};
  t.same(before, ['host-a', 'host-b']);
  await store.transact([], [{ key, value: { ...record, initialState } }]);
  await store.close();
  harness.a.holdsSeed = false;
  for (const replica of harness.a.replicas.values())
    if (replica.copy !== undefined) replica.copy = { ...replica.copy, phase: 'SEEDED' };
  await harness.startControl();
  t.match(await harness.until(isIdle), { secondary: { host: 'host-c' } });
  t.same(await replicas(harness), ['host-a', 'host-c']);
});

t.test('to drop a surplus stands being run twice', async (t) => {
  const { harness } = await opened(t, { halts: false });
  const volume = (await harness.get()).volume.replace('volumes/', '');
  await harness.stopControl();
  await changeVolume(harness, volume, (record) => ({ ...record, replicas: [...record.replicas, 'host-c'] }));
  await harness.startControl({ definitions: twice });
  await until('the surplus is dropped', async () => (await reasons(harness)).includes('CONVERTED'));
  await harness.until(isIdle);
  t.same((await reasons(harness)).slice(-2), ['CONVERT_STARTED', 'CONVERTED']);
  t.same(await replicas(harness), ['host-a', 'host-b']);
});
