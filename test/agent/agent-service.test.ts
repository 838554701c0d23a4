/** The agent's API over a real server with real volumes; the host's drivers only write down what they are asked. */
import { credentials, Server, ServerCredentials } from '@grpc/grpc-js';
import t, { type Test } from 'tap';
import { agentService } from '../../daemon/agent/agent-service.ts';
import { inventoryService } from '../../daemon/agent/inventory-service.ts';
import { ReplicaReporter } from '../../daemon/agent/report.ts';
import type { HostDrivers } from '../../daemon/host/host.ts';
import { callUnary, methodOf, type MethodEntry } from '../../daemon/sys/grpc-unary.ts';
import { loneScrubStatus } from '../../daemon/volume/lone-scrub.ts';
import type { Volumes } from '../../daemon/volume/volumes.ts';
import { AgentServiceClient, AgentServiceService as agent } from '../../proto/gen/lockstep/agent/v1/agent.ts';
import { InventoryServiceService as inventory } from '../../proto/gen/lockstep/agent/v1/inventory.ts';
import { type OpenVolumes, openVolumes, SIZE, soloVolume } from '../support/open-volumes.ts';
import { quietLog } from '../support/quiet-log.ts';

interface Agent {
  readonly volumes: Volumes;
  /** What the drivers were asked for. */
  readonly asked: string[];
  readonly call: <Request, Response>(
    entry: MethodEntry<Request, Response>,
    request: Request,
  ) => Promise<Response>;
}

interface Around {
  readonly opened?: OpenVolumes;
  readonly recovered?: Promise<void>;
  readonly isReleasing?: () => boolean;
  readonly drivers?: Readonly<Record<string, (...args: never[]) => Promise<unknown>>>;
}

async function startAgent(t: Test, around: Around = {}): Promise<Agent> {
  const { volumes } = around.opened ?? (await openVolumes(t));
  const asked: string[] = [];
  const drivers = new Proxy(Object.create(null) as HostDrivers, {
    get:
      (_target, name: string) =>
      (...args: never[]) => {
        asked.push(name);
        return around.drivers?.[name]?.(...args) ?? Promise.resolve('/dev/loop0');
      },
  });
  const server = new Server();
  const parts = {
    volumes,
    drivers,
    reporter: new ReplicaReporter(drivers, quietLog, (volume) => loneScrubStatus(volumes.store, volume, 'a')),
    learnAddresses: () => undefined,
    recovered: around.recovered ?? Promise.resolve(),
    isReleasing: around.isReleasing ?? (() => false),
    log: quietLog,
  };
  server.addService(agent, agentService(parts));
  server.addService(inventory, inventoryService(parts));
  const { promise: port, resolve } = Promise.withResolvers<number>();
  server.bindAsync('127.0.0.100:0', ServerCredentials.createInsecure(), (_error, bound) => {
    resolve(bound);
  });
  const client = new AgentServiceClient(`127.0.0.100:${String(await port)}`, credentials.createInsecure());
  t.teardown(() => {
    client.close();
    server.forceShutdown();
  });
  const call: Agent['call'] = (entry, request) =>
    callUnary(methodOf(client, entry), request, { deadlineMs: 5000 });
  return { volumes, asked, call };
}

const fence = (generation: bigint) => ({ generation, workflow: 'w1', step: 's' });
const spec = {
  engine: 'postgresql',
  database: 'orders',
  volume: 'v',
  port: 5432,
  user: 'lockstep',
  parameters: {},
  version: '',
};
const view = {
  volume: 'v',
  sizeBytes: BigInt(SIZE),
  generation: 1n,
  primary: 'a',
  inSync: ['a'],
  replicas: [],
};

/** Each call that changes something, on behalf of this generation. */
function changes(call: Agent['call'], generation: bigint): Record<string, () => Promise<unknown>> {
  const request = { fence: fence(generation), volume: 'v' };
  const engine = { fence: fence(generation), spec };
  return {
    createReplica: () => call(agent.createReplica, { fence: fence(generation), view }),
    deleteReplica: () => call(agent.deleteReplica, request),
    forcePrimary: () => call(agent.forcePrimary, { fence: fence(generation), view }),
    stepDown: () => call(agent.stepDown, request),
    createSnapshot: () => call(agent.createSnapshot, { ...request, snapshot: 's' }),
    deleteSnapshot: () => call(agent.deleteSnapshot, { ...request, snapshot: 's' }),
    seedReplica: () => call(agent.seedReplica, { ...request, snapshot: 's', target: 'b' }),
    connectReplica: () => call(agent.connectReplica, { ...request, target: 'b' }),
    attachVolume: () => call(agent.attachVolume, request),
    detachVolume: () => call(agent.detachVolume, request),
    makeFileSystem: () => call(agent.makeFileSystem, { ...request, type: 'ext4' }),
    mountFileSystem: () => call(agent.mountFileSystem, request),
    unmountFileSystem: () => call(agent.unmountFileSystem, request),
    initializeEngine: () => call(agent.initializeEngine, { ...engine, password: 'p' }),
    startEngine: () => call(agent.startEngine, engine),
    stopEngine: () => call(agent.stopEngine, { ...engine, kill: true }),
  };
}

