/**
 * The replica as a primary: whom it replicates to, when it may serve, and what it asks of control. The data path
 * itself is primary.ts, the copy to a target join.ts.
 */
import { assert } from '../sys/errors.ts';
import type { Core } from './core.ts';
import type { DiskFailure, ReplicaEvent, View } from './interface.ts';
import { Join } from './join.ts';
import type { HelloIntent, Message } from './messages.ts';
import { helloTo, otherMember, Peer } from './peer.ts';
import { Primary } from './primary.ts';
import { Pull } from './pull.ts';
import { isPrimaryState, type ReplicaState } from './states.ts';

type Frame = Extract<ReplicaEvent, { type: 'frame' }>;
type HelloAnswer = Extract<Message, { type: 'hello-answer' }>;

/** Between two tries to reach the peer. */
const REDIAL_MS = 100;
/** A peer that takes the connection and does not answer the hello, or never got it, is dialled anew. */
const HELLO_MS = 3000;
/** Between two proposals whose answer did not come. */
const PROPOSE_AGAIN_MS = 500;

export class Leader {
  readonly primary: Primary;
  readonly #core: Core;
  readonly #onDiskFailure = (failure: DiskFailure): void => {
    this.fence(`the disk of this host failed: ${failure}`);
  };
  #join: Join | undefined;
  /** What the secondary sends to a recovering primary; another one for each link. */
  #pull: Pull | undefined;
  #lastProposalMs = -Infinity;
  /** RECOVERING, HOLDING: the secondary is another process than before, or its disk failed it: nothing to go on with. */
  #isPeerUnfit = false;
  #steppingDown = false;

  constructor(core: Core) {
    this.#core = core;
    this.primary = new Primary(core, this.#onDiskFailure);
    const { view } = core.durable;
    // Alone in the view and yet RECOVERING: the answer to a proposal was never heard. Proposing anew decides it.
    if (this.state === 'RECOVERING' && view.inSync.length > 1)
      this.primary.peer = this.#newPeer(otherMember(view, core.host));
  }

  get state(): ReplicaState {
    return this.#core.state;
  }

  get join(): Join | undefined {
    return this.#join;
  }

  client({ id, request }: Extract<ReplicaEvent, { type: 'client' }>): void {
    if (isPrimaryState(this.state) && !this.#steppingDown) this.primary.submit(id, request);
    else this.#core.effects.push({ type: 'reply', id, result: { ok: false, failure: 'ESHUTDOWN' } });
  }

  tick(): void {
    const join = this.#join;
    const { peer } = this.primary;
    if (peer !== undefined) this.#tickPeer(peer);
    if (join !== undefined && join.peer !== peer && (join.phase === 'SEEDING' || join.phase === 'SEEDED'))
      this.#tickPeer(join.peer);
    if (join?.phase === 'CATCHING_UP') join.pump();
    this.#proposeIfDue();
    this.primary.retryHeld();
  }

  // Links: the primary dials, the other side answers.

  /** The peer of the data path, or the target of a copy that does not take part in it yet. */
  peerOfLink(link: number): Peer | undefined {
    if (this.primary.peer?.link === link) return this.primary.peer;
    return this.#join?.peer.link === link ? this.#join.peer : undefined;
  }

  linkOpened(link: number): void {
    const peer = this.peerOfLink(link);
    // Dialled before this replica was fenced or stepped down: it has nothing to say to anybody any more.
    if (peer === undefined || !isPrimaryState(this.state)) {
      this.#core.effects.push({ type: 'close-link', link });
      return;
    }
    this.#core.send(link, helloTo(peer, this.#core, this.#intentFor(peer)));
  }

  linkClosed(link: number): void {
    const peer = this.peerOfLink(link);
    if (peer === undefined) return;
    const wasReady = peer.ready;
    peer.lost(this.#core.nowMs);
    this.#pull = undefined;
    if (peer === this.#join?.peer && this.#join.phase !== 'ASKING' && this.#join.phase !== 'DONE') {
      if (wasReady) this.failJoin(`the link to ${peer.host} was lost`);
    } else if (wasReady) this.#hold(`the link to ${peer.host} is down`);
  }

  frameOfPeer(peer: Peer, { link, message, payload }: Frame): void {
    peer.lastHeardMs = this.#core.nowMs;
    switch (message.type) {
      case 'hello-answer':
        this.#helloAnswer(peer, message);
        return;
      case 'refusal':
        this.#refused(peer, message);
        return;
      case 'write-answer':
        if (peer !== this.primary.peer || !this.primary.onWriteAnswer(message.appliedSequence))
          this.#core.refuse(link, 'MALFORMED', 'an answer to a write that was never sent');
        this.afterProgress();
        return;
      case 'flush-answer':
        this.primary.onFlushAnswer(message.flushId);
        this.afterProgress();
        return;
      case 'heartbeat-answer':
        if (message.generation !== this.#core.generation) return;
        peer.takeLease(message);
        this.primary.retryHeld();
        return;
      case 'pull-region':
        if (
          payload !== undefined &&
          this.#pull?.onRegion(message.region, payload, this.#onDiskFailure) === false
        )
          this.#core.refuse(link, 'MALFORMED', 'a region outside the volume');
        return;
      case 'pull-done':
        this.#pull?.onDone(message.appliedSequence);
        this.afterProgress();
        return;
      case 'copy-answer':
        if (peer !== this.#join?.peer || !this.#join.onCopyAnswer(message.region, message.needed))
          this.#core.refuse(link, 'MALFORMED', 'an answer to a copy that was never sent');
        this.afterProgress();
        return;
      case 'candidate-answer':
        if (peer === this.#join?.peer) this.#join.onCandidateAnswer(message.proposedGeneration);
        return;
      case 'view-answer':
        return;
      default:
        this.#core.refuse(link, 'MALFORMED', `a ${message.type} is not for a primary`);
    }
  }

  get #isRecovering(): boolean {
    return this.state === 'RECOVERING' && !this.primary.adopting;
  }

  #newPeer(host: string): Peer {
    this.#isPeerUnfit = false;
    return new Peer(host, { inSync: true, nowMs: this.#core.nowMs });
  }

  #dial(peer: Peer): void {
    if (peer.link !== undefined || this.#core.nowMs - peer.lastDialMs < REDIAL_MS) return;
    peer.lastDialMs = this.#core.nowMs;
    peer.link = this.#core.nextLink();
    this.#core.effects.push({ type: 'dial', link: peer.link, peer: peer.host });
  }

  #intentFor(peer: Peer): HelloIntent {
    if (peer !== this.primary.peer) {
      assert(this.state === 'SOLO', 'only a primary that is alone copies to another');
      return 'join';
    }
    return this.state === 'RECOVERING' ? 'recover' : 'resume';
  }

  #closeLink(peer: Peer): void {
    if (peer.link === undefined) return;
    const { link } = peer;
    this.#core.effects.push({ type: 'close-link', link });
    this.linkClosed(link);
  }

  #helloAnswer(peer: Peer, answer: HelloAnswer): void {
    const { nowMs } = this.#core;
    const { link } = peer;
    assert(link !== undefined, 'an answer came over a link');
    if (peer.ready) {
      this.#core.refuse(link, 'MALFORMED', 'a hello is answered once');
      return;
    }
    peer.incarnation = answer.incarnation;
    if (peer === this.#join?.peer && peer !== this.primary.peer) {
      peer.ready = true;
      this.#join.begin(answer.blank);
      this.#heartbeat(peer);
      this.afterProgress();
      return;
    }
    if (this.state === 'RECOVERING') {
      if (!answer.unstableKnown) {
        this.#isPeerUnfit = true;
        this.#core.why = `${peer.host} restarted too, so what may differ is not known`;
        this.#closeLink(peer);
        return;
      }
      peer.ready = true;
      this.#beginPull(peer, link);
      return;
    }
    peer.ready = true;
    peer.lastHeardMs = nowMs;
    this.#heartbeat(peer);
    if (this.state === 'HOLDING' && !this.primary.adopting) {
      this.#core.transition('SERVING', `in sync with ${peer.host}`);
    }
    if (!this.primary.resume(answer.appliedSequence))
      this.#core.refuse(link, 'MALFORMED', 'it holds writes of nobody');
  }

  #refused(peer: Peer, refusal: Extract<Message, { type: 'refusal' }>): void {
    if (refusal.generation > this.#core.generation && refusal.primary !== this.#core.host) {
      this.fence(`${peer.host} is of generation ${String(refusal.generation)}`);
      return;
    }
    // Of a generation that this replica was granted and has not heard of: control is asked again, and answers with it.
    const isUnfit = refusal.reason === 'INCARNATION' || refusal.reason === 'DISK';
    if (peer.required && (isUnfit || refusal.generation > this.#core.generation)) this.#isPeerUnfit = true;
    this.#core.why = `${peer.host} refused: ${refusal.message}`;
    const wasJoin = peer === this.#join?.peer;
    this.#closeLink(peer);
    if (wasJoin) this.failJoin(this.#core.why);
  }

  /** What is under way (of an earlier pull, of the time before it stepped down) must not land on what is pulled. */
  #beginPull(peer: Peer, link: number): void {
    this.#core.whenWritten(() => {
      if (peer.link !== link || this.state !== 'RECOVERING' || this.primary.adopting) return;
      this.#pull = new Pull(this.#core, link);
    });
  }

  /** Equal to the secondary again: it is served, in the generation that there was. */
  #recovered(sequence: number): void {
    const peer = this.primary.peer;
    assert(peer !== undefined, 'a recovery has a peer');
    this.primary.continueFrom(sequence);
    peer.ackedSequence = sequence;
    this.#core.transition('SERVING', `in sync with ${peer.host}`);
    if (this.#core.hostRebooted) this.#core.persist({ bootId: this.#core.options.bootId }, () => undefined);
    this.#heartbeat(peer);
    this.primary.retryHeld();
  }

  // Views.

  /** The first copy of a volume. */
  serveFirst(): void {
    this.#core.transition('SOLO', 'the first copy of the volume');
    this.primary.retryHeld();
  }

  /** Promoted, and whatever had to be waited for is over; `sequence`: the last write that it took as a secondary. */
  servePromoted(sequence: number): void {
    this.primary.continueFrom(sequence);
    this.#core.transition('SOLO', this.#aloneSince);
    // Not waited for: a life that does not find it waits once more.
    this.#core.persist({ promoting: false }, () => undefined);
    this.primary.retryHeld();
  }

  viewAsPrimary(view: View): void {
    const { options, durable } = this.#core;
    this.primary.adopting = true;
    // The move that it was to step down for began in a generation that is over.
    this.#steppingDown = false;
    // What its machine lost in a restart the other still has to give it, in this generation too.
    const hasToPull = this.state === 'RECOVERING' && view.inSync.length > 1;
    const bootId = hasToPull ? durable.bootId : options.bootId;
    this.#core.persist({ view, complete: true, asking: '', bootId }, () => {
      if (this.state === 'RECOVERING' || this.state === 'STEPPED_DOWN')
        this.#core.whenWritten(() => {
          this.#adopted(view);
        });
      else this.#adopted(view);
    });
  }

  #adopted(view: View): void {
    if (this.#core.generation !== view.generation || this.state === 'FENCED') return;
    const peer = this.primary.peer;
    this.primary.adopting = false;
    if (this.state === 'PROMOTING') return;
    if (this.state === 'STEPPED_DOWN') this.#serveAgain(view);
    else if (view.inSync.length === 1) this.#goSolo();
    else if (peer !== undefined && view.inSync.includes(peer.host) && this.state !== 'RECOVERING')
      this.#joined(peer, view);
    else this.#recoverWith(view);
  }

  get #aloneSince(): string {
    return `alone in the in-sync set since generation ${String(this.#core.generation)}`;
  }

  #goSolo(): void {
    const peer = this.primary.peer;
    this.failJoin('the volume goes on without the target');
    if (peer !== undefined) this.#closeLink(peer);
    this.#core.transition('SOLO', this.#aloneSince);
    this.#isPeerUnfit = false;
    this.primary.peerDropped();
  }

  #joined(peer: Peer, view: View): void {
    this.#join?.done();
    this.primary.bytesWithoutPeer = 0;
    if (peer.link !== undefined && peer.ready) {
      const { generation, primary, inSync } = view;
      this.#core.send(peer.link, { type: 'view', generation, primary, inSync });
      this.primary.peerFollows();
      this.#core.transition('SERVING', `in sync with ${peer.host}`);
      this.#heartbeat(peer);
    } else this.#core.transition('HOLDING', `the link to ${peer.host} is down`);
    this.primary.retryHeld();
  }

  /** The store said yes to a proposal of an earlier life of this process. */
  #recoverWith(view: View): void {
    assert(this.state === 'RECOVERING', `a view with an unknown peer while ${this.state}`);
    const old = this.primary.peer;
    if (old !== undefined) this.#closeLink(old);
    this.primary.peer = this.#newPeer(otherMember(view, this.#core.host));
    this.#core.why = 'the process restarted; what the secondary holds is pulled first';
  }

  /** Another is primary now. Durable, so that a later life of this process knows it too. */
  replaced(view: View): void {
    this.fence(`${view.primary} is primary of generation ${String(view.generation)}`);
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
    if (view.inSync.length === 1) {
      this.#goSolo();
      return;
    }
    const old = this.primary.peer;
    if (old !== undefined) this.#closeLink(old);
    this.#join?.done();
    this.#core.transition('RECOVERING', 'serves again; what the secondary holds is pulled first');
    this.primary.peer = this.#newPeer(otherMember(view, this.#core.host));
  }

  fence(why: string): void {
    this.#steppingDown = false;
    if (this.state === 'FENCED' || !(isPrimaryState(this.state) || this.state === 'STEPPED_DOWN')) return;
    this.failJoin(why);
    const peer = this.primary.peer;
    if (peer?.link !== undefined) this.#core.effects.push({ type: 'close-link', link: peer.link });
    peer?.lost(this.#core.nowMs);
    this.primary.peer = undefined;
    this.primary.refuseAll();
    this.#core.transition('FENCED', why);
  }

  #hold(why: string): void {
    if (this.state === 'SERVING' || (this.state === 'SOLO' && this.primary.peer?.required === true))
      this.#core.transition('HOLDING', why);
  }

  stepDown(): void {
    const { state } = this;
    if (this.#steppingDown || (state !== 'SERVING' && state !== 'SOLO' && state !== 'HOLDING')) return;
    this.#steppingDown = true;
    this.primary.flush(() => {
      // Called off, or fenced, while the flush was under way.
      if (!this.#steppingDown) return;
      this.#steppingDown = false;
      this.#core.transition('STEPPED_DOWN', 'gave up the volume to be moved');
      this.primary.refuseAll();
    });
  }

  // Copies to a target.

  seed(target: string, allocated: readonly number[]): void {
    if (this.state !== 'SOLO' || this.#join?.phase === 'ASKING') return;
    this.failJoin('begun anew');
    this.#join = new Join(this.#core, this.primary, {
      target,
      allocated,
      onFailure: (error) => {
        this.failJoin(error);
      },
      propose: () => {
        this.#propose();
      },
    });
    this.#dial(this.#join.peer);
  }

  connect(target: string, changed: readonly number[]): void {
    const join = this.#join;
    if (join?.peer.host !== target || join.phase !== 'SEEDED' || this.state !== 'SOLO') return;
    this.primary.peer = join.peer;
    join.peer.ackedSequence = this.primary.lastSequence;
    join.connect([...new Set([...changed, ...this.primary.inflightRegions()])]);
    this.afterProgress();
  }

  /** Once live writes go to the target too, regions are read as they are now. */
  snapshotGone(): void {
    const phase = this.#join?.phase;
    if (phase === 'SEEDING' || phase === 'SEEDED') this.failJoin('the snapshot that was copied is gone');
  }

  failJoin(error: string): void {
    const join = this.#join;
    if (join === undefined || join.phase === 'DONE' || join.phase === 'FAILED') return;
    const { peer } = join;
    join.fail(error);
    if (peer.link !== undefined) this.#core.effects.push({ type: 'close-link', link: peer.link });
    peer.lost(this.#core.nowMs);
    // A target that was only copied to is let go; one that the store may have taken in is not.
    if (this.primary.peer === peer && !peer.required) this.primary.peerDropped();
  }

  /** Whatever came in may have been what a later stage waited for. */
  afterProgress(): void {
    const pulledUpTo = this.#pull?.doneUpTo;
    if (pulledUpTo !== undefined && this.#isRecovering) {
      this.#pull = undefined;
      this.#recovered(pulledUpTo);
    }
    this.#join?.progress();
  }

  // Time.

  #tickPeer(peer: Peer): void {
    const { nowMs, options } = this.#core;
    if (this.state === 'FENCED' || this.state === 'STEPPED_DOWN') return;
    const isLate = peer.link !== undefined && !peer.ready && nowMs - peer.lastDialMs > HELLO_MS;
    if (isLate || (peer.ready && nowMs - peer.lastHeardMs > options.silenceMs)) {
      this.#closeLink(peer);
      return;
    }
    if (peer.ready && nowMs - peer.lastHeartbeatMs >= options.heartbeatMs) this.#heartbeat(peer);
    const target = peer === this.#join?.peer;
    const redial = target ? this.#join?.phase === 'SEEDING' || this.#join?.phase === 'DONE' : true;
    if (redial && !this.#isPeerUnfit) this.#dial(peer);
    if (
      target &&
      this.#join?.phase === 'SEEDING' &&
      !peer.ready &&
      nowMs - peer.lostSinceMs > options.silenceMs
    )
      this.failJoin(`${peer.host} cannot be reached`);
  }

  #heartbeat(peer: Peer): void {
    // While a view is adopted the peer is not of its generation yet, and would refuse it.
    if (!this.primary.adopting) peer.askForLease(this.#core, this.primary.stableSequence);
  }

  /** Control is asked when the peer has been gone for long enough, and again until the outcome is known. */
  #proposeIfDue(): void {
    const { nowMs, options } = this.#core;
    if (this.primary.adopting || nowMs - this.#lastProposalMs < PROPOSE_AGAIN_MS) return;
    const peer = this.primary.peer;
    const asking = this.state === 'SOLO' && this.#join?.isProposed === true;
    const undecided = this.state === 'RECOVERING' && peer === undefined;
    const alone =
      (this.state === 'HOLDING' || this.state === 'RECOVERING') &&
      peer?.ready === false &&
      (nowMs - peer.lostSinceMs >= options.silenceMs || this.#isPeerUnfit);
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
