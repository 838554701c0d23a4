/** Reads what a view needs, at one instant as far as the store allows, and builds it. */
import type { Any } from '../../proto/gen/google/protobuf/any.ts';
import type { Operation } from '../../proto/gen/google/longrunning/operations.ts';
import { Empty } from '../../proto/gen/google/protobuf/empty.ts';
import { Database } from '../../proto/gen/lockstep/v1/database_service.ts';
import { rpcStatusOf } from '../../daemon/sys/grpc-status.ts';
import { type DatabaseFacts, type RunningOperation, viewDatabase } from '../model/database-view.ts';
import { doingOf, viewOperation } from '../model/operation-view.ts';
import type { DatabaseRecord } from '../model/records.ts';
import type { Observations } from '../monitor/observations.ts';
import type { Repository } from '../repository.ts';
import type { Entry } from '../store/store.ts';
import type { WorkflowEngine } from '../workflow/executor.ts';
import type { WorkflowSnapshot } from '../workflow/snapshot.ts';

const DATABASE_TYPE = 'type.googleapis.com/lockstep.v1.Database';
const EMPTY_TYPE = 'type.googleapis.com/google.protobuf.Empty';

export interface ViewOptions {
  readonly repository: Repository;
  readonly engine: WorkflowEngine;
  readonly observations: Observations;
  readonly nowMs: () => number;
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

  async facts(entry: Entry<DatabaseRecord>): Promise<DatabaseFacts> {
    const { repository, observations, nowMs, dns } = this.#options;
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

  async #responseOf(snapshot: WorkflowSnapshot): Promise<Any> {
    const id = snapshot.record.target.replace('databases/', '');
    const entry =
      snapshot.record.type === 'delete-database' ? undefined : await this.#options.repository.database(id);
    if (entry === undefined) return packed(EMPTY_TYPE, Empty.encode({}).finish());
    return packDatabase(await this.database(entry));
  }
}

export const packDatabase = (database: Database): Any =>
  packed(DATABASE_TYPE, Database.encode(database).finish());

const packed = (typeUrl: string, bytes: Uint8Array): Any => ({ typeUrl, value: Buffer.from(bytes) });
