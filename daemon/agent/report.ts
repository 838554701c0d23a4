/** What this host tells of its replicas and engines, in heartbeats and when asked. */
import type { HostDrivers } from '../host/host.ts';
import type { Clock } from '../sys/clock.ts';
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

export class ReplicaReporter {
  readonly #drivers: HostDrivers;
  readonly #clock: Clock;
  readonly #paces = new Map<string, Pace>();

  constructor(drivers: HostDrivers, clock: Clock) {
    this.#drivers = drivers;
    this.#clock = clock;
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

  async engines(): Promise<EngineStatus[]> {
    const reports = await this.#drivers.reportEngines();
    return reports.map((report) => ({ ...report, logTail: [...report.logTail] }));
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
