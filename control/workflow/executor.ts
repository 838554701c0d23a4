/**
 * Starts workflows, takes them up again after a restart, and shows how they stand. Each runs in a task of its own:
 * one whose log is refused, or whose step hangs, never keeps the others from running.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { assert, LockstepError, messageOf } from '../../daemon/sys/errors.ts';
import type { Log } from '../../daemon/sys/log.ts';
import { keys } from '../model/records.ts';
import type { Condition, ControlStore, Mutation } from '../store/store.ts';
import { SETTLE_MS } from './attempt.ts';
import { hasFinished, parseWorkflowRecord, readLog } from './log.ts';
import { asTheLogKeepsIt, type RunSurroundings, WorkflowRun } from './run.ts';
import { snapshotOf, versionRefusal, type WorkflowSnapshot } from './snapshot.ts';
import type { LogEntry, WorkflowDefinition, WorkflowRecord, WorkflowState } from './workflow.ts';

/** How long close waits for steps that were told to stop; it is less than what a service manager gives us. */
export const CLOSE_WAIT_MS = 5000;

export interface EngineOptions {
  readonly store: ControlStore;
  readonly definitions: readonly WorkflowDefinition<WorkflowState>[];
  /** Milliseconds since 1970. */
  readonly clock: () => number;
  readonly log: Log;
  /** Runs after each entry is durable and before anything else happens: where tests let the daemon die. */
  readonly afterLog?: (entry: LogEntry) => void;
  readonly settleMs?: number;
  readonly closeWaitMs?: number;
}

export interface StartOptions {
  /** Chosen by the caller where other records of the same transaction name the workflow. */
  readonly id?: string;
  readonly conditions?: readonly Condition[];
  readonly mutations?: readonly Mutation[];
}

export type StartResult =
  { readonly ok: true; readonly id: string } | { readonly ok: false; readonly conflict: string };

export class WorkflowEngine {
  readonly #options: EngineOptions;
  readonly #definitions: ReadonlyMap<string, WorkflowDefinition<WorkflowState>>;
  readonly #stop = new AbortController();
  readonly #active = new Map<string, ActiveRun>();
  /** Why this daemon gave a workflow up; a restart tries again. */
  readonly #halted = new Map<string, string>();
  readonly #listeners = new Set<(id: string) => void>();

