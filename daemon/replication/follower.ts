/**
 * The replica as anything but a primary: answers the hello of a primary, takes its views, and becomes primary itself
 * when control says so and it holds what a primary must hold. What it applies is secondary.ts.
 */
import { assert } from '../sys/errors.ts';
import type { Core } from './core.ts';
import type { ReplicaEvent, View } from './interface.ts';
import type { Leader } from './leader.ts';
import { type Message, type RefusalReason, WIRE_VERSION } from './messages.ts';
import { Secondary } from './secondary.ts';
import { isPrimaryState, type ReplicaState } from './states.ts';

type Frame = Extract<ReplicaEvent, { type: 'frame' }>;
type Hello = Extract<Message, { type: 'hello' }>;

interface Objection {
  readonly reason: RefusalReason;
  readonly message: string;
}

export class Follower {
  readonly secondary: Secondary;
  readonly #core: Core;
  readonly #leader: Leader;

  constructor(core: Core, leader: Leader) {
    this.#core = core;
    this.#leader = leader;
    this.secondary = new Secondary(core);
  }

  get state(): ReplicaState {
    return this.#core.state;
  }

  linkClosed(link: number): void {
    if (this.secondary.link === link) this.secondary.detach();
  }

  hello(link: number, hello: Hello): void {
    const refusal = this.#objectionToLink(link) ?? this.#objectionTo(hello);
    if (refusal !== undefined) {
      this.#core.refuse(link, refusal.reason, refusal.message);
      return;
    }
    if (this.secondary.link !== undefined) {
      this.#core.effects.push({ type: 'close-link', link: this.secondary.link });
      this.secondary.detach();
    }
    this.secondary.lastHeardMs = this.#core.nowMs;
    if (hello.intent === 'join') this.#beginJoining(link, hello);
    else this.#follow(link, hello);
  }

  #objectionToLink(link: number): Objection | undefined {
    if (this.secondary.link === link) return { reason: 'MALFORMED', message: 'a link says hello once' };
    if (this.#leader.peerOfLink(link) === undefined) return undefined;
    return { reason: 'MALFORMED', message: 'the side that dialled says hello' };
  }

