/** Asks a daemon by the standard health service of gRPC (grpc.health.v1) whether it serves. */
import { Client, credentials, type ServiceError } from '@grpc/grpc-js';
import { BinaryReader } from '@bufbuild/protobuf/wire';

const CHECK = '/grpc.health.v1.Health/Check';
const CHECK_DEADLINE_MS = 1000;
const SERVING = 1;
const STATUS_FIELD = 1;

/** HealthCheckRequest without a service asks for the server as a whole, and is empty on the wire. */
export async function isServing(address: string, port: number): Promise<boolean> {
  const client = new Client(`${address}:${String(port)}`, credentials.createInsecure(), {
    'grpc.enable_http_proxy': 0,
    'grpc.use_local_subchannel_pool': 1,
  });
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const deadline = Date.now() + CHECK_DEADLINE_MS;
  const answered = (error: ServiceError | null, status?: number): void => {
    resolve(error === null && status === SERVING);
  };
  client.makeUnaryRequest(CHECK, () => Buffer.alloc(0), servingStatus, {}, { deadline }, answered);
  try {
    return await promise;
  } finally {
    client.close();
  }
}

/** The `status` field of HealthCheckResponse. */
function servingStatus(bytes: Buffer): number {
  const reader = new BinaryReader(bytes);
  let status = 0;
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    if (field === STATUS_FIELD) status = reader.int32();
    else reader.skip(wireType);
  }
  return status;
}
