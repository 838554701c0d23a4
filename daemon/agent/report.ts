/** What this host tells of its replicas and engines, in heartbeats and when asked. */
import type { HostDrivers } from '../host/host.ts';
import type { Clock } from '../sys/clock.ts';
import { messageOf } from '../sys/errors.ts';
import type { Log } from '../sys/log.ts';
import type { Volume } from '../volume/volume.ts';
import type { CopyProgress, EngineStatus, ReplicaStatus } from '../../proto/gen/lockstep/agent/v1/agent.ts';

interface Pace {
  readonly doneBytes: number;
  readonly atMs: number;
  readonly bytesPerSecond: number;
}

/** A rate is taken over at least this long, so that it does not jump. */
const PACE_WINDOW_MS = 400;
const MS_PER_SECOND = 1000;
/** An engine that has not told how it is by then counts as it last did: its silence is not that of the host. */
const ENGINES_MS = 200;

export class ReplicaReporter {
  readonly #drivers: Pick<HostDrivers, 'reportEngines'>;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #paces = new Map<string, Pace>();
  #engines: EngineStatus[] = [];
  #asking: Promise<void> | undefined;
  #lastFailure = '';

  constructor(drivers: Pick<HostDrivers, 'reportEngines'>, clock: Clock, log: Log) {
    this.#drivers = drivers;
    this.#clock = clock;
    this.#log = log;
  }

  replica(volume: Volume): ReplicaStatus {
    const status = volume.status;
    return {
      volume: volume.name,
      state: status.state,
      generation: BigInt(status.view.generation),
      reason: status.reason,
      peerSilenceMs: Math.round(status.peerSilenceMs),
      peerConnected: status.peerConnected,
      candidateFor: BigInt(status.candidateFor),
      hostRebooted: status.hostRebooted,
      leaseLeftMs: status.leaseLeftMs,
      lagBytes: BigInt(status.lagBytes),
      copy: this.#copy(volume),
      sizeBytes: BigInt(volume.sizeBytes),
      allocatedBytes: BigInt(volume.file.allocatedBytes),
      primary: status.view.primary,
      inSync: [...status.view.inSync],
    };
  }

  /** Never fails and never waits for long: heartbeats that stop because of an engine would be a failover of all. */
  async engines(): Promise<EngineStatus[]> {
    this.#asking ??= this.#askEngines().finally(() => {
      this.#asking = undefined;
    });
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, ENGINES_MS);
    await Promise.race([this.#asking, late]);
    clearTimeout(timer);
    return this.#engines;
  }

  async #askEngines(): Promise<void> {
    try {
      const reports = await this.#drivers.reportEngines();
      this.#engines = reports.map((report) => ({ ...report, logTail: [...report.logTail] }));
      this.#lastFailure = '';
    } catch (error) {
      const failure = messageOf(error);
      if (failure !== this.#lastFailure) this.#log.error({ error: failure }, 'the engines cannot be asked');
      this.#lastFailure = failure;
    }
  }

  #copy(volume: Volume): CopyProgress | undefined {
    const { join } = volume.status;
    if (join === undefined) return undefined;
    return {
      target: join.target,
      phase: join.phase,
      doneBytes: BigInt(join.doneBytes),
      leftBytes: BigInt(join.leftBytes),
      bytesPerSecond: BigInt(Math.round(this.#paceOf(volume.name, join.doneBytes))),
      error: join.error,
      sentBytes: BigInt(join.sentBytes),
    };
  }

  #paceOf(volume: string, doneBytes: number): number {
    const atMs = this.#clock.nowMs();
    const before = this.#paces.get(volume);
    if (before === undefined || doneBytes < before.doneBytes) {
      this.#paces.set(volume, { doneBytes, atMs, bytesPerSecond: 0 });
      return 0;
    }
    const elapsedMs = atMs - before.atMs;
    if (elapsedMs < PACE_WINDOW_MS) return before.bytesPerSecond;
    const bytesPerSecond = ((doneBytes - before.doneBytes) / elapsedMs) * MS_PER_SECOND;
    this.#paces.set(volume, { doneBytes, atMs, bytesPerSecond });
    return bytesPerSecond;
  }
}
