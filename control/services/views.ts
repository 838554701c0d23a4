/** Reads what a view needs, at one instant as far as the store allows, and builds it. */
import type { Any } from '../../proto/gen/google/protobuf/any.ts';
import type { Operation } from '../../proto/gen/google/longrunning/operations.ts';
import { Empty } from '../../proto/gen/google/protobuf/empty.ts';
import { Database } from '../../proto/gen/lockstep/v1/database_service.ts';
import { Host } from '../../proto/gen/lockstep/v1/host_service.ts';
import { Volume } from '../../proto/gen/lockstep/v1/volume_service.ts';
import { rpcStatusOf } from '../../daemon/sys/grpc-status.ts';
import { type DatabaseFacts, type RunningOperation, viewDatabase } from '../model/database-view.ts';
import { doingOf, viewOperation } from '../model/operation-view.ts';
import type { DatabaseRecord } from '../model/records.ts';
import type { PlanReader } from '../monitor/plan-reader.ts';
import type { Entry } from '../store/store.ts';
import type { WorkflowEngine } from '../workflow/executor.ts';
import type { WorkflowSnapshot } from '../workflow/snapshot.ts';
import type { HostViews } from './host-views.ts';
import { showVolume, type VolumeViewOptions } from './volume-views.ts';

const DATABASE_TYPE = 'type.googleapis.com/lockstep.v1.Database';
const VOLUME_TYPE = 'type.googleapis.com/lockstep.v1.Volume';
const HOST_TYPE = 'type.googleapis.com/lockstep.v1.Host';
const HOSTS = 'hosts/';
/** Workflows whose outcome is shown as a volume. */
const VOLUME_TYPES: ReadonlySet<string> = new Set([
  'create-volume',
  'create-single-volume',
  'clone-volume',
  'resize-volume',
]);
const EMPTY_TYPE = 'type.googleapis.com/google.protobuf.Empty';

export interface ViewOptions extends VolumeViewOptions {
  readonly engine: WorkflowEngine;
  readonly plans: PlanReader;
  readonly hostViews: HostViews;
  readonly dns: { readonly zone: string; readonly server: string };
}

export class Views {
  readonly #options: ViewOptions;

  constructor(options: ViewOptions) {
    this.#options = options;
  }

  async database(entry: Entry<DatabaseRecord>): Promise<Database> {
    return viewDatabase(await this.facts(entry));
  }

  volume(parts: Parameters<typeof showVolume>[1]): Promise<Volume> {
    return showVolume(this.#options, parts);
  }

  async facts(entry: Entry<DatabaseRecord>): Promise<DatabaseFacts> {
    const { repository, observations, nowMs, dns, plans } = this.#options;
    const [volume, hostRecords, operation] = await Promise.all([
      repository.volume(entry.value.volume),
      repository.hosts(),
      this.#running(entry.value.busyWith),
    ]);
    return {
      database: entry.value,
      databaseRevision: entry.revision,
      volume: volume?.value,
      hostRecords,
      observed: observations.hosts,
      operation,
      dns,
      silenceMs: observations.silenceMs,
      controlUpSinceMs: observations.controlUpSinceMs,
      nowMs: nowMs(),
      ...(volume === undefined ? {} : await plans.of(entry.value, volume.value)),
    };
  }

  async operation(snapshot: WorkflowSnapshot): Promise<Operation> {
    const isDone = snapshot.standing.kind === 'finished' && snapshot.standing.outcome.kind === 'done';
    const response = isDone ? await this.#responseOf(snapshot) : undefined;
    return viewOperation({ snapshot, response, statusOf: rpcStatusOf });
  }

  async #running(workflow: string): Promise<RunningOperation | undefined> {
    if (workflow === '') return undefined;
    const snapshot = await this.#options.engine.get(workflow);
    if (snapshot === undefined || snapshot.standing.kind === 'finished') return undefined;
    return { id: workflow, type: snapshot.record.type, doing: doingOf(snapshot) };
  }

  async #hostResponse(host: string): Promise<Any> {
    const all = await this.#options.hostViews.all();
    const found = all.find(({ name }) => name === `${HOSTS}${host}`);
    return found === undefined ? packed(EMPTY_TYPE, Empty.encode({}).finish()) : packHost(found);
  }

  async #responseOf(snapshot: WorkflowSnapshot): Promise<Any> {
    const { target } = snapshot.record;
    if (target.startsWith(HOSTS)) return this.#hostResponse(target.slice(HOSTS.length));
    const id = target.replace('databases/', '');
    const entry =
      snapshot.record.type === 'purge-database' ? undefined : await this.#options.repository.database(id);
    if (entry === undefined) return packEmpty();
    if (VOLUME_TYPES.has(snapshot.record.type)) {
      const volume = await this.#options.repository.volume(entry.value.volume);
      if (volume !== undefined) return packVolume(await this.volume({ volume, database: entry }));
    }
    return packDatabase(await this.database(entry));
  }
}

export const packDatabase = (database: Database): Any =>
  packed(DATABASE_TYPE, Database.encode(database).finish());

export const packHost = (host: Host): Any => packed(HOST_TYPE, Host.encode(host).finish());

export const packVolume = (volume: Volume): Any => packed(VOLUME_TYPE, Volume.encode(volume).finish());

export const packEmpty = (): Any => packed(EMPTY_TYPE, Empty.encode({}).finish());

const packed = (typeUrl: string, bytes: Uint8Array): Any => ({ typeUrl, value: Buffer.from(bytes) });
