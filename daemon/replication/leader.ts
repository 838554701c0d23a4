/**
 * The replica as a primary: whom it replicates to, when it may serve, and what it asks of control. The data path
 * itself is primary.ts, the copy to a target copies.ts and join.ts, the start of a new process recovery.ts.
 */
import { assert } from '../sys/errors.ts';
import { Consent } from './consent.ts';
import { Copies } from './copies.ts';
import type { Core } from './core.ts';
import type { DirtyMaps } from './dirty.ts';
import type { DiskFailure, ReplicaEvent, View } from './interface.ts';
import { isForeign, Links } from './links.ts';
import type { HelloIntent, Message } from './messages.ts';
import { Peer } from './peer.ts';
import { Primary } from './primary.ts';
import { Recovery } from './recovery.ts';
import { Repair } from './repair.ts';
import { type RegionAskers, takeAnswer } from './region-answers.ts';
import { trackRemoved } from './removed.ts';
import { Scrub } from './scrub.ts';
import { isPrimaryState, type ReplicaState } from './states.ts';

type Frame = Extract<ReplicaEvent, { type: 'frame' }>;
type HelloAnswer = Extract<Message, { type: 'hello-answer' }>;

const NO_CHANGES = new Uint8Array();

export class Leader {
  readonly primary: Primary;
  readonly copies: Copies;
  readonly repair: Repair;
  readonly scrub: Scrub;
  readonly #core: Core;
  readonly #dirty: DirtyMaps;
  readonly #links: Links;
  readonly #recovery: Recovery;
  readonly #consent: Consent;
  readonly #askers: RegionAskers;
  #steppingDown = false;

