/** How long the library waits: longer for what hosts do something on their disks for. */
import { type sendUnaryData, Server, ServerCredentials, type ServerUnaryCall } from '@grpc/grpc-js';
import t from 'tap';
import { LockstepClient } from '../../client/lockstep.ts';
import { Volume, VolumeServiceService as service } from '../../proto/gen/lockstep/v1/volume_service.ts';

t.test('growing and shrinking a volume may take a minute', async (t) => {
  const waitedMs = new Map<string, number>();
  const server = new Server();
  const note = (name: string) => (call: ServerUnaryCall<unknown, Volume>, done: sendUnaryData<Volume>) => {
    waitedMs.set(name, Number(call.getDeadline()) - Date.now());
    done(null, Volume.fromPartial({}));
  };
  const methods = ['growVolume', 'shrinkVolume', 'getVolume'] as const;
  server.addService(service, Object.fromEntries(methods.map((name) => [name, note(name)])));
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  const client = new LockstepClient({ server: `127.0.0.1:${String(port)}` });
  t.teardown(() => {
    client.close();
    server.forceShutdown();
  });
  await client.volumes.get('scratch');
  await client.volumes.grow('scratch', 65_536n);
  await client.volumes.shrink('scratch', 65_536n, { acceptSmaller: true });
  const seconds = [...waitedMs].map(([name, ms]) => [name, ms > 60_000]);
  t.same(seconds, [
    ['getVolume', false],
    ['growVolume', true],
    ['shrinkVolume', true],
  ]);
});
