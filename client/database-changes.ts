/** Changes of a database that is there. Each is an operation, and is tried again under its one request id. */
import type { MethodEntry } from '../daemon/sys/grpc-unary.ts';
import type { Operation as RawOperation } from '../proto/gen/google/longrunning/operations.ts';
import {
  Database,
  DatabaseServiceService as methods,
  type RedundancyMode,
} from '../proto/gen/lockstep/v1/database_service.ts';
import { changeFields, type ChangeSettings, requestFields } from './calls.ts';
import { type Operation, operationOf } from './operations.ts';
import { hostName, resourceName } from './resource-names.ts';
import type { Transport } from './transport.ts';

/** What is absent stays as it is; `null` sets one entry back: a parameter to its default, a tag away. */
export interface UpdateDatabase {
  /** Larger than it is: storage grows while it is used, and does not shrink. */
  readonly sizeBytes?: bigint;
  readonly parameters?: Readonly<Record<string, string | null>>;
  readonly tags?: Readonly<Record<string, string | null>>;
  readonly deletionProtection?: boolean;
}

export interface DeleteDatabase extends ChangeSettings {
  /** Absent: a name is made up. */
  readonly finalSnapshotId?: string;
  /** In words: no final snapshot, and nothing is left when the grace time has passed. */
  readonly skipFinalSnapshot?: boolean;
}

export interface RebootDatabase extends ChangeSettings {
  /** On the secondary, which becomes the primary. */
  readonly withSwitchover?: boolean;
}

export interface ConvertRedundancy extends ChangeSettings {
  readonly redundancyMode: RedundancyMode;
  /**
   * Where the second copy goes, `zones/{zone}` or `hosts/{host}`; absent: control chooses. Towards one copy: which of
   * them stays, `hosts/{host}`; absent: the primary.
   */
  readonly place?: string;
}

export interface ReseedDatabase extends ChangeSettings {
  /** Of the replica that is copied to; absent: the only one beside the primary. */
  readonly host?: string;
  /** Also one that is in sync: every region is compared. */
  readonly anew?: boolean;
}

/** The part of `client.databases` that changes what is there. */
export class DatabaseChanges {
  readonly #transport: Transport;

  /** @internal */
  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** With an etag, and the change is refused if the database is not what the caller saw. */
  async update(name: string, changes: UpdateDatabase, settings: ChangeSettings = {}): Promise<Operation> {
    const { sizeBytes, deletionProtection, parameters = {}, tags = {} } = changes;
    const paths = [
      ...(sizeBytes === undefined ? [] : ['size_bytes']),
      ...(deletionProtection === undefined ? [] : ['deletion_protection']),
      ...Object.keys(parameters).map((key) => `parameters.${key}`),
      ...Object.keys(tags).map((key) => `tags.${key}`),
    ];
    const database = Database.fromPartial({
      name: resourceName(name),
      etag: settings.etag ?? '',
      sizeBytes: sizeBytes ?? 0n,
      deletionProtection: deletionProtection ?? false,
      parameters: present(parameters),
      tags: present(tags),
    });
    const request = { database, updateMask: paths, ...requestFields(settings) };
    return operationOf(await this.#transport.repeated(methods.updateDatabase, request, settings));
  }

  /** It can be brought back by `undelete` until its expireTime. */
  delete(name: string, settings: DeleteDatabase = {}): Promise<Operation> {
    const { finalSnapshotId = '', skipFinalSnapshot = false } = settings;
    return this.#change(methods.deleteDatabase, name, { finalSnapshotId, skipFinalSnapshot }, settings);
  }

  undelete(name: string, settings: ChangeSettings = {}): Promise<Operation> {
    return this.#change(methods.undeleteDatabase, name, {}, settings);
  }

  start(name: string, settings: ChangeSettings = {}): Promise<Operation> {
    return this.#change(methods.startDatabase, name, {}, settings);
  }

  /** The engine alone: the copies stay, and stay in sync. */
  stop(name: string, settings: ChangeSettings = {}): Promise<Operation> {
    return this.#change(methods.stopDatabase, name, {}, settings);
  }

  reboot(name: string, settings: RebootDatabase = {}): Promise<Operation> {
    const { withSwitchover = false } = settings;
    return this.#change(methods.rebootDatabase, name, { withSwitchover }, settings);
  }

  /** Makes the secondary the primary, whether or not the primary is well: its engine is killed. */
  failover(name: string, settings: ChangeSettings = {}): Promise<Operation> {
    return this.#change(methods.failoverDatabase, name, {}, settings);
  }

  /** Makes the secondary the primary with the least time without service; refused unless all is well. */
  switchover(name: string, settings: ChangeSettings = {}): Promise<Operation> {
    return this.#change(methods.switchoverDatabase, name, {}, settings);
  }

  /** One copy to two in two zones, or back, while it is used. */
  convertRedundancy(name: string, settings: ConvertRedundancy): Promise<Operation> {
    const { redundancyMode, place = '' } = settings;
    return this.#change(methods.convertRedundancy, name, { redundancyMode, place }, settings);
  }

  /** Has the primary copy anew to the other replica. */
  reseed(name: string, settings: ReseedDatabase = {}): Promise<Operation> {
    const { anew = false } = settings;
    return this.#change(methods.reseedDatabase, name, { host: hostName(settings.host), anew }, settings);
  }

  /** Another name, and with it another alias; clients that are connected stay so. */
  rename(name: string, newId: string, settings: ChangeSettings = {}): Promise<Operation> {
    return this.#change(methods.renameDatabase, name, { newDatabaseId: newId }, settings);
  }

  /** When the operation is done, `claimPassword` answers the new one, once. */
  resetPassword(name: string, settings: ChangeSettings = {}): Promise<Operation> {
    return this.#change(methods.resetPassword, name, {}, settings);
  }

  async #change<Request extends Changing>(
    method: MethodEntry<Request, RawOperation>,
    name: string,
    own: Omit<Request, keyof Changing>,
    settings: ChangeSettings,
  ): Promise<Operation> {
    const request = { ...own, name: resourceName(name), ...changeFields(settings) } as Request;
    return operationOf(await this.#transport.repeated(method, request, settings));
  }
}

interface Changing {
  name: string;
  etag: string;
  requestId: string;
  validateOnly: boolean;
}

/** What is named by the mask and has no value is set back. */
function present(entries: Readonly<Record<string, string | null>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(entries).filter((entry): entry is [string, string] => entry[1] !== null),
  );
}
