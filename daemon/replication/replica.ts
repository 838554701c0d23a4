/**
 * One replica of a volume as a pure state machine: `step(event, nowMs)` answers effects. See interface.ts for the
 * contract, states.ts for the states, ARCHITECTURE.md for the life of one write and of one failover.
 */
import { assert, unreachable } from '../sys/errors.ts';
import { Core } from './core.ts';
import { Follower } from './follower.ts';
import { DirtyMaps } from './dirty.ts';
import type {
  DirtyStatus,
  DurableState,
  Effect,
  KeptState,
  ReplicaEvent,
  ReplicaOptions,
  ReplicaStatus,
  View,
} from './interface.ts';
import { Leader } from './leader.ts';
import type { Peer } from './peer.ts';
import { RegionSet } from './region-set.ts';
import { isPrimaryState, type ReplicaState } from './states.ts';
import { type HostName, REGION_BYTES } from './units.ts';

type Frame = Extract<ReplicaEvent, { type: 'frame' }>;

/** Many events have no effect. */
const nothing: readonly Effect[] = [];

export class Replica {
  readonly #core: Core;
  readonly #leader: Leader;
  readonly #follower: Follower;
  readonly #dirty: DirtyMaps;

  constructor(options: ReplicaOptions, { durable, maps, preserved }: KeptState, nowMs: number) {
    assert(options.sizeBytes % REGION_BYTES === 0, 'a volume is a whole number of regions');
    const state = initialState(options, durable);
    this.#core = new Core(options, durable, state);
    this.#core.nowMs = nowMs;
    this.#core.why = initialReason(state);
    this.#core.onLinkClosed = (link) => {
      this.#linkClosed(link);
    };
    const regions = options.sizeBytes / REGION_BYTES;
    const kept = [...maps].map(([host, chunks]) => [host, RegionSet.fromChunks(regions, chunks)] as const);
    this.#dirty = new DirtyMaps(this.#core, new Map(kept));
    this.#leader = new Leader(this.#core, this.#dirty);
    const parts = { leader: this.#leader, dirty: this.#dirty, preserved };
    this.#follower = new Follower(this.#core, parts);
  }

  get state(): ReplicaState {
    return this.#core.state;
  }

  get view(): View {
    return this.#core.durable.view;
  }

  step(event: ReplicaEvent, nowMs: number): readonly Effect[] {
    const core = this.#core;
    assert(nowMs >= core.nowMs, 'time does not go back');
    core.nowMs = nowMs;
    this.#dispatch(event);
    this.#checkInvariants();
    const { effects } = core;
    if (effects.length === 0) return nothing;
    core.effects = [];
    return effects;
  }

  /** False: no event's payload is held by it or its effects; what is asked for of the disk is done with it at once. */
  get keepsPayloads(): boolean {
    return this.#leads || this.#follower.secondary.keepsPayloads;
  }

  /**
   * Asked *after* bytes were read, at that time: a client may be answered with them at once, as if it had gone through
   * `step`. False: it has to.
   */
  mayAnswerReads(nowMs: number): boolean {
    return this.#leader.primary.mayAnswerReads(nowMs);
  }

  /** See `Primary.answersReadsUntilMs`: what answers clients from a memory of its own has to be silent then. */
  get answersReadsUntilMs(): number | undefined {
    return this.#leader.primary.answersReadsUntilMs;
  }

  get status(): ReplicaStatus {
    const { state, persisted, nowMs, why, hostRebooted } = this.#core;
    const { primary, copies, repair, scrub } = this.#leader;
    const { secondary } = this.#follower;
    const leads = this.#leads;
    const peers = leads ? primary.required : [];
    const silences = leads ? peers.map((peer) => nowMs - peer.lastHeardMs) : [nowMs - secondary.lastHeardMs];
    const dirty = this.#dirtyStatus();
    return {
      state,
      view: persisted.view,
      reason: why,
      peerConnected: leads
        ? peers.length > 0 && peers.every(({ ready }) => ready)
        : secondary.link !== undefined,
      peerSilenceMs: Math.max(0, ...silences),
      leaseLeftMs: leaseLeft(peers, nowMs),
      lagBytes: Math.max(0, ...dirty.map(({ dirtyBytes }) => dirtyBytes)),
      dirty,
      consistentAt: persisted.consistentAt,
      mixed: persisted.mixed,
      repairedRegions: repair.repairedRegions,
      candidateFor: state === 'JOINING' ? persisted.candidateFor : 0,
      hostRebooted,
      appliedSequence: leads ? primary.appliedSequence : secondary.appliedSequence,
      unstableRegions: (leads ? primary : secondary).unstable.size,
      heldRequests: primary.heldRequests,
      join: copies.join?.status,
      scrub: scrub.status,
    };
  }

