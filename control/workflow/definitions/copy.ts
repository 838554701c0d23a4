/**
 * Bringing a second copy up to date: seed it, connect it, wait until the record says that it is in sync. The primary does
 * the work; this watches it, and starts it again where it broke off.
 *
 * What is much is read from a snapshot, which the primary takes where it needs one and has none of this name. It lives as long as the daemon process that took it. So its name carries that process's incarnation: after
 * a restart the next snapshot has another name, and a target never goes on from half of one and half of another.
 */
import { LockstepError, messageOf } from '../../../daemon/sys/errors.ts';
import { type ObservedCopy, type ObservedReplica } from '../../model/observation.ts';
import type { HostActions } from './host-actions.ts';
import { pause, type StepRun, superseded, type Surroundings } from './surroundings.ts';

/** How often one step starts a copy again before it counts as failed. */
const MAX_RESTARTS = 5;
/** A copy that moves nothing for this long has failed, whatever it says of itself. */
const STALL_MS = 60_000;
/** A daemon that restarts is given this long; its replica then serves again and the copy goes on. */
const SOURCE_PATIENCE_MS = 60_000;
/** After the record says in sync: how long the primary's own word for it is waited for. */
const AGREEMENT_MS = 10_000;
const MIB = 1024 * 1024;

export interface CopyJob {
  readonly workflow: string;
  readonly volume: string;
  readonly source: string;
  readonly target: string;
  /** Looked at with each word of the source: why the copy is not worth going on with. */
  readonly givesUp?: (source: ObservedReplica) => LockstepError | undefined;
}

/** A primary that said so does not serve again by itself. */
const GAVE_UP: ReadonlySet<string> = new Set(['FENCED', 'STALE', 'UNREADABLE', 'STEPPED_DOWN']);

export type Progress = (text: string, percent: number) => void;

/** One of them grew when the other could not be reached. A replica is copied to that ends where its source ends. */
export async function makeEqualInSize(
  hosts: HostActions,
  { source, target }: Pick<CopyJob, 'source' | 'target'>,
): Promise<void> {
  const [from, to] = [await hosts.replica(source), await hosts.replica(target)];
  if (to.sizeBytes < from.sizeBytes) await hosts.growReplica(target, from.sizeBytes);
  if (from.sizeBytes < to.sizeBytes) await hosts.growReplica(source, to.sizeBytes);
}

/** Of the snapshot that a workflow has a daemon process take. */
export const seedName = (workflow: string, incarnation: bigint): string =>
  `seed-${workflow.slice(-8)}-${incarnation.toString(36)}`;

/** Waits for a first heartbeat where this control has just started. */
export async function snapshotName(
  around: Surroundings,
  job: Pick<CopyJob, 'workflow' | 'source'>,
  signal: AbortSignal,
): Promise<string> {
  for (;;) {
    const incarnation = around.hosts.incarnation(job.source);
    if (incarnation !== undefined) return seedName(job.workflow, incarnation);
    if (around.hosts.hasListened())
      throw new LockstepError('UNAVAILABLE', `host ${job.source} has not been heard since control started`);
    await pause(around.pace.copyPollMs, signal);
  }
}

/** Until the target holds the whole snapshot, or all of it and more. Answers the snapshot that was used. */
export async function seedTarget(copying: Copying): Promise<string> {
  let isStarted = false;
  for (;;) {
    if (await copying.isInSync()) return copying.snapshot;
    const source = await copying.source();
    if (!copying.canSend(source)) {
      await copying.wait();
      continue;
    }
    const phase = isStarted ? (copying.of(source)?.phase ?? '') : '';
    if (phase === 'SEEDED' || phase === 'CATCHING_UP' || phase === 'ASKING') return copying.snapshot;
    if (phase === 'SEEDING') copying.watch(copying.of(source));
    else {
      // Also when the step is run again: the same snapshot to the same target goes on where it was.
      await copying.start(copying.of(source), isStarted);
      isStarted = true;
    }
    await copying.wait();
  }
}

/** From seeded to in sync by the record. A copy that broke off is seeded again first. */
export async function connectTarget(copying: Copying): Promise<void> {
  for (;;) {
    if (await copying.isInSync()) return copying.untilAgreed();
    const source = await copying.source();
    if (copying.canSend(source)) {
      const copy = copying.of(source);
      if (copy?.phase === 'SEEDED') await copying.connect();
      else if (copy?.phase === 'CATCHING_UP' || copy?.phase === 'ASKING') copying.watch(copy);
      else await seedTarget(copying);
    }
    await copying.wait();
  }
}

/** One run of a step that copies: what it has seen, and how often it began again. */
export class Copying {
  readonly #around: Surroundings;
  readonly #run: StepRun;
  readonly #hosts: HostActions;
  readonly #job: CopyJob;
  readonly #progress: Progress;
  #snapshot = '';
  #restarts = 0;
  #standing = '';
  /** Another member of the set could take over from the source, as soon as this workflow lets the database go. */
  #hasSuccessor = false;
  #movedAtMs: number;
  #heardAtMs: number;

  constructor(around: Surroundings, run: StepRun & { progress: Progress }, hosts: HostActions, job: CopyJob) {
    this.#around = around;
    this.#run = run;
    this.#hosts = hosts;
    this.#job = job;
    this.#progress = run.progress.bind(run);
    this.#movedAtMs = around.nowMs();
    this.#heardAtMs = around.nowMs();
  }

