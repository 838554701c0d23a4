/**
 * Regions that the primary's own disk failed to read, or that a scrub found damaged: they are fetched from a replica
 * that holds the same, and written anew. While a region is fetched and written no write to it is taken, and those in
 * flight end first, so that what is fetched is what both hold.
 */
import type { Core } from './core.ts';
import type { ClientRequest, DiskFailure } from './interface.ts';
import type { Peer } from './peer.ts';
import type { Primary } from './primary.ts';
import {
  type ByteRange,
  firstRegion,
  type HostName,
  lastRegion,
  REGION_BYTES,
  type Region,
  regionRange,
} from './units.ts';

type ReadRequest = Extract<ClientRequest, { kind: 'read' }>;

interface Job {
  readonly regions: Region[];
  /** Whose copy is taken; undefined: that of any in the set. */
  readonly from: HostName | undefined;
  readonly onRegion: () => void;
  readonly onDone: () => void;
  /** Nobody can help any more. */
  readonly onAbandoned: () => void;
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
  /** For reads. */
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
    this.#begin({
      regions: Array.from({ length: count }, (_unused, at) => first + at),
      from: undefined,
      onRegion: () => {
        this.repairedRegions++;
      },
      onDone: () => {
        this.#repaired.add(request);
        this.#primary().readAgain(id, request);
      },
      onAbandoned: () => {
        this.#primary().failRead(id, 'EIO');
      },
    });
    return true;
  }

  /** As `from` has it. */
  anew(region: Region, from: HostName, then: (isDone: boolean) => void): void {
    this.#begin({
      regions: [region],
      from,
      onRegion: () => undefined,
      onDone: () => {
        then(true);
      },
      onAbandoned: () => {
        then(false);
      },
    });
  }

  #begin(job: Job): void {
    this.#jobs.push(job);
    this.progress();
  }

  /** Nobody is served any more, or what helps is gone: whoever waits is told. */
  abandon(): void {
    const jobs = this.#jobs;
    this.#jobs = [];
    if (!this.#isWriting) this.#release();
    for (const { onAbandoned } of jobs) onAbandoned();
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
      job.onDone();
      this.progress();
      return;
    }
    const members = primary.required.filter(({ host }) => host === (job.from ?? host));
    if (members.length === 0) {
      this.#jobs.shift();
      this.#release();
      job.onAbandoned();
      primary.retryHeld();
      this.progress();
      return;
    }
    this.#lock ??= regionRange(region);
    primary.locks.add(this.#lock);
    const peer = members.find(({ ready }) => ready);
    if (peer?.link === undefined || primary.adopting || !primary.isQuiet(this.#lock)) return;
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
      this.#core.effects.push({ type: 'repaired', region, host: this.#core.host, from });
      job.onRegion();
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