  /**
   * Regions in which the copy on `host` differs, or may. `all`: everything may. Of a member of the in-sync set that is
   * what is under way; undefined: this replica keeps no account of `host`.
   */
  mayDiffer(host: HostName): RegionSet | 'all' | undefined {
    const status = this.#dirtyStatus().find((one) => one.host === host);
    if (status !== undefined) return status.isKnown ? this.#dirty.get(host) : 'all';
    if (!this.#leads || host === this.#core.options.host || !this.view.inSync.includes(host))
      return undefined;
    const inFlight = new RegionSet(this.#core.sizeBytes / REGION_BYTES);
    inFlight.addAll(this.#leader.primary.inflightRegions());
    return inFlight;
  }

  #dirtyStatus(): DirtyStatus[] {
    return this.#core.durable.tracked.map(({ host, compare, covers, copying }) => {
      const dirtyBytes = (this.#dirty.get(host)?.size ?? 0) * REGION_BYTES;
      // Until it was asked, what it wrote by itself is not in the map.
      return { host, dirtyBytes, isKnown: !compare && (covers || copying !== 0) };
    });
  }

  /** It has, or had until it stepped down, the part of a primary. */
  get #leads(): boolean {
    return isPrimaryState(this.state) || this.state === 'STEPPED_DOWN';
  }

  #dispatch(event: ReplicaEvent): void {
    const leader = this.#leader;
    switch (event.type) {
      case 'client':
        leader.client(event);
        return;
      case 'frame':
        this.#frame(event);
        return;
      case 'link-opened':
        leader.linkOpened(event.link);
        return;
      case 'link-closed':
        this.#linkClosed(event.link);
        return;
      case 'disk-done':
      case 'read-done':
      case 'region-done':
      case 'region-verified':
      case 'run-found':
      case 'snapshot-taken':
      case 'persisted':
        this.#core.complete(event);
        leader.afterProgress();
        return;
      case 'view':
        this.#viewDecided(event.view, event.explicit);
        return;
      case 'proposal-failed':
        if (isPrimaryState(this.state)) this.#core.why = event.reason;
        return;
      case 'seed':
        leader.copies.seed(event);
        return;
      case 'connect':
        leader.copies.connect(event.target);
        return;
      case 'sync-failed':
        this.#follower.secondary.flushAlone();
        return;
      case 'snapshot-gone':
        leader.copies.snapshotGone();
        return;
      case 'scrub':
        leader.scrub.start(event.anew);
        return;
      case 'stop-scrub':
        leader.scrub.stop();
        return;
      case 'resize':
        this.#core.resize(event.sizeBytes);
        leader.primary.unstable.endAt(event.sizeBytes / REGION_BYTES);
        this.#follower.secondary.unstable.endAt(event.sizeBytes / REGION_BYTES);
        leader.copies.resized();
        leader.scrub.resized();
        return;
      case 'force':
        this.#follower.promotion.forced(event.view);
        return;
      case 'step-down':
        leader.stepDown();
        return;
      case 'tick':
        leader.copies.ticked(this.#core.ticked());
        leader.tick();
        this.#follower.promotion.tick();
        return;
      case 'batch-end':
        this.#follower.secondary.onBatchEnd();
        return;
      default:
        unreachable(event);
    }
  }