  get snapshot(): string {
    return this.#snapshot;
  }

  async isInSync(): Promise<boolean> {
    const { value } = await this.#around.repository.requireVolume(this.#job.volume);
    const { source, target } = this.#job;
    if (value.primary !== source) throw superseded(value, source);
    this.#hasSuccessor = value.inSync.some((host) => host !== source && host !== target);
    return value.inSync.includes(target);
  }

  /** Undefined while the source's daemon is away, as long as that may pass. */
  async source(): Promise<ObservedReplica | undefined> {
    try {
      this.#giveWay('cannot be reached', this.#around.hosts.isGone(this.#job.source));
      const replica = await this.#hosts.replica(this.#job.source);
      this.#giveWay(`is ${replica.state}`, GAVE_UP.has(replica.state));
      const refusal = this.#job.givesUp?.(replica);
      if (refusal !== undefined) throw refusal;
      if (replica.state === 'SOLO' || replica.state === 'SERVING') this.#heardAtMs = this.#around.nowMs();
      else this.#checkPatience(`the replica on ${this.#job.source} is ${replica.state}`);
      return replica;
    } catch (error) {
      if (!(error instanceof LockstepError) || error.code !== 'UNAVAILABLE') throw error;
      this.#checkPatience(messageOf(error));
      this.#progress(`waits for host ${this.#job.source}`, 0);
      return undefined;
    }
  }

  /** It serves, and has not taken the target into its set since the record was read. */
  canSend(source: ObservedReplica | undefined): source is ObservedReplica {
    return (
      (source?.state === 'SOLO' || source?.state === 'SERVING') && !source.inSync.includes(this.#job.target)
    );
  }

  of(source: ObservedReplica): ObservedCopy | undefined {
    return source.copy?.target === this.#job.target ? source.copy : undefined;
  }

  async start(failed: ObservedCopy | undefined, isAgain: boolean): Promise<void> {
    if (isAgain && ++this.#restarts > MAX_RESTARTS)
      throw new LockstepError(
        'UNAVAILABLE',
        `the copy broke off ${String(MAX_RESTARTS)} times: ${failed?.error ?? ''}`,
        {
          reason: 'COPY_FAILED',
        },
      );
    const { source, target } = this.#job;
    this.#movedAtMs = this.#around.nowMs();
    this.#snapshot = await snapshotName(this.#around, this.#job, this.#run.signal);
    await this.#hosts.seedReplica(source, this.#snapshot, target);
  }

  async connect(): Promise<void> {
    await this.#hosts.connectReplica(this.#job.source, this.#job.target);
  }

  watch(copy: ObservedCopy | undefined): void {
    if (copy === undefined) return;
    const standing = `${copy.phase} ${String(copy.doneBytes)} ${String(copy.leftBytes)}`;
    if (standing !== this.#standing) this.#movedAtMs = this.#around.nowMs();
    this.#standing = standing;
    if (this.#around.nowMs() - this.#movedAtMs > STALL_MS)
      throw new LockstepError('UNAVAILABLE', `the copy has moved nothing for ${String(STALL_MS / 1000)} s`, {
        reason: 'COPY_STALLED',
      });
    this.#progress(...describeCopy(copy));
  }

  wait(): Promise<void> {
    return pause(this.#around.pace.copyPollMs, this.#run.signal);
  }

  /**
   * The record decides; this only spares the reader a moment in which record and hosts say different things. A source
   * that dies now is to be failed over from, which waits for this workflow to let the database go.
   */
  async untilAgreed(): Promise<void> {
    this.#hasSuccessor = false;
    const giveUpAtMs = this.#around.nowMs() + AGREEMENT_MS;
    while (this.#around.nowMs() < giveUpAtMs && !this.#around.hosts.isGone(this.#job.source)) {
      if ((await this.source())?.state === 'SERVING') return;
      await this.wait();
    }
  }

  /** To a failover, which waits for this workflow: it cannot begin while that holds the database. */
  #giveWay(why: string, isLost: boolean): void {
    if (!isLost || !this.#hasSuccessor) return;
    throw new LockstepError('FAILED_PRECONDITION', `the primary ${this.#job.source} ${why}`, {
      reason: 'SOURCE_LOST',
    });
  }

  #checkPatience(why: string): void {
    if (this.#around.nowMs() - this.#heardAtMs > SOURCE_PATIENCE_MS)
      throw new LockstepError('UNAVAILABLE', `${why}, for ${String(SOURCE_PATIENCE_MS / 1000)} s`, {
        reason: 'SOURCE_AWAY',
      });
  }
}

export function describeCopy(copy: ObservedCopy): [text: string, percent: number] {
  const total = copy.doneBytes + copy.leftBytes;
  const rate = copy.bytesPerSecond > 0 ? `, ${mebibytes(copy.bytesPerSecond)} MiB/s` : '';
  const text = `${mebibytes(copy.doneBytes)} of ${mebibytes(total)} MiB${rate}`;
  return [text, total === 0 ? 0 : Math.floor((copy.doneBytes / total) * 100)];
}

const mebibytes = (bytes: number): string => String(Math.round(bytes / MIB));