  constructor(core: Core, dirty: DirtyMaps) {
    this.#core = core;
    this.#dirty = dirty;
    const onDiskFailure = (failure: DiskFailure): void => {
      this.#giveUp(`the disk of this host failed: ${failure}`);
    };
    core.onFlushFailure = (failure) => {
      onDiskFailure(failure);
      // The others have what may be gone here: a later life of this process must not go on without them.
      const { view, complete } = core.durable;
      const isShared = view.primary === core.host && view.inSync.length > 1;
      if (isShared && complete) core.persist({ complete: false }, () => undefined);
    };
    this.repair = new Repair(core, {
      primary: () => this.primary,
      onDiskFailure,
      onStuck: (peer) => {
        this.#links.exclude(peer, `${peer.host} answers, and gives no region`);
      },
    });
    this.primary = new Primary(core, dirty, {
      onDiskFailure,
      repair: (id, request) => this.repair.begin(id, request),
      onWrite: (range) => {
        this.copies.onWrite(range);
      },
      onLatency: (ms, kind) => {
        this.copies.onLatency(ms, kind);
      },
    });
    const { primary } = this;
    this.#links = new Links(core, {
      onClosed: (link) => {
        this.linkClosed(link);
      },
      isAdopting: () => primary.adopting,
      stableSequence: () => primary.stableSequence,
    });
    const links = this.#links;
    this.copies = new Copies(core, {
      primary,
      dirty,
      links,
      propose: () => {
        this.#consent.ask();
      },
    });
    const { copies, repair } = this;
    this.scrub = new Scrub(core, {
      primary,
      repair,
      throttle: copies.throttle,
      isCopying: () => copies.peer !== undefined,
    });
    this.#consent = new Consent(core, { primary, copies });
    this.#recovery = new Recovery(core, {
      primary,
      links,
      onDiskFailure,
    });
    this.#askers = { recovery: this.#recovery, repair, copies, scrub: this.scrub };
    if (this.state === 'RECOVERING') this.#meetMembers(core.durable.view);
  }

  get state(): ReplicaState {
    return this.#core.state;
  }

  client({ id, request }: Extract<ReplicaEvent, { type: 'client' }>): void {
    if (isPrimaryState(this.state) && !this.#steppingDown) this.primary.submit(id, request);
    else this.#core.effects.push({ type: 'reply', id, result: { ok: false, failure: 'ESHUTDOWN' } });
  }

  tick(): void {
    if (isPrimaryState(this.state)) {
      for (const peer of [...this.primary.peers.values()])
        if (peer !== this.copies.peer || peer.required) this.#links.tick(peer, true);
      this.copies.tick();
      this.#recovery.tick();
      this.#consent.tick();
      this.#standAsideIfStuck();
    }
    this.repair.progress();
    this.scrub.progress();
    this.primary.retryHeld();
  }

  /** A peer of the data path, or the target of a copy that does not take part in it yet. */
  peerOfLink(link: number): Peer | undefined {
    for (const peer of this.primary.peers.values()) if (peer.link === link) return peer;
    return this.copies.peer?.link === link ? this.copies.peer : undefined;
  }

  linkOpened(link: number): void {
    const peer = this.peerOfLink(link);
    // Dialled before this replica was fenced or stepped down: it has nothing to say to anybody any more.
    if (peer === undefined || !isPrimaryState(this.state)) {
      this.#core.effects.push({ type: 'close-link', link });
      return;
    }
    this.#links.hello(peer, link, this.#intentFor(peer));
  }

  linkClosed(link: number): void {
    this.#forget(link);
    const peer = this.peerOfLink(link);
    if (peer === undefined) return;
    const wasReady = peer.ready;
    peer.lost(this.#core.nowMs);
    this.#recovery.linkClosed(peer);
    if (!wasReady) return;
    if (peer === this.copies.peer && !peer.required)
      this.copies.fail(
        peer.isUnfit ? `${peer.host} has finished nothing for too long` : `the link to ${peer.host} was lost`,
      );
    else this.#hold(peer.isUnfit ? this.#core.why : `the link to ${peer.host} is down`);
  }

  /** What was asked for over it comes no more. */
  #forget(link: number): void {
    this.repair.linkClosed(link);
    this.scrub.linkClosed(link);
  }

  frameOfPeer(peer: Peer, { link, message, payload }: Frame): void {
    peer.lastHeardMs = this.#core.nowMs;
    const join = peer === this.copies.peer ? this.copies.join : undefined;
    switch (message.type) {
      case 'hello-answer':
        this.#helloAnswer(peer, message, payload);
        return;
      case 'refusal':
        this.#refused(peer, message);
        return;
      case 'write-answer':
        if (!this.primary.onWriteAnswer(peer, message.appliedSequence))
          this.#core.refuse(link, 'MALFORMED', 'an answer to a write that was never sent');
        this.afterProgress();
        return;
      case 'flush-answer':
        if (!this.primary.onFlushAnswer(peer, message.flushId)) join?.onFlushAnswer(message.flushId);
        this.afterProgress();
        return;
      case 'heartbeat-answer':
        if (message.generation !== this.#core.generation) return;
        peer.takeLease(message);
        this.primary.retryHeld();
        return;
      case 'pull-region':
      case 'pull-done':
      case 'fetched':
      case 'copy-answer':
      case 'verified':
      case 'verified-holes': {
        const objection = takeAnswer(this.#askers, { peer, link }, message, payload);
        if (objection !== undefined) this.#core.refuse(link, 'MALFORMED', objection);
        this.afterProgress();
        return;
      }
      case 'candidate-answer':
        // From here on it may be told of the next generation by others than this replica.
        peer.generationKnown = this.#core.generation;
        join?.onCandidateAnswer(message.proposedGeneration);
        return;
      case 'view-answer':
        peer.generationKnown = message.generation;
        return;
      default:
        this.#core.refuse(link, 'MALFORMED', `a ${message.type} is not for a primary`);
    }
  }

  #intentFor(peer: Peer): HelloIntent {
    if (peer === this.copies.peer && !peer.required) return 'join';
    return this.state === 'RECOVERING' ? 'recover' : 'resume';
  }

  #helloAnswer(peer: Peer, answer: HelloAnswer, payload: Uint8Array | undefined): void {
    const { link } = peer;
    assert(link !== undefined, 'an answer came over a link');
    if (peer.ready || isForeign(answer)) {
      const what = peer.ready ? 'a hello is answered once' : `version ${String(answer.wireVersion)}`;
      this.#core.refuse(link, 'MALFORMED', what);
      return;
    }
    peer.incarnation = answer.incarnation;
    if (this.#intentFor(peer) === 'join') {
      peer.ready = true;
      this.copies.join?.begin(answer, payload ?? NO_CHANGES);
      this.#links.heartbeat(peer);
      this.afterProgress();
      return;
    }
    peer.generationKnown = answer.generation;
    if (this.state === 'RECOVERING') {
      this.#recovery.helloAnswer(peer, answer);
      return;
    }
    peer.ready = true;
    this.#links.heartbeat(peer);
    if (!this.primary.resume(peer, answer.appliedSequence)) {
      this.#links.exclude(
        peer,
        `${peer.host} is not where it was: at write ${String(answer.appliedSequence)}`,
      );
      return;
    }
    this.#serveIfComplete();
    this.primary.retryHeld();
  }

  #refused(peer: Peer, refusal: Extract<Message, { type: 'refusal' }>): void {
    if (refusal.generation > this.#core.generation && refusal.primary !== this.#core.host) {
      this.fence(`${peer.host} is of generation ${String(refusal.generation)}`);
      return;
    }
    // Of a generation that this replica was granted and has not heard of: control is asked again, and answers with it.
    const isUnfit = refusal.reason === 'INCARNATION' || refusal.reason === 'DISK';
    if (peer.required && (isUnfit || refusal.generation > this.#core.generation)) peer.isUnfit = true;
    this.#core.why = `${peer.host} refused: ${refusal.message}`;
    const wasJoin = peer === this.copies.peer;
    this.#links.close(peer);
    if (wasJoin) this.copies.fail(`${peer.host} refused: ${refusal.message}`);
  }

  #serveIfComplete(): void {
    if (this.state !== 'HOLDING' || this.primary.adopting) return;
    if (this.primary.required.every(({ ready }) => ready))
      this.#core.transition('SERVING', this.primary.inSyncWith);
  }

  // Views.

  /** The first copy of a volume. */
  serveFirst(): void {
    this.#core.transition('SOLO', 'the first copy of the volume');
    this.primary.retryHeld();
  }

  /** Promoted, and whatever had to be waited for is over; `sequence`: the last write that it took as a secondary. */
  servePromoted(sequence: number): void {
    this.primary.continueFrom(sequence, []);
    this.#core.transition('SOLO', this.#aloneSince);
    // Not waited for: a life that does not find it waits once more.
    this.#core.persist({ promoting: false }, () => undefined);
    this.primary.retryHeld();
  }

  viewAsPrimary(view: View): void {
    const { options, durable } = this.#core;
    // Chosen by a person, and on its way back to what it last held whole: it is complete when it is there.
    if (!durable.complete) {
      this.#core.persist({ view }, () => undefined);
      return;
    }
    this.scrub.fail('the in-sync set changed');
    // The move that it was to step down for began in a generation that is over.
    this.#steppingDown = false;
    const takesIn = this.#consent.isGranted(view);
    this.primary.adopting = !takesIn;
    // What its machine lost in a restart the others still have to give it, in this generation too.
    const hasToPull = this.state === 'RECOVERING' && view.inSync.length > 1;
    const bootId = hasToPull ? durable.bootId : options.bootId;
    const { tracked, maps } = trackRemoved(this.#core, this.#dirty, this.primary, view);
    const change = { view, complete: true, asking: '', bootId, consistentAt: view.generation, tracked };
    if (takesIn) {
      // Every write waits for the target already, and a later life finds out that it was asked for: nobody is held up
      // for the store of this host.
      this.#core.persist(change, () => undefined, maps);
      this.#serveWith(view);
      return;
    }
    this.#core.persist(
      change,
      () => {
        if (this.state === 'RECOVERING' || this.state === 'STEPPED_DOWN')
          this.#core.whenWritten(() => {
            this.#adopted(view);
          });
        else this.#adopted(view);
      },
      maps,
    );
  }

  #adopted(view: View): void {
    if (this.#core.generation !== view.generation || this.state === 'FENCED') return;
    this.primary.adopting = false;
    if (this.state === 'PROMOTING') return;
    if (this.state === 'STEPPED_DOWN') this.#serveAgain(view);
    else if (view.inSync.length === 1) this.#goSolo();
    // The store said yes to a proposal of an earlier life of this process, or of the set without some.
    else if (this.state === 'RECOVERING') this.#meetMembers(view);
    else this.#serveWith(view);
  }

  get #aloneSince(): string {
    return `alone in the in-sync set since generation ${String(this.#core.generation)}`;
  }

  #goSolo(): void {
    this.copies.fail('the volume goes on without the target');
    for (const peer of [...this.primary.peers.values()]) this.#drop(peer);
    this.#core.transition('SOLO', this.#aloneSince);
    this.repair.progress();
    this.primary.applyNext();
    this.primary.retryHeld();
  }

  #drop(peer: Peer): void {
    if (peer.link !== undefined) {
      this.#core.effects.push({ type: 'close-link', link: peer.link });
      this.#forget(peer.link);
    }
    peer.lost(this.#core.nowMs);
    this.primary.peerDropped(peer);
  }

  /** The members are those that it worked with, without some, or with the target of the copy. */
  #serveWith(view: View): void {
    const { join } = this.copies;
    if (join !== undefined && view.inSync.includes(join.peer.host)) join.done();
    else this.copies.fail('the in-sync set changed');
    for (const peer of [...this.primary.peers.values()])
      if (!view.inSync.includes(peer.host)) this.#drop(peer);
    for (const member of view.inSync)
      assert(
        member === this.#core.host || this.primary.peers.has(member),
        `${member} is in the set, and is no peer`,
      );
    const { generation, primary, inSync } = view;
    for (const peer of this.primary.required) {
      peer.isCovered ||= peer === join?.peer;
      if (peer.link === undefined || !peer.ready) continue;
      this.#core.send(peer.link, { type: 'view', generation, primary, inSync });
      this.primary.peerFollows(peer);
      this.#links.heartbeat(peer);
    }
    const missing = this.primary.required.find(({ ready }) => !ready);
    if (missing === undefined) this.#core.transition('SERVING', this.primary.inSyncWith);
    else this.#core.transition('HOLDING', `the link to ${missing.host} is down`);
    this.repair.progress();
    this.primary.applyNext();
    this.primary.retryHeld();
  }

  #meetMembers(view: View): void {
    for (const peer of [...this.primary.peers.values()]) this.#drop(peer);
    for (const host of view.inSync) {
      if (host === this.#core.host) continue;
      const peer = new Peer(host, { inSync: true, nowMs: this.#core.nowMs });
      this.primary.peers.set(host, peer);
    }
    this.#recovery.begin();
  }

  /** Another is primary, or has to be. Durable, so that a later life of this process knows it too. */
  replaced(view: View, why: string): void {
    this.fence(why);
    const change = { view, complete: false, candidateFor: 0, asking: '', promoting: false };
    this.#core.persist(change, () => undefined);
  }

  /** Control says again, by a workflow, that this replica is the primary of the generation there is. */
  confirmed(view: View): void {
    this.#steppingDown = false;
    if (this.state !== 'STEPPED_DOWN' || this.primary.adopting) return;
    this.#core.whenWritten(() => {
      if (this.state === 'STEPPED_DOWN' && this.#core.generation === view.generation) this.#serveAgain(view);
    });
  }

  /** Stepped down, and nobody else was chosen after all. */
  #serveAgain(view: View): void {
    const isUndecided = this.#core.durable.asking !== '';
    if (view.inSync.length === 1 && !isUndecided) {
      this.#goSolo();
      return;
    }
    this.copies.fail('the primary stepped down');
    // The store may still say yes to a target that it was asked about: as after a restart that is found out first.
    const why = isUndecided
      ? 'serves again; whether its last proposal was granted is asked first'
      : 'serves again; what the secondary holds is pulled first';
    this.#core.transition('RECOVERING', why);
    this.#meetMembers(view);
  }

  // The end of a reign.

  /** This host cannot go on; nothing is answered any more, so that nobody has to wait for the end of a lease. */
  #giveUp(why: string): void {
    this.primary.refuseAll();
    for (const peer of this.primary.required) peer.endLease(this.#core);
    this.fence(why);
  }

  fence(why: string): void {
    this.#steppingDown = false;
    if (this.state === 'FENCED' || !(isPrimaryState(this.state) || this.state === 'STEPPED_DOWN')) return;
    this.#leave();
    for (const peer of [...this.primary.peers.values()]) this.#drop(peer);
    this.#core.transition('FENCED', why);
  }

  #leave(): void {
    this.scrub.fail('the primary serves nobody any more');
    this.primary.refuseAll();
    this.copies.fail('the primary serves nobody any more');
    this.repair.abandon();
    this.#recovery.abandon();
  }

  #hold(why: string): void {
    this.scrub.fail(why);
    const asks = this.state === 'SOLO' && this.primary.required.length > 0;
    if (this.state === 'SERVING' || asks) this.#core.transition('HOLDING', why);
  }

  stepDown(): void {
    const { state } = this;
    // What was asked for in the generation before is void: whoever still wants it asks again.
    if (this.#steppingDown || this.primary.adopting) return;
    if (state !== 'SERVING' && state !== 'SOLO' && state !== 'HOLDING') return;
    this.#steppingDown = true;
    this.primary.flush(() => {
      // Called off, or fenced, while the flush was under way.
      if (this.#steppingDown) this.#standAside('gave up the volume to be moved');
    });
  }

  #standAside(why: string): void {
    this.#steppingDown = false;
    this.#core.transition('STEPPED_DOWN', why);
    this.#leave();
    for (const peer of this.primary.required) peer.endLease(this.#core);
  }

  /** A disk that does not answer must not keep a replica from serving that could. */
  #standAsideIfStuck(): void {
    const { options } = this.#core;
    if (this.primary.adopting) return;
    const since = this.primary.diskBusySinceMs;
    const why = `the disk of this host has done nothing for ${String(options.stallMs / 1000)} s`;
    if (this.state === 'SERVING' && since !== undefined && this.#core.isStalledSince(since))
      this.#standAside(why);
    else if (this.state === 'RECOVERING' && this.#core.isWritingStalled) this.#giveUp(why);
  }

  /** Whatever came in may have been what a later stage waited for. */
  afterProgress(): void {
    this.#recovery.progress();
    this.copies.join?.progress();
    this.repair.progress();
    this.scrub.progress();
  }
}
