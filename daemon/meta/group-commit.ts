/**
 * Puts changes into level in groups: while one batch is on its way to stable storage, what comes in meanwhile gathers,
 * and goes out together in the next. So the cost of a sync is shared by all volumes, the order of the changes is kept,
 * and what was handed in together becomes durable together.
 *
 * After a batch that failed none is written any more. Level goes on behind the torn record, and at the next start it
 * skips what follows such a record without a word: changes would be answered as durable and be gone. That start begins
 * a new log, so the process has to end first.
 */
import type { BatchOperation, Level } from 'level';
import { LockstepError, messageOf } from '../sys/errors.ts';

export type MetaDb = Level<string, unknown>;
export type Change = BatchOperation<MetaDb, string, unknown>;

interface Waiting {
  readonly changes: readonly Change[];
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

export class GroupCommit {
  readonly #db: MetaDb;
  #waiting: Waiting[] = [];
  /** The group being written, and those behind it. */
  #writing: Promise<void> | undefined;
  #broken: LockstepError | undefined;

  constructor(db: MetaDb) {
    this.#db = db;
  }

  /** On stable storage when it resolves. After one that was rejected all are: what was rejected may be found later. */
  put(changes: readonly Change[]): Promise<void> {
    if (this.#broken !== undefined) return Promise.reject(this.#broken);
    const { promise, resolve, reject } = Promise.withResolvers<undefined>();
    this.#waiting.push({
      changes,
      resolve: () => {
        resolve(undefined);
      },
      reject,
    });
    this.#writing ??= this.#write();
    return promise;
  }

  /** Resolves once nothing is on its way any more. */
  async idle(): Promise<void> {
    await this.#writing;
  }

  async #write(): Promise<void> {
    while (this.#waiting.length > 0) {
      const group = this.#waiting;
      this.#waiting = [];
      try {
        if (this.#broken !== undefined) throw this.#broken;
        await this.#db.batch(
          group.flatMap(({ changes }) => changes),
          { sync: true },
        );
        for (const { resolve } of group) resolve();
      } catch (error) {
        this.#broken ??= new LockstepError(
          'INTERNAL',
          `no records are written any more, since one failed: ${messageOf(error)}`,
          { reason: 'RECORDS_BROKEN', cause: error },
        );
        for (const { reject } of group) reject(error);
      }
    }
    this.#writing = undefined;
  }
}
