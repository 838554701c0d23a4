/**
 * Finished workflows, and the request ids that name them, are kept by count and not by age, and in the order in which the
 * store got them: a clock that jumps forgets nothing. Of each type and target the newest are kept, so that a repair which is tried every half minute does not push
 * out the create; of all of them the newest are kept too, since targets come and go.
 *
 * One that is stuck waits for a person, and stays as long as what it works on is there and others have not worked on that
 * since: then nobody can have its undo run again.
 *
 * A workflow goes in one transaction with its log and its request ids: what remains always names what is there. A request
 * that is repeated after that is a new one.
 */
import { messageOf } from '../../daemon/sys/errors.ts';
import type { Log } from '../../daemon/sys/log.ts';
import {
  type ArchiveRecord,
  type DatabaseRecord,
  type HostAdminRecord,
  keys,
  type RequestRecord,
} from '../model/records.ts';
import type { ControlStore } from '../store/store.ts';
import { isStuck, lastEntry } from './log.ts';
import { overtakerOf, workflowEntries } from './overtaken.ts';
import type { WorkflowRecord } from './workflow.ts';

export interface RetentionLimits {
  /** Of one type on one target. */
  readonly perTarget: number;
  /** Of all types and targets. */
  readonly inAll: number;
  /** Removed by one round; the rest waits for the next. */
  readonly perRound: number;
  readonly everyMs: number;
}

export const RETENTION: RetentionLimits = {
  perTarget: 20,
  inAll: 2000,
  perRound: 200,
  everyMs: 10 * 60_000,
};

export class Retention {
  readonly #store: ControlStore;
  readonly #log: Log;
  readonly #limits: RetentionLimits;
  #timer: NodeJS.Timeout | undefined;
  #round: Promise<void> = Promise.resolve();

  constructor(store: ControlStore, log: Log, limits = RETENTION) {
    this.#store = store;
    this.#log = log;
    this.#limits = limits;
  }

  start(): void {
    const round = (): void => {
      this.#round = this.#round.then(() => this.#prune());
    };
    this.#timer = setInterval(round, this.#limits.everyMs);
    round();
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#round;
  }

  /** Answers how many were removed. */
  async prune(): Promise<number> {
    const finished = await this.#finished();
    const surplus = surplusOf(finished, this.#limits).slice(0, this.#limits.perRound);
    if (surplus.length === 0) return 0;
    const requests = await this.#requestsByWorkflow();
    for (const { id } of surplus) await this.#remove(id, requests.get(id) ?? []);
    return surplus.length;
  }

  async #prune(): Promise<void> {
    try {
      const removed = await this.prune();
      if (removed > 0) this.#log.info({ removed }, 'old workflows were removed');
    } catch (error) {
      this.#log.warn({ error: messageOf(error) }, 'old workflows could not be removed; it is tried again');
    }
  }

  /** Oldest first. Never one that something still names as its holder: what it tells is what a person has to read. */
  async #finished(): Promise<readonly WorkflowRecord[]> {
    const databases = await this.#store.list<DatabaseRecord>(keys.databases);
    const held = [
      ...databases,
      ...(await this.#store.list<ArchiveRecord>(keys.archives)),
      ...(await this.#store.list<HostAdminRecord>(keys.hostAdmins)),
    ];
    const holders = new Set(held.map(({ value }) => value.busyWith));
    const volumes = new Set(databases.map(({ value }) => value.volume));
    const entries = await workflowEntries(this.#store);
    const finished: WorkflowRecord[] = [];
    for (const { value } of entries) {
      if (holders.has(value.id)) continue;
      const last = await lastEntry(this.#store, value.id);
      if (last?.kind !== 'finished' && last?.kind !== 'abandoned') continue;
      const { volume } = value.initialState;
      const isThere = typeof volume !== 'string' || volumes.has(volume);
      const waits =
        isStuck(last) && isThere && (await overtakerOf(this.#store, value, entries)) === undefined;
      if (!waits) finished.push(value);
    }
    return finished;
  }

  async #requestsByWorkflow(): Promise<ReadonlyMap<string, readonly string[]>> {
    const keysOf = new Map<string, string[]>();
    for (const { key, value } of await this.#store.list<RequestRecord>(keys.requests))
      keysOf.set(value.workflow, [...(keysOf.get(value.workflow) ?? []), key]);
    return keysOf;
  }

  async #remove(id: string, requests: readonly string[]): Promise<void> {
    const log = await this.#store.list(keys.workflowLog(id));
    const gone = [keys.workflow(id), ...requests, ...log.map((entry) => entry.key)];
    await this.#store.transact(
      [],
      gone.map((key) => ({ key, deleted: true as const })),
    );
  }
}

/** Of those that have finished, oldest first: those that go, oldest first. */
export function surplusOf(
  finished: readonly WorkflowRecord[],
  limits: Pick<RetentionLimits, 'perTarget' | 'inAll'>,
): readonly WorkflowRecord[] {
  const newestFirst = [...finished].reverse();
  const counts = new Map<string, number>();
  let kept = 0;
  const surplus = newestFirst.filter(({ type, target }) => {
    const kind = `${type} ${target}`;
    const count = (counts.get(kind) ?? 0) + 1;
    counts.set(kind, count);
    const isKept = count <= limits.perTarget && kept < limits.inAll;
    if (isKept) kept++;
    return !isKept;
  });
  return surplus.reverse();
}
