/** The failure domains that hosts are in. */
import { type Zone, ZoneServiceService as methods } from '../proto/gen/lockstep/v1/host_service.ts';
import type { CallSettings } from './calls.ts';
import { Listing, PAGE_SIZE } from './listing.ts';
import type { Transport } from './transport.ts';

export class Zones {
  readonly #transport: Transport;

  /** @internal */
  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** Every zone that a host reports. */
  list(settings: CallSettings = {}): Listing<Zone> {
    return new Listing(async (pageToken) => {
      const request = { pageSize: PAGE_SIZE, pageToken };
      const answer = await this.#transport.repeated(methods.listZones, request, settings);
      return { items: answer.zones, nextPageToken: answer.nextPageToken };
    });
  }
}
