/**
 * One replica of a volume as a pure state machine: `step(event, nowMs)` answers effects. See interface.ts for the
 * contract, states.ts for the states, docs/replication.md for why it is safe.
 */
import { assert, unreachable } from '../sys/errors.ts';
import { Core } from './core.ts';
import type { DurableState, Effect, ReplicaEvent, ReplicaOptions, ReplicaStatus, View } from './interface.ts';
import { Join } from './join.ts';
import { type HelloIntent, type Message, type RefusalReason, WIRE_VERSION } from './messages.ts';
import { Peer } from './peer.ts';
import { Primary } from './primary.ts';
import { Secondary } from './secondary.ts';
import { isPrimaryState, type ReplicaState } from './states.ts';
import { REGION_BYTES } from './units.ts';

type Frame = Extract<ReplicaEvent, { type: 'frame' }>;
type Hello = Extract<Message, { type: 'hello' }>;
type HelloAnswer = Extract<Message, { type: 'hello-answer' }>;

/** Between two tries to reach the peer. */
const REDIAL_MS = 100;
/** Between two proposals whose answer did not come. */
const PROPOSE_AGAIN_MS = 500;
/**
 * The holder counts its lease this much shorter than the grantor: two clocks that drift apart by 2 % over one lease
 * still end it in the right order.
 */
const LEASE_MARGIN = 0.02;

export class Replica {
  readonly #core: Core;
  readonly #primary: Primary;
  readonly #secondary: Secondary;
  #join: Join | undefined;
  /** Regions that the secondary sends to a recovering primary are being written. */
  #pulling = 0;
  #pullDoneAt: number | undefined;
  #lastProposalMs = -Infinity;
  #askingSent = false;
  /** RECOVERING: the secondary does not know its unstable regions either, so there is nothing to pull. */
  #pullImpossible = false;
  #steppingDown = false;

