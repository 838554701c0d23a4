/** How soon a workflow that did not help may be started again: 1 s, 2 s, 4 s, ... 30 s. Pure but for its own memory. */

const FIRST_MS = 1000;
const MAX_MS = 30_000;
/** What has been quiet for this long starts over. */
const FORGET_MS = 60_000;

interface Attempts {
  readonly count: number;
  readonly notBeforeMs: number;
}

export class Damper {
  readonly #attempts = new Map<string, Map<string, Attempts>>();

  mayStart(database: string, kind: string, nowMs: number): boolean {
    return nowMs >= (this.#attempts.get(database)?.get(kind)?.notBeforeMs ?? 0);
  }

  started(database: string, kind: string, nowMs: number): void {
    const kinds = this.#attempts.get(database) ?? new Map<string, Attempts>();
    const before = kinds.get(kind);
    const count = before === undefined || nowMs > before.notBeforeMs + FORGET_MS ? 1 : before.count + 1;
    kinds.set(kind, { count, notBeforeMs: nowMs + Math.min(MAX_MS, FIRST_MS * 2 ** (count - 1)) });
    this.#attempts.set(database, kinds);
  }

  /** Forgets databases that are no more. */
  keepOnly(databases: ReadonlySet<string>): void {
    for (const database of this.#attempts.keys())
      if (!databases.has(database)) this.#attempts.delete(database);
  }

  /** The database is well: what is done next about it is not a repetition. */
  reset(database: string): void {
    this.#attempts.delete(database);
  }
}
