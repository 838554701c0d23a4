/**
 * Finished workflows, and the request ids that name them, are kept by count and not by age: a clock that jumps forgets
 * nothing. Of each type and target the newest are kept, so that a repair which is tried every half minute does not push
 * out the create; of all of them the newest are kept too, since targets come and go.
 *
 * One that is stuck waits for a person, and stays as long as what it works on is there.
 *
 * A workflow goes in one transaction with its log and its request ids: what remains always names what is there. A request
 * that is repeated after that is a new one.
 */
import { messageOf } from '../../daemon/sys/errors.ts';
import type { Log } from '../../daemon/sys/log.ts';
import { type DatabaseRecord, keys, type RequestRecord } from '../model/records.ts';
import type { ControlStore } from '../store/store.ts';
import { isStuck, lastEntry, parseWorkflowRecord } from './log.ts';
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

  /** Never one that a database still names as its holder: what it tells is what a person has to read. */
  async #finished(): Promise<readonly WorkflowRecord[]> {
    const databases = (await this.#store.list<DatabaseRecord>(keys.databases)).map((entry) => entry.value);
    const holders = new Set(databases.map((database) => database.busyWith));
    const volumes = new Set(databases.map((database) => database.volume));
    const finished: WorkflowRecord[] = [];
    for (const { value } of await this.#store.list(keys.workflows)) {
      const record = parseWorkflowRecord(value);
      if (!record.ok || holders.has(record.value.id)) continue;
      const last = await lastEntry(this.#store, record.value.id);
      const { volume } = record.value.initialState;
      const waits = isStuck(last) && (typeof volume !== 'string' || volumes.has(volume));
      if ((last?.kind === 'finished' || last?.kind === 'abandoned') && !waits) finished.push(record.value);
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

/** The oldest first. */
export function surplusOf(
  finished: readonly WorkflowRecord[],
  limits: Pick<RetentionLimits, 'perTarget' | 'inAll'>,
): readonly WorkflowRecord[] {
  const newestFirst = [...finished].sort((a, b) => b.createTimeMs - a.createTimeMs);
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