t.test('what a workflow of an older generation asks for is refused, and nothing is done', async (t) => {
  const { volumes, asked, call } = await startAgent(t);
  await soloVolume(volumes);
  await volumes.require('v').takeSeed('s');
  for (const [name, ask] of Object.entries(changes(call, 0n)))
    await t.rejects(ask(), { code: 'FAILED_PRECONDITION', reason: 'STALE_FENCE', message: /w1/ }, name);
  t.strictSame(asked, []);
  t.equal(volumes.require('v').state, 'SOLO');
  t.equal(volumes.require('v').file.seed?.id, 's');
});

t.test('a replica that was promoted while its deletion was under way is not deleted', async (t) => {
  const release = (): Promise<void> => {
    started.volumes.tell('v', { generation: 2, primary: 'a', inSync: ['a'] }, { explicit: true });
    return Promise.resolve();
  };
  const started = await startAgent(t, { drivers: { release } });
  const { volumes } = started;
  await soloVolume(volumes);
  const deletion = started.call(agent.deleteReplica, { fence: fence(1n), volume: 'v' });
  await t.rejects(deletion, { code: 'FAILED_PRECONDITION', message: /has seen 2/ });
  t.equal(volumes.require('v').view.generation, 2);
});

t.test('nothing is brought up on a host that is being taken out of service', async (t) => {
  const { volumes, asked, call } = await startAgent(t, { isReleasing: () => true });
  await soloVolume(volumes);
  const all = changes(call, 1n);
  const ups = ['attachVolume', 'makeFileSystem', 'mountFileSystem', 'initializeEngine', 'startEngine'];
  for (const [name, ask] of Object.entries(all).filter(([name]) => ups.includes(name)))
    await t.rejects(ask(), { code: 'UNAVAILABLE', reason: 'HOST_RELEASING' }, name);
  t.strictSame(asked, []);
  await all['stopEngine']?.();
  t.strictSame(asked, ['stopEngine'], 'what goes the same way is done');
});

t.test('devices and engines are touched only once what a crash left is cleared', async (t) => {
  const { promise: recovered, resolve } = Promise.withResolvers<void>();
  const { volumes, asked, call } = await startAgent(t, { recovered });
  await soloVolume(volumes);
  const attach = call(agent.attachVolume, { fence: fence(1n), volume: 'v' });
  await call(agent.getReplica, { volume: 'v' });
  t.strictSame(asked, []);
  resolve();
  t.match(await attach, { device: '/dev/loop0' });
});

t.test('a replica that serves nobody is not attached', async (t) => {
  const { volumes, asked, call } = await startAgent(t);
  await volumes.create('v', SIZE);
  const attach = call(agent.attachVolume, { fence: fence(0n), volume: 'v' });
  await t.rejects(attach, { reason: 'NOT_SERVING', message: /BLANK/ });
  t.strictSame(asked, []);
});

t.test('a copy that was begun takes no snapshot before it is known to need one', async (t) => {
  const { volumes, call } = await startAgent(t);
  await soloVolume(volumes);
  await call(agent.seedReplica, { fence: fence(1n), volume: 'v', snapshot: 's', target: 'b' });
  t.equal(volumes.require('v').status.join?.phase, 'SEEDING');
  t.equal(volumes.require('v').file.seed, undefined);
});

t.test('a snapshot that is asked for again is the same one', async (t) => {
  const { volumes, call } = await startAgent(t);
  await soloVolume(volumes);
  const request = { fence: fence(1n), volume: 'v', snapshot: 's' };
  await call(agent.createSnapshot, request);
  const first = volumes.require('v').file.seed;
  await call(agent.createSnapshot, request);
  t.equal(volumes.require('v').file.seed, first);
  await call(agent.deleteSnapshot, { ...request, snapshot: 'another' });
  t.equal(volumes.require('v').file.seed, first, 'another name deletes nothing');
  await call(agent.deleteSnapshot, request);
  t.equal(volumes.require('v').file.seed, undefined);
});

t.test('a snapshot that was taken for a copy is deleted by the name that the inventory tells', async (t) => {
  const nothing = { processes: [], mounts: [], devices: [], records: [] };
  const { volumes, call } = await startAgent(t, { drivers: { inventory: async () => nothing } });
  await soloVolume(volumes);
  await call(agent.createSnapshot, { fence: fence(1n), volume: 'v', snapshot: 's' });
  const told = async () => (await call(inventory.getInventory, {})).snapshots;
  const [seed] = await told();
  t.match(seed, { volume: 'v', transient: true });
  await call(agent.deleteSnapshot, { fence: fence(1n), volume: 'v', snapshot: seed?.snapshot ?? '' });
  t.same(await told(), []);
});

