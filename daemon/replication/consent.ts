/** What a primary asks of control: to go on without those that are gone, or to take in the target of a copy. */
import type { Copies } from './copies.ts';
import type { Core } from './core.ts';
import type { View } from './interface.ts';
import type { Peer } from './peer.ts';
import type { Primary } from './primary.ts';
import type { HostName } from './units.ts';

/** Between two proposals of the same, while no answer comes. */
const PROPOSE_AGAIN_MS = 500;

export class Consent {
  readonly #core: Core;
  readonly #primary: Primary;
  readonly #copies: Copies;
  #lastProposalMs = -Infinity;
  #lastProposal = '';

  constructor(core: Core, { primary, copies }: { readonly primary: Primary; readonly copies: Copies }) {
    this.#core = core;
    this.#primary = primary;
    this.#copies = copies;
  }

  /** Asks when a member has been gone for long enough, and again until the outcome is known. */
  tick(): void {
    if (this.#primary.adopting) return;
    const { state } = this.#core;
    const asking = this.#copies.join?.isProposed === true && (state === 'SOLO' || state === 'SERVING');
    // Before it serves, a new process finds out what became of the last proposal of the one before.
    const undecided = state === 'RECOVERING' && this.#core.durable.asking !== '';
    const without = (state === 'HOLDING' || state === 'RECOVERING') && this.#isSomeoneGone();
    if (!asking && !undecided && !without) return;
    const isSame = this.#lastProposal === this.#name(this.#members());
    if (!isSame || this.#core.nowMs - this.#lastProposalMs >= PROPOSE_AGAIN_MS) this.ask();
  }

  ask(): void {
    const { durable, generation, nowMs } = this.#core;
    const inSync = this.#members();
    this.#lastProposalMs = nowMs;
    this.#lastProposal = this.#name(inSync);
    const target = this.#copies.isAsking ? this.#copies.join?.peer : undefined;
    const isJoin = target !== undefined && inSync.includes(target.host);
    this.#core.effects.push({
      type: 'propose',
      fromGeneration: generation,
      inSync,
      hostRebooted: this.#core.hostRebooted,
      reason: isJoin ? `${target.host} holds everything (asked for as ${durable.asking})` : this.#core.why,
    });
  }

  /** Control took the target in that it was asked for, and nothing else changed. */
  isGranted(view: View): boolean {
    const { generation, durable } = this.#core;
    const target = this.#copies.join?.peer;
    const serves = this.#core.state === 'SOLO' || this.#core.state === 'SERVING';
    if (!serves || !this.#copies.isAsking || target?.ready !== true || this.#primary.adopting) return false;
    const grown = [...durable.view.inSync, target.host];
    const isGrown =
      grown.length === view.inSync.length && grown.every((member) => view.inSync.includes(member));
    return isGrown && durable.asking === target.host && view.generation === generation + 1;
  }

  /** What would be proposed now. */
  #members(): readonly HostName[] {
    const target = this.#copies.isAsking ? this.#copies.join?.peer : undefined;
    const staying = this.#primary.required.filter((peer) => this.#stays(peer, target));
    return [this.#core.host, ...staying.map((peer) => peer.host)];
  }

  #name(inSync: readonly HostName[]): string {
    return `${String(this.#core.generation)}: ${inSync.join(' ')}`;
  }

  /** While it serves all stay; otherwise those that are there and fit. A target only if it could be asked for. */
  #stays(peer: Peer, target: Peer | undefined): boolean {
    const isMember = this.#core.durable.view.inSync.includes(peer.host);
    if (!isMember) return peer === target && this.#copies.join?.isProposed === true && peer.ready;
    return peer.ready || !this.#isGone(peer);
  }

  #isSomeoneGone(): boolean {
    return this.#primary.required.some((peer) => this.#isGone(peer));
  }

  #isGone(peer: Peer): boolean {
    const { nowMs, options } = this.#core;
    return !peer.ready && (nowMs - peer.lostSinceMs >= options.silenceMs || peer.isUnfit);
  }
}
