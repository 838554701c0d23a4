/** What of a host outlives its daemon: disk, store, fallback, clock, and what is wrong with them just now. */
import type { StorePosition } from '../../../control/monitor/catch-up.ts';
import type { DiskFailure, ReplicaOptions } from '../../../daemon/replication/interface.ts';
import { type Below, VirtualDisk } from './disk.ts';
import { Fallback } from './fallback.ts';
import type { Network } from './network.ts';
import type { Pace } from './pace.ts';
import type { Process } from './process.ts';
import type { Scheduler } from './scheduler.ts';
import { blankState, KeptStore } from './store.ts';

export interface HostParts {
  readonly name: string;
  readonly firstSizeBytes: number;
  readonly options: Omit<ReplicaOptions, 'incarnation' | 'bootId'>;
  readonly scheduler: Scheduler;
  readonly network: Network;
  readonly pace: Pace;
  /** Its clock: how far it goes in one true millisecond, and where it stood at the beginning. */
  readonly clockRate: number;
  readonly clockStartMs: number;
}

export class Host {
  readonly name: string;
  readonly options: Omit<ReplicaOptions, 'incarnation' | 'bootId'>;
  readonly disk: VirtualDisk;
  readonly store = new KeptStore(blankState);
  readonly fallback = new Fallback();
  readonly scheduler: Scheduler;
  readonly network: Network;
  readonly pace: Pace;
  process: Process | undefined;
  /** Of its store: a process that starts goes by it. */
  sizeBytes: number;
  /** On its own clock: leases that it has granted, in whichever life, are over by then. */
  grantedUntilMs = -Infinity;
  /** How far the control store was when it was last heard; on stable storage. */
  told: StorePosition = { run: '', revision: 0 };
  reachesControl = true;
  controlReachesIt = true;
  /** True time until which its disk does nothing. */
  diskHangsUntilMs = 0;
  /** True time until which flushes of its disk last; what is written goes to the cache. */
  flushesHangUntilMs = 0;
  /** Until true time `untilMs` every write of its disk fails. */
  writesFail: { readonly failure: DiskFailure; readonly untilMs: number } = { failure: 'EIO', untilMs: 0 };
  /** So many flushes of its disk, from the next one on, fail. */
  flushesToFail = 0;
  /** Its machine has no power. */
  isOff = false;
  #boots = 1;
  #clockRate: number;
  /** What its clock showed at true time `sinceMs`. */
  #clock: { readonly atMs: number; readonly sinceMs: number };

  constructor(parts: HostParts) {
    this.name = parts.name;
    this.options = parts.options;
    this.scheduler = parts.scheduler;
    this.network = parts.network;
    this.pace = parts.pace;
    this.sizeBytes = parts.firstSizeBytes;
    this.disk = new VirtualDisk(parts.options.sizeBytes);
    this.#clockRate = parts.clockRate;
    this.#clock = { atMs: parts.clockStartMs, sinceMs: 0 };
  }

  get bootId(): string {
    return `boot ${this.#boots}`;
  }

  nowMs(): number {
    return this.#clock.atMs + (this.scheduler.nowMs - this.#clock.sinceMs) * this.#clockRate;
  }

  /** From now on its clock goes `rate` of a millisecond in each true one. */
  drift(rate: number): void {
    this.#clock = { atMs: this.nowMs(), sinceMs: this.scheduler.nowMs };
    this.#clockRate = rate;
  }

  diskHangsForMs(): number {
    return Math.max(0, this.diskHangsUntilMs - this.scheduler.nowMs);
  }

  flushHangsForMs(): number {
    return Math.max(0, this.flushesHangUntilMs - this.scheduler.nowMs);
  }

  writeFailure(): DiskFailure | undefined {
    return this.scheduler.nowMs < this.writesFail.untilMs ? this.writesFail.failure : undefined;
  }

  /** Its process is dead already, and what it had under way is in the cache. */
  losePower(below: Below): void {
    this.disk.losePower(below);
    this.#boots++;
  }

  /** Nothing is wrong with it any more. */
  heal(): void {
    this.reachesControl = true;
    this.controlReachesIt = true;
    this.diskHangsUntilMs = 0;
    this.flushesHangUntilMs = 0;
    this.writesFail = { failure: 'EIO', untilMs: 0 };
    this.flushesToFail = 0;
    this.isOff = false;
    this.disk.heal();
  }
}
