/**
 * Starts workflows, takes them up again after a restart or from a control daemon that died (ownership.ts), and shows how
 * they stand. Each runs in a task of its own: one whose log is refused, or whose step hangs, never keeps the others from
 * running.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { assert, LockstepError, messageOf } from '../../daemon/sys/errors.ts';
import type { Log } from '../../daemon/sys/log.ts';
import { keys } from '../model/records.ts';
import type { Condition, ControlStore, Entry, Mutation } from '../store/store.ts';
import { SETTLE_MS } from './attempt.ts';
import { hasFinished, OwnershipLost, parseWorkflowRecord, readLog } from './log.ts';
import { type Claim, type Owner, Ownership } from './ownership.ts';
import { asTheLogKeepsIt, RunHalted, type RunSurroundings, WorkflowRun } from './run.ts';
import { type Halt, snapshotOf, versionRefusal, type WorkflowSnapshot } from './snapshot.ts';
import type { LogEntry, WorkflowDefinition, WorkflowRecord, WorkflowState } from './workflow.ts';

/** How long close waits for steps that were told to stop; it is less than what a service manager gives us. */
export const CLOSE_WAIT_MS = 5000;
/** A control daemon that is silent for this long has its workflows taken over. */
const LEASE_MS = 15_000;
/** How long what another daemon runs is looked at again at the latest. */
const LOOK_AGAIN_MS = 1000;
/** Of a record that cannot be read: it is shown, and can be abandoned. */
export const UNREADABLE_TYPE = 'unreadable';

