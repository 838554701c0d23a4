/**
 * A read that the primary's own disk fails: its regions are fetched from a replica that holds the same, written anew,
 * and read again. While a region is fetched and written no write to it is taken, and those in flight end first, so
 * that what is fetched is what both hold.
 */
import type { Core } from './core.ts';
import type { ClientRequest, DiskFailure } from './interface.ts';
import type { Peer } from './peer.ts';
import type { Primary } from './primary.ts';
import { type ByteRange, firstRegion, lastRegion, REGION_BYTES, type Region, regionRange } from './units.ts';

type ReadRequest = Extract<ClientRequest, { kind: 'read' }>;

interface Job {
  readonly id: number;
  readonly request: ReadRequest;
  readonly regions: Region[];
}

export class Repair {
  readonly #core: Core;
  readonly #primary: () => Primary;
  readonly #onDiskFailure: (failure: DiskFailure) => void;
  readonly #onStuck: (peer: Peer) => void;
  #jobs: Job[] = [];
  #lock: ByteRange | undefined;
  #region: Region | undefined;
  /** The link over which it was asked for. */
  #link: number | undefined;
  #from: Peer | undefined;
  #askedAtMs = 0;
  /** Reads whose regions were written anew once: if they fail again, the disk does not hold what it is given. */
  readonly #repaired = new WeakSet<ReadRequest>();
  #isWriting = false;
  repairedRegions = 0;

  constructor(
    core: Core,
    parts: {
      readonly primary: () => Primary;
      readonly onDiskFailure: (failure: DiskFailure) => void;
      /** A peer that does not give a region for too long. */
      readonly onStuck: (peer: Peer) => void;
    },
  ) {
    this.#core = core;
    this.#primary = parts.primary;
    this.#onDiskFailure = parts.onDiskFailure;
    this.#onStuck = parts.onStuck;
  }

  /** False: nobody holds the same. */
  begin(id: number, request: ReadRequest): boolean {
    if (this.#core.state === 'SOLO' || this.#primary().required.length === 0) return false;
    if (this.#repaired.has(request)) {
      this.#onDiskFailure('EIO');
      return true;
    }
    const first = firstRegion(request);
    const count = lastRegion(request) - first + 1;
    this.#jobs.push({ id, request, regions: Array.from({ length: count }, (_unused, at) => first + at) });
    this.progress();
    return true;
  }

  /** Nobody is served any more, or what helps is gone: the reads that wait are answered as they are. */
  abandon(): void {
    const jobs = this.#jobs;
    this.#jobs = [];
    if (!this.#isWriting) this.#release();
    for (const { id } of jobs) this.#primary().failRead(id, 'EIO');
    this.#primary().retryHeld();
  }

  /** Something happened that a repair may have waited for. */
  progress(): void {
    const [job] = this.#jobs;
    if (job === undefined) return;
    if (this.#core.state === 'SOLO') {
      this.abandon();
      return;
    }
    if (this.#isWriting || this.#core.state !== 'SERVING') return;
    if (this.#link !== undefined) {
      const isLate = this.#core.nowMs - this.#askedAtMs > this.#core.options.stallMs;
      if (isLate && this.#from !== undefined) this.#onStuck(this.#from);
      return;
    }
    const primary = this.#primary();
    const [region] = job.regions;
    if (region === undefined) {
      this.#jobs.shift();
      this.#repaired.add(job.request);
      primary.readAgain(job.id, job.request);
      this.progress();
      return;
    }
    this.#lock ??= regionRange(region);
    primary.locks.add(this.#lock);
    const peer = primary.required.find(({ ready }) => ready);
    if (peer?.link === undefined || primary.adopting || primary.overlapsInflight(this.#lock)) return;
    this.#region = region;
    this.#link = peer.link;
    this.#from = peer;
    this.#askedAtMs = this.#core.nowMs;
    this.#core.send(peer.link, { type: 'fetch', generation: this.#core.generation, region });
  }

  linkClosed(link: number): void {
    if (this.#link !== link || this.#isWriting) return;
    this.#link = undefined;
    this.#region = undefined;
  }

  /** False: it was not asked for. */
  onFetched(link: number, region: Region, data: Uint8Array): boolean {
    const [job] = this.#jobs;
    if (job === undefined) return true;
    if (this.#isWriting || this.#link !== link || this.#region !== region) return false;
    if (data.length !== REGION_BYTES) return false;
    const from = this.#from?.host ?? '';
    this.#isWriting = true;
    const offset = region * REGION_BYTES;
    this.#core.write({ kind: 'data', offset, length: REGION_BYTES, data }, (failure) => {
      this.#isWriting = false;
      this.#release();
      if (this.#jobs[0] !== job) return;
      if (failure !== undefined) {
        this.#onDiskFailure(failure);
        return;
      }
      this.repairedRegions++;
      this.#core.effects.push({ type: 'repaired', region, from });
      job.regions.shift();
      this.#primary().retryHeld();
      this.progress();
    });
    return true;
  }

  #release(): void {
    if (this.#lock !== undefined) this.#primary().locks.delete(this.#lock);
    this.#lock = undefined;
    this.#link = undefined;
    this.#region = undefined;
  }
}
