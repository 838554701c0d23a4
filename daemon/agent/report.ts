/** What this host tells of its replicas and engines, in heartbeats and when asked. */
import type { HostDrivers } from '../host/host.ts';
import { messageOf } from '../sys/errors.ts';
import type { Log } from '../sys/log.ts';
import type { JoinStatus, ScrubStatus } from '../replication/interface.ts';
import { REGION_BYTES } from '../replication/units.ts';
import { isAlone } from '../volume/lone-scrub.ts';
import type { Volume } from '../volume/volume.ts';
import {
  type CopyProgress,
  type EngineStatus,
  ReplicaStatus,
  type ScrubProgress,
} from '../../proto/gen/lockstep/agent/v1/agent.ts';

/** An engine that has not told how it is by then counts as it last did: its silence is not that of the host. */
const ENGINES_MS = 200;

export class ReplicaReporter {
  readonly #drivers: Pick<HostDrivers, 'reportEngines'>;
  readonly #log: Log;
  readonly #loneScrub: (volume: Volume) => ScrubStatus | undefined;
  #engines: EngineStatus[] = [];
  #asking: Promise<void> | undefined;
  #lastFailure = '';

  constructor(
    drivers: Pick<HostDrivers, 'reportEngines'>,
    log: Log,
    loneScrub: (volume: Volume) => ScrubStatus | undefined,
  ) {
    this.#drivers = drivers;
    this.#log = log;
    this.#loneScrub = loneScrub;
  }

  replica(volume: Volume): ReplicaStatus {
    const status = volume.status;
    const lone = isAlone(volume) ? this.#loneScrub(volume) : undefined;
    // One that compared replicas until the other was lost says so, if none followed it.
    const scrub = lone ?? status.scrub;
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
      copy: status.join === undefined ? undefined : copyOf(status.join),
      sizeBytes: BigInt(volume.sizeBytes),
      allocatedBytes: BigInt(volume.file.allocatedBytes),
      primary: status.view.primary,
      inSync: [...status.view.inSync],
      dirty: status.dirty.map(({ host, dirtyBytes, isKnown }) => ({
        host,
        dirtyBytes: BigInt(dirtyBytes),
        known: isKnown,
      })),
      consistentAt: BigInt(status.consistentAt),
      mixed: status.mixed,
      repairedRegions: BigInt(status.repairedRegions),
      heldRequests: status.heldRequests,
      scrub: scrub === undefined ? undefined : { ...scrubOf(scrub), alone: lone !== undefined },
    };
  }

  /** Of one that is here and cannot be opened: control must not take it for a host that holds nothing. */
  unreadable(replica: {
    readonly volume: string;
    readonly generation: number;
    readonly why: string;
  }): ReplicaStatus {
    const { volume, generation, why: reason } = replica;
    return ReplicaStatus.fromPartial({
      volume,
      state: 'UNREADABLE',
      generation: BigInt(generation),
      reason: `the replica cannot be opened: ${reason}`,
    });
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
}

function copyOf(join: JoinStatus): CopyProgress {
  return {
    target: join.target,
    phase: join.phase,
    doneBytes: BigInt(join.doneBytes),
    leftBytes: BigInt(join.leftBytes),
    bytesPerSecond: BigInt(Math.round(join.bytesPerSecond)),
    error: join.error,
    sentBytes: BigInt(join.sentBytes),
    mode: join.mode,
    limitBytesPerSecond: BigInt(Math.round(join.limitBytesPerSecond)),
  };
}

function scrubOf(scrub: ScrubStatus): Omit<ScrubProgress, 'alone'> {
  return {
    phase: scrub.phase,
    doneBytes: BigInt(scrub.cursor * REGION_BYTES),
    totalBytes: BigInt(scrub.regionsTotal * REGION_BYTES),
    repairedRegions: BigInt(scrub.repairedRegions),
    mismatchedRegions: BigInt(scrub.mismatchedRegions),
    mismatches: scrub.mismatches.map(({ region, differ, damaged }) => ({
      offset: BigInt(region * REGION_BYTES),
      length: BigInt(REGION_BYTES),
      differ: [...differ],
      damaged: [...damaged],
    })),
    limitBytesPerSecond: BigInt(scrub.limitBytesPerSecond),
    error: scrub.error,
  };
}
