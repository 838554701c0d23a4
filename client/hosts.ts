/** The hosts of an installation, and what a person decides about them. */
import { type Host, HostServiceService as methods } from '../proto/gen/lockstep/v1/host_service.ts';
import { type CallSettings, changeFields, type ChangeSettings } from './calls.ts';
import { Listing, PAGE_SIZE } from './listing.ts';
import { type Operation, operationOf } from './operations.ts';
import { hostId, hostName } from './resource-names.ts';
import type { Transport } from './transport.ts';

export interface RegisterHost {
  /** A DNS label: the `host.name` of its configuration. */
  readonly id: string;
  /** Its daemon must report this zone. */
  readonly zone: string;
  /** Its daemon must report this address; absent: any. */
  readonly address?: string;
  /** Begin as cordoned. */
  readonly cordoned?: boolean;
  readonly validateOnly?: boolean;
}

export interface CordonHost extends CallSettings {
  /** The change is refused (ABORTED) if the host is no longer what the caller saw. */
  readonly etag?: string;
  /** A person's words for it, shown wherever the host is. */
  readonly reason?: string;
}

export interface RemoveHost extends CallSettings {
  readonly etag?: string;
  /** Check everything and change nothing. */
  readonly validateOnly?: boolean;
}

export class Hosts {
  readonly #transport: Transport;

  /** @internal */
  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** Makes a host known before its daemon reports, or lets one that was removed report again. Never tried twice. */
  register(host: RegisterHost, settings: CallSettings = {}): Promise<Host> {
    const { id, ...rest } = host;
    return this.#transport.once(methods.registerHost, { ...rest, hostId: hostId(id) }, settings);
  }

  get(name: string, settings: CallSettings = {}): Promise<Host> {
    return this.#transport.repeated(methods.getHost, { name: hostName(name) }, settings);
  }

  list(settings: CallSettings = {}): Listing<Host> {
    return new Listing(async (pageToken) => {
      const request = { pageSize: PAGE_SIZE, pageToken };
      const answer = await this.#transport.repeated(methods.listHosts, request, settings);
      return { items: answer.hosts, nextPageToken: answer.nextPageToken };
    });
  }

  /** No new copy is placed on it; what is there stays and goes on. */
  cordon(name: string, settings: CordonHost = {}): Promise<Host> {
    return this.#cordon(name, false, settings);
  }

  /** Copies are placed on it again. */
  uncordon(name: string, settings: CordonHost = {}): Promise<Host> {
    return this.#cordon(name, true, settings);
  }

  /** Moves every primary away and replaces every copy on another host. The operation answers the host. */
  async drain(name: string, settings: ChangeSettings = {}): Promise<Operation> {
    const request = { name: hostName(name), ...changeFields(settings) };
    return operationOf(await this.#transport.repeated(methods.drainHost, request, settings));
  }

  /** Forgets a host that holds nothing; its daemon is refused from then on. Never tried twice. */
  async remove(name: string, settings: RemoveHost = {}): Promise<void> {
    const { etag = '', validateOnly = false } = settings;
    await this.#transport.once(methods.removeHost, { name: hostName(name), etag, validateOnly }, settings);
  }

  /** Said twice it is the same, unless an etag makes the second a refusal. */
  #cordon(name: string, uncordon: boolean, settings: CordonHost): Promise<Host> {
    const { etag = '', reason = '' } = settings;
    const request = { name: hostName(name), etag, uncordon, reason };
    return etag === ''
      ? this.#transport.repeated(methods.cordonHost, request, settings)
      : this.#transport.once(methods.cordonHost, request, settings);
  }
}
