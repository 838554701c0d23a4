/** What of a host outlives its daemon: disk, durable state, clock. */
import type { DurableState, ReplicaOptions } from '../../../daemon/replication/interface.ts';
import { VirtualDisk } from './disk.ts';
import type { Network } from './network.ts';
import type { Pace } from './pace.ts';
import type { Process } from './process.ts';
import type { Scheduler } from './scheduler.ts';

export interface HostParts {
  readonly name: string;
  readonly options: Omit<ReplicaOptions, 'incarnation'>;
  readonly durable: DurableState;
  readonly scheduler: Scheduler;
  readonly network: Network;
  readonly pace: Pace;
  /** Its clock: how far it goes in one true millisecond, and where it stood at the beginning. */
  readonly clockRate: number;
  readonly clockStartMs: number;
}

export class Host {
  readonly name: string;
  readonly options: Omit<ReplicaOptions, 'incarnation'>;
  readonly disk: VirtualDisk;
  readonly scheduler: Scheduler;
  readonly network: Network;
  readonly pace: Pace;
  durable: DurableState;
  process: Process | undefined;
  /** On its own clock: leases that it has granted, in whichever life, are over by then. */
  grantedUntilMs = -Infinity;
  reachesControl = true;
  controlReachesIt = true;
  /** True time until which its disk does nothing. */
  diskHangsUntilMs = 0;
  readonly #clockRate: number;
  readonly #clockStartMs: number;

  constructor(parts: HostParts) {
    this.name = parts.name;
    this.options = parts.options;
    this.durable = parts.durable;
    this.scheduler = parts.scheduler;
    this.network = parts.network;
    this.pace = parts.pace;
    this.disk = new VirtualDisk(parts.options.sizeBytes);
    this.#clockRate = parts.clockRate;
    this.#clockStartMs = parts.clockStartMs;
  }

  nowMs(): number {
    return this.#clockStartMs + this.scheduler.nowMs * this.#clockRate;
  }

  diskHangsForMs(): number {
    return Math.max(0, this.diskHangsUntilMs - this.scheduler.nowMs);
  }
}
