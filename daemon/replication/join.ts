/**
 * The source's side of making a target in sync: copy a snapshot (SEEDING), then, with live writes in the same stream,
 * what changed since (CATCHING_UP), then ask the control store to take the target into the in-sync set (ASKING).
 *
 * A region is copied in one of two ways. To a target that never held anything, what is not zeroes is sent. Otherwise
 * its digest is offered, the target compares at that place of the stream, and the data is sent where they differ. In
 * both ways a copy that was read before a live write was applied is never sent after that write: a region is read
 * only when no write in flight overlaps it, and writes that overlap wait until the read was sent.
 */
import { assert } from '../sys/errors.ts';
import type { Core } from './core.ts';
import type { JoinPhase, JoinStatus } from './interface.ts';
import { Peer } from './peer.ts';
import type { Primary } from './primary.ts';
import { type HostName, REGION_BYTES, type Region, regionRange } from './units.ts';

/** Regions that are read, offered or sent and not yet answered. */
const COPY_WINDOW = 16;

type Stage = 'offer' | 'data';

export interface JoinJob {
  readonly target: HostName;
  /** Regions of the snapshot that may hold anything but zeroes. */
  readonly allocated: readonly Region[];
  readonly onFailure: (error: string) => void;
  /** Asks the control store to take the target into the in-sync set. */
  readonly propose: () => void;
}

export class Join {
  readonly peer: Peer;
  readonly #core: Core;
  readonly #primary: Primary;
  #phase: JoinPhase = 'SEEDING';
  #error = '';
  /** To be copied, in this order. */
  #todo: { readonly region: Region; readonly stage: Stage }[] = [];
  /** From disk. */
  #reads = 0;
  /** Offered or sent, and not answered. */
  readonly #unanswered = new Map<Region, Stage>();
  /** A live region is being read; one at a time, since its range is locked against writes. */
  #reading = false;
  #blank = false;
  #doneBytes = 0;
  #sentBytes = 0;
  /** Live writes go to the target, and regions are read as they are now. */
  #isLive = false;
  #isCandidateAsked = false;
  #mayPropose = false;
  readonly #job: JoinJob;

  constructor(core: Core, primary: Primary, job: JoinJob) {
    this.#core = core;
    this.#primary = primary;
    this.#job = job;
    this.peer = new Peer(job.target, { inSync: false, nowMs: core.nowMs });
  }

  get phase(): JoinPhase {
    return this.#phase;
  }

  get status(): JoinStatus {
    const left = this.#phase === 'DONE' ? 0 : this.#todo.length + this.#underWay;
    return {
      target: this.peer.host,
      phase: this.#phase,
      doneBytes: this.#doneBytes,
      leftBytes: left * REGION_BYTES,
      sentBytes: this.#sentBytes,
      error: this.#error,
    };
  }

