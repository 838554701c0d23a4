/**
 * The source's side of making a target in sync: copy what it may lack (SEEDING from a snapshot where that is much),
 * then, with live writes in the same stream, what changed since (CATCHING_UP), then ask the control store to take the
 * target into the in-sync set (ASKING). What is to be copied stands in the dirty map of the target (dirty.ts), so that
 * a copy that breaks off goes on where it was.
 *
 * A region is copied in one of two ways. Where it is known to differ it is sent. Otherwise its digest is offered, the
 * target compares at that place of the stream, and the data is sent where they differ. In both ways a copy that was
 * read before a live write was applied is never sent after that write: a region is read only when no write in flight
 * overlaps it, and writes that overlap wait until the read was sent.
 */
import { assert } from '../sys/errors.ts';
import { Cleaning } from './cleaning.ts';
import { CopyList, type Stage } from './copy-list.ts';
import type { Core } from './core.ts';
import type { DirtyMaps } from './dirty.ts';
import type { JoinMode, JoinPhase, JoinStatus, MapChange, Tracked } from './interface.ts';
import type { Message } from './messages.ts';
import { Peer } from './peer.ts';
import type { Primary } from './primary.ts';
import { Progress } from './progress.ts';
import { RegionSet } from './region-set.ts';
import type { Throttle } from './throttle.ts';
import {
  type ByteRange,
  firstRegion,
  type HostName,
  lastRegion,
  REGION_BYTES,
  type Region,
  regionRange,
} from './units.ts';

type HelloAnswer = Extract<Message, { type: 'hello-answer' }>;

/** Regions that are read, offered or sent and not yet answered. */
const COPY_WINDOW = 16;

export interface JoinJob {
  readonly target: HostName;
  /** Name of the snapshot that is copied, if what is copied is much. */
  readonly snapshot: string;
  readonly throttle: Throttle;
  readonly onFailure: (error: string) => void;
  /** Asks the control store to take the target into the in-sync set. */
  readonly propose: () => void;
}

interface Plan {
  readonly mode: JoinMode;
  /** The head of the target's map, and what that names: what the target may lack. */
  readonly entry: Tracked;
  readonly regions: RegionSet;
}

export class Join {
  readonly peer: Peer;
  readonly #core: Core;
  readonly #primary: Primary;
  readonly #dirty: DirtyMaps;
  readonly #cleaning: Cleaning;
  readonly #progress: Progress;
  readonly #job: JoinJob;
  #phase: JoinPhase = 'SEEDING';
  #mode: JoinMode = 'SEED';
  #error = '';
  /** The union of what is missing is on stable storage here, and the target knows. */
  #hasBegun = false;
  #todo: CopyList;
  /** From disk. */
  #reads = 0;
  /** Offered or sent, and not answered. */
  readonly #unanswered = new Map<Region, Stage>();
  /** A live region that is being read; one at a time, locked against writes. */
  #reading = false;
  #lock: ByteRange | undefined;
  /** Nothing was ever written to the target: zeroes are there already. */
  #blank = false;
  /** Written since the snapshot was taken, or already before: what it shows of them may be old. */
  readonly #written: RegionSet;
  #hasSnapshot = false;
  /** Live writes go to the target, and regions are read as they are now. */
  #isLive = false;
  /** Of the flush that brings what was copied to the target's stable storage while no client waits for it. */
  #settleId: number | undefined;
  #isSettled = false;
  #isCandidateAsked = false;
  #mayPropose = false;

  constructor(core: Core, parts: { readonly primary: Primary; readonly dirty: DirtyMaps }, job: JoinJob) {
    this.#core = core;
    this.#primary = parts.primary;
    this.#dirty = parts.dirty;
    this.#job = job;
    this.peer = new Peer(job.target, { inSync: false, nowMs: core.nowMs });
    this.#cleaning = new Cleaning(core, parts, this.peer);
    this.#progress = new Progress(core.nowMs);
    this.#written = new RegionSet(core.sizeBytes / REGION_BYTES);
    this.#todo = this.#nothing();
    // Taken before, and perhaps not yet where the snapshot, or what changed since, could show them.
    this.#written.addAll(parts.primary.inflightRegions());
  }

  get phase(): JoinPhase {
    return this.#phase;
  }

  get isOver(): boolean {
    return this.#phase === 'DONE' || this.#phase === 'FAILED';
  }

