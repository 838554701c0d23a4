import { Server, ServerCredentials } from '@grpc/grpc-js';
import { HealthImplementation } from 'grpc-health-check';
import t, { type Test } from 'tap';
import { isServing } from '../../../client/quickstart/health.ts';

const HOST = '127.0.0.1';

async function serving(t: Test, status: 'SERVING' | 'NOT_SERVING'): Promise<number> {
  const server = new Server();
  new HealthImplementation({ '': status }).addToServer(server);
  t.teardown(() => {
    server.forceShutdown();
  });
  return new Promise((resolve, reject) => {
    server.bindAsync(`${HOST}:0`, ServerCredentials.createInsecure(), (error, port) => {
      if (error === null) resolve(port);
      else reject(error);
    });
  });
}

t.test('a daemon that says SERVING serves', async (t) => {
  t.equal(await isServing(HOST, await serving(t, 'SERVING')), true);
});

t.test('one that says NOT_SERVING does not yet', async (t) => {
  t.equal(await isServing(HOST, await serving(t, 'NOT_SERVING')), false);
});

t.test('nor does one that is not there', async (t) => {
  t.equal(await isServing(HOST, 1), false);
});
