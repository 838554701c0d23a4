/**
 * A scrub: a primary compares every region with each member of its in-sync set while clients write. What differs, or
 * does not fit its checksum, is repaired where a checksum says who is right (verdict.ts), and reported where none does.
 *
 * Why it raises no false alarm. A region is read here only while it is locked: no write to it is in flight, none is
 * taken, and nobody else writes it. So what is read is what the writes made of it that were sent so far, all of which
 * this replica applied. Its digest goes out before the lock ends, in the stream of the writes, and the other compares
 * when it comes to that place: after exactly the same writes. Whoever sends and applies the same writes to the same
 * bytes has the same bytes, so a difference is damage. What is sent later comes later there, too.
 *
 * A member is repaired as a target is copied to: the region is locked and read anew, and its bytes stand in the stream
 * between the writes before and after. This replica repairs itself as it does for a read that fails (repair.ts). Then
 * the region is compared once more.
 */
import { assert } from '../sys/errors.ts';
import type { Core } from './core.ts';
import type { ReplicaEvent, ScrubPhase, ScrubStatus } from './interface.ts';
import type { Message } from './messages.ts';
import type { Peer } from './peer.ts';
import type { Primary } from './primary.ts';
import type { Repair } from './repair.ts';
import { Findings } from './scrub-findings.ts';
import { type Open, ScrubList, type Step } from './scrub-list.ts';
import { BACKGROUND_BYTES_PER_SECOND, type Throttle } from './throttle.ts';
import { type HostName, REGION_BYTES, type Region } from './units.ts';
import { judge, type Side } from './verdict.ts';

type Completion = Extract<ReplicaEvent, { readonly token: number }>;
type Verified = Extract<Message, { type: 'verified' }>;
type VerifiedHoles = Extract<Message, { type: 'verified-holes' }>;

/** Regions, or runs of holes, that are compared and not yet answered for. */
const WINDOW = 16;
/** Repairs of one region after which it counts as one that cannot be repaired. */
const MAX_REPAIRS = 3;
/** How old what is kept of the cursor may be. */
const KEEP_EVERY_MS = 10_000;

export interface ScrubParts {
  readonly primary: Primary;
  readonly repair: Repair;
  readonly throttle: Throttle;
  /** A copy is under way, and goes first. */
  readonly isCopying: () => boolean;
}

export class Scrub {
  readonly #core: Core;
  readonly #parts: ScrubParts;
  #phase: ScrubPhase | undefined;
  #error = '';
  #list: ScrubList;
  #findings = new Findings();
  /** Repairs of a region that were begun. */
  #tries = new Map<Region, number>();
  /** What is done next, or waits for the region to be quiet; one at a time. */
  #step: Step | undefined;
  #isReading = false;
  /** A copy goes first, or nothing was done yet. */
  #isPaused = true;
  /** Of the last question; what an earlier scrub asked may still be answered. */
  #lastId = 0;
  /** Sent over a link and not answered, of whichever scrub. */
  readonly #copies = new Map<number, Region[]>();
  #keptAtMs = -Infinity;

  constructor(core: Core, parts: ScrubParts) {
    this.#core = core;
    this.#parts = parts;
    this.#list = new ScrubList(this.#regions, this.#regions);
  }

  get status(): ScrubStatus | undefined {
    const { scrubbedTo } = this.#core.durable;
    if (this.#phase === undefined && scrubbedTo === 0) return undefined;
    const isRunning = this.#phase === 'RUNNING';
    return {
      phase: this.#phase ?? 'STOPPED',
      cursor: this.#phase === undefined ? scrubbedTo : this.#list.cursor,
      regionsTotal: this.#phase === undefined ? this.#regions : this.#list.end,
      ...this.#findings.status,
      limitBytesPerSecond: isRunning && !this.#isPaused ? this.#parts.throttle.limitBytesPerSecond : 0,
      error: this.#error,
    };
  }

  get #regions(): number {
    return this.#core.sizeBytes / REGION_BYTES;
  }