  constructor(options: ReplicaOptions, durable: DurableState, nowMs: number) {
    assert(options.sizeBytes % REGION_BYTES === 0, 'a volume is a whole number of regions');
    this.#core = new Core(options, durable, initialState(options, durable));
    this.#core.nowMs = nowMs;
    this.#primary = new Primary(this.#core, (failure) => {
      this.#fence(`the disk of this host failed: ${failure}`);
    });
    this.#secondary = new Secondary(this.#core, (link, reason, message) => {
      this.#refuse(link, reason, message);
    });
    // Alone in the view and yet RECOVERING: the answer to a proposal was never heard. Proposing anew decides it.
    if (this.#core.state === 'RECOVERING' && durable.view.inSync.length > 1)
      this.#primary.peer = this.#newPeer(otherMember(durable.view, options.host));
    this.#core.why = initialReason(this.#core.state);
  }

  get state(): ReplicaState {
    return this.#core.state;
  }

  get view(): View {
    return this.#core.durable.view;
  }

  get status(): ReplicaStatus {
    const { state, durable, nowMs } = this.#core;
    const primary = isPrimaryState(state) || state === 'STEPPED_DOWN';
    const peer = this.#primary.peer;
    const heardMs = primary ? (peer?.lastHeardMs ?? nowMs) : this.#secondary.lastHeardMs;
    return {
      state,
      view: durable.view,
      reason: this.#core.why,
      peerConnected: primary ? peer?.ready === true : this.#secondary.link !== undefined,
      peerSilenceMs: Math.max(0, nowMs - heardMs),
      leaseLeftMs: primary && peer !== undefined ? Math.max(0, Math.round(peer.leaseUntilMs - nowMs)) : 0,
      lagBytes: this.#primary.bytesWithoutPeer,
      candidateFor: durable.candidateFor,
      hostRebooted: this.#core.hostRebooted,
      appliedSequence: primary ? this.#primary.appliedSequence : this.#secondary.appliedSequence,
      unstableRegions: this.#secondary.unstableRegions,
      heldRequests: this.#primary.heldRequests,
      join: this.#join?.status,
    };
  }

  step(event: ReplicaEvent, nowMs: number): readonly Effect[] {
    const core = this.#core;
    assert(nowMs >= core.nowMs, 'time does not go back');
    core.nowMs = nowMs;
    this.#dispatch(event);
    this.#checkInvariants();
    const { effects } = core;
    core.effects = [];
    return effects;
  }

  #dispatch(event: ReplicaEvent): void {
    switch (event.type) {
      case 'client':
        this.#client(event);
        return;
      case 'frame':
        this.#frame(event);
        return;
      case 'link-opened':
        this.#linkOpened(event.link);
        return;
      case 'link-closed':
        this.#linkClosed(event.link);
        return;
      case 'disk-done':
      case 'read-done':
      case 'region-done':
      case 'persisted':
        this.#core.complete(event);
        this.#afterProgress();
        return;
      case 'view':
        this.#viewDecided(event.view, event.explicit);
        return;
      case 'proposal-failed':
        if (isPrimaryState(this.state)) this.#core.why = event.reason;
        return;
      case 'seed':
        this.#seed(event.target, event.allocated);
        return;
      case 'connect':
        this.#connect(event.target, event.changed);
        return;
      case 'abandon-join':
        this.#failJoin('abandoned');
        return;
      case 'step-down':
        this.#stepDown();
        return;
      case 'tick':
        this.#tick();
        return;
      case 'batch-end':
        this.#secondary.onBatchEnd();
        return;
      default:
        unreachable(event);
    }
  }

  /** Cheap enough for every event; what they say is what the rest of the code relies on. */
  #checkInvariants(): void {
    const { state, durable, host } = this.#core;
    if (state === 'SOLO' && !this.#primary.adopting)
      assert(durable.view.primary === host && durable.view.inSync.length === 1, 'SOLO, and the view names others');
    if (state === 'SERVING') {
      assert(durable.view.primary === host, 'SERVING, and the view names another primary');
      assert(this.#primary.peer?.required === true, 'SERVING without a peer that every write waits for');
    }
    if (state === 'SECONDARY')
      assert(durable.complete && durable.view.primary !== host, 'SECONDARY, and incomplete or primary');
  }

  // Clients.

  #client(event: Extract<ReplicaEvent, { type: 'client' }>): void {
    if (isPrimaryState(this.state) && !this.#steppingDown) this.#primary.submit(event.id, event.request);
    else this.#core.effects.push({ type: 'reply', id: event.id, result: { ok: false, failure: 'ESHUTDOWN' } });
  }

  // Links. The primary dials; the other side answers.

  #newPeer(host: string): Peer {
    return new Peer(host, { inSync: true, nowMs: this.#core.nowMs });
  }

  /** The peer of the data path, or the target of a copy that does not take part in it yet. */
  #peerOfLink(link: number): Peer | undefined {
    if (this.#primary.peer?.link === link) return this.#primary.peer;
    return this.#join?.peer.link === link ? this.#join.peer : undefined;
  }

  #dial(peer: Peer): void {
    if (peer.link !== undefined || this.#core.nowMs - peer.lastDialMs < REDIAL_MS) return;
    peer.lastDialMs = this.#core.nowMs;
    peer.link = this.#core.nextLink();
    this.#core.effects.push({ type: 'dial', link: peer.link, peer: peer.host });
  }

  #linkOpened(link: number): void {
    const peer = this.#peerOfLink(link);
    if (peer === undefined) {
      this.#core.effects.push({ type: 'close-link', link });
      return;
    }
    this.#core.send(link, {
      type: 'hello',
      wireVersion: WIRE_VERSION,
      volume: this.#core.options.volume,
      sizeBytes: this.#core.options.sizeBytes,
      host: this.#core.host,
      generation: this.#core.generation,
      incarnation: this.#core.options.incarnation,
      peerIncarnation: peer.incarnation,
      intent: this.#intentFor(peer),
    });
  }

  #intentFor(peer: Peer): HelloIntent {
    if (peer !== this.#primary.peer) return 'join';
    return this.state === 'RECOVERING' ? 'recover' : 'resume';
  }

  #linkClosed(link: number): void {
    if (this.#secondary.link === link) this.#secondary.detach();
    const peer = this.#peerOfLink(link);
    if (peer === undefined) return;
    const wasReady = peer.ready;
    peer.lost(this.#core.nowMs);
    this.#pulling = 0;
    this.#pullDoneAt = undefined;
    if (peer === this.#join?.peer && this.#join.phase !== 'ASKING') {
      if (wasReady) this.#failJoin(`the link to ${peer.host} was lost`);
    } else if (wasReady) this.#hold(`the link to ${peer.host} is down`);
  }

  #closeLink(peer: Peer): void {
    if (peer.link === undefined) return;
    const { link } = peer;
    this.#core.effects.push({ type: 'close-link', link });
    this.#linkClosed(link);
  }

  #refuse(link: number, reason: RefusalReason, message: string): void {
    this.#core.send(link, { type: 'refusal', generation: this.#core.generation, reason, message });
    this.#core.effects.push({ type: 'close-link', link });
    this.#linkClosed(link);
  }

  // Frames.

  #frame(event: Frame): void {
    const { link, message } = event;
    if (message.type === 'hello') {
      this.#hello(link, message);
      return;
    }
    if (!event.intact) {
      this.#refuse(link, 'CHECKSUM', `the payload of a ${message.type} does not match its checksum`);
      return;
    }
    if (link === this.#secondary.link) this.#frameOfPrimary(event);
    else {
      const peer = this.#peerOfLink(link);
      if (peer !== undefined) this.#frameOfPeer(peer, event);
    }
  }

  #frameOfPrimary({ link, message, payload }: Frame): void {
    this.#secondary.lastHeardMs = this.#core.nowMs;
    if (message.type === 'view') {
      this.#viewOfPrimary(link, message);
      return;
    }
    if (message.type === 'candidate') {
      this.#candidate(link, message);
      return;
    }
    if (message.type === 'refusal') {
      this.#core.effects.push({ type: 'close-link', link });
      this.#linkClosed(link);
      return;
    }
    if (!('generation' in message) || message.generation !== this.#core.generation) {
      const theirs = 'generation' in message ? message.generation : 'no';
      this.#refuse(link, 'GENERATION', `generation ${String(theirs)}, here it is ${String(this.#core.generation)}`);
      return;
    }
    this.#secondary.onFrame(message, payload);
  }

  #frameOfPeer(peer: Peer, { link, message, payload }: Frame): void {
    peer.lastHeardMs = this.#core.nowMs;
    switch (message.type) {
      case 'hello-answer':
        this.#helloAnswer(peer, message);
        return;
      case 'refusal':
        this.#refused(peer, message);
        return;
      case 'write-answer':
        if (!this.#primary.onWriteAnswer(message.appliedSequence))
          this.#refuse(link, 'MALFORMED', 'an answer to a write that was never sent');
        this.#afterProgress();
        return;
      case 'flush-answer':
        this.#primary.onFlushAnswer(message.flushId);
        this.#afterProgress();
        return;
      case 'heartbeat-answer':
        if (message.generation !== this.#core.generation) return;
        peer.leaseUntilMs = message.askedAtMs + message.leaseMs * (1 - LEASE_MARGIN);
        this.#primary.retryHeld();
        return;
      case 'pull-region':
        this.#pullRegion(message.region, payload);
        return;
      case 'pull-done':
        this.#pullDoneAt = message.appliedSequence;
        this.#afterProgress();
        return;
      case 'copy-answer':
        this.#join?.onCopyAnswer(message.region, message.needed);
        this.#afterProgress();
        return;
      case 'candidate-answer':
        this.#candidateAnswered(message.proposedGeneration);
        return;
      case 'view-answer':
        return;
      default:
        this.#refuse(link, 'MALFORMED', `a ${message.type} is not for a primary`);
    }
  }

  // The follower's side of a hello.

  #hello(link: number, hello: Hello): void {
    const refusal = this.#objectionTo(hello);
    if (refusal !== undefined) {
      this.#refuse(link, refusal.reason, refusal.message);
      return;
    }
    if (this.#secondary.link !== undefined) {
      this.#core.effects.push({ type: 'close-link', link: this.#secondary.link });
      this.#secondary.detach();
    }
    this.#secondary.lastHeardMs = this.#core.nowMs;
    if (hello.intent === 'join') this.#beginJoining(link, hello);
    else this.#follow(link, hello);
  }

  #objectionTo(hello: Hello): { reason: RefusalReason; message: string } | undefined {
    const { generation, durable, options, state } = this.#core;
    if (hello.wireVersion !== WIRE_VERSION)
      return { reason: 'WIRE_VERSION', message: `wire version ${String(hello.wireVersion)}, here ${String(WIRE_VERSION)}` };
    if (hello.sizeBytes !== options.sizeBytes)
      return { reason: 'STATE', message: `size ${String(hello.sizeBytes)}, here ${String(options.sizeBytes)}` };
    if (hello.generation < generation)
      return { reason: 'GENERATION', message: `generation ${String(hello.generation)}, here ${String(generation)}` };
    if (hello.intent === 'join') return this.#objectionToJoin(hello);
    const accepted = hello.generation === generation || hello.generation === durable.candidateFor;
    if ((state !== 'SECONDARY' && state !== 'JOINING') || !accepted)
      return { reason: 'STATE', message: `this replica is ${state} of generation ${String(generation)}` };
    if (state === 'JOINING' && hello.generation !== durable.candidateFor)
      return { reason: 'STATE', message: 'the copy to this replica is not complete' };
    if (hello.intent === 'resume') {
      const same =
        hello.peerIncarnation === options.incarnation &&
        hello.incarnation === this.#secondary.primaryIncarnation &&
        this.#secondary.unstableKnown;
      if (!same) return { reason: 'INCARNATION', message: 'this process is not the one that took part before' };
    }
    return undefined;
  }

  #objectionToJoin(hello: Hello): { reason: RefusalReason; message: string } | undefined {
    const { generation, durable, state, host } = this.#core;
    // What serves, or is in the in-sync set of the very generation, is nobody's target: the sender has to be newer.
    const newer = hello.generation > generation;
    if (isPrimaryState(state) && (!newer || durable.view.primary === hello.host))
      return { reason: 'STATE', message: `this replica is ${state}` };
    if (!newer && durable.complete && durable.view.inSync.includes(host))
      return { reason: 'STATE', message: 'this replica is in the in-sync set' };
    return undefined;
  }

  #beginJoining(link: number, hello: Hello): void {
    const { blank } = this.#core.durable;
    const primary = hello.host;
    this.#fence(`${primary} is primary of generation ${String(hello.generation)}`);
    if (this.state === 'SECONDARY') this.#core.transition('STALE', 'dropped from the in-sync set');
    this.#secondary.attach(link, hello.incarnation);
    this.#secondary.beginJoin();
    const view =
      hello.generation > this.#core.generation
        ? { generation: hello.generation, primary, inSync: [primary] }
        : this.#core.durable.view;
    // Durable before the first byte of the copy: a copy that breaks off must never look like a complete replica.
    this.#core.persist({ view, complete: false, blank: false, candidateFor: 0, asking: '' }, () => {
      if (this.#secondary.link === link) this.#answerHello(link, blank);
    });
    this.#core.transition('JOINING', `${primary} copies to this replica`);
  }

  #follow(link: number, hello: Hello): void {
    this.#secondary.attach(link, hello.incarnation);
    if (hello.generation === this.#core.generation) {
      this.#answerHello(link, false);
      return;
    }
    // A candidate whose primary was told "yes", and that has not heard of it before the link broke.
    const view = { generation: hello.generation, primary: hello.host, inSync: [hello.host, this.#core.host] };
    this.#becomeSecondary(view, () => {
      if (this.#secondary.link === link) this.#answerHello(link, false);
    });
  }

  #answerHello(link: number, blank: boolean): void {
    this.#core.send(link, {
      type: 'hello-answer',
      wireVersion: WIRE_VERSION,
      host: this.#core.host,
      generation: this.#core.generation,
      incarnation: this.#core.options.incarnation,
      appliedSequence: this.#secondary.appliedSequence,
      unstableKnown: this.#secondary.unstableKnown,
      blank,
    });
  }

  #becomeSecondary(view: View, then: () => void): void {
    const { bootId } = this.#core.options;
    this.#core.persist({ view, complete: true, candidateFor: 0, bootId }, then);
    this.#core.transition('SECONDARY', `in sync with ${view.primary}`);
  }

  #viewOfPrimary(link: number, view: Extract<Message, { type: 'view' }>): void {
    const { durable, host } = this.#core;
    const expected = this.state === 'JOINING' && durable.candidateFor === view.generation;
    if (!expected || !view.inSync.includes(host)) {
      this.#refuse(link, 'STATE', `view ${String(view.generation)} does not follow from ${this.state}`);
      return;
    }
    const { generation, primary, inSync } = view;
    this.#becomeSecondary({ generation, primary, inSync }, () => {
      if (this.#secondary.link === link) this.#core.send(link, { type: 'view-answer', generation });
    });
  }

  #candidate(link: number, message: Extract<Message, { type: 'candidate' }>): void {
    if (this.state !== 'JOINING' || message.generation !== this.#core.generation) {
      this.#refuse(link, 'STATE', 'only a joining replica becomes a candidate');
      return;
    }
    const candidateFor = message.proposedGeneration;
    this.#core.persist({ candidateFor, bootId: this.#core.options.bootId }, () => {
      if (this.#secondary.link === link)
        this.#core.send(link, { type: 'candidate-answer', proposedGeneration: candidateFor });
    });
  }

  // The primary's side of a hello.

  #helloAnswer(peer: Peer, answer: HelloAnswer): void {
    const { nowMs } = this.#core;
    const { link } = peer;
    assert(link !== undefined, 'an answer came over a link');
    peer.incarnation = answer.incarnation;
    if (peer === this.#join?.peer && peer !== this.#primary.peer) {
      peer.ready = true;
      this.#join.begin(answer.blank);
      this.#heartbeat(peer);
      this.#afterProgress();
      return;
    }
    if (this.state === 'RECOVERING') {
      if (!answer.unstableKnown) {
        this.#pullImpossible = true;
        this.#core.why = `${peer.host} restarted too, so what may differ is not known`;
        this.#closeLink(peer);
        return;
      }
      peer.ready = true;
      this.#core.send(link, { type: 'pull', generation: this.#core.generation });
      return;
    }
    peer.ready = true;
    peer.lastHeardMs = nowMs;
    this.#heartbeat(peer);
    if (this.state === 'HOLDING' && !this.#primary.adopting) {
      this.#core.transition('SERVING', `in sync with ${peer.host}`);
    }
    if (!this.#primary.resume(answer.appliedSequence)) this.#refuse(link, 'MALFORMED', 'it holds writes of nobody');
  }

  #refused(peer: Peer, refusal: Extract<Message, { type: 'refusal' }>): void {
    if (refusal.generation > this.#core.generation) {
      this.#fence(`${peer.host} is of generation ${String(refusal.generation)}`);
      return;
    }
    if (refusal.reason === 'INCARNATION') this.#pullImpossible = true;
    this.#core.why = `${peer.host} refused: ${refusal.message}`;
    const wasJoin = peer === this.#join?.peer;
    this.#closeLink(peer);
    if (wasJoin) this.#failJoin(this.#core.why);
  }

  #pullRegion(region: number, data: Uint8Array | undefined): void {
    if (data === undefined || this.state !== 'RECOVERING') return;
    const token = this.#core.nextToken();
    const offset = region * REGION_BYTES;
    this.#core.effects.push({ type: 'disk-write', token, kind: 'data', offset, length: REGION_BYTES, data });
    this.#pulling++;
    this.#core.await(token, (event) => {
      this.#pulling = Math.max(0, this.#pulling - 1);
      if (event.type === 'disk-done' && event.failure !== undefined)
        this.#fence(`the disk of this host failed: ${event.failure}`);
    });
  }

  /** Equal to the secondary again: it is served, in the generation that there was. */
  #recovered(sequence: number): void {
    const peer = this.#primary.peer;
    assert(peer !== undefined, 'a recovery has a peer');
    this.#primary.continueFrom(sequence);
    peer.ackedSequence = sequence;
    this.#core.transition('SERVING', `in sync with ${peer.host}`);
    if (this.#core.hostRebooted) this.#core.persist({ bootId: this.#core.options.bootId }, () => undefined);
    this.#heartbeat(peer);
    this.#primary.retryHeld();
  }

  // Views.

  #viewDecided(view: View, explicit: boolean): void {
    const { generation, host } = this.#core;
    if (view.generation < generation) return;
    if (view.generation === generation) {
      if (!explicit || view.primary !== host) return;
      this.#steppingDown = false;
      if (this.state === 'STEPPED_DOWN') this.#serveAgain(view);
      return;
    }
    if (view.primary !== host) this.#followView(view);
    else if (isPrimaryState(this.state) || this.state === 'STEPPED_DOWN') this.#viewAsPrimary(view);
    else this.#promoted(view);
  }

  #followView(view: View): void {
    const { host } = this.#core;
    if (isPrimaryState(this.state) || this.state === 'STEPPED_DOWN') {
      this.#fence(`${view.primary} is primary of generation ${String(view.generation)}`);
      this.#core.persist({ view, complete: false, candidateFor: 0, asking: '' }, () => undefined);
      return;
    }
    // A candidate learns of it from its primary, in the stream; the control store only confirms it.
    if (view.inSync.includes(host)) return;
    if (this.state === 'SECONDARY' || this.state === 'JOINING')
      this.#core.transition('STALE', `dropped from the in-sync set by generation ${String(view.generation)}`);
    if (this.#secondary.link !== undefined) this.#dropPrimaryLink(this.#secondary.link);
    this.#core.persist({ view, complete: false, candidateFor: 0 }, () => undefined);
  }

  #dropPrimaryLink(link: number): void {
    this.#core.effects.push({ type: 'close-link', link });
    this.#secondary.detach();
  }

  #viewAsPrimary(view: View): void {
    const { host, options } = this.#core;
    const others = view.inSync.filter((member) => member !== host);
    const peer = this.#primary.peer;
    this.#primary.adopting = true;
    this.#core.persist({ view, complete: true, asking: '', bootId: options.bootId }, () => {
      if (this.#core.generation !== view.generation || this.state === 'FENCED') return;
      this.#primary.adopting = false;
      if (others.length === 0) this.#goSolo(view);
      else if (peer !== undefined && others.includes(peer.host) && this.state !== 'RECOVERING')
        this.#joined(peer, view);
      else this.#recoverWith(view);
    });
  }

  #goSolo(view: View): void {
    const peer = this.#primary.peer;
    this.#failJoin('the volume goes on without the target');
    if (peer !== undefined) this.#closeLink(peer);
    if (this.state !== 'STEPPED_DOWN')
      this.#core.transition('SOLO', `alone in the in-sync set since generation ${String(view.generation)}`);
    this.#pullImpossible = false;
    this.#primary.peerDropped();
  }

  #joined(peer: Peer, view: View): void {
    this.#join?.done();
    this.#askingSent = false;
    this.#primary.bytesWithoutPeer = 0;
    if (peer.link !== undefined && peer.ready) {
      const { generation, primary, inSync } = view;
      this.#core.send(peer.link, { type: 'view', generation, primary, inSync });
      if (this.state !== 'STEPPED_DOWN') this.#core.transition('SERVING', `in sync with ${peer.host}`);
      this.#heartbeat(peer);
    } else this.#core.transition('HOLDING', `the link to ${peer.host} is down`);
    this.#primary.retryHeld();
  }

  /** The store said yes to a proposal of an earlier life of this process. */
  #recoverWith(view: View): void {
    assert(this.state === 'RECOVERING', `a view with an unknown peer while ${this.state}`);
    const old = this.#primary.peer;
    if (old !== undefined) this.#closeLink(old);
    this.#primary.peer = this.#newPeer(otherMember(view, this.#core.host));
    this.#core.why = 'the process restarted; what the secondary holds is pulled first';
  }

  #promoted(view: View): void {
    const { durable, host, options } = this.#core;
    const first = this.state === 'BLANK' && view.generation === 1;
    const member = this.state === 'SECONDARY' && durable.complete && durable.view.generation === view.generation - 1;
    const candidate = this.state === 'JOINING' && durable.candidateFor === view.generation - 1;
    // The pair of control's own rule: a replica that may lack acknowledged writes does not serve, whoever says so.
    if (!view.inSync.includes(host) || !(first || member || candidate)) {
      this.#core.why = `refused to become primary of generation ${String(view.generation)}: ${this.state} of generation ${String(durable.view.generation)}`;
      return;
    }
    assert(view.inSync.length === 1, 'a replica is promoted alone');
    if (this.#secondary.link !== undefined) this.#dropPrimaryLink(this.#secondary.link);
    const { bootId } = options;
    const bootIdKept = this.#core.hostRebooted ? durable.bootId : bootId;
    const change = { view, complete: true, blank: durable.blank && first, candidateFor: 0, bootId: bootIdKept };
    if (first) {
      this.#primary.adopting = true;
      this.#core.persist({ ...change, blank: false, bootId }, () => {
        this.#primary.adopting = false;
        this.#core.transition('SOLO', 'the first copy of the volume');
        this.#primary.retryHeld();
      });
      return;
    }
    this.#primary.continueFrom(this.#secondary.appliedSequence);
    this.#primary.adopting = true;
    this.#core.transition('PROMOTING', 'waits for the end of the lease that it granted');
    this.#core.persist(change, () => {
      this.#primary.adopting = false;
      this.#maybeServe();
    });
  }

  /** Promotion ends when the view is durable and the last lease granted to the old primary is over. */
  #maybeServe(): void {
    if (this.state !== 'PROMOTING' || this.#primary.adopting) return;
    if (this.#core.nowMs < this.#secondary.leaseGrantedUntilMs) return;
    this.#core.transition('SOLO', `alone in the in-sync set since generation ${String(this.#core.generation)}`);
    this.#primary.retryHeld();
  }

  /** Stepped down, and nobody else was chosen after all. */
  #serveAgain(view: View): void {
    this.#steppingDown = false;
    if (view.inSync.length === 1) {
      this.#core.transition('SOLO', 'serves again');
      return;
    }
    const old = this.#primary.peer;
    if (old !== undefined) this.#closeLink(old);
    this.#core.transition('RECOVERING', 'serves again; what the secondary holds is pulled first');
    this.#primary.peer = this.#newPeer(otherMember(view, this.#core.host));
  }

  #fence(why: string): void {
    if (this.state === 'FENCED' || !(isPrimaryState(this.state) || this.state === 'STEPPED_DOWN')) return;
    this.#failJoin(why);
    const peer = this.#primary.peer;
    if (peer?.link !== undefined) this.#core.effects.push({ type: 'close-link', link: peer.link });
    this.#primary.peer = undefined;
    this.#primary.refuseAll();
    this.#core.transition('FENCED', why);
  }

  #hold(why: string): void {
    if (this.state === 'SERVING' || (this.state === 'SOLO' && this.#primary.peer?.required === true))
      this.#core.transition('HOLDING', why);
  }

  #stepDown(): void {
    if (this.state === 'STEPPED_DOWN') return;
    this.#steppingDown = true;
    this.#primary.flush(() => {
      if (this.state === 'SERVING' || this.state === 'SOLO' || this.state === 'HOLDING') {
        this.#core.transition('STEPPED_DOWN', 'gave up the volume to be moved');
        this.#primary.refuseAll();
      }
    });
  }

  // Copies to a target.

  #seed(target: string, allocated: readonly number[]): void {
    if (this.state !== 'SOLO' || this.#join?.phase === 'ASKING') return;
    this.#failJoin('begun anew');
    this.#join = new Join(this.#core, this.#primary, target, allocated);
    this.#dial(this.#join.peer);
  }

  #connect(target: string, changed: readonly number[]): void {
    const join = this.#join;
    if (join?.peer.host !== target || join.phase !== 'SEEDED' || this.state !== 'SOLO') return;
    this.#primary.peer = join.peer;
    join.peer.ackedSequence = this.#primary.lastSequence;
    join.connect([...new Set([...changed, ...this.#primary.inflightRegions()])]);
    this.#afterProgress();
  }

  #failJoin(error: string): void {
    const join = this.#join;
    if (join === undefined || join.phase === 'DONE' || join.phase === 'FAILED') return;
    const { peer } = join;
    join.fail(error);
    this.#askingSent = false;
    if (peer.link !== undefined) this.#core.effects.push({ type: 'close-link', link: peer.link });
    peer.lost(this.#core.nowMs);
    // A target that was only copied to is let go; one that the store may have taken in is not.
    if (this.#primary.peer === peer && !peer.required) this.#primary.peerDropped();
  }

  /** Whatever came in may have been what a later stage waited for. */
  #afterProgress(): void {
    if (this.#pullDoneAt !== undefined && this.#pulling === 0 && this.state === 'RECOVERING') {
      const sequence = this.#pullDoneAt;
      this.#pullDoneAt = undefined;
      this.#recovered(sequence);
    }
    const join = this.#join;
    if (join?.phase === 'CATCHING_UP') join.pump();
    if (join?.phase === 'ASKING' && !this.#askingSent) {
      this.#askingSent = true;
      this.#ask(join);
    }
  }

  #ask(join: Join): void {
    this.#primary.flush(() => {
      const { peer } = join;
      if (join.phase !== 'ASKING' || peer.link === undefined || !peer.ready) return;
      const { generation } = this.#core;
      this.#core.send(peer.link, { type: 'candidate', generation, proposedGeneration: generation + 1 });
    });
  }

  #candidateAnswered(proposedGeneration: number): void {
    const join = this.#join;
    if (join?.phase !== 'ASKING' || proposedGeneration !== this.#core.generation + 1) return;
    // Durable first: a later life of this process must know that the store may have said yes.
    this.#core.persist({ asking: join.peer.host }, () => {
      this.#propose();
    });
  }

  // Time.

  #tick(): void {
    this.#maybeServe();
    const join = this.#join;
    const peer = this.#primary.peer;
    if (peer !== undefined) this.#tickPeer(peer);
    if (join !== undefined && join.peer !== peer && (join.phase === 'SEEDING' || join.phase === 'SEEDED'))
      this.#tickPeer(join.peer);
    if (join?.phase === 'CATCHING_UP') join.pump();
    this.#proposeIfDue();
    this.#primary.retryHeld();
  }

  #tickPeer(peer: Peer): void {
    const { nowMs, options } = this.#core;
    if (this.state === 'FENCED' || this.state === 'STEPPED_DOWN') return;
    if (peer.ready && nowMs - peer.lastHeardMs > options.silenceMs) {
      this.#closeLink(peer);
      return;
    }
    if (peer.ready && nowMs - peer.lastHeartbeatMs >= options.heartbeatMs) this.#heartbeat(peer);
    const target = peer === this.#join?.peer;
    const redial = target ? this.#join?.phase === 'SEEDING' || this.#join?.phase === 'DONE' : true;
    if (redial && !this.#pullImpossible) this.#dial(peer);
    if (target && this.#join?.phase === 'SEEDING' && !peer.ready && nowMs - peer.lostSinceMs > options.silenceMs)
      this.#failJoin(`${peer.host} cannot be reached`);
  }

  #heartbeat(peer: Peer): void {
    if (peer.link === undefined || !peer.ready) return;
    peer.lastHeartbeatMs = this.#core.nowMs;
    this.#core.send(peer.link, {
      type: 'heartbeat',
      generation: this.#core.generation,
      askedAtMs: Math.floor(this.#core.nowMs),
      stableSequence: this.#primary.stableSequence,
    });
  }

  /** Control is asked when the peer has been gone for long enough, and again until the outcome is known. */
  #proposeIfDue(): void {
    const { nowMs, options } = this.#core;
    if (this.#primary.adopting || nowMs - this.#lastProposalMs < PROPOSE_AGAIN_MS) return;
    const peer = this.#primary.peer;
    const asking = this.state === 'SOLO' && this.#core.durable.asking !== '' && this.#join?.phase === 'ASKING';
    const undecided = this.state === 'RECOVERING' && peer === undefined;
    const alone =
      (this.state === 'HOLDING' || this.state === 'RECOVERING') &&
      peer?.ready === false &&
      (nowMs - peer.lostSinceMs >= options.silenceMs || this.#pullImpossible);
    if (asking || alone || undecided) this.#propose();
  }

  #propose(): void {
    const { host, durable, generation } = this.#core;
    const target = this.state === 'SOLO' && this.#join?.phase === 'ASKING' ? this.#join.peer.host : '';
    this.#lastProposalMs = this.#core.nowMs;
    this.#core.effects.push({
      type: 'propose',
      fromGeneration: generation,
      inSync: target === '' ? [host] : [host, target],
      hostRebooted: this.#core.hostRebooted,
      reason: target === '' ? this.#core.why : `${target} holds everything (asked for as ${durable.asking})`,
    });
  }
}

function otherMember(view: View, host: string): string {
  const other = view.inSync.find((member) => member !== host);
  assert(other !== undefined, 'the in-sync set has another member');
  return other;
}

function initialState(options: ReplicaOptions, durable: DurableState): ReplicaState {
  const { view, complete, blank, candidateFor, asking } = durable;
  if (view.primary === options.host && complete) {
    // The store may have said yes to a target whose answer was never heard: that is found out first.
    if (asking !== '' || view.inSync.length > 1) return 'RECOVERING';
    return 'SOLO';
  }
  if (candidateFor !== 0) return 'JOINING';
  if (complete) return 'SECONDARY';
  return blank ? 'BLANK' : 'STALE';
}

function initialReason(state: ReplicaState): string {
  switch (state) {
    case 'RECOVERING':
      return 'the process restarted; what the secondary holds is pulled first';
    case 'STALE':
      return 'holds older or incomplete data, waits to be copied to';
    default:
      return '';
  }
}