t.test('a volume that this host does not have is named', async (t) => {
  const { call } = await startAgent(t);
  await t.rejects(call(agent.getReplica, { volume: 'x' }), {
    code: 'NOT_FOUND',
    reason: 'NO_SUCH_REPLICA',
    message: /x/,
  });
});

t.test('a request without its message is refused by field', async (t) => {
  const { call } = await startAgent(t);
  const request = { fence: fence(1n), spec: undefined };
  await t.rejects(call(agent.startEngine, request), {
    code: 'INVALID_ARGUMENT',
    violations: [{ field: 'spec' }],
  });
});

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
}

const forced = { ...view, generation: 3n };
const force = ({ call }: Agent) => call(agent.forcePrimary, { fence: fence(3n), view: forced });

t.test('an old copy that a person chose serves as it was when it was last complete', async (t) => {
  const before = await openVolumes(t);
  await soloVolume(before.volumes);
  before.volumes.tell('v', { generation: 2, primary: 'b', inSync: ['b'] }, { explicit: true });
  await until(() => before.volumes.require('v').status.view.generation === 2);
  const opened = await before.again();
  const started = await startAgent(t, { opened });
  t.match(await started.call(agent.getReplica, { volume: 'v' }), {
    replica: { state: 'STALE', consistentAt: 1n, mixed: false, dirty: [], repairedRegions: 0n },
  });
  t.match(await force(started), { replica: { state: 'PROMOTING' } });
  await until(() => started.volumes.require('v').state === 'SOLO');
  t.match(started.volumes.require('v').view, { generation: 3, primary: 'a', inSync: ['a'] });
});

t.test('a replica that cannot be chosen says why', async (t) => {
  const started = await startAgent(t);
  await started.volumes.create('v', SIZE);
  await t.rejects(force(started), { reason: 'FORCE_REFUSED', message: /BLANK/ });
});

t.test('a primary is only told of the set without those that are lost', async (t) => {
  const started = await startAgent(t);
  await soloVolume(started.volumes);
  await force(started);
  await until(() => started.volumes.require('v').view.generation === 3);
  t.equal(started.volumes.require('v').state, 'SOLO');
});

t.test('a scrub is refused with the reason where there is nobody to compare with', async (t) => {
  const started = await startAgent(t);
  await started.volumes.create('v', SIZE);
  await t.rejects(started.call(agent.startScrub, { volume: 'v', anew: false }), {
    reason: 'SCRUB_REFUSED',
    message: /others in sync/,
  });
  t.match(await started.call(agent.stopScrub, { volume: 'v' }), { replica: { scrub: { phase: 'FAILED' } } });
});

t.test('a scrub of a single copy looks at that, and is not stopped on its way', async (t) => {
  const started = await startAgent(t);
  await soloVolume(started.volumes);
  t.match(await started.call(agent.startScrub, { volume: 'v', anew: false }), {
    replica: { scrub: { phase: 'RUNNING', alone: true, mismatchedRegions: 0n } },
  });
  await t.rejects(started.call(agent.stopScrub, { volume: 'v' }), { message: /looked at to the end/ });
  await until(() => started.volumes.store.scrub('v')?.finishedAtMs !== 0);
  t.match(await started.call(agent.stopScrub, { volume: 'v' }), { replica: { scrub: { phase: 'DONE' } } });
});

t.test('a replica is grown once, and not by a word from before', async (t) => {
  const started = await startAgent(t);
  await soloVolume(started.volumes);
  const request = { volume: 'v', sizeBytes: BigInt(2 * SIZE) };
  for (const time of ['once', 'again'])
    t.strictSame(await started.call(agent.growReplica, { ...request, fence: fence(1n) }), {}, time);
  t.match(await started.call(agent.getReplica, { volume: 'v' }), {
    replica: { sizeBytes: BigInt(2 * SIZE), state: 'SOLO' },
  });
  await t.rejects(started.call(agent.growReplica, { ...request, fence: fence(0n) }));
  await t.rejects(started.call(agent.growReplica, { ...request, sizeBytes: 1n, fence: fence(1n) }), {
    message: /a multiple of 65536/,
  });
});

t.test('of a copy that is alone and was never looked at, the last comparison is told', async (t) => {
  const started = await startAgent(t);
  await started.volumes.create('v', SIZE);
  await t.rejects(started.call(agent.startScrub, { volume: 'v', anew: false }));
  started.volumes.tell('v', { generation: 1, primary: 'a', inSync: ['a'] }, { explicit: true });
  await until(() => started.volumes.require('v').state === 'SOLO');
  t.match(await started.call(agent.getReplica, { volume: 'v' }), {
    replica: { scrub: { phase: 'FAILED', alone: false } },
  });
});