  get status(): JoinStatus {
    return {
      target: this.peer.host,
      phase: this.#phase,
      mode: this.#mode,
      doneBytes: this.#progress.doneBytes,
      leftBytes: this.#left * REGION_BYTES,
      sentBytes: this.#progress.sentBytes,
      bytesPerSecond: this.isOver ? 0 : this.#progress.bytesPerSecond(this.#core.nowMs),
      limitBytesPerSecond: this.isOver ? 0 : this.#job.throttle.limitBytesPerSecond,
      error: this.#error,
    };
  }

  get #left(): number {
    if (this.isOver) return 0;
    // What a map names is listed when live writes go to the target.
    const isListed = this.#mode !== 'QUICK' || this.#isLive;
    return isListed ? this.#todo.size + this.#underWay : (this.#dirty.get(this.peer.host)?.size ?? 0);
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
    this.#ended();
  }

  done(): void {
    this.#phase = 'DONE';
    this.#ended();
  }

  #ended(): void {
    this.#todo = this.#nothing();
    this.#cleaning.abandon();
    this.#unlock();
    this.#job.throttle.end();
  }

  /** The target said hello: it is JOINING, and told what it changed by itself. */
  begin(answer: HelloAnswer, ownChanges: Uint8Array): void {
    this.#blank = answer.blank;
    // What differs by a map is little, and read as it is now; what is much is read from the snapshot.
    const byMap = this.#planByMap(answer, ownChanges);
    if (byMap !== undefined) this.#copy(byMap);
    else
      this.#takeSnapshot((allocated) => {
        this.#copy(answer.blank ? this.#planOfSeed(allocated) : this.#planOfCompare(answer));
      });
  }

  /** It still reads the snapshot: once live writes go to the target too, regions are read as they are now. */
  get readsSnapshot(): boolean {
    return this.#hasSnapshot && (this.#phase === 'SEEDING' || this.#phase === 'SEEDED');
  }

  #takeSnapshot(then: (allocated: readonly Region[]) => void): void {
    const { link } = this.peer;
    const token = this.#core.nextToken();
    this.#core.effects.push({ type: 'take-snapshot', token, snapshot: this.#job.snapshot });
    this.#core.await(token, (event) => {
      assert(event.type === 'snapshot-taken', 'a snapshot that is asked for is answered by snapshot-taken');
      // The target that described itself is gone.
      if (this.#phase !== 'SEEDING' || this.peer.link !== link) return;
      if (event.failure !== undefined) {
        this.#job.onFailure(`no snapshot can be taken: ${event.failure}`);
        return;
      }
      this.#hasSnapshot = true;
      this.#written.addAll(event.changed);
      then(event.allocated);
    });
  }

  #copy({ mode, entry, regions }: Plan): void {
    this.#mode = mode;
    const map = this.#dirty.replace(entry.host, regions);
    this.#persistEntry(entry, map, () => {
      const { link, ready } = this.peer;
      if (this.#phase !== 'SEEDING' || link === undefined || !ready) return;
      this.#core.send(link, { type: 'copy-begin', generation: this.#core.generation });
      this.#hasBegun = true;
      this.#job.throttle.begin(this.#core.nowMs, { isUrgent: true });
      const stage = entry.compare ? 'offer' : 'data';
      if (mode !== 'QUICK') this.#todo = new CopyList(this.#ofSnapshot(regions), stage);
      this.pump();
    });
  }

  /** What was written since the snapshot was taken is read as it is, once live writes go to the target. */
  #ofSnapshot(regions: RegionSet): RegionSet {
    const shown = RegionSet.copyOf(regions);
    for (const region of this.#written) shown.delete(region);
    return shown;
  }

  #nothing(): CopyList {
    return new CopyList(new RegionSet(0), 'data');
  }

  /** Undefined: no map says what the target lacks. */
  #planByMap(answer: HelloAnswer, ownChanges: Uint8Array): Plan | undefined {
    const { host } = this.peer;
    const map = this.#dirty.get(host);
    const entry = this.#dirty.entry(host);
    if (answer.blank || map === undefined || entry === undefined) return undefined;
    if (isResumed(entry, answer))
      return {
        mode: 'QUICK',
        entry: { ...entry, compare: entry.compare && !answer.distrusted },
        regions: map,
      };
    if (!isKnown(entry, answer)) return undefined;
    // The union: what this side wrote without the target, and what the target wrote without this side.
    const regions = RegionSet.fromBitmap(this.#core.sizeBytes / REGION_BYTES, ownChanges);
    regions.addAll(map);
    return {
      mode: 'QUICK',
      entry: { ...entry, copying: this.#core.generation, compare: false },
      regions,
    };
  }

  /** `allocated`: regions of the snapshot that may hold anything but zeroes. */
  #planOfSeed(allocated: readonly Region[]): Plan {
    const regions = RegionSet.copyOf(this.#written);
    regions.addAll(allocated);
    const { host } = this.peer;
    const copying = this.#core.generation;
    return {
      mode: 'SEED',
      entry: { host, since: 0, until: 0, covers: false, copying, compare: false },
      regions,
    };
  }

  #planOfCompare({ consistentAt, distrusted }: HelloAnswer): Plan {
    const regions = new RegionSet(this.#core.sizeBytes / REGION_BYTES);
    regions.fill();
    const { host } = this.peer;
    const copying = this.#core.generation;
    // Of a disk that failed nothing is believed that it reads: a region can look equal and be gone.
    const compare = !distrusted;
    return {
      mode: 'COMPARE',
      entry: { host, since: consistentAt, until: consistentAt, covers: false, copying, compare },
      regions,
    };
  }

  #persistEntry(entry: Tracked, map: MapChange, then: () => void): void {
    const others = this.#core.durable.tracked.filter(({ host }) => host !== entry.host);
    this.#core.persist({ tracked: [...others, entry] }, then, [map]);
  }

  /** From now on the target gets live writes. */
  connect(): void {
    assert(this.#phase === 'SEEDED', 'a target is connected when it is seeded');
    this.#phase = 'CATCHING_UP';
    const map = this.#dirty.get(this.peer.host);
    const isCompared = this.#dirty.entry(this.peer.host)?.compare === true;
    if (this.#mode !== 'QUICK') this.#todo = new CopyList(this.#written, 'data');
    else if (map !== undefined) this.#todo = new CopyList(map, isCompared ? 'offer' : 'data');
    this.peer.receivesWrites = true;
    this.#isLive = true;
    this.pump();
  }

  /** A client's write was taken. */
  onWrite(range: ByteRange): void {
    if (this.isOver) return;
    for (let region = firstRegion(range); region <= lastRegion(range); region++) {
      if (!this.#isLive) this.#written.add(region);
      this.#cleaning.written(region);
    }
  }

  /** Something came in that the next stage may have waited for, or time went on. */
  progress(): void {
    if (this.#phase === 'CATCHING_UP' || this.#phase === 'SEEDING') this.pump();
    if (this.#phase !== 'ASKING' || this.#isCandidateAsked) return;
    this.#isCandidateAsked = true;
    this.#primary.flush(() => {
      const { link, ready } = this.peer;
      if (this.#phase !== 'ASKING' || link === undefined || !ready || this.#primary.adopting) return;
      const { generation } = this.#core;
      const sequence = this.#primary.sentSequence;
      this.#core.send(link, { type: 'candidate', generation, proposedGeneration: generation + 1, sequence });
    });
  }

  onCandidateAnswer(proposedGeneration: number): void {
    if (this.#phase !== 'ASKING' || proposedGeneration !== this.#core.generation + 1) return;
    // Durable before the store is asked: a later life of this process has to find out what it answered.
    this.#core.persist({ asking: this.peer.host }, () => {
      // It is a candidate for this generation, and for no later one.
      const isOver = this.#core.generation + 1 !== proposedGeneration || this.#primary.adopting;
      if (this.#phase !== 'ASKING' || isOver) return;
      this.#mayPropose = true;
      this.#job.propose();
    });
  }

  onFlushAnswer(flushId: number): void {
    if (flushId === this.#settleId) {
      this.#isSettled = true;
      this.peer.copyingSinceMs = undefined;
    }
    this.#cleaning.onFlushAnswer(flushId);
  }

  pump(): void {
    if (!this.#hasBegun || this.isOver) return;
    while (this.#underWay < COPY_WINDOW && !this.#reading) {
      if (this.peer.link === undefined || !this.peer.ready || this.isOver) return;
      const next = this.#todo.peek();
      if (next === undefined) break;
      // Nobody waits for a region that is locked already longer than for the writes in flight to it.
      if (this.#lock === undefined && !this.#mayGo()) return;
      if (this.#isLive && !this.#isLocked(next.region)) return;
      this.#todo.take();
      this.#read(next.region, next.stage);
    }
    if (this.#todo.size === 0 && this.#underWay === 0) this.#listDone();
  }

  #mayGo(): boolean {
    return this.#job.throttle.mayGo(this.#core.nowMs, this.#primary.oldestChangeMs);
  }

  /** Writes that come now wait, those in flight end first: a region that is written all the time is copied too. */
  #isLocked(region: Region): boolean {
    this.#lock ??= regionRange(region);
    this.#primary.locks.add(this.#lock);
    return !this.#primary.overlapsInflight(this.#lock);
  }

  #unlock(): void {
    if (this.#lock === undefined) return;
    this.#primary.locks.delete(this.#lock);
    this.#lock = undefined;
  }

  /** False: it answers what was never sent. Counted as an answer, it would end the copy with regions missing. */
  onCopyAnswer(region: Region, needed: boolean): boolean {
    const stage = this.#unanswered.get(region);
    if (stage === undefined || (needed && stage === 'data')) return false;
    this.#unanswered.delete(region);
    this.#answeredNow();
    if (needed) this.#todo.need(region);
    else {
      this.#progress.done(this.#core.nowMs);
      if (this.#isLive || !this.#written.has(region)) this.#cleaning.copied(region);
    }
    this.pump();
    return true;
  }

  #answeredNow(): void {
    this.peer.copyingSinceMs = this.#unanswered.size === 0 ? undefined : this.#core.nowMs;
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
      if (this.isOver) return;
      if (event.failure !== undefined) {
        this.#job.onFailure(`region ${String(region)} cannot be read: ${event.failure}`);
        return;
      }
      this.#sendRegion(region, stage, event);
      if (live) {
        this.#reading = false;
        this.#unlock();
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
    const { generation, nowMs } = this.#core;
    // Zeroes to a target that holds nothing: equal already.
    if (data === undefined && this.#blank && this.#phase === 'SEEDING') {
      this.#progress.done(nowMs);
      return;
    }
    this.#unanswered.set(region, stage);
    this.peer.copyingSinceMs ??= nowMs;
    if (stage === 'offer') {
      // What a comparison costs both disks counts, too.
      this.#job.throttle.sent(REGION_BYTES / 2);
      this.#core.send(link, { type: 'copy-offer', generation, region, digest });
    } else if (data !== undefined) {
      this.#progress.sentBytes += REGION_BYTES;
      this.#job.throttle.sent(REGION_BYTES);
      this.#core.send(link, { type: 'copy-data', generation, region }, data);
    } else this.#core.send(link, { type: 'copy-zero', generation, region });
  }

  #settle(): void {
    const { link, ready } = this.peer;
    if (this.#settleId !== undefined || link === undefined || !ready) return;
    this.#settleId = this.#primary.nextFlushId();
    const { generation, nowMs } = this.#core;
    this.peer.copyingSinceMs = nowMs;
    this.#core.send(link, { type: 'flush', generation, flushId: this.#settleId });
  }

  #listDone(): void {
    if (this.#phase === 'SEEDING') this.#phase = 'SEEDED';
    // From here every new write waits for the target's answer. Both outcomes of asking are obeyed from now on; what was
    // sent before is answered before the answer to the flush, which both sides make, so that nothing the target
    // lacks, and nothing that only one side's cache holds, is left when the control store is asked.
    else if (this.#phase === 'CATCHING_UP' && !this.#isSettled) this.#settle();
    else if (this.#phase === 'CATCHING_UP') {
      this.#phase = 'ASKING';
      this.peer.required = true;
      this.#job.throttle.end();
    }
  }
}

/** A copy of this primary that broke off: nobody else touched the target since. */
function isResumed(entry: Tracked, answer: HelloAnswer): boolean {
  return entry.copying !== 0 && answer.copyingSince === entry.copying;
}

/** The map says in which regions the target, as it describes itself, may differ. */
function isKnown(entry: Tracked, answer: HelloAnswer): boolean {
  const isOfThen = answer.consistentAt >= Math.max(entry.since, 1) && answer.consistentAt <= entry.until;
  return isOfThen && !entry.compare && (entry.covers || answer.changesKnown);
}
