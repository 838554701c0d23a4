/** Another replica as the primary knows it: its link, its lease, how far it is. */
import type { Core } from './core.ts';
import type { Message } from './messages.ts';
import type { Generation, HostName, Sequence } from './units.ts';

/**
 * The holder counts its lease this much shorter than the grantor: two clocks that drift apart by 2 % over one lease
 * still end it in the right order.
 */
const LEASE_MARGIN = 0.02;

export class Peer {
  readonly host: HostName;
  /** The link that is dialled or open; undefined when there is none. */
  link: number | undefined;
  /** The hello was answered: frames may flow. */
  ready = false;
  /** Of its process, as it last told; 0 before. */
  incarnation = 0;
  /** Live writes are sent to it. */
  receivesWrites: boolean;
  /** A write is acknowledged only after its answer, a read only under its lease: it is, or may be, in the in-sync set. */
  required: boolean;
  ackedSequence: Sequence = 0;
  /** Sent while it was not required, and not yet answered to the last. */
  catchUpBytes = 0;
  /** On the primary's clock. */
  leaseUntilMs = -Infinity;
  lastHeardMs: number;
  lastDialMs = -Infinity;
  lastHeartbeatMs = -Infinity;
  /** Since when there is no ready link over which it was of use. */
  lostSinceMs: number;
  /** It did something over this link: without that, the link stands only in name. */
  proven = false;
  /** The last generation that it is known to have taken part in. */
  generationKnown: Generation = 0;
  /** Another process than before, on a disk that failed it, or too slow: nothing to go on with. */
  isUnfit = false;
  /** Since when it owes an answer to a write or a flush, without any progress; undefined: it owes none. */
  waitingSinceMs: number | undefined;
  /** The same for what is copied to it. */
  copyingSinceMs: number | undefined;
  /** Nothing that it wrote is unknown here: it took part in this reign, or was found equal when it began. */
  isCovered = false;

  constructor(host: HostName, options: { readonly inSync: boolean; readonly nowMs: number }) {
    this.host = host;
    this.receivesWrites = options.inSync;
    this.required = options.inSync;
    this.lastHeardMs = options.nowMs;
    this.lostSinceMs = options.nowMs;
  }

  lost(nowMs: number): void {
    if (this.ready && this.proven) this.lostSinceMs = nowMs;
    this.proven = false;
    this.link = undefined;
    this.ready = false;
    this.waitingSinceMs = undefined;
    this.copyingSinceMs = undefined;
  }

  /** It may not hold what this replica holds. */
  exclude(): void {
    this.isUnfit = true;
    this.leaseUntilMs = -Infinity;
  }

  /** Nothing will be answered under what it granted. */
  endLease(core: Core): void {
    this.leaseUntilMs = -Infinity;
    if (this.link !== undefined && this.ready)
      core.send(this.link, { type: 'yield', generation: core.generation });
  }

  askForLease(core: Core, stableSequence: Sequence): void {
    if (this.link === undefined || !this.ready) return;
    const { generation, nowMs } = core;
    this.lastHeartbeatMs = nowMs;
    const askedAtMs = Math.floor(nowMs);
    core.send(this.link, { type: 'heartbeat', generation, askedAtMs, stableSequence });
  }

  takeLease({ askedAtMs, leaseMs }: Extract<Message, { type: 'heartbeat-answer' }>): void {
    this.leaseUntilMs = askedAtMs + leaseMs * (1 - LEASE_MARGIN);
    if (this.waitingSinceMs === undefined) this.proven = true;
  }
}
