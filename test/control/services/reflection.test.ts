import { createRequire } from 'node:module';
import {
  type Client,
  credentials,
  loadPackageDefinition,
  type ServiceClientConstructor,
} from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import t from 'tap';
import { ControlHarness } from '../../support/control-harness.ts';

interface ReflectionAnswer {
  readonly listServicesResponse?: { readonly service: readonly { readonly name: string }[] };
  readonly fileDescriptorResponse?: { readonly fileDescriptorProto: readonly Buffer[] };
}
interface ReflectionStream {
  write(request: object): void;
  end(): void;
  on(event: 'data', listener: (answer: ReflectionAnswer) => void): void;
  on(event: 'error', listener: (error: Error) => void): void;
}

function ask(address: string, request: object): Promise<ReflectionAnswer> {
  const proto = createRequire(import.meta.url).resolve(
    '@grpc/reflection/build/proto/grpc/reflection/v1/reflection.proto',
  );
  const loaded = loadPackageDefinition(loadSync(proto)) as unknown as {
    grpc: { reflection: { v1: { ServerReflection: ServiceClientConstructor } } };
  };
  const client = new loaded.grpc.reflection.v1.ServerReflection(address, credentials.createInsecure());
  const method = client['ServerReflectionInfo'] as unknown as () => ReflectionStream;
  const stream = method.call(client);
  const { promise, resolve, reject } = Promise.withResolvers<ReflectionAnswer>();
  stream.on('data', resolve);
  stream.on('error', reject);
  stream.write(request);
  return promise.finally(() => {
    stream.end();
    (client as Client).close();
  });
}

t.test('reflection lists the services of control', async (t) => {
  const harness = await ControlHarness.open(t, { hosts: false });
  const answer = await ask(harness.address, { listServices: '' });
  t.same(answer.listServicesResponse?.service.map(({ name }) => name).sort(), [
    'google.longrunning.Operations',
    'grpc.health.v1.Health',
    'lockstep.agent.v1.CoordinatorService',
    'lockstep.v1.ClusterService',
    'lockstep.v1.DatabaseService',
    'lockstep.v1.EngineVersionService',
    'lockstep.v1.EventService',
    'lockstep.v1.HostService',
    'lockstep.v1.SnapshotService',
    'lockstep.v1.VolumeService',
    'lockstep.v1.WorkflowService',
    'lockstep.v1.ZoneService',
  ]);
});

t.test('reflection answers the file that declares a service', async (t) => {
  const harness = await ControlHarness.open(t, { hosts: false });
  const answer = await ask(harness.address, { fileContainingSymbol: 'lockstep.v1.DatabaseService' });
  const files =
    answer.fileDescriptorResponse?.fileDescriptorProto.map((file) => file.toString('latin1')) ?? [];
  t.ok(files.some((file) => file.includes('lockstep/v1/database_service.proto')));
});
