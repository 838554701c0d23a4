/** EngineAgentService over a real server; volumes and drivers only write down what they are asked. */
import { credentials, Server, ServerCredentials } from '@grpc/grpc-js';
import t, { type Test } from 'tap';
import { engineAgentService, type EngineParts } from '../../daemon/agent/engine-service.ts';
import { callUnary, type MethodEntry, methodOf } from '../../daemon/sys/grpc-unary.ts';
import {
  EngineAgentServiceClient,
  EngineAgentServiceService as agent,
} from '../../proto/gen/lockstep/agent/v1/engine.ts';
import { refusal } from '../support/control-harness.ts';
import { quietLog } from '../support/quiet-log.ts';

const SEEN = 7;
const SIZE_BYTES = 512 * 1024 * 1024;
const spec = {
  ...{ engine: 'postgresql', database: 'orders', volume: 'orders-1', port: 5432, user: 'admin' },
  ...{ parameters: { work_mem: '8192' }, version: '15' },
};
const fence = { generation: BigInt(SEEN), workflow: 'update-1', step: 'configure' };

async function start(t: Test, options: { readonly isReleasing?: boolean } = {}) {
  const told: unknown[][] = [];
  const parts: EngineParts = {
    volumes: {
      generationOf: () => SEEN,
      require: () => ({ sizeBytes: SIZE_BYTES }),
    },
    drivers: {
      engineOffers: async () => [{ engine: 'mariadb', version: '10.11', installed: true }],
      configureEngine: async ({ volume, parameters, version }) => {
        told.push(['configure', volume, parameters, version]);
        return { pendingRestart: ['max_connections'] };
      },
      setEnginePassword: async ({ volume }, password) => {
        told.push(['password', volume, password]);
      },
      checkFileSystemGrowth: async (volume) => {
        told.push(['check growth', volume]);
      },
      growFileSystem: async (volume, sizeBytes) => {
        told.push(['grow', volume, sizeBytes]);
      },
    },
    recovered: Promise.resolve(),
    isReleasing: () => options.isReleasing ?? false,
    log: quietLog,
  };
  const server = new Server();
  server.addService(agent, engineAgentService(parts));
  const { promise: port, resolve } = Promise.withResolvers<number>();
  server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (_error, bound) => {
    resolve(bound);
  });
  const client = new EngineAgentServiceClient(
    `127.0.0.1:${String(await port)}`,
    credentials.createInsecure(),
  );
  t.teardown(() => {
    client.close();
    server.forceShutdown();
  });
  const call = <Request, Response>(entry: MethodEntry<Request, Response>, request: Request) =>
    callUnary(methodOf(client, entry), request, { deadlineMs: 5000 });
  return { told, call };
}

t.test('parameters, password and size go to the drivers as they were given', async (t) => {
  const { told, call } = await start(t);
  t.same(await call(agent.configureEngine, { fence, spec }), { pendingRestart: ['max_connections'] });
  t.same(await call(agent.setEnginePassword, { fence, spec, password: 'new' }), {});
  t.same(await call(agent.checkFileSystemGrowth, { fence, volume: 'orders-1' }), {});
  t.same(await call(agent.growFileSystem, { fence, volume: 'orders-1' }), { sizeBytes: BigInt(SIZE_BYTES) });
  t.same(told, [
    ['configure', 'orders-1', { work_mem: '8192' }, '15'],
    ['password', 'orders-1', 'new'],
    ['check growth', 'orders-1'],
    ['grow', 'orders-1', SIZE_BYTES],
  ]);
});

t.test('the engines of the host are listed', async (t) => {
  const { call } = await start(t);
  t.same(await call(agent.listEngines, {}), {
    engines: [{ engine: 'mariadb', version: '10.11', installed: true }],
  });
});

t.test('who acts on a generation that was overtaken changes nothing', async (t) => {
  const { told, call } = await start(t);
  const late = { ...fence, generation: BigInt(SEEN - 1) };
  const calls = [
    call(agent.configureEngine, { fence: late, spec }),
    call(agent.setEnginePassword, { fence: late, spec, password: 'new' }),
    call(agent.checkFileSystemGrowth, { fence: late, volume: 'orders-1' }),
    call(agent.growFileSystem, { fence: late, volume: 'orders-1' }),
    call(agent.growFileSystem, { fence: undefined, volume: 'orders-1' }),
  ];
  for (const one of calls) t.match(await refusal(one), { reason: 'STALE_FENCE' });
  t.same(told, []);
});

t.test('a host that gives everything back changes nothing any more', async (t) => {
  const { told, call } = await start(t, { isReleasing: true });
  t.match(await refusal(call(agent.configureEngine, { fence, spec })), { reason: 'HOST_RELEASING' });
  t.same(told, []);
});

t.test('a call without a spec is refused by its field', async (t) => {
  const { call } = await start(t);
  t.match(await refusal(call(agent.configureEngine, { fence, spec: undefined })), {
    code: 'INVALID_ARGUMENT',
    violations: [{ field: 'spec' }],
  });
});
