/** The links of a primary to its peers: it dials, says hello, asks for leases, and notices who has fallen silent. */
import type { Core } from './core.ts';
import { type HelloIntent, type Message, newestVersion, oldestVersion } from './messages.ts';
import type { Peer } from './peer.ts';

/** Between two tries to reach the peer. */
const REDIAL_MS = 100;
/** A peer that takes the connection and does not answer the hello, or never got it, is dialled anew. */
const HELLO_MS = 3000;

export interface LinkParts {
  readonly onClosed: (link: number) => void;
  readonly isAdopting: () => boolean;
  readonly stableSequence: () => number;
}

export class Links {
  readonly #core: Core;
  readonly #parts: LinkParts;

  constructor(core: Core, parts: LinkParts) {
    this.#core = core;
    this.#parts = parts;
  }

  dial(peer: Peer): void {
    if (peer.link !== undefined || this.#core.nowMs - peer.lastDialMs < REDIAL_MS) return;
    peer.lastDialMs = this.#core.nowMs;
    peer.link = this.#core.nextLink();
    this.#core.effects.push({ type: 'dial', link: peer.link, peer: peer.host });
  }

  close(peer: Peer): void {
    if (peer.link === undefined) return;
    const { link } = peer;
    this.#core.effects.push({ type: 'close-link', link });
    this.#parts.onClosed(link);
  }

  /** It cannot be gone on with. */
  exclude(peer: Peer, why: string): void {
    this.#core.why = why;
    peer.exclude();
    this.close(peer);
  }

  /** The first frame of a link. */
  hello(peer: Peer, link: number, intent: HelloIntent): void {
    const { options, sizeBytes, generation, host, durable } = this.#core;
    const { volume, incarnation } = options;
    this.#core.send(link, {
      type: 'hello',
      wireVersion: newestVersion,
      oldestVersion,
      volume,
      sizeBytes,
      host,
      generation,
      incarnation,
      peerIncarnation: peer.incarnation,
      intent,
      inSync: durable.view.inSync,
    });
  }

  heartbeat(peer: Peer): void {
    // While a view is adopted the peer is not of its generation yet, and would refuse it.
    if (!this.#parts.isAdopting()) peer.askForLease(this.#core, this.#parts.stableSequence());
  }

  /** `redials`: its link is to stand again if it is down. */
  tick(peer: Peer, redials: boolean): void {
    const { nowMs, options } = this.#core;
    const isLate = peer.link !== undefined && !peer.ready && nowMs - peer.lastDialMs > HELLO_MS;
    const isSilent = peer.ready && nowMs - peer.lastHeardMs > options.silenceMs;
    if (isLate || isSilent) {
      this.close(peer);
      return;
    }
    if (this.#isStuck(peer)) {
      const seconds = String(options.stallMs / 1000);
      this.exclude(peer, `${peer.host} answers, and has finished nothing for ${seconds} s`);
      return;
    }
    if (peer.ready && nowMs - peer.lastHeartbeatMs >= options.heartbeatMs) this.heartbeat(peer);
    if (redials && !peer.isUnfit) this.dial(peer);
  }

  /** It answers heartbeats, and its disk does nothing. */
  #isStuck(peer: Peer): boolean {
    if (!peer.ready) return false;
    const owed = [peer.waitingSinceMs, peer.copyingSinceMs];
    return owed.some((since) => since !== undefined && this.#core.isStalledSince(since));
  }
}

/** The peer chose a version that this side does not speak. */
export function isForeign(answer: Extract<Message, { type: 'hello-answer' }>): boolean {
  return answer.wireVersion < oldestVersion || answer.wireVersion > newestVersion;
}