  get #isRunning(): boolean {
    return this.#phase === 'RUNNING';
  }

  /** Goes on where the last one broke off, or begins; where it cannot, the status says why. */
  start(anew: boolean): void {
    if (this.#isRunning) return;
    const { scrubbedTo } = this.#core.durable;
    this.#error = this.#objection() ?? '';
    this.#phase = this.#error === '' ? 'RUNNING' : 'FAILED';
    const from = this.#isRunning && anew ? 0 : scrubbedTo;
    if (from === 0) this.#findings = new Findings();
    this.#list = new ScrubList(from, this.#regions);
    this.#tries = new Map();
    this.#isPaused = true;
    this.#keptAtMs = this.#core.nowMs;
    this.progress();
  }

  stop(): void {
    this.#end('STOPPED', '');
  }

  /** It has not ended before what was added is compared, too. */
  resized(): void {
    if (!this.#isRunning) return;
    if (this.#regions < this.#list.end) this.fail('the volume is smaller now');
    else this.#list.grow(this.#regions);
  }

  /** What it compares with is not there any more, or this replica serves nobody. */
  fail(error: string): void {
    this.#end('FAILED', error);
  }

  /** What was sent over it is answered by nobody. */
  linkClosed(link: number): void {
    this.#copies.delete(link);
  }

  #objection(): string | undefined {
    const { primary } = this.#parts;
    return this.#core.state !== 'SERVING' || primary.adopting
      ? 'replicas are compared by a primary that has others in sync'
      : undefined;
  }

  #end(phase: ScrubPhase, error: string): void {
    if (!this.#isRunning) return;
    const cursor = phase === 'DONE' ? 0 : this.#list.cursor;
    this.#phase = phase;
    this.#error = error;
    this.#unlock();
    if (!this.#isPaused && !this.#parts.isCopying()) this.#parts.throttle.end();
    this.#keep(cursor);
  }

  /** Durable here and, if it can be told, where the next primary is. */
  #keep(cursor: Region): void {
    this.#keptAtMs = this.#core.nowMs;
    if (this.#core.durable.scrubbedTo === cursor) return;
    this.#core.persist({ scrubbedTo: cursor }, () => undefined);
    const { generation } = this.#core;
    for (const { link } of this.#members())
      if (link !== undefined) this.#core.send(link, { type: 'scrubbed', generation, cursor });
  }

  /** Those that have to hold the same, and can be asked; a target that is not in the set yet is not among them. */
  #members(): readonly Peer[] {
    const { inSync } = this.#core.durable.view;
    const { required } = this.#parts.primary;
    return required.filter(({ host, ready }) => ready && inSync.includes(host));
  }

  /** Something happened that it may have waited for, or time went on. */
  progress(): void {
    if (!this.#isRunning || this.#core.state !== 'SERVING' || this.#parts.primary.adopting) return;
    if (this.#core.nowMs - this.#keptAtMs > KEEP_EVERY_MS) this.#keep(this.#list.cursor);
    while (!this.#isReading && this.#list.underWay < WINDOW) {
      this.#step ??= this.#mayGo() ? this.#list.next(this.#parts.primary) : undefined;
      if (this.#step === undefined) break;
      this.#parts.primary.locks.add(this.#step.lock);
      if (!this.#parts.primary.isQuiet(this.#step.lock)) return;
      this.#carryOut(this.#step);
    }
    if (this.#list.isEmpty && this.#step === undefined) this.#end('DONE', '');
  }

  #mayGo(): boolean {
    const { primary, throttle, isCopying } = this.#parts;
    if (isCopying()) {
      this.#isPaused = true;
      return false;
    }
    if (this.#isPaused) throttle.begin(this.#core.nowMs, { floor: BACKGROUND_BYTES_PER_SECOND });
    this.#isPaused = false;
    return throttle.mayGo(this.#core.nowMs, primary.oldestChangeMs);
  }

  #carryOut(step: Step): void {
    switch (step.type) {
      case 'look':
        this.#look(step);
        return;
      case 'compare':
        this.#verify(step, (digest, own) => {
          this.#compare(step.region, digest, own);
          this.#stepDone();
        });
        return;
      case 'copy':
        this.#verify(step, (_digest, own) => {
          if (own.soundness !== 'damaged') this.#copy(step);
          else this.#compareAgain(step);
        });
    }
  }

  /** What was asked of the disk is answered, if this is still the scrub that asked. */
  #ask(token: number, then: (event: Completion) => void): void {
    const list = this.#list;
    this.#isReading = true;
    this.#core.await(token, (event) => {
      if (list !== this.#list || !this.#isRunning) return;
      then(event);
    });
  }

  #stepDone(): void {
    this.#unlock();
    this.#parts.primary.retryHeld();
    this.progress();
  }

  #unlock(): void {
    if (this.#step !== undefined) this.#parts.primary.locks.delete(this.#step.lock);
    this.#step = undefined;
    this.#isReading = false;
  }

  #look({ first, count }: Extract<Step, { type: 'look' }>): void {
    const token = this.#core.nextToken();
    this.#core.effects.push({ type: 'find-run', token, first, count });
    this.#ask(token, (event) => {
      assert(event.type === 'run-found', 'a look for holes is answered by run-found');
      if (event.areHoles) {
        const id = ++this.#lastId;
        this.#list.holes(id, first, event.count, this.#hostsAsked());
        const { generation } = this.#core;
        this.#sendAll({ type: 'verify-holes', generation, id, region: first, count: event.count });
      } else this.#list.data(first, event.count);
      this.#stepDone();
    });
  }

  #verify({ region }: { readonly region: Region }, then: (digest: Uint8Array, own: Side) => void): void {
    const token = this.#core.nextToken();
    this.#core.effects.push({ type: 'verify-region', token, region });
    this.#ask(token, (event) => {
      assert(event.type === 'region-verified', 'a region to verify is answered by region-verified');
      then(event.digest, { host: this.#core.host, soundness: event.soundness, equal: true });
    });
  }

  #compare(region: Region, digest: Uint8Array, own: Side): void {
    const id = ++this.#lastId;
    this.#list.compare(id, region, own, this.#hostsAsked());
    // What a comparison costs both disks, and both processes.
    this.#parts.throttle.sent(REGION_BYTES / 2);
    this.#sendAll({ type: 'verify', generation: this.#core.generation, id, region, digest });
  }

  #hostsAsked(): HostName[] {
    return this.#members().map(({ host }) => host);
  }

  #sendAll(message: Message): void {
    for (const { link } of this.#members()) if (link !== undefined) this.#core.send(link, message);
  }

  /** The region as it is here to a member that has it damaged. */
  #copy({ region, to }: Extract<Step, { type: 'copy' }>): void {
    const token = this.#core.nextToken();
    this.#core.effects.push({ type: 'read-region', token, region, from: 'live', digest: false });
    this.#ask(token, (event) => {
      assert(event.type === 'region-done', 'a region read is answered by region-done');
      const link = this.#members().find(({ host }) => host === to)?.link;
      if (event.failure !== undefined || link === undefined) {
        this.#compareAgain({ region, to });
        return;
      }
      const { generation } = this.#core;
      this.#list.repairs(region, to);
      this.#copies.set(link, [...(this.#copies.get(link) ?? []), region]);
      this.#parts.primary.rewritten(region);
      this.#parts.throttle.sent(REGION_BYTES);
      if (event.data === undefined) this.#core.send(link, { type: 'copy-zero', generation, region });
      else this.#core.send(link, { type: 'copy-data', generation, region }, event.data);
      this.#stepDone();
    });
  }

  /** What was to be sent is damaged itself by now. */
  #compareAgain({ region, to }: { readonly region: Region; readonly to: HostName }): void {
    this.#list.repairs(region, to);
    this.#list.repairDone(region, to);
    this.#stepDone();
  }

  /** False: it answers what was never asked. */
  onVerified({ host }: Peer, { id, equal, soundness }: Verified): boolean {
    if (id > this.#lastId) return false;
    const open = this.#list.answered(id, host);
    if (open === undefined) return true;
    if (open.type !== 'compare') return false;
    open.others.push({ host, soundness, equal });
    if (open.waiting.size === 0) this.#settle(open);
    this.progress();
    return true;
  }

  /** False: it answers what was never asked. */
  onVerifiedHoles({ host }: Peer, { id, count }: VerifiedHoles): boolean {
    if (id > this.#lastId) return false;
    const open = this.#list.answered(id, host);
    if (open === undefined) return true;
    if (open.type !== 'holes') return false;
    open.common = Math.min(open.common, count);
    if (open.waiting.size === 0) this.#list.holesCompared(open);
    this.progress();
    return true;
  }

  /** False: it was never sent. */
  onCopyAnswer({ host, link = 0 }: Peer, region: Region, needed: boolean): boolean {
    // In the order in which they were sent.
    if (needed || this.#copies.get(link)?.shift() !== region) return false;
    this.#core.effects.push({ type: 'repaired', region, host, from: this.#core.host });
    if (this.#isRunning && this.#list.repairDone(region, host)) this.#findings.repaired(region);
    this.progress();
    return true;
  }

  #settle({ id, first: region, own, others }: Extract<Open, { type: 'compare' }>): void {
    this.#list.settled(id);
    const verdict = judge(own, others);
    if (verdict.type === 'sound') return;
    const tries = this.#tries.get(region) ?? 0;
    if (verdict.type === 'undecided' || tries >= MAX_REPAIRS) {
      this.#report(region, [own, ...others]);
      return;
    }
    this.#tries.set(region, tries + 1);
    if (verdict.host === this.#core.host) this.#repairOwn(region, verdict.from);
    else this.#list.toCopy(region, verdict.host);
  }

  #repairOwn(region: Region, from: HostName): void {
    const list = this.#list;
    const { host } = this.#core;
    list.repairs(region, host);
    this.#parts.repair.anew(region, from, (isDone) => {
      if (list !== this.#list || !this.#isRunning) return;
      list.repairDone(region, host);
      if (isDone) this.#findings.repaired(region);
    });
  }

  #report(region: Region, sides: readonly Side[]): void {
    const differ = sides.filter(({ equal }) => !equal).map(({ host }) => host);
    const damaged = sides.filter(({ soundness }) => soundness === 'damaged').map(({ host }) => host);
    const finding = { region, differ, damaged };
    this.#findings.mismatch(finding);
    this.#core.effects.push({ type: 'mismatch', finding });
  }
}
