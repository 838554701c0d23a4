/** Calls of the public API by its descriptors alone, as a client does that has no code of ours. */
import { readFileSync } from 'node:fs';
import {
  createFileRegistry,
  type DescMethod,
  fromBinary,
  fromJson,
  type JsonObject,
  toBinary,
} from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { type Client, Metadata, type ServiceError, status as Code } from '@grpc/grpc-js';
import { BadRequest, ErrorInfo, ResourceInfo } from '../../proto/gen/google/rpc/error_details.ts';
import { Status } from '../../proto/gen/google/rpc/status.ts';

const DESCRIPTORS = new URL('../../proto/gen/lockstep.binpb', import.meta.url);
const PUBLIC = /^lockstep\.v1\.|^google\.longrunning\.Operations$/;
const CALL_MS = 5000;
/** Of one header in a header block, RFC 9113, 6.5.2. */
const HEADER_OVERHEAD_BYTES = 32;

/** How a call ended. */
export interface Outcome {
  readonly code: Code;
  readonly message: string;
  readonly info: ErrorInfo | undefined;
  readonly violations: BadRequest['fieldViolations'];
  readonly resource: ResourceInfo | undefined;
  /** What the refusal takes of the header block that a client allows for. */
  readonly headerBytes: number;
}

/** Of every public service, whether or not some server has it. */
export function publicMethods(): readonly DescMethod[] {
  const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, readFileSync(DESCRIPTORS)));
  return [...registry]
    .flatMap((type) => (type.kind === 'service' && PUBLIC.test(type.typeName) ? [type] : []))
    .flatMap((service) => service.methods);
}

/** `CreateDatabase` of `lockstep.v1.DatabaseService`. */
export const pathOf = (method: DescMethod): string => `/${method.parent.typeName}/${method.name}`;

/** `request`: as proto3 JSON. Of a stream, the first message is enough. */
export function callByDescriptor(client: Client, method: DescMethod, request: JsonObject): Promise<Outcome> {
  const bytes = Buffer.from(toBinary(method.input, fromJson(method.input, request)));
  return callRaw(client, method, bytes);
}

export function callRaw(client: Client, method: DescMethod, bytes: Buffer): Promise<Outcome> {
  const same = (value: Buffer): Buffer => value;
  const { promise, resolve } = Promise.withResolvers<Outcome>();
  const options = { deadline: Date.now() + CALL_MS };
  if (method.methodKind === 'unary') {
    client.makeUnaryRequest(pathOf(method), same, same, bytes, new Metadata(), options, (error) => {
      resolve(error === null ? DONE : outcomeOf(error));
    });
    return promise;
  }
  const stream = client.makeServerStreamRequest(pathOf(method), same, same, bytes, new Metadata(), options);
  const accepted = (): void => {
    resolve(DONE);
    stream.cancel();
  };
  stream.on('data', accepted);
  // Of a stream that has nothing to tell yet. A refusal comes without.
  stream.on('metadata', accepted);
  stream.on('end', () => resolve(DONE));
  stream.on('error', (error: ServiceError) => resolve(outcomeOf(error)));
  return promise;
}

const DONE: Outcome = {
  code: Code.OK,
  message: '',
  info: undefined,
  violations: [],
  resource: undefined,
  headerBytes: 0,
};

function outcomeOf({ code, details, metadata }: ServiceError): Outcome {
  const trailer = metadata.get('grpc-status-details-bin')[0];
  const status = Buffer.isBuffer(trailer) ? Status.decode(trailer) : undefined;
  const find = (type: string): Buffer | undefined =>
    status?.details.find((detail) => detail.typeUrl === `type.googleapis.com/google.rpc.${type}`)?.value;
  const [info, badRequest, resource] = [find('ErrorInfo'), find('BadRequest'), find('ResourceInfo')];
  const headers = Object.entries(metadata.toHttp2Headers()).map(
    ([name, value]) => name.length + String(value).length + HEADER_OVERHEAD_BYTES,
  );
  return {
    code,
    message: details,
    info: info === undefined ? undefined : ErrorInfo.decode(info),
    violations: badRequest === undefined ? [] : BadRequest.decode(badRequest).fieldViolations,
    resource: resource === undefined ? undefined : ResourceInfo.decode(resource),
    headerBytes: headers.reduce(
      (sum, bytes) => sum + bytes,
      encodeURI(details).length + HEADER_OVERHEAD_BYTES,
    ),
  };
}
