/**
 * How soon a workflow that did not help may be started again: 1 s, 2 s, 4 s, ... 30 s. And how long a primary must be
 * silent when hosts come and go. Pure but for its own memory.
 */

const FIRST_MS = 1000;
const MAX_MS = 30_000;
/** What has been quiet for this long starts over. */
const FORGET_MS = 60_000;

/** A host that was failed over from and is there again after less, its process the same, had only dropped out. */
const DROP_MS = 10_000;
/** For so long after such a failover another one needs a silence that no drop lasts. */
const FLAPPING_MS = 60_000;

interface Attempts {
  readonly count: number;
  readonly notBeforeMs: number;
}

/** Of a host: what HostObservation has. */
interface Heard {
  readonly incarnation: bigint;
  readonly lastHeardMs: number;
}

/** Of a failover that was decided because the primary had not been heard. */
interface SilentFailover {
  readonly host: string;
  readonly incarnation: bigint | undefined;
  readonly silentSinceMs: number;
  readonly atMs: number;
  /** The host was there again soon: it is the network that comes and goes. */
  wasDrop: boolean;
}

export class Damper {
  readonly #silent = new Map<string, SilentFailover>();
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

  failedOver(database: string, failover: Omit<SilentFailover, 'wasDrop'>): void {
    this.#silent.set(database, { ...failover, wasDrop: false });
  }

  /** What is known of the hosts at this look. */
  hear(database: string, hosts: ReadonlyMap<string, Heard>): void {
    const last = this.#silent.get(database);
    if (last === undefined || last.wasDrop) return;
    const heard = hosts.get(last.host);
    if (heard === undefined || heard.incarnation !== last.incarnation) return;
    const awayMs = heard.lastHeardMs - last.silentSinceMs;
    if (heard.lastHeardMs > last.atMs && awayMs < DROP_MS) last.wasDrop = true;
  }

  /** How long the primary has to be silent before it is failed over from, where nobody says that it is gone. */
  silenceNeededMs(database: string, nowMs: number): number {
    const last = this.#silent.get(database);
    return last?.wasDrop === true && nowMs - last.atMs < FLAPPING_MS ? DROP_MS : 0;
  }

  /** Forgets databases that are no more. */
  keepOnly(databases: ReadonlySet<string>): void {
    for (const database of this.#attempts.keys())
      if (!databases.has(database)) this.#attempts.delete(database);
    for (const database of this.#silent.keys()) if (!databases.has(database)) this.#silent.delete(database);
  }

  /** The database is well: what is done next about it is not a repetition. That hosts come and go is not forgotten. */
  reset(database: string): void {
    this.#attempts.delete(database);
  }
}
