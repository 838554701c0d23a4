/** The volumes, below databases or by themselves. A name is a volume's or its database's: `orders-1a2b3c4d`, `orders`. */
import type { RedundancyMode } from '../proto/gen/lockstep/v1/database_service.ts';
import {
  type Volume,
  type VolumeCheck,
  VolumeServiceService as methods,
} from '../proto/gen/lockstep/v1/volume_service.ts';
import { type CallSettings, patient, requestFields, type RequestSettings } from './calls.ts';
import { Listing, PAGE_SIZE } from './listing.ts';
import { type Operation, operationOf } from './operations.ts';
import { hostName, volumeName } from './resource-names.ts';
import type { Transport } from './transport.ts';

export interface CreateVolume {
  /** A DNS label; the volume's own name is made of it. */
  readonly id: string;
  /** A multiple of 64 KiB. */
  readonly sizeBytes: bigint;
  /** Two zones; empty or absent lets control choose. */
  readonly zones?: readonly string[];
  /** Checks everything and creates nothing. */
  readonly validateOnly?: boolean;
  /** Replicated if absent. */
  readonly redundancyMode?: RedundancyMode;
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
  readonly #transport: Transport;

  /** @internal */
  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** A volume without an engine, used over NBD. When the operation is done, `get` has it by the same id. */
  async create(volume: CreateVolume, settings: RequestSettings = {}): Promise<Operation> {
    const { id, zones = [], validateOnly, ...rest } = volume;
    const request = {
      ...rest,
      volumeId: id,
      zones: [...zones],
      ...requestFields(validateOnly === undefined ? settings : { ...settings, validateOnly }),
    };
    return operationOf(await this.#transport.repeated(methods.createVolume, request, settings));
  }

  /** Of a volume without an engine, such as a clone. */
  async delete(name: string, settings: RequestSettings = {}): Promise<Operation> {
    const request = { name: volumeName(name), ...requestFields(settings) };
    return operationOf(await this.#transport.repeated(methods.deleteVolume, request, settings));
  }

  get(name: string, settings: CallSettings = {}): Promise<Volume> {
    return this.#transport.repeated(methods.getVolume, { name: volumeName(name) }, settings);
  }

  /** All volumes, those of databases too. */
  list(settings: CallSettings = {}): Listing<Volume> {
    return new Listing(async (pageToken) => {
      const request = { pageSize: PAGE_SIZE, pageToken };
      const answer = await this.#transport.repeated(methods.listVolumes, request, settings);
      return { items: answer.volumes, nextPageToken: answer.nextPageToken };
    });
  }

  /** How far the checks of its hosts are; `start`: one begins where none runs. */
  check(
    name: string,
    { start }: { readonly start: boolean },
    settings: CallSettings = {},
  ): Promise<VolumeCheck> {
    return this.#transport.repeated(methods.checkVolume, { name: volumeName(name), start }, settings);
  }

  /** Never tried again by itself: each time raises the generation. */
  forcePrimary(name: string, choice: ForcePrimary, settings: CallSettings = {}): Promise<Volume> {
    const { host, acceptDataLoss } = choice;
    const request = {
      name: volumeName(name),
      host: hostName(host),
      acceptDataLoss,
      validateOnly: !acceptDataLoss,
    };
    return this.#transport.once(methods.forcePrimary, request, settings);
  }

  /** Idempotent: what failed halfway is asked for again, and what still goes on is waited for. */
  grow(
    name: string,
    sizeBytes: bigint,
    { validateOnly = false, ...settings }: CallSettings & { readonly validateOnly?: boolean } = {},
  ): Promise<Volume> {
    const request = { name: volumeName(name), sizeBytes, validateOnly };
    return this.#transport.repeated(methods.growVolume, request, patient(settings));
  }

  /** Idempotent, as `grow` is. `acceptSmaller`: the caller knows that whatever uses the volume has to do without its end. */
  shrink(
    name: string,
    sizeBytes: bigint,
    { acceptSmaller }: { readonly acceptSmaller: boolean },
    settings: CallSettings = {},
  ): Promise<Volume> {
    const request = { name: volumeName(name), sizeBytes, acceptSmaller };
    return this.#transport.repeated(methods.shrinkVolume, request, patient(settings));
  }

  /** Where one runs already, or none, that is no error. Never tried again by itself. */
  scrub(name: string, choice: ScrubChoice = {}, settings: CallSettings = {}): Promise<Volume> {
    const { stop = false, anew = false } = choice;
    return this.#transport.once(methods.scrubVolume, { name: volumeName(name), stop, anew }, settings);
  }
}
