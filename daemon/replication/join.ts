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
import { REGION_BYTES, type Region, regionRange } from './units.ts';

/** Regions that are read, offered or sent and not yet answered. */
const COPY_WINDOW = 16;

type Stage = 'offer' | 'data';

export class Join {
  readonly peer: Peer;
  readonly #core: Core;
  readonly #primary: Primary;
  #phase: JoinPhase = 'SEEDING';
  #error = '';
  /** To be copied, in this order; a region that must wait goes to the back. */
  #todo: { readonly region: Region; readonly stage: Stage }[] = [];
  readonly #allocated: readonly Region[];
  #outstanding = 0;
  /** A live region is being read; one at a time, since its range is locked against writes. */
  #reading = false;
  #blank = false;
  #doneBytes = 0;
  #sentBytes = 0;
  #connectRegions: readonly Region[] | undefined;

  constructor(core: Core, primary: Primary, target: string, allocated: readonly Region[]) {
    this.#core = core;
    this.#primary = primary;
    this.#allocated = allocated;
    this.peer = new Peer(target, { inSync: false, nowMs: core.nowMs });
  }

  get phase(): JoinPhase {
    return this.#phase;
  }

  get status(): JoinStatus {
    const left = this.#phase === 'DONE' ? 0 : this.#todo.length + this.#outstanding;
    return {
      target: this.peer.host,
      phase: this.#phase,
      doneBytes: this.#doneBytes,
      leftBytes: left * REGION_BYTES,
      sentBytes: this.#sentBytes,
      error: this.#error,
    };
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
    const regions = blank ? this.#allocated : allRegions(this.#core.options.sizeBytes);
    this.#todo = regions.map((region) => ({ region, stage: blank ? 'data' : 'offer' }));
    this.pump();
  }

  /** From now on the target gets live writes. `changed` includes every region that differs from the snapshot now. */
  connect(changed: readonly Region[]): void {
    assert(this.#phase === 'SEEDED', 'a target is connected when it is seeded');
    this.#phase = 'CATCHING_UP';
    this.#todo = changed.map((region) => ({ region, stage: 'data' }));
    this.peer.receivesWrites = true;
    this.#connectRegions = changed;
    this.pump();
  }

  pump(): void {
    for (let looked = this.#todo.length; looked > 0 && this.#outstanding < COPY_WINDOW; looked--) {
      if (this.peer.link === undefined || !this.peer.ready || this.#phase === 'FAILED') return;
      if (this.#connectRegions !== undefined && this.#reading) return;
      const next = this.#todo.shift();
      if (next === undefined) break;
      if (this.#connectRegions !== undefined && this.#primary.overlapsInflight(regionRange(next.region)))
        this.#todo.push(next);
      else this.#read(next.region, next.stage);
    }
    if (this.#todo.length === 0 && this.#outstanding === 0) this.#listDone();
  }

  onCopyAnswer(region: Region, needed: boolean): void {
    this.#outstanding--;
    if (needed) this.#todo.unshift({ region, stage: 'data' });
    else this.#doneBytes += REGION_BYTES;
    this.pump();
  }

  #read(region: Region, stage: Stage): void {
    const live = this.#connectRegions !== undefined;
    this.#outstanding++;
    if (live) {
      this.#reading = true;
      this.#primary.copyLock = regionRange(region);
    }
    const token = this.#core.nextToken();
    const from = live ? 'live' : 'snapshot';
    this.#core.effects.push({ type: 'read-region', token, region, from, digest: stage === 'offer' });
    this.#core.await(token, (event) => {
      assert(event.type === 'region-done', 'a region read is answered by region-done');
      if (this.#phase === 'FAILED') return;
      if (event.failure !== undefined) {
        this.fail(`region ${String(region)} cannot be read: ${event.failure}`);
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
    if (stage === 'offer') this.#core.send(link, { type: 'copy-offer', generation, region, digest });
    else if (data !== undefined) {
      this.#sentBytes += REGION_BYTES;
      this.#core.send(link, { type: 'copy-data', generation, region }, data);
    } else if (this.#blank && this.#phase === 'SEEDING') {
      // Zeroes to a target that holds nothing: equal already.
      this.#outstanding--;
      this.#doneBytes += REGION_BYTES;
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
