/** The database engines that can be asked for. */
import {
  type EngineVersion,
  EngineVersionServiceService as methods,
} from '../proto/gen/lockstep/v1/engine_service.ts';
import type { CallSettings } from './calls.ts';
import { Listing, PAGE_SIZE } from './listing.ts';
import type { Transport } from './transport.ts';

export interface ListEngineVersions extends CallSettings {
  /** Of this engine alone; absent: of all. */
  readonly engine?: string;
}

export class EngineVersions {
  readonly #transport: Transport;

  /** @internal */
  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** Every version that some host has or can install, with its parameters and their allowed values. */
  list({ engine = '', ...settings }: ListEngineVersions = {}): Listing<EngineVersion> {
    return new Listing(async (pageToken) => {
      const request = { pageSize: PAGE_SIZE, pageToken, engine };
      const answer = await this.#transport.repeated(methods.listEngineVersions, request, settings);
      return { items: answer.engineVersions, nextPageToken: answer.nextPageToken };
    });
  }
}