export interface EngineOptions {
  readonly store: ControlStore;
  readonly definitions: readonly WorkflowDefinition<WorkflowState>[];
  /** Milliseconds since 1970. */
  readonly clock: () => number;
  readonly log: Log;
  /** Runs after each entry is durable and before anything else happens: where tests let the daemon die. */
  readonly afterLog?: (entry: LogEntry, workflow: WorkflowRecord) => void | Promise<void>;
  readonly settleMs?: number;
  readonly closeWaitMs?: number;
  /** Name of the host that this control daemon runs on. */
  readonly daemon?: string;
  readonly leaseMs?: number;
  /** Monotonic: what leases are timed with. */
  readonly nowMs?: () => number;
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
  /** Why this daemon gave a workflow up; a restart tries again, or a person. */
  readonly #halted = new Map<string, Halt>();
  readonly #listeners = new Set<(id: string) => void>();
  readonly #ownership: Ownership;
  readonly #nowMs: () => number;
  #round: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: EngineOptions) {
    this.#options = options;
    const { store, daemon = 'control', leaseMs = LEASE_MS, nowMs = () => performance.now() } = options;
    this.#nowMs = nowMs;
    this.#ownership = new Ownership({ store, daemon, leaseMs, nowMs });
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
    return this.#claimAndRun(record, this.#ownership.claim(record.id, undefined), {
      conditions: [{ key, absent: true }, ...(options.conditions ?? [])],
      mutations: [{ key, value: record }, ...(options.mutations ?? [])],
    });
  }

  /**
   * At the daemon's start: takes up what has not finished and is not another daemon's, and watches from then on for what
   * the others leave. Resolves when all of it runs, not when it is done.
   */
  async resumeAll(): Promise<void> {
    const owners = new Map((await this.#ownership.owned()).map((owner) => [owner.workflow, owner]));
    for (const record of await this.#records()) {
      const owner = owners.get(record.id);
      const isOthers = owner !== undefined && owner.daemon !== this.#ownership.daemon;
      if (isOthers || this.#active.has(record.id)) continue;
      if (!(await hasFinished(this.#options.store, record.id))) await this.#resume(record, owner);
    }
    this.#timer ??= setInterval(() => {
      this.#round ??= this.#look().finally(() => {
        this.#round = undefined;
      });
    }, this.#ownership.everyMs);
  }

  /**
   * Has one run that nobody runs: one that halted, or one that is over and that `options` add an entry to. Where it is
   * run already that is all right.
   */
  async takeUp(record: WorkflowRecord, options: StartOptions = {}): Promise<StartResult> {
    if (this.#stop.signal.aborted) throw stopping();
    if (this.#active.has(record.id)) return { ok: true, id: record.id };
    const owner = await this.#ownership.ownerOf(record.id);
    return this.#claimAndRun(record, this.#ownership.claim(record.id, owner), {
      conditions: options.conditions ?? [],
      mutations: options.mutations ?? [],
    });
  }

  /** Why this daemon does not run such a workflow; undefined when it does. */
  refusalOf(record: WorkflowRecord): string | undefined {
    return versionRefusal(record, this.#definitions.get(record.type));
  }

  /** The record that says which daemon runs it; undefined: none does. */
  ownerOf(id: string): Promise<Owner | undefined> {
    return this.#ownership.ownerOf(id);
  }

  async get(id: string): Promise<WorkflowSnapshot | undefined> {
    const active = this.#active.get(id)?.run;
    if (active !== undefined) return active.snapshot();
    const entry = await this.#options.store.get(keys.workflow(id));
    return entry === undefined ? undefined : this.#snapshotFromStore(this.#recordOf(entry));
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
    for (;;) {
      const active = this.#active.get(id);
      if (active !== undefined) await unlessAborted(active.ended, options.signal);
      // Before the log: with its last entry a workflow has no owner any more.
      const owner = await this.ownerOf(id);
      const snapshot = await this.get(id);
      if (snapshot === undefined)
        throw new LockstepError('NOT_FOUND', `there is no workflow ${id}`, { reason: 'WORKFLOW_NOT_FOUND' });
      const { standing } = snapshot;
      if (standing.kind === 'finished') return snapshot;
      if (standing.kind === 'halted')
        throw new LockstepError(
          'FAILED_PRECONDITION',
          `workflow ${id} waits for a person: ${standing.reason}`,
          { reason: 'WORKFLOW_HALTED', metadata: { workflow: id } },
        );
      if (this.#stop.signal.aborted || owner === undefined) throw stopping();
      await this.#changedElsewhere(id, options.signal);
    }
  }

  /** Called with the id after each entry of a log and each progress. Returns the way to stop. */
  watch(listener: (id: string) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Tells the running steps to stop and waits for them, not forever. What was cut off is taken up at the next start. */
  async close(): Promise<void> {
    this.#stop.abort(stopping());
    clearInterval(this.#timer);
    const active = [...this.#active.values()];
    const patience = new AbortController();
    const { closeWaitMs = CLOSE_WAIT_MS } = this.#options;
    const timeout = sleep(closeWaitMs, undefined, { signal: patience.signal }).catch(() => undefined);
    await Promise.race([Promise.all([this.#round, ...active.map((run) => run.ended)]), timeout]);
    patience.abort();
    for (const { run } of active) run?.abandon();
  }

  async #claimAndRun(
    record: WorkflowRecord,
    claim: Claim,
    also: { readonly conditions: readonly Condition[]; readonly mutations: readonly Mutation[] },
  ): Promise<StartResult> {
    const sinceMs = this.#nowMs();
    const result = await this.#options.store.transact(
      [...also.conditions, ...claim.conditions],
      [...also.mutations, ...claim.mutations],
    );
    if (!result.ok) return result;
    this.#ownership.claimed(sinceMs);
    this.#launch(record, result.revision);
    return { ok: true, id: record.id };
  }

  /** Where this daemon does not know how, it is left to one that does. */
  async #resume(record: WorkflowRecord, owner: Owner | undefined): Promise<void> {
    const reason = this.refusalOf(record);
    if (reason !== undefined) {
      this.#halt(record, { reason, remedy: 'version' });
      return;
    }
    const isOwn = owner === undefined || owner.daemon === this.#ownership.daemon;
    const claim = isOwn
      ? this.#ownership.claim(record.id, owner)
      : this.#ownership.claimFromDead(record.id, owner);
    if (!isOwn)
      this.#options.log.warn({ workflow: record.id, daemon: owner.daemon }, 'takes over from a dead daemon');
    // A conflict: another daemon was faster.
    await this.#claimAndRun(record, claim, { conditions: [], mutations: [] });
  }

  /** Renews the lease, and looks for what other daemons left. */
  async #look(): Promise<void> {
    try {
      if (this.#active.size > 0) await this.#ownership.renew();
      const owned = await this.#ownership.owned();
      await this.#ownership.watchLeases(owned);
      for (const owner of owned) {
        const isOwn = owner.daemon === this.#ownership.daemon;
        const isLeft = isOwn ? !this.#isKnown(owner.workflow) : this.#ownership.isDead(owner.daemon);
        if (!isLeft || this.#stop.signal.aborted) continue;
        const entry = await this.#options.store.get(keys.workflow(owner.workflow));
        if (entry !== undefined) await this.#resume(this.#recordOf(entry), owner);
      }
    } catch (error) {
      this.#options.log.error(
        { error: messageOf(error) },
        'the lease on workflows could not be looked after',
      );
    }
    if (this.#active.size > 0 && this.#ownership.hasEnded) this.#stopAll();
  }

  #isKnown(id: string): boolean {
    return this.#active.has(id) || this.#halted.has(id);
  }

  /** Others may run by now what this daemon runs: nothing more is done, and what is written would be refused. */
  #stopAll(): void {
    this.#options.log.error({}, 'the lease on workflows has ended; they are left to other daemons');
    for (const { lost } of this.#active.values())
      lost.abort(new LockstepError('ABORTED', 'the lease of this control daemon has ended'));
  }

  #launch(record: WorkflowRecord, ownerRevision: number): void {
    const active: ActiveRun = { run: undefined, ended: Promise.resolve(), lost: new AbortController() };
    this.#active.set(record.id, active);
    this.#halted.delete(record.id);
    active.ended = this.#runToItsEnd(record, ownerRevision, active);
  }

  async #runToItsEnd(record: WorkflowRecord, ownerRevision: number, active: ActiveRun): Promise<void> {
    try {
      const definition = this.#definitions.get(record.type);
      const refusal = versionRefusal(record, definition);
      if (definition === undefined || refusal !== undefined) throw new RunHalted(refusal ?? '', 'version');
      const log = await readLog(this.#options.store, record.id);
      if (!log.ok) throw new RunHalted(log.reason, 'abandon');
      const around = this.#surroundings(record.id, ownerRevision, active.lost.signal);
      active.run = new WorkflowRun(record, definition, log.value, around);
      await active.run.run();
    } catch (error) {
      if (error instanceof OwnershipLost)
        this.#options.log.warn({ workflow: record.id, target: record.target }, error.message);
      else
        this.#halt(record, {
          reason: messageOf(error),
          remedy: error instanceof RunHalted ? error.remedy : 'retry',
        });
    } finally {
      this.#active.delete(record.id);
    }
    this.#notify(record.id);
  }

  #halt(record: WorkflowRecord, halt: Halt): void {
    this.#halted.set(record.id, halt);
    const facts = { workflow: record.id, target: record.target, error: halt.reason };
    this.#options.log.error(facts, 'a workflow halted and waits for a person');
  }

  #surroundings(id: string, ownerRevision: number, lost: AbortSignal): RunSurroundings {
    const { store, clock, log, afterLog, settleMs = SETTLE_MS } = this.#options;
    const changed = (): void => this.#notify(id);
    const stop = AbortSignal.any([this.#stop.signal, lost]);
    return { store, clock, log, settleMs, afterLog, changed, stop, ownerRevision };
  }

  /** Until the log of one that another daemon runs has grown, or for a moment. */
  async #changedElsewhere(id: string, signal: AbortSignal | undefined): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const unwatch = this.#options.store.watch(keys.workflowLog(id), () => {
      resolve();
    });
    const timer = setTimeout(resolve, LOOK_AGAIN_MS);
    const stopped = (): void => resolve();
    this.#stop.signal.addEventListener('abort', stopped, { once: true });
    try {
      await unlessAborted(promise, signal);
    } finally {
      this.#stop.signal.removeEventListener('abort', stopped);
      unwatch();
      clearTimeout(timer);
    }
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
    const halted = this.#halted.get(record.id);
    const owner = halted === undefined ? await this.ownerOf(record.id) : undefined;
    return snapshotOf({
      record,
      definition: this.#definitions.get(record.type),
      log: await readLog(this.#options.store, record.id),
      halted,
      isRunElsewhere: owner !== undefined && owner.daemon !== this.#ownership.daemon,
    });
  }

  async #records(): Promise<readonly WorkflowRecord[]> {
    return (await this.#options.store.list(keys.workflows)).map((entry) => this.#recordOf(entry));
  }

  /** One that cannot be read is shown by its id: a person may end it. */
  #recordOf({ key, value }: Entry): WorkflowRecord {
    const record = parseWorkflowRecord(value);
    if (record.ok) return record.value;
    const id = key.slice(keys.workflows.length);
    if (!this.#halted.has(id)) {
      this.#halted.set(id, { reason: record.reason, remedy: 'abandon' });
      this.#options.log.error({ key, reason: record.reason }, 'a workflow record cannot be read');
    }
    return { id, type: UNREADABLE_TYPE, version: 0, target: '', createTimeMs: 0, initialState: {} };
  }
}

interface ActiveRun {
  /** Undefined until its log is read. */
  run: WorkflowRun | undefined;
  /** Never rejects. */
  ended: Promise<void>;
  /** Aborted when the lease of this daemon has ended. */
  readonly lost: AbortController;
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