  #objectionTo(hello: Hello): Objection | undefined {
    const { generation, durable, options, state, host } = this.#core;
    if (hello.wireVersion !== WIRE_VERSION)
      return {
        reason: 'WIRE_VERSION',
        message: `wire version ${String(hello.wireVersion)}, here ${String(WIRE_VERSION)}`,
      };
    if (hello.sizeBytes !== options.sizeBytes)
      return {
        reason: 'STATE',
        message: `size ${String(hello.sizeBytes)}, here ${String(options.sizeBytes)}`,
      };
    if (hello.generation < generation)
      return {
        reason: 'GENERATION',
        message: `generation ${String(hello.generation)}, here ${String(generation)}`,
      };
    // Two primaries in one generation cannot be: one of the names is wrong.
    if (hello.host === host || (hello.generation === generation && hello.host !== durable.view.primary))
      return { reason: 'STATE', message: `${hello.host} is not primary of generation ${String(generation)}` };
    if (hello.intent === 'join') return this.#objectionToJoin(hello);
    const accepted = hello.generation === generation || hello.generation === durable.candidateFor;
    if ((state !== 'SECONDARY' && state !== 'JOINING') || !accepted)
      return { reason: 'STATE', message: `this replica is ${state} of generation ${String(generation)}` };
    if (state === 'JOINING' && hello.generation !== durable.candidateFor)
      return { reason: 'STATE', message: 'the copy to this replica is not complete' };
    // What it was told to flush may be gone although its next flush would succeed.
    if (this.secondary.diskHasFailed)
      return { reason: 'DISK', message: `the disk of ${options.host} failed; it has to be copied to anew` };
    if (hello.intent === 'resume') {
      const same =
        hello.peerIncarnation === options.incarnation &&
        hello.incarnation === this.secondary.primaryIncarnation &&
        this.secondary.unstableKnown;
      if (!same)
        return { reason: 'INCARNATION', message: 'this process is not the one that took part before' };
    }
    return undefined;
  }

  #objectionToJoin(hello: Hello): Objection | undefined {
    const { generation, durable, state, host } = this.#core;
    // What serves, or is in the in-sync set of the very generation, is nobody's target: the sender has to be newer.
    const newer = hello.generation > generation;
    if (isPrimaryState(state) && !newer) return { reason: 'STATE', message: `this replica is ${state}` };
    if (!newer && durable.complete && durable.view.inSync.includes(host))
      return { reason: 'STATE', message: 'this replica is in the in-sync set' };
    return undefined;
  }

  #beginJoining(link: number, hello: Hello): void {
    const { blank } = this.#core.durable;
    const primary = hello.host;
    this.#leader.fence(`${primary} is primary of generation ${String(hello.generation)}`);
    if (this.state === 'SECONDARY') this.#core.transition('STALE', 'dropped from the in-sync set');
    this.secondary.attach(link, hello.incarnation);
    const view =
      hello.generation > this.#core.generation
        ? { generation: hello.generation, primary, inSync: [primary] }
        : this.#core.durable.view;
    // Durable before the first byte of the copy: a copy that breaks off must never look like a complete replica.
    const change = { view, complete: false, blank: false, candidateFor: 0, asking: '', promoting: false };
    this.#core.persist(change, () => {
      this.#core.whenWritten(() => {
        if (this.secondary.link !== link) return;
        this.secondary.beginJoin();
        this.#answerHello(link, blank);
      });
    });
    this.#core.transition('JOINING', `${primary} copies to this replica`);
  }

  #follow(link: number, hello: Hello): void {
    this.secondary.attach(link, hello.incarnation);
    if (hello.generation === this.#core.generation) {
      this.#answerHello(link, false);
      return;
    }
    // A candidate whose primary was told "yes", and that has not heard of it before the link broke.
    const view = { generation: hello.generation, primary: hello.host, inSync: [hello.host, this.#core.host] };
    this.#becomeSecondary(view, () => {
      if (this.secondary.link === link) this.#answerHello(link, false);
    });
  }

  #answerHello(link: number, blank: boolean): void {
    this.#core.send(link, {
      type: 'hello-answer',
      wireVersion: WIRE_VERSION,
      host: this.#core.host,
      generation: this.#core.generation,
      incarnation: this.#core.options.incarnation,
      appliedSequence: this.secondary.appliedSequence,
      unstableKnown: this.secondary.unstableKnown,
      blank,
    });
  }

  #becomeSecondary(view: View, then: () => void): void {
    const { options, durable } = this.#core;
    // Of a process that did not take part in all of it, a view says nothing about what its machine lost in a restart.
    const { bootId } = this.secondary.unstableKnown ? options : durable;
    this.#core.persist({ view, complete: true, candidateFor: 0, bootId }, then);
    this.#core.transition('SECONDARY', `in sync with ${view.primary}`);
  }

  frameOfPrimary({ link, message, payload }: Frame): void {
    this.secondary.lastHeardMs = this.#core.nowMs;
    if (message.type === 'view') {
      this.#viewOfPrimary(link, message);
      return;
    }
    if (message.type === 'candidate') {
      this.#candidate(link, message);
      return;
    }
    if (message.type === 'refusal') {
      this.#dropPrimaryLink();
      return;
    }
    if (!('generation' in message) || message.generation !== this.#core.generation) {
      const theirs = 'generation' in message ? message.generation : 'no';
      this.#core.refuse(
        link,
        'GENERATION',
        `generation ${String(theirs)}, here it is ${String(this.#core.generation)}`,
      );
      return;
    }
    this.secondary.onFrame(message, payload);
  }

  #viewOfPrimary(link: number, view: Extract<Message, { type: 'view' }>): void {
    const { durable, host } = this.#core;
    const expected = this.state === 'JOINING' && durable.candidateFor === view.generation;
    if (!expected || view.primary !== durable.view.primary || !view.inSync.includes(host)) {
      this.#core.refuse(link, 'STATE', `view ${String(view.generation)} does not follow from ${this.state}`);
      return;
    }
    const { generation, primary, inSync } = view;
    this.#becomeSecondary({ generation, primary, inSync }, () => {
      if (this.secondary.link === link) this.#core.send(link, { type: 'view-answer', generation });
    });
  }

  #candidate(link: number, message: Extract<Message, { type: 'candidate' }>): void {
    if (this.state !== 'JOINING' || message.generation !== this.#core.generation) {
      this.#core.refuse(link, 'STATE', 'only a joining replica becomes a candidate');
      return;
    }
    const candidateFor = message.proposedGeneration;
    if (candidateFor !== message.generation + 1) {
      this.#core.refuse(
        link,
        'MALFORMED',
        `generation ${String(candidateFor)} does not follow from this one`,
      );
      return;
    }
    this.#core.persist({ candidateFor, bootId: this.#core.options.bootId }, () => {
      if (this.secondary.link === link)
        this.#core.send(link, { type: 'candidate-answer', proposedGeneration: candidateFor });
    });
  }

  /** Another is primary of a newer generation. */
  followView(view: View): void {
    const { host, durable } = this.#core;
    if (view.inSync.includes(host)) {
      // A candidate learns of it from its primary, in the stream; the control store only confirms it. A secondary of
      // the generation before holds what was acknowledged in both: in the new one nothing is without it.
      const follows =
        view.generation === durable.view.generation + 1 && view.primary === durable.view.primary;
      if (this.state !== 'SECONDARY' || !follows) return;
      this.#dropPrimaryLink();
      this.#becomeSecondary(view, () => undefined);
      return;
    }
    if (this.state === 'SECONDARY' || this.state === 'JOINING')
      this.#core.transition('STALE', `dropped from the in-sync set by generation ${String(view.generation)}`);
    this.#dropPrimaryLink();
    this.#core.persist({ view, complete: false, candidateFor: 0 }, () => undefined);
  }

  promoted(view: View): void {
    const { durable, host, options } = this.#core;
    const first = this.state === 'BLANK' && view.generation === 1;
    const member =
      this.state === 'SECONDARY' && durable.complete && durable.view.generation === view.generation - 1;
    const candidate = this.state === 'JOINING' && durable.candidateFor === view.generation - 1;
    // The pair of control's own rule: a replica that may lack acknowledged writes does not serve, whoever says so.
    if (!view.inSync.includes(host) || !(first || member || candidate)) {
      this.#core.why = `refused to become primary of generation ${String(view.generation)}: ${this.state} of generation ${String(durable.view.generation)}`;
      return;
    }
    assert(view.inSync.length === 1, 'a replica is promoted alone');
    this.#dropPrimaryLink();
    const { bootId } = options;
    const bootIdKept = this.#core.hostRebooted ? durable.bootId : bootId;
    const change = {
      view,
      complete: true,
      blank: durable.blank && first,
      candidateFor: 0,
      bootId: bootIdKept,
      promoting: !first,
    };
    if (first) {
      this.#leader.primary.adopting = true;
      this.#core.persist({ ...change, blank: false, bootId }, () => {
        this.#leader.primary.adopting = false;
        // Copied to meanwhile, by whoever is of a newer generation.
        if (this.state === 'BLANK') this.#leader.serveFirst();
      });
      return;
    }
    this.#leader.primary.adopting = true;
    this.#core.transition('PROMOTING', 'waits for the end of the lease that it granted');
    this.#core.persist(change, () => {
      this.#leader.primary.adopting = false;
      this.maybeServe();
    });
  }

  /** Promotion ends when the view is durable and the last lease granted to the old primary is over. */
  maybeServe(): void {
    if (this.state !== 'PROMOTING' || this.#leader.primary.adopting) return;
    if (this.#core.nowMs < this.secondary.leaseGrantedUntilMs) return;
    this.#core.whenWritten(() => {
      if (this.state !== 'PROMOTING') return;
      this.#leader.servePromoted(this.secondary.appliedSequence);
    });
  }

  #dropPrimaryLink(): void {
    const { link } = this.secondary;
    if (link === undefined) return;
    this.#core.effects.push({ type: 'close-link', link });
    this.secondary.detach();
  }
}
