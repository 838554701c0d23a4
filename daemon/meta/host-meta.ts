/**
 * What a host keeps beside the data of its volumes: one record per replica, in level, synced.
 *
 *   key                 value
 *   replica/<volume>    ReplicaRecord as JSON
 *   address/<host>      HostAddress as JSON: where a peer listens, so that a restart needs no control
 *   control/position    the last run and revision of the control store that this host was told, as JSON
 *
 * Level's own lock makes this also the guard against two daemons on one state folder.
 */
import { mkdirSync } from 'node:fs';
import { Level } from 'level';
import type { DurableState } from '../replication/interface.ts';
import { LockstepError, messageOf } from '../sys/errors.ts';
import type { StorePosition } from '../../proto/gen/lockstep/agent/v1/agent.ts';

export interface ReplicaRecord {
  readonly volume: string;
  readonly sizeBytes: number;
  readonly durable: DurableState;
}

export interface HostAddress {
  readonly host: string;
  readonly port: number;
}

const ADDRESS_PREFIX = 'address/';
const REPLICA_PREFIX = 'replica/';
const POSITION_KEY = 'control/position';

export class HostMeta {
  readonly #db: Level<string, unknown>;
  /** Writes of one key must not overtake each other on their way through the thread pool. */
  #lastWrite: Promise<void> = Promise.resolve();

  private constructor(db: Level<string, unknown>) {
    this.#db = db;
  }

  static async open(folder: string): Promise<HostMeta> {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const db = new Level<string, unknown>(folder, { valueEncoding: 'json' });
    try {
      await db.open();
    } catch (cause) {
      if (!isLocked(cause)) {
        const why = cause instanceof Error && cause.cause !== undefined ? cause.cause : cause;
        throw new LockstepError('INTERNAL', `the records in ${folder} cannot be opened: ${messageOf(why)}`, {
          reason: 'RECORDS_UNREADABLE',
          cause,
        });
      }
      throw new LockstepError(
        'FAILED_PRECONDITION',
        `host.state_dir: ${folder} is owned by a running daemon`,
        {
          reason: 'STATE_FOLDER_IN_USE',
          violations: [
            { field: 'host.state_dir', value: folder, allowed: 'a folder that no other daemon uses' },
          ],
          cause,
        },
      );
    }
    return new HostMeta(db);
  }

  async list(): Promise<readonly ReplicaRecord[]> {
    const records = await this.#db.values({ gte: REPLICA_PREFIX, lt: `${REPLICA_PREFIX}\uffff` }).all();
    return records as ReplicaRecord[];
  }

  async addresses(): Promise<ReadonlyMap<string, HostAddress>> {
    const entries = await this.#db.iterator({ gte: ADDRESS_PREFIX, lt: `${ADDRESS_PREFIX}\uffff` }).all();
    return new Map(entries.map(([key, value]) => [key.slice(ADDRESS_PREFIX.length), value as HostAddress]));
  }

  async putAddress(host: string, address: HostAddress): Promise<void> {
    await this.#inOrder(() => this.#db.put(`${ADDRESS_PREFIX}${host}`, address, { sync: true }));
  }

  async storePosition(): Promise<StorePosition | undefined> {
    const kept = (await this.#db.get(POSITION_KEY)) as { run: string; revision: string } | undefined;
    return kept === undefined ? undefined : { run: kept.run, revision: BigInt(kept.revision) };
  }

  async putStorePosition({ run, revision }: StorePosition): Promise<void> {
    await this.#inOrder(() =>
      this.#db.put(POSITION_KEY, { run, revision: String(revision) }, { sync: true }),
    );
  }

  /** On stable storage when it resolves. */
  async put(record: ReplicaRecord): Promise<void> {
    await this.#inOrder(() => this.#db.put(`${REPLICA_PREFIX}${record.volume}`, record, { sync: true }));
  }

  async delete(volume: string): Promise<void> {
    await this.#inOrder(() => this.#db.del(`${REPLICA_PREFIX}${volume}`, { sync: true }));
  }

  async close(): Promise<void> {
    await this.#lastWrite;
    await this.#db.close();
  }

  #inOrder(write: () => Promise<void>): Promise<void> {
    const result = this.#lastWrite.then(write);
    this.#lastWrite = result.catch(() => undefined);
    return result;
  }
}

function isLocked(error: unknown): boolean {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause instanceof Error && 'code' in cause && cause.code === 'LEVEL_LOCKED';
}
