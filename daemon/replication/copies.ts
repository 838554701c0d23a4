/** The copy to a target that a primary makes: one at a time, begun and connected by a workflow of control. */
import type { Core } from './core.ts';
import type { DirtyMaps } from './dirty.ts';
import type { ReplicaEvent } from './interface.ts';
import { Join } from './join.ts';
import type { Links } from './links.ts';
import type { Peer } from './peer.ts';
import type { Primary } from './primary.ts';
import { type ChangeKind, Throttle } from './throttle.ts';
import type { ByteRange } from './units.ts';

export interface CopyParts {
  readonly primary: Primary;
  readonly dirty: DirtyMaps;
  readonly links: Links;
  /** Asks the control store to take the target into the in-sync set. */
  readonly propose: () => void;
}

export class Copies {
  readonly #core: Core;
  readonly #parts: CopyParts;
  readonly throttle = new Throttle();
  #join: Join | undefined;
  /** The shortest time between two ticks that was seen: the one that was meant. */
  #tickMs = Infinity;

  constructor(core: Core, parts: CopyParts) {
    this.#core = core;
    this.#parts = parts;
  }

  get join(): Join | undefined {
    return this.#join;
  }

  get isAsking(): boolean {
    return this.#join?.phase === 'ASKING';
  }

  /** The target of a copy that does not get live writes yet. */
  get peer(): Peer | undefined {
    return this.#join?.isOver === false ? this.#join.peer : undefined;
  }

  onWrite(range: ByteRange): void {
    this.#join?.onWrite(range);
  }

  /** A process that is late would have let whatever came wait for so long. */
  ticked(sinceLastMs: number): void {
    this.#tickMs = Math.min(this.#tickMs, sinceLastMs);
    if (sinceLastMs > this.#tickMs && Number.isFinite(sinceLastMs))
      this.throttle.late(sinceLastMs - this.#tickMs, this.#core.nowMs);
  }

  onLatency(ms: number, kind: ChangeKind): void {
    this.throttle.latency(ms, this.#core.nowMs, kind);
  }

  seed({ target, snapshot }: Extract<ReplicaEvent, { type: 'seed' }>): void {
    const { state, durable } = this.#core;
    if ((state !== 'SOLO' && state !== 'SERVING') || this.#parts.primary.adopting || this.isAsking) return;
    if (durable.view.inSync.includes(target)) return;
    this.fail('begun anew');
    const { primary, dirty, links, propose } = this.#parts;
    const onFailure = (error: string): void => {
      this.fail(error);
    };
    const job = { target, snapshot, throttle: this.throttle, onFailure, propose };
    this.#join = new Join(this.#core, { primary, dirty }, job);
    links.dial(this.#join.peer);
  }

  connect(target: string): void {
    const join = this.#join;
    const { state } = this.#core;
    if (join?.peer.host !== target || join.phase !== 'SEEDED' || (state !== 'SOLO' && state !== 'SERVING'))
      return;
    const { primary } = this.#parts;
    primary.peers.set(target, join.peer);
    join.peer.ackedSequence = primary.sentSequence;
    join.connect();
    join.progress();
  }

  snapshotGone(): void {
    if (this.#join?.readsSnapshot === true) this.fail('the snapshot that was copied is gone');
  }

  /** How large its target is was asked before: one that has not grown must not become a member. */
  resized(): void {
    const { peer } = this;
    if (peer !== undefined) this.#parts.links.close(peer);
  }

  fail(error: string): void {
    const join = this.#join;
    if (join === undefined || join.isOver) return;
    const { peer } = join;
    join.fail(error);
    if (peer.link !== undefined) this.#core.effects.push({ type: 'close-link', link: peer.link });
    peer.lost(this.#core.nowMs);
    // A target that was only copied to is let go; one that the store may have taken in is not.
    if (this.#parts.primary.peers.get(peer.host) === peer && !peer.required)
      this.#parts.primary.peerDropped(peer);
  }

  tick(): void {
    const join = this.#join;
    if (join === undefined || join.isOver || join.phase === 'ASKING') return;
    const { peer } = join;
    this.#parts.links.tick(peer, join.phase === 'SEEDING');
    if (join.phase === 'SEEDING' && !peer.ready) {
      if (this.#core.nowMs - peer.lostSinceMs > this.#core.options.silenceMs)
        this.fail(`${peer.host} cannot be reached`);
    } else join.progress();
  }
}
