/**
 * Which control daemon runs which workflow, so that two daemons on one store never run one at once.
 *
 *   workflow-owner/{workflow}   {daemon, epoch}   from its start to its end
 *   control-daemons/{daemon}    {renewals}        the daemon's lease
 *
 * Each entry of a workflow's log is written on the condition that the owner's record still is the one that was claimed:
 * a daemon that was taken for dead and wakes up can write nothing more. The epoch counts the claims. Owner and log entry
 * go in one transaction, so that ownership costs no sync of its own; the lease is renewed only while a workflow runs.
 *
 * No two clocks are compared: a lease has ended when its record has not changed for that long by the clock of the one
 * who watches it, and the owner itself stops earlier, counting from before its last renewal.
 */
import { keys } from '../model/records.ts';
import type { Condition, ControlStore, Mutation } from '../store/store.ts';

export interface OwnerRecord {
  readonly daemon: string;
  readonly epoch: number;
}

interface LeaseRecord {
  readonly renewals: number;
}

/** What makes a workflow this daemon's: on which conditions, and what is written then. */
export interface Claim {
  readonly conditions: readonly Condition[];
  readonly mutations: readonly Mutation[];
}

export interface Owner extends OwnerRecord {
  readonly revision: number;
}

export interface OwnershipOptions {
  readonly store: ControlStore;
  /** Name of the host that this control daemon runs on; there is one of that name. */
  readonly daemon: string;
  readonly leaseMs: number;
  /** Monotonic. */
  readonly nowMs: () => number;
}

/** How many times a lease is renewed before it would end. */
const RENEWALS_PER_LEASE = 3;
/** Below every revision. */
const NO_LEASE = 0;

export class Ownership {
  readonly daemon: string;
  /** How often `round` is to be called. */
  readonly everyMs: number;
  readonly #options: OwnershipOptions;
  /** Of the others' leases: the revision, and since when it has been that. */
  readonly #seen = new Map<string, { readonly revision: number; readonly sinceMs: number }>();
  #renewals = 0;
  #renewedAtMs: number;

  constructor(options: OwnershipOptions) {
    this.#options = options;
    this.daemon = options.daemon;
    this.everyMs = options.leaseMs / RENEWALS_PER_LEASE;
    this.#renewedAtMs = options.nowMs();
  }

  async ownerOf(workflow: string): Promise<Owner | undefined> {
    const entry = await this.#options.store.get<OwnerRecord>(keys.workflowOwner(workflow));
    return entry === undefined ? undefined : { ...entry.value, revision: entry.revision };
  }

  /** Workflows that have an owner: they run, or their daemon died. */
  async owned(): Promise<readonly (Owner & { readonly workflow: string })[]> {
    const entries = await this.#options.store.list<OwnerRecord>(keys.workflowOwners);
    return entries.map(({ key, value, revision }) => ({
      ...value,
      revision,
      workflow: key.slice(keys.workflowOwners.length),
    }));
  }

  /**
   * Of a new workflow, one without an owner, or one of this daemon's former life. Renews the lease too: whoever watches
   * the old one while this is written finds it changed.
   */
  claim(workflow: string, before: Owner | undefined): Claim {
    const key = keys.workflowOwner(workflow);
    const value: OwnerRecord = { daemon: this.daemon, epoch: (before?.epoch ?? 0) + 1 };
    return {
      conditions: [before === undefined ? { key, absent: true } : { key, revision: before.revision }],
      mutations: [{ key, value }, this.#renewal()],
    };
  }

  /** Of a workflow whose daemon is dead: void if that renewed its lease, or wrote its end, meanwhile. */
  claimFromDead(workflow: string, before: Owner): Claim {
    const { conditions, mutations } = this.claim(workflow, before);
    const key = keys.controlDaemon(before.daemon);
    const lease = this.#seen.get(before.daemon);
    const isAbsent = lease === undefined || lease.revision === NO_LEASE;
    const condition: Condition = isAbsent ? { key, absent: true } : { key, revision: lease.revision };
    return { conditions: [...conditions, condition], mutations };
  }

  /** The claim was written: its transaction renewed the lease. */
  claimed(sinceMs: number): void {
    this.#renewedAtMs = Math.max(this.#renewedAtMs, sinceMs);
  }

  async renew(): Promise<void> {
    const sinceMs = this.#options.nowMs();
    await this.#options.store.transact([], [this.#renewal()]);
    this.claimed(sinceMs);
  }

  /** Others may have taken over what this daemon runs: it has to stop. */
  get hasEnded(): boolean {
    return this.#options.nowMs() - this.#renewedAtMs >= this.#options.leaseMs;
  }

  /** Whether the lease of another daemon has ended, as far as has been seen by calling `watchLeases` time after time. */
  isDead(daemon: string): boolean {
    const seen = this.#seen.get(daemon);
    return seen !== undefined && this.#options.nowMs() - seen.sinceMs >= this.#options.leaseMs;
  }

  /** Also of daemons that own something and have no lease: as if it had never been renewed. */
  async watchLeases(owners: readonly OwnerRecord[]): Promise<void> {
    const leases = await this.#options.store.list<LeaseRecord>(keys.controlDaemons);
    const revisions = new Map(owners.map(({ daemon }) => [daemon, NO_LEASE]));
    for (const { key, revision } of leases) revisions.set(key.slice(keys.controlDaemons.length), revision);
    revisions.delete(this.daemon);
    for (const daemon of this.#seen.keys()) if (!revisions.has(daemon)) this.#seen.delete(daemon);
    for (const [daemon, revision] of revisions)
      if (this.#seen.get(daemon)?.revision !== revision)
        this.#seen.set(daemon, { revision, sinceMs: this.#options.nowMs() });
  }

  #renewal(): Mutation {
    const value: LeaseRecord = { renewals: ++this.#renewals };
    return { key: keys.controlDaemon(this.daemon), value };
  }
}