  get #underWay(): number {
    return this.#reads + this.#unanswered.size;
  }

  /** The store may have been asked about the target: it is asked again until its answer is known. */
  get isProposed(): boolean {
    return this.#phase === 'ASKING' && this.#mayPropose;
  }

  fail(error: string): void {
    this.#phase = 'FAILED';
    this.#error = error;
    this.#todo = [];
    this.#primary.copyLock = undefined;
  }

  done(): void {
    this.#phase = 'DONE';
  }

  /** The target said hello: it is JOINING. */
  begin(blank: boolean): void {
    this.#blank = blank;
    const regions = blank ? this.#job.allocated : allRegions(this.#core.options.sizeBytes);
    this.#todo = regions.map((region) => ({ region, stage: blank ? 'data' : 'offer' }));
    this.pump();
  }

  /** From now on the target gets live writes. `changed` includes every region that differs from the snapshot now. */
  connect(changed: readonly Region[]): void {
    assert(this.#phase === 'SEEDED', 'a target is connected when it is seeded');
    this.#phase = 'CATCHING_UP';
    this.#todo = changed.map((region) => ({ region, stage: 'data' }));
    this.peer.receivesWrites = true;
    this.#isLive = true;
    this.pump();
  }

  /** Something came in that the next stage may have waited for. */
  progress(): void {
    if (this.#phase === 'CATCHING_UP') this.pump();
    if (this.#phase !== 'ASKING' || this.#isCandidateAsked) return;
    this.#isCandidateAsked = true;
    this.#primary.flush(() => {
      const { link, ready } = this.peer;
      if (this.#phase !== 'ASKING' || link === undefined || !ready || this.#primary.adopting) return;
      const { generation } = this.#core;
      this.#core.send(link, { type: 'candidate', generation, proposedGeneration: generation + 1 });
    });
  }

  onCandidateAnswer(proposedGeneration: number): void {
    if (this.#phase !== 'ASKING' || proposedGeneration !== this.#core.generation + 1) return;
    // Durable before the store is asked: a later life of this process has to find out what it answered.
    this.#core.persist({ asking: this.peer.host }, () => {
      this.#mayPropose = true;
      if (this.#phase === 'ASKING') this.#job.propose();
    });
  }

  pump(): void {
    while (this.#underWay < COPY_WINDOW && !this.#reading) {
      if (this.peer.link === undefined || !this.peer.ready || this.#phase === 'FAILED') return;
      const next = this.#todo[0];
      if (next === undefined) break;
      if (this.#isLive && !this.#isLocked(next.region)) return;
      this.#todo.shift();
      this.#read(next.region, next.stage);
    }
    if (this.#todo.length === 0 && this.#underWay === 0) this.#listDone();
  }

  /** Writes that come now wait, those in flight end first: a region that is written all the time is copied too. */
  #isLocked(region: Region): boolean {
    this.#primary.copyLock = regionRange(region);
    return !this.#primary.overlapsInflight(this.#primary.copyLock);
  }

  /** False: it answers what was never sent. Counted as an answer, it would end the copy with regions missing. */
  onCopyAnswer(region: Region, needed: boolean): boolean {
    const stage = this.#unanswered.get(region);
    if (stage === undefined || (needed && stage === 'data')) return false;
    this.#unanswered.delete(region);
    if (needed) this.#todo.unshift({ region, stage: 'data' });
    else this.#doneBytes += REGION_BYTES;
    this.pump();
    return true;
  }

  #read(region: Region, stage: Stage): void {
    const live = this.#isLive;
    this.#reads++;
    this.#reading = live;
    const token = this.#core.nextToken();
    const from = live ? 'live' : 'snapshot';
    this.#core.effects.push({ type: 'read-region', token, region, from, digest: stage === 'offer' });
    this.#core.await(token, (event) => {
      assert(event.type === 'region-done', 'a region read is answered by region-done');
      this.#reads--;
      if (this.#phase === 'FAILED') return;
      if (event.failure !== undefined) {
        this.#job.onFailure(`region ${String(region)} cannot be read: ${event.failure}`);
        return;
      }
      this.#sendRegion(region, stage, event);
      if (live) {
        this.#reading = false;
        this.#primary.copyLock = undefined;
        this.#primary.retryHeld();
      }
      this.pump();
    });
  }

  #sendRegion(
    region: Region,
    stage: Stage,
    { data, digest }: { readonly data: Uint8Array | undefined; readonly digest: Uint8Array },
  ): void {
    const { link } = this.peer;
    if (link === undefined || !this.peer.ready) return;
    const { generation } = this.#core;
    // Zeroes to a target that holds nothing: equal already.
    if (data === undefined && this.#blank && this.#phase === 'SEEDING') {
      this.#doneBytes += REGION_BYTES;
      return;
    }
    this.#unanswered.set(region, stage);
    if (stage === 'offer') this.#core.send(link, { type: 'copy-offer', generation, region, digest });
    else if (data !== undefined) {
      this.#sentBytes += REGION_BYTES;
      this.#core.send(link, { type: 'copy-data', generation, region }, data);
    } else this.#core.send(link, { type: 'copy-zero', generation, region });
  }

  #listDone(): void {
    if (this.#phase === 'SEEDING') this.#phase = 'SEEDED';
    // From here every new write waits for the target's answer. Both outcomes of asking are obeyed from now on; what was
    // sent before is answered before the answer to the flush, which both sides make, so that nothing the target
    // lacks, and nothing that only one side's cache holds, is left when the control store is asked.
    else if (this.#phase === 'CATCHING_UP') {
      this.#phase = 'ASKING';
      this.peer.required = true;
    }
  }
}

function allRegions(sizeBytes: number): Region[] {
  return Array.from({ length: sizeBytes / REGION_BYTES }, (_unused, region) => region);
}
