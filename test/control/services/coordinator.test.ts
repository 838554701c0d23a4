import t from 'tap';
import {
  CoordinatorServiceService as service,
  HeartbeatRequest,
  type VolumeView,
} from '../../../proto/gen/lockstep/agent/v1/agent.ts';
import { ControlHarness, refusal } from '../../support/control-harness.ts';

async function viewOf(harness: ControlHarness): Promise<VolumeView> {
  const request = HeartbeatRequest.fromPartial({
    host: 'host-c',
    zone: 'c',
    address: '127.0.0.1',
    roles: ['storage'],
  });
  const volume = [...harness.a.replicas.keys()][0] ?? '';
  const asked = { ...request, replicas: [{ volume } as never] };
  const { views } = await harness.call(service.heartbeat, HeartbeatRequest.fromPartial(asked));
  const view = views[0];
  if (view === undefined) throw new Error('no view');
  return view;
}

t.test('a host learns the record of every volume that it has a replica of', async (t) => {
  const harness = await ControlHarness.open(t);
  await harness.createOrders();
  t.match(await viewOf(harness), { generation: 2n, primary: 'host-a', inSync: ['host-a', 'host-b'] });
});

t.test('two machines under one name are refused while both are alive', async (t) => {
  const harness = await ControlHarness.open(t);
  const twin = HeartbeatRequest.fromPartial({ host: 'host-a', zone: 'a', address: '127.0.0.2' });
  t.match(await refusal(harness.call(service.heartbeat, twin)), {
    code: 'ALREADY_EXISTS',
    reason: 'HOST_NAME_IN_USE',
  });
});

t.test('a host whose name or address is none is refused', async (t) => {
  const harness = await ControlHarness.open(t, { hosts: false });
  const beat = (host: string, address: string) =>
    harness.call(service.heartbeat, HeartbeatRequest.fromPartial({ host, address }));
  t.match(await refusal(beat('A/B', '127.0.0.1')), { violations: [{ field: 'host', value: 'A/B' }] });
  t.match(await refusal(beat('a', 'nowhere')), { violations: [{ field: 'address', value: 'nowhere' }] });
});

t.test('a proposal from an old generation is refused with the record as it is', async (t) => {
  const harness = await ControlHarness.open(t);
  await harness.createOrders();
  const volume = [...harness.a.replicas.keys()][0] ?? '';
  const proposal = {
    host: 'host-a',
    volume,
    fromGeneration: 1n,
    inSync: ['host-a'],
    hostRebooted: false,
    reason: '',
    store: undefined,
  };
  const answer = await harness.call(service.proposeView, proposal);
  t.match(answer, {
    accepted: false,
    reason: /generation 2/,
    view: { generation: 2n, inSync: ['host-a', 'host-b'] },
  });
});

t.test('of two proposals at once one is granted', async (t) => {
  const harness = await ControlHarness.open(t);
  await harness.createOrders();
  const volume = [...harness.a.replicas.keys()][0] ?? '';
  const proposal = {
    host: 'host-a',
    volume,
    fromGeneration: 2n,
    inSync: ['host-a'],
    hostRebooted: false,
    reason: '',
    store: undefined,
  };
  const answers = await Promise.all([1, 2, 3].map(() => harness.call(service.proposeView, proposal)));
  t.equal(answers.filter((answer) => answer.accepted).length, 1);
  t.ok(answers.every((answer) => answer.view?.generation === 3n));
});

t.test('a generation that a host has persisted is never undercut', async (t) => {
  const harness = await ControlHarness.open(t);
  await harness.createOrders();
  // As after a restore of the control store from before three failovers.
  for (const host of [harness.a, harness.b])
    for (const replica of host.replicas.values())
      replica.view = { ...replica.view, generation: 9n, primary: 'host-a', inSync: ['host-a', 'host-b'] };
  const database = await harness.until((one) => one.generation === 9n && one.redundancy === 3);
  t.match(database, { primary: { host: 'host-a' }, safeToFailOver: true });
});

t.test('a generation from a host that is no replica, or beyond counting, is left alone', async (t) => {
  const harness = await ControlHarness.open(t);
  await harness.createOrders();
  const volume = [...harness.a.replicas.keys()][0] ?? '';
  const report = async (host: string, generation: bigint): Promise<void> => {
    const replicas = [{ volume, generation, primary: 'host-a', inSync: ['host-a'] }];
    await harness.call(
      service.heartbeat,
      HeartbeatRequest.fromPartial({ host, address: '127.0.0.1', replicas }),
    );
  };
  await report('host-c', 9n);
  await report('host-b', 2n ** 63n);
  t.equal((await harness.get()).generation, 2n);
});