  constructor(options: EngineOptions) {
    this.#options = options;
    this.#definitions = new Map(options.definitions.map((definition) => [definition.type, definition]));
    assert(this.#definitions.size === options.definitions.length, 'each workflow type is defined once');
    for (const { type, steps } of options.definitions)
      assert(
        new Set(steps.map((step) => step.name)).size === steps.length,
        `the steps of ${type} differ in name`,
      );
  }

  /**
   * Creates the workflow's record in one transaction with the caller's own conditions and mutations, so that a
   * resource that says which workflow holds it and that workflow appear together or not at all, and runs it.
   */
  async start(
    type: WorkflowDefinition<WorkflowState>['type'],
    target: string,
    initialState: WorkflowState,
    options: StartOptions = {},
  ): Promise<StartResult> {
    if (this.#stop.signal.aborted) throw stopping();
    const definition = this.#definitions.get(type);
    assert(definition !== undefined, `a workflow of type ${type} is defined`);
    const record: WorkflowRecord = {
      id: options.id ?? randomUUID(),
      type,
      version: definition.version,
      target,
      createTimeMs: this.#options.clock(),
      initialState: asTheLogKeepsIt(initialState),
    };
    const key = keys.workflow(record.id);
    const result = await this.#options.store.transact(
      [{ key, absent: true }, ...(options.conditions ?? [])],
      [{ key, value: record }, ...(options.mutations ?? [])],
    );
    if (!result.ok) return result;
    this.#launch(record);
    return { ok: true, id: record.id };
  }

  /** At the daemon's start: takes up what has not finished. Resolves when all of it runs, not when it is done. */
  async resumeAll(): Promise<void> {
    for (const record of await this.#records()) {
      if (this.#active.has(record.id) || (await hasFinished(this.#options.store, record.id))) continue;
      this.#launch(record);
    }
  }

  async get(id: string): Promise<WorkflowSnapshot | undefined> {
    const active = this.#active.get(id)?.run;
    if (active !== undefined) return active.snapshot();
    const entry = await this.#options.store.get(keys.workflow(id));
    const record = parseWorkflowRecord(entry?.value);
    return record.ok ? this.#snapshotFromStore(record.value) : undefined;
  }

  /** Oldest first. */
  async list(
    filter: { readonly target?: string; readonly unfinishedOnly?: boolean } = {},
  ): Promise<readonly WorkflowSnapshot[]> {
    const snapshots: WorkflowSnapshot[] = [];
    for (const record of await this.#records()) {
      if (filter.target !== undefined && record.target !== filter.target) continue;
      const active = this.#active.get(record.id)?.run;
      const skipsFinished = filter.unfinishedOnly === true;
      if (active === undefined && skipsFinished && (await hasFinished(this.#options.store, record.id)))
        continue;
      const snapshot = active?.snapshot() ?? (await this.#snapshotFromStore(record));
      if (!skipsFinished || snapshot.standing.kind !== 'finished') snapshots.push(snapshot);
    }
    return snapshots.sort((a, b) => a.record.createTimeMs - b.record.createTimeMs);
  }

  /** Resolves once the workflow has finished. Rejects when it halted, when this daemon stops, or with the signal. */
  async wait(id: string, options: { readonly signal?: AbortSignal } = {}): Promise<WorkflowSnapshot> {
    const active = this.#active.get(id);
    if (active !== undefined) await unlessAborted(active.ended, options.signal);
    const snapshot = await this.get(id);
    if (snapshot === undefined)
      throw new LockstepError('NOT_FOUND', `there is no workflow ${id}`, { reason: 'WORKFLOW_NOT_FOUND' });
    const { standing } = snapshot;
    if (standing.kind === 'finished') return snapshot;
    if (standing.kind === 'running') throw stopping();
    throw new LockstepError('FAILED_PRECONDITION', `workflow ${id} waits for a person: ${standing.reason}`, {
      reason: 'WORKFLOW_HALTED',
      metadata: { workflow: id },
    });
  }

  /** Called with the id after each entry of a log and each progress. Returns the way to stop. */
  watch(listener: (id: string) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Tells the running steps to stop and waits for them, not forever. What was cut off is taken up at the next start. */
  async close(): Promise<void> {
    this.#stop.abort(stopping());
    const active = [...this.#active.values()];
    const patience = new AbortController();
    const { closeWaitMs = CLOSE_WAIT_MS } = this.#options;
    const timeout = sleep(closeWaitMs, undefined, { signal: patience.signal }).catch(() => undefined);
    await Promise.race([Promise.all(active.map((run) => run.ended)), timeout]);
    patience.abort();
    for (const { run } of active) run?.abandon();
  }

  #launch(record: WorkflowRecord): void {
    const active: ActiveRun = { run: undefined, ended: Promise.resolve() };
    this.#active.set(record.id, active);
    this.#halted.delete(record.id);
    active.ended = this.#runToItsEnd(record, active);
  }

  async #runToItsEnd(record: WorkflowRecord, active: ActiveRun): Promise<void> {
    try {
      const definition = this.#definitions.get(record.type);
      const refusal = versionRefusal(record, definition);
      if (definition === undefined || refusal !== undefined) throw new Error(refusal);
      const log = await readLog(this.#options.store, record.id);
      if (!log.ok) throw new Error(log.reason);
      active.run = new WorkflowRun(record, definition, log.value, this.#surroundings(record.id));
      await active.run.run();
    } catch (error) {
      this.#halted.set(record.id, messageOf(error));
      const facts = { workflow: record.id, target: record.target, error: messageOf(error) };
      this.#options.log.error(facts, 'a workflow halted and waits for a person');
    } finally {
      this.#active.delete(record.id);
    }
    this.#notify(record.id);
  }

  #surroundings(id: string): RunSurroundings {
    const { store, clock, log, afterLog, settleMs = SETTLE_MS } = this.#options;
    const changed = (): void => this.#notify(id);
    return { store, clock, log, settleMs, afterLog, changed, stop: this.#stop.signal };
  }

  #notify(id: string): void {
    for (const listener of this.#listeners) {
      try {
        listener(id);
      } catch (error) {
        // A watcher's fault is not the workflow's.
        this.#options.log.error({ workflow: id, error: messageOf(error) }, 'a listener of workflows threw');
      }
    }
  }

  async #snapshotFromStore(record: WorkflowRecord): Promise<WorkflowSnapshot> {
    return snapshotOf({
      record,
      definition: this.#definitions.get(record.type),
      log: await readLog(this.#options.store, record.id),
      halted: this.#halted.get(record.id),
    });
  }

  async #records(): Promise<readonly WorkflowRecord[]> {
    const records: WorkflowRecord[] = [];
    for (const { key, value } of await this.#options.store.list(keys.workflows)) {
      const record = parseWorkflowRecord(value);
      if (record.ok) records.push(record.value);
      else this.#options.log.error({ key, reason: record.reason }, 'a workflow record cannot be read');
    }
    return records;
  }
}

interface ActiveRun {
  /** Undefined until its log is read. */
  run: WorkflowRun | undefined;
  /** Never rejects. */
  ended: Promise<void>;
}

function stopping(): LockstepError {
  return new LockstepError('UNAVAILABLE', 'this daemon is not running the workflow: it starts or stops', {
    reason: 'WORKFLOW_NOT_RUN_HERE',
  });
}

async function unlessAborted(ended: Promise<void>, signal: AbortSignal | undefined): Promise<void> {
  if (signal === undefined) return ended;
  const aborted = Promise.withResolvers<never>();
  const abort = (): void => {
    const reason: unknown = signal.reason;
    aborted.reject(reason instanceof Error ? reason : new Error('the wait was aborted', { cause: reason }));
  };
  if (signal.aborted) abort();
  signal.addEventListener('abort', abort, { once: true });
  try {
    await Promise.race([ended, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}