  #linkClosed(link: number): void {
    this.#follower.linkClosed(link);
    this.#leader.linkClosed(link);
  }

  #frame(event: Frame): void {
    const { link, message } = event;
    if (message.type === 'hello') {
      this.#follower.hello(link, message);
      return;
    }
    if (!event.intact) {
      this.#core.refuse(link, 'CHECKSUM', `the payload of a ${message.type} does not match its checksum`);
      return;
    }
    if (link === this.#follower.secondary.link) {
      this.#follower.frameOfPrimary(event);
      return;
    }
    const peer = this.#leader.peerOfLink(link);
    if (peer !== undefined) this.#leader.frameOfPeer(peer, event);
  }

  #viewDecided(view: View, explicit: boolean): void {
    const { generation, host } = this.#core;
    const toMe = view.primary === host;
    if (view.generation < generation) return;
    if (view.generation === generation) {
      if (explicit && toMe) this.#leader.confirmed(view);
      return;
    }
    if (toMe && this.#leads && this.#hasLostTo(view))
      this.#leader.replaced(
        view,
        'its disk failed a flush, and the target that it had asked for holds everything',
      );
    else if (toMe && this.#leads) this.#leader.viewAsPrimary(view);
    else if (toMe) this.#follower.promotion.promoted(view);
    else if (this.#leads)
      this.#leader.replaced(view, `${view.primary} is primary of generation ${String(view.generation)}`);
    else this.#follower.followView(view);
  }

  /** A life before asked for a target, and its disk failed before it heard the answer: what it reads may be gone. */
  #hasLostTo(view: View): boolean {
    return this.state === 'RECOVERING' && this.#core.diskHasFailed && view.inSync.length > 1;
  }

  /** Cheap enough for every event; what they say is what the rest of the code relies on. */
  #checkInvariants(): void {
    const { state, durable, host } = this.#core;
    const { primary } = this.#leader;
    if (state === 'SOLO' && !primary.adopting)
      assert(
        durable.view.primary === host && durable.view.inSync.length === 1,
        'SOLO, and the view names others',
      );
    if (state === 'SOLO' || state === 'SERVING')
      assert(durable.complete && !durable.mixed, `${state}, and its data is a mixture`);
    if (state === 'SERVING') {
      assert(durable.view.primary === host, 'SERVING, and the view names another primary');
      assert(primary.isReplicated, 'SERVING without a peer that every write waits for');
    }
    if (state === 'SECONDARY')
      assert(durable.complete && durable.view.primary !== host, 'SECONDARY, and incomplete or primary');
  }
}

function initialState(options: ReplicaOptions, durable: DurableState): ReplicaState {
  const { view, complete, blank, candidateFor, asking, promoting, flushFailedIn } = durable;
  const isAlone = view.primary === options.host && view.inSync.length === 1;
  // It was to become incomplete, or no candidate any more, and its process died before that was durable.
  const isWhole = complete || candidateFor !== 0;
  if (flushFailedIn === options.bootId && isWhole && !isAlone) return 'STALE';
  if (view.primary === options.host && complete) {
    // The store may have said yes to a target whose answer was never heard: that is found out first.
    if (asking !== '' || view.inSync.length > 1) return 'RECOVERING';
    // The lease that an earlier life granted may still let the old primary answer reads.
    if (promoting) return 'PROMOTING';
    return 'SOLO';
  }
  // A person chose it: it goes back to what it last held whole, and serves then.
  if (view.primary === options.host && promoting) return 'PROMOTING';
  if (candidateFor !== 0) return 'JOINING';
  if (complete) return 'SECONDARY';
  return blank ? 'BLANK' : 'STALE';
}

function initialReason(state: ReplicaState): string {
  switch (state) {
    case 'RECOVERING':
      return 'the process restarted; what the secondary holds is pulled first';
    case 'PROMOTING':
      return 'waits for the end of the lease that it granted';
    case 'STALE':
      return 'holds older or incomplete data, waits to be copied to';
    default:
      return '';
  }
}

/** Of the leases that it needs all of: until the first ends. */
function leaseLeft(peers: readonly Peer[], nowMs: number): number {
  if (peers.length === 0) return 0;
  return Math.max(0, Math.round(Math.min(...peers.map((peer) => peer.leaseUntilMs)) - nowMs));
}
