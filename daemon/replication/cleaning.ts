/**
 * Clears the dirty map of a target while it is copied to: a region that the target took, or found equal, is clean once
 * both sides flushed after that, unless it was written meanwhile. Flushes cost the clients, so they are rare: what they
 * spare is copying again after a copy broke off.
 */
import type { Core } from './core.ts';
import type { DirtyMaps } from './dirty.ts';
import type { Peer } from './peer.ts';
import type { Primary } from './primary.ts';
import type { Region } from './units.ts';

/** In times that a disk may take: 15 s, with 5. The next write to a region that became clean waits for a new mark. */
const FLUSH_EVERY_STALLS = 3;

interface Flush {
  readonly id: number;
  readonly regions: Set<Region>;
  localDone: boolean;
  peerDone: boolean;
}

export class Cleaning {
  readonly #core: Core;
  readonly #primary: Primary;
  readonly #dirty: DirtyMaps;
  readonly #peer: Peer;
  /** Answered by the target since the last flush was begun. */
  #copied = new Set<Region>();
  #flush: Flush | undefined;
  #flushedAtMs: number;

  constructor(
    core: Core,
    { primary, dirty }: { readonly primary: Primary; readonly dirty: DirtyMaps },
    peer: Peer,
  ) {
    this.#core = core;
    this.#primary = primary;
    this.#dirty = dirty;
    this.#peer = peer;
    this.#flushedAtMs = core.nowMs;
  }

  written(region: Region): void {
    this.#copied.delete(region);
    this.#flush?.regions.delete(region);
  }

  /** The copy ended: what is written from now on it is not told. */
  abandon(): void {
    this.#copied = new Set();
    this.#flush = undefined;
  }

  copied(region: Region): void {
    this.#copied.add(region);
    const { nowMs, generation } = this.#core;
    const { link, ready } = this.#peer;
    if (
      this.#flush !== undefined ||
      nowMs - this.#flushedAtMs < FLUSH_EVERY_STALLS * this.#core.options.stallMs
    )
      return;
    if (link === undefined || !ready) return;
    const id = this.#primary.nextFlushId();
    // The target has a write that is in flight here, and would flush it; this side's flush does not cover it.
    const inFlight = new Set(this.#primary.inflightRegions());
    const flush: Flush = {
      id,
      regions: new Set([...this.#copied].filter((one) => !inFlight.has(one))),
      localDone: false,
      peerDone: false,
    };
    this.#flush = flush;
    this.#copied = new Set([...this.#copied].filter((one) => inFlight.has(one)));
    this.#core.send(link, { type: 'flush', generation, flushId: id });
    this.#core.flush((failure) => {
      if (failure !== undefined) return;
      flush.localDone = true;
      this.#finish(flush);
    });
  }

  onFlushAnswer(flushId: number): void {
    const flush = this.#flush;
    if (flush?.id !== flushId) return;
    flush.peerDone = true;
    this.#finish(flush);
  }

  #finish(flush: Flush): void {
    if (this.#flush !== flush || !flush.localDone || !flush.peerDone) return;
    this.#flush = undefined;
    this.#flushedAtMs = this.#core.nowMs;
    this.#dirty.clear(this.#peer.host, flush.regions);
  }
}
