/** Server reflection: what grpcurl and its like ask a server for. */
import { readFileSync } from 'node:fs';
import { BinaryReader } from '@bufbuild/protobuf/wire';
import type { Server } from '@grpc/grpc-js';
import { ReflectionService } from '@grpc/reflection';

/** Made by `npm run generate`: the files of both APIs, of health and of error details, and what they import. */
const DESCRIPTOR_SET = new URL('../../proto/gen/lockstep.binpb', import.meta.url);

/** `services` are those that the server was given, by their full names. */
export function addReflection(server: Server, services: readonly string[]): void {
  new ReflectionService(descriptors(), { services: [...services] }).addToServer(server);
}

type ReflectedPackage = ConstructorParameters<typeof ReflectionService>[0];

/**
 * Reflection takes what proto-loader makes of .proto files, and of that uses the encoded files alone; a descriptor
 * set is nothing but those, each a field 1. So the product neither ships .proto files nor parses them when it starts.
 */
function descriptors(): ReflectedPackage {
  const reader = new BinaryReader(readFileSync(DESCRIPTOR_SET));
  const fileDescriptorProtos: Buffer[] = [];
  while (reader.pos < reader.len) {
    reader.tag();
    fileDescriptorProtos.push(Buffer.from(reader.bytes()));
  }
  return { lockstep: { fileDescriptorProtos } } as unknown as ReflectedPackage;
}
