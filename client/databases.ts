/** The databases of an installation: what there is, and how it is created, watched and deleted. */
import {
  type ClaimPasswordResponse,
  type ConnectionInfo,
  type Database,
  DatabaseServiceService as methods,
  type RedundancyMode,
} from '../proto/gen/lockstep/v1/database_service.ts';
import type { Event } from '../proto/gen/lockstep/v1/event_service.ts';
import { type CallSettings, reopened, requestFields, type RequestSettings } from './calls.ts';
import { DatabaseChanges } from './database-changes.ts';
import { type EventSettings, type Events } from './events.ts';
import { Listing, PAGE_SIZE } from './listing.ts';
import { type Operation, operationOf } from './operations.ts';
import { resourceName } from './resource-names.ts';
import type { StreamSettings, Transport } from './transport.ts';

export interface CreateDatabase {
  /** A DNS label, the last part of the name. */
  readonly id: string;
  /** Such as postgresql or mariadb: `client.engineVersions.list()` has them. */
  readonly engine: string;
  readonly sizeBytes: bigint;
  /** Two zones; empty or absent lets control choose. */
  readonly zones?: readonly string[];
  /** Checks everything and creates nothing. */
  readonly validateOnly?: boolean;
  /** Replicated if absent. */
  readonly redundancyMode?: RedundancyMode;
  readonly tags?: Readonly<Record<string, string>>;
  /** Of the engine. */
  readonly parameters?: Readonly<Record<string, string>>;
  /** A delete is refused while it is true. */
  readonly deletionProtection?: boolean;
  /** Absent: the newest that the chosen hosts can have. */
  readonly engineVersion?: string;
}

export interface ListDatabases extends CallSettings {
  /** Also those that are deleted and can be brought back. */
  readonly showDeleted?: boolean;
}

export interface CloneDatabase {
  /** A DNS label, the last part of the clone's name. */
  readonly id: string;
  /** The name of a snapshot of its volume; absent: as it is now. */
  readonly snapshotId?: string;
  /** Single if absent: usable at once. Replicated: the second copy follows. */
  readonly redundancyMode?: RedundancyMode;
  readonly tags?: Readonly<Record<string, string>>;
}

export class Databases extends DatabaseChanges {
  readonly #transport: Transport;
  readonly #events: Events;

  /** @internal */
  constructor(transport: Transport, events: Events) {
    super(transport);
    this.#transport = transport;
    this.#events = events;
  }

  /** The operation answers the database: `client.operations.wait(operation.name)`. */
  async create(database: CreateDatabase, settings: RequestSettings = {}): Promise<Operation> {
    const { id, zones = [], tags = {}, parameters = {}, validateOnly, ...rest } = database;
    const request = {
      ...rest,
      databaseId: id,
      zones: [...zones],
      tags: { ...tags },
      parameters: { ...parameters },
      ...requestFields(validateOnly === undefined ? settings : { ...settings, validateOnly }),
    };
    return operationOf(await this.#transport.repeated(methods.createDatabase, request, settings));
  }

  get(name: string, settings: CallSettings = {}): Promise<Database> {
    return this.#transport.repeated(methods.getDatabase, { name: resourceName(name) }, settings);
  }

  list({ showDeleted = false, ...settings }: ListDatabases = {}): Listing<Database> {
    return new Listing(async (pageToken) => {
      const request = { pageSize: PAGE_SIZE, pageToken, showDeleted };
      const answer = await this.#transport.repeated(methods.listDatabases, request, settings);
      return { items: answer.databases, nextPageToken: answer.nextPageToken };
    });
  }

  /** A new database that begins as this one is now, or as a snapshot of it. The operation answers the clone. */
  async clone(name: string, clone: CloneDatabase, settings: RequestSettings = {}): Promise<Operation> {
    const { id, tags = {}, ...rest } = clone;
    const request = {
      ...rest,
      name: resourceName(name),
      databaseId: id,
      tags: { ...tags },
      ...requestFields(settings),
    };
    return operationOf(await this.#transport.repeated(methods.cloneDatabase, request, settings));
  }

  /** What a client needs in order to connect, but the password. */
  connectionInfo(name: string, settings: CallSettings = {}): Promise<ConnectionInfo> {
    return this.#transport.repeated(methods.getConnectionInfo, { name: resourceName(name) }, settings);
  }

  /**
   * The administrator's password, which the server forgets as it answers: save it. Never tried again by itself, since
   * the first attempt may have been the one that was answered.
   */
  claimPassword(name: string, settings: CallSettings = {}): Promise<ClaimPasswordResponse> {
    return this.#transport.once(methods.claimPassword, { name: resourceName(name) }, settings);
  }

  /** What happened to it, newest first. `client.events` has more. */
  events(name: string, settings: EventSettings = {}): Listing<Event> {
    return this.#events.list({ ...settings, parent: resourceName(name) });
  }

  /**
   * The database each time it changes, the present value first. A stream that breaks is opened again, which is safe
   * since a new one starts with the present value; it ends by the signal, or with an error that is not transient.
   */
  watch(name: string, settings: StreamSettings = {}): AsyncGenerator<Database, void> {
    const request = { name: resourceName(name) };
    return reopened(() => this.#transport.stream(methods.watchDatabase, request, settings), settings.signal);
  }
}
