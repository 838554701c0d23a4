/** What the definitions get passed in, and the small rules that they share. */
import { setTimeout as sleep } from 'node:timers/promises';
import { LockstepError } from '../../../daemon/sys/errors.ts';
import type { Log } from '../../../daemon/sys/log.ts';
import type { DatabaseRecord, VolumeRecord } from '../../model/records.ts';
import type { ReplicaStatus } from '../../../proto/gen/lockstep/agent/v1/agent.ts';
import type { CopyStarter, Held } from '../../copy-starter.ts';
import type { StartResult } from '../executor.ts';
import type { WorkflowSnapshot } from '../snapshot.ts';
import type { Agents } from '../../agents.ts';
import type { HostRoom } from '../../placement/choose.ts';
import type { Repository } from '../../repository.ts';

/** What is known of the hosts at this instant. */
export interface HostKnowledge {
  /** Silent for the minimum time, by a control that has itself listened for as long. */
  isGone(host: string): boolean;
  /** Control has been up long enough that a host which it has not heard is one that is not there. */
  hasListened(): boolean;
  /**
   * Control has just started, and some host has not been heard by it: where room is missing now, it may not be missing in
   * a moment. A host that reconnects may need longer than the minimum time, so that it has a few of them.
   */
  awaitsHosts(): Promise<boolean>;
  /** Why the record is known to be older than what hosts hold: nothing may be decided from it. */
  behind(record: VolumeRecord): string | undefined;
  /**
   * Why a database that the store has as deleted may be in use: the record is behind, or a host of the in-sync set has not
   * been heard by this control, for less than a host is waited for before its copies are given up.
   */
  mayBeUsed(record: VolumeRecord): string | undefined;
  /** Who would follow the primary, and why, by the rules of a failover of a database that is in use; or nobody now. */
  successor(
    database: DatabaseRecord,
    record: VolumeRecord,
  ): { readonly to: string; readonly why: string } | undefined;
  /** Of the daemon that runs there: a snapshot lives no longer than the process that holds it. */
  incarnation(host: string): bigint | undefined;
  /** The host answered a call that the engine runs: its heartbeats may not say so yet. */
  engineStarted(host: string, volume: string): void;
  /** The host said so of one of its replicas, in answer to a call. */
  replicaTold(host: string, status: ReplicaStatus): void;
  /** The host said, in answer to a call, that it has no replica of it any more. */
  replicaDeleted(host: string, volume: string): void;
  /** The host is heard, and reports a replica of the volume. */
  holds(host: string, volume: string): boolean;
  rooms(): Promise<readonly HostRoom[]>;
}

/** What a workflow that works by others needs of them. `id`: by which it finds again what it started. */
export interface Offspring {
  get(id: string): Promise<WorkflowSnapshot | undefined>;
  readonly copies: Pick<CopyStarter, 'convert' | 'toSingle' | 'replace'>;
  /** Throws where it is not safe now. */
  switchover(held: Held, cause: { readonly why: string; readonly id: string }): Promise<StartResult>;
}

export interface Surroundings {
  readonly repository: Repository;
  readonly agents: Agents;
  readonly hosts: HostKnowledge;
  /** Once everything is put together: the engine is made of the definitions. */
  readonly offspring: () => Offspring;
  readonly log: Log;
  /** The monotonic clock that heartbeats are timed with. */
  readonly nowMs: () => number;
  /** Milliseconds since 1970, as records keep them. */
  readonly wallClock: () => number;
  readonly pace: Pace;
}

export interface Pace {
  /** Between two looks at a promotion: every one of them is downtime. */
  readonly promotionPollMs: number;
  readonly copyPollMs: number;
  /** How long an undo waits for a host that cannot be reached. */
  readonly undoPatienceMs: number;
  readonly backoffMs: number;
  readonly purge: PurgePace;
}

export interface PurgePace {
  /** Between two looks for what is due. */
  readonly everyMs: number;
  /** After one that failed, since its host is away perhaps. */
  readonly againMs: number;
}

export const PACE: Pace = {
  promotionPollMs: 20,
  copyPollMs: 250,
  undoPatienceMs: 20_000,
  backoffMs: 500,
  purge: { everyMs: 2000, againMs: 60_000 },
};

/** One call of a step's do or undo. */
export interface StepRun {
  readonly workflowId: string;
  readonly step: string;
  readonly signal: AbortSignal;
}

/** The world has moved on while the workflow waited: another primary was chosen. Trying again changes nothing. */
export function superseded(record: VolumeRecord, expected: string): LockstepError {
  return new LockstepError(
    'FAILED_PRECONDITION',
    `${record.primary} is the primary at generation ${String(record.generation)}, no longer ${expected}`,
    { reason: 'SUPERSEDED' },
  );
}

export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await sleep(ms, undefined, { signal });
  } catch (cause) {
    const reason: unknown = signal.reason;
    throw reason instanceof Error ? reason : new LockstepError('ABORTED', 'given up', { cause });
  }
}

/** A host that cannot be reached now may be back in a moment: an undo that gives up asks for a person. */
export async function patiently<Value>(
  around: Surroundings,
  signal: AbortSignal,
  run: () => Promise<Value>,
): Promise<Value> {
  const giveUpAtMs = around.nowMs() + around.pace.undoPatienceMs;
  for (;;) {
    try {
      return await run();
    } catch (error) {
      const isAbsence = error instanceof LockstepError && error.code === 'UNAVAILABLE';
      if (!isAbsence || around.nowMs() >= giveUpAtMs) throw error;
      await pause(around.pace.backoffMs, signal);
    }
  }
}

/**
 * A device whose volume is not served hangs instead of going away. Where the replica is deleted afterwards that does
 * not matter: the host then takes the device away by force. A host that cannot be reached is another matter.
 */
export async function gently(around: Surroundings, run: () => Promise<void>): Promise<void> {
  try {
    await run();
  } catch (error) {
    if (!(error instanceof LockstepError) || error.code === 'UNAVAILABLE') throw error;
    around.log.warn({ error: error.message }, 'could not be released; its replica is deleted by force');
  }
}
