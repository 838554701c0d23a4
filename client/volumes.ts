/** The volumes, below databases or by themselves. A name is a volume's or its database's: `orders-1a2b3c4d`, `orders`. */
import { randomUUID } from 'node:crypto';
import { callUnary } from '../daemon/sys/grpc-unary.ts';
import {
  CreateVolumeRequest,
  type Volume,
  type VolumeCheck,
  type VolumeServiceClient,
} from '../proto/gen/lockstep/v1/volume_service.ts';
import { type CallSettings, retried } from './calls.ts';
import { callOptions, type Operation, operationOf } from './operations.ts';

export interface CreateVolume {
  /** A DNS label; the volume's own name is made of it. */
  readonly id: string;
  /** A multiple of 64 KiB. */
  readonly sizeBytes: bigint;
  /** Two zones; empty or absent lets control choose. */
  readonly zones?: readonly string[];
  /** Checks everything and creates nothing. */
  readonly validateOnly?: boolean;
}

export interface ForcePrimary {
  readonly host: string;
  /** What was acknowledged and is not on that host is lost for good. Without it nothing but the checks is done. */
  readonly acceptDataLoss: boolean;
}

export interface ScrubChoice {
  /** The one that runs. */
  readonly stop?: boolean;
  /** From the beginning, and not where one broke off. */
  readonly anew?: boolean;
}

export class Volumes {
  readonly #stub: VolumeServiceClient;

  constructor(stub: VolumeServiceClient) {
    this.#stub = stub;
  }

  /** A volume without an engine, used over NBD. When the operation is done, `get` has it by the same id. */
  async create(volume: CreateVolume, settings: CallSettings = {}): Promise<Operation> {
    const request = CreateVolumeRequest.fromPartial({
      volumeId: volume.id,
      sizeBytes: volume.sizeBytes,
      zones: [...(volume.zones ?? [])],
      requestId: randomUUID(),
      validateOnly: volume.validateOnly ?? false,
    });
    const call = () => callUnary(this.#stub.createVolume.bind(this.#stub), request, callOptions(settings));
    return operationOf(await retried(call, settings.signal));
  }

  /** Of a volume without an engine, such as a clone. */
  async delete(name: string, settings: CallSettings = {}): Promise<Operation> {
    const request = { name: volumeName(name), requestId: randomUUID(), validateOnly: false };
    const call = () => callUnary(this.#stub.deleteVolume.bind(this.#stub), request, callOptions(settings));
    return operationOf(await retried(call, settings.signal));
  }

  get(name: string, settings: CallSettings = {}): Promise<Volume> {
    const request = { name: volumeName(name) };
    const call = () => callUnary(this.#stub.getVolume.bind(this.#stub), request, callOptions(settings));
    return retried(call, settings.signal);
  }

  /** How far the checks of its hosts are; `start`: one begins where none runs. */
  check(
    name: string,
    { start }: { readonly start: boolean },
    settings: CallSettings = {},
  ): Promise<VolumeCheck> {
    const request = { name: volumeName(name), start };
    const call = () => callUnary(this.#stub.checkVolume.bind(this.#stub), request, callOptions(settings));
    return retried(call, settings.signal);
  }

  /** Never tried again by itself: each time raises the generation. */
  forcePrimary(name: string, choice: ForcePrimary, settings: CallSettings = {}): Promise<Volume> {
    const { host, acceptDataLoss } = choice;
    const request = {
      name: volumeName(name),
      host: host.startsWith(HOSTS) ? host : `${HOSTS}${host}`,
      acceptDataLoss,
      validateOnly: !acceptDataLoss,
    };
    return callUnary(this.#stub.forcePrimary.bind(this.#stub), request, callOptions(settings));
  }

  /** Idempotent: what failed halfway is asked for again. */
  grow(name: string, sizeBytes: bigint, settings: CallSettings = {}): Promise<Volume> {
    const request = { name: volumeName(name), sizeBytes, validateOnly: false };
    const call = () => callUnary(this.#stub.growVolume.bind(this.#stub), request, callOptions(settings));
    return retried(call, settings.signal);
  }

  /** Idempotent. `acceptSmaller`: the caller knows that whatever uses the volume has to do without its end. */
  shrink(
    name: string,
    sizeBytes: bigint,
    { acceptSmaller }: { readonly acceptSmaller: boolean },
    settings: CallSettings = {},
  ): Promise<Volume> {
    const request = { name: volumeName(name), sizeBytes, acceptSmaller };
    const call = () => callUnary(this.#stub.shrinkVolume.bind(this.#stub), request, callOptions(settings));
    return retried(call, settings.signal);
  }

  /** Where one runs already, or none, that is no error. */
  scrub(name: string, choice: ScrubChoice = {}, settings: CallSettings = {}): Promise<Volume> {
    const { stop = false, anew = false } = choice;
    const request = { name: volumeName(name), stop, anew };
    return callUnary(this.#stub.scrubVolume.bind(this.#stub), request, callOptions(settings));
  }
}

const HOSTS = 'hosts/';
const VOLUMES = 'volumes/';

export function volumeName(name: string): string {
  return name.includes('/') ? name : `${VOLUMES}${name}`;
}

export function volumeId(name: string): string {
  return name.startsWith(VOLUMES) ? name.slice(VOLUMES.length) : name;
}
