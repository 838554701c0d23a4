/**
 * What a host keeps beside the data of its volumes, in level, synced.
 *
 *   key                             value
 *   replica/<volume>                size and DurableState as JSON
 *   dirty/<volume>/<host>/<chunk>   a piece of a dirty map: see dirty-chunks.ts
 *   address/<host>                  HostAddress as JSON: where a peer listens, so that a restart needs no control
 *   store/...                       the layers of the volumes: see daemon/store/layers/catalogue.ts
 *   control/position                the last run and revision of the control store that this host was told, as JSON
 *
 * A replica's state and what changed of its maps go out in one batch: neither is ever found without the other.
 * Level's own lock makes this also the guard against two daemons on one state folder.
 */
import { mkdirSync } from 'node:fs';
import { Level } from 'level';
import type { DurableState, KeptState, MapChange } from '../replication/interface.ts';
import { LockstepError, messageOf } from '../sys/errors.ts';
import type { StorePosition } from '../../proto/gen/lockstep/agent/v1/agent.ts';
import { DirtyChunks } from './dirty-chunks.ts';
import { GroupCommit, type MetaDb } from './group-commit.ts';
import { StoreCatalogue } from './store-catalogue.ts';

export interface ReplicaRecord {
  readonly volume: string;
  readonly sizeBytes: number;
  readonly durable: DurableState;
}

export interface KeptReplica extends ReplicaRecord {
  readonly maps: KeptState['maps'];
}

export interface HostAddress {
  readonly host: string;
  readonly port: number;
}

const ADDRESS_PREFIX = 'address/';
const REPLICA_PREFIX = 'replica/';
const POSITION_KEY = 'control/position';

export class HostMeta {
  readonly #db: MetaDb;
  readonly #writes: GroupCommit;
  readonly #chunks: DirtyChunks;
  readonly catalogue: StoreCatalogue;

  private constructor(db: MetaDb, chunks: DirtyChunks) {
    this.#db = db;
    this.#writes = new GroupCommit(db);
    this.catalogue = new StoreCatalogue(db, this.#writes);
    this.#chunks = chunks;
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
    const chunks = new DirtyChunks(db);
    await chunks.load();
    return new HostMeta(db, chunks);
  }

  async list(): Promise<readonly KeptReplica[]> {
    const found = await this.#db.values({ gte: REPLICA_PREFIX, lt: `${REPLICA_PREFIX}\uffff` }).all();
    return Promise.all(
      (found as ReplicaRecord[]).map(async ({ volume, sizeBytes, durable }) => ({
        volume,
        sizeBytes,
        durable: upToDate(durable),
        maps: await this.#chunks.read(volume),
      })),
    );
  }

  async addresses(): Promise<ReadonlyMap<string, HostAddress>> {
    const entries = await this.#db.iterator({ gte: ADDRESS_PREFIX, lt: `${ADDRESS_PREFIX}\uffff` }).all();
    return new Map(entries.map(([key, value]) => [key.slice(ADDRESS_PREFIX.length), value as HostAddress]));
  }

  async putAddress(host: string, address: HostAddress): Promise<void> {
    await this.#writes.put([{ type: 'put', key: `${ADDRESS_PREFIX}${host}`, value: address }]);
  }

  async storePosition(): Promise<StorePosition | undefined> {
    const kept = (await this.#db.get(POSITION_KEY)) as { run: string; revision: string } | undefined;
    return kept === undefined ? undefined : { run: kept.run, revision: BigInt(kept.revision) };
  }

  async putStorePosition({ run, revision }: StorePosition): Promise<void> {
    await this.#writes.put([{ type: 'put', key: POSITION_KEY, value: { run, revision: String(revision) } }]);
  }

  /** Both on stable storage when it resolves. Calls take effect in their order, also if they are not waited for. */
  async put({ volume, sizeBytes, durable }: ReplicaRecord, maps: readonly MapChange[] = []): Promise<void> {
    await this.#writes.put([
      { type: 'put', key: `${REPLICA_PREFIX}${volume}`, value: { volume, sizeBytes, durable } },
      ...this.#chunks.changes(volume, maps),
    ]);
  }

  async delete(volume: string): Promise<void> {
    await this.#writes.put([
      { type: 'del', key: `${REPLICA_PREFIX}${volume}` },
      ...this.#chunks.deletion(volume),
    ]);
  }

  async close(): Promise<void> {
    await this.#writes.idle();
    await this.#db.close();
  }
}

type LaterField =
  'flushFailedIn' | 'pulledFrom' | 'consistentAt' | 'mixed' | 'copyFrom' | 'tracked' | 'scrubbedTo';

/**
 * A record of a build before there were dirty maps lacks what belongs to them. Such a replica was consistent in its
 * view if it was complete, and never else; nobody keeps track of what it lacks.
 */
function upToDate(durable: Omit<DurableState, LaterField> & Partial<DurableState>): DurableState {
  return {
    flushFailedIn: '',
    pulledFrom: '',
    scrubbedTo: 0,
    consistentAt: durable.complete ? durable.view.generation : 0,
    mixed: false,
    copyFrom: { host: '', generation: 0 },
    tracked: [],
    ...durable,
  };
}

function isLocked(error: unknown): boolean {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause instanceof Error && 'code' in cause && cause.code === 'LEVEL_LOCKED';
}
