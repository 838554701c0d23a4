/**
 * Puts changes into level in groups: while one batch is on its way to stable storage, what comes in meanwhile gathers,
 * and goes out together in the next. So the cost of a sync is shared by all volumes, the order of the changes is kept,
 * and what was handed in together becomes durable together.
 */
import type { BatchOperation, Level } from 'level';

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

  constructor(db: MetaDb) {
    this.#db = db;
  }

  /** On stable storage when it resolves. */
  put(changes: readonly Change[]): Promise<void> {
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
        await this.#db.batch(
          group.flatMap(({ changes }) => changes),
          { sync: true },
        );
        for (const { resolve } of group) resolve();
      } catch (error) {
        for (const { reject } of group) reject(error);
      }
    }
    this.#writing = undefined;
  }
}
