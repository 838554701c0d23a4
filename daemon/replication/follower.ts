/**
 * The replica as anything but a primary: answers the hello of a primary, and takes its views.
 * What it applies is secondary.ts, how it becomes primary itself promotion.ts.
 */
import type { Core } from './core.ts';
import type { DirtyMaps } from './dirty.ts';
import type { ReplicaEvent, View } from './interface.ts';
import type { Leader } from './leader.ts';
import {
  commonVersion,
  describeVersions,
  MAX_PAYLOAD_BYTES,
  type Message,
  type RefusalReason,
} from './messages.ts';
import { nobody, Promotion } from './promotion.ts';
import { RegionSet } from './region-set.ts';
import { Secondary } from './secondary.ts';
import { isPrimaryState, type ReplicaState } from './states.ts';
import { REGION_BYTES, type Region } from './units.ts';

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

  readonly promotion: Promotion;
  readonly #dirty: DirtyMaps;

  constructor(
    core: Core,
    parts: { readonly leader: Leader; readonly dirty: DirtyMaps; readonly preserved: readonly Region[] },
  ) {
    this.#core = core;
    this.#leader = parts.leader;
    this.#dirty = parts.dirty;
    this.secondary = new Secondary(core, parts.dirty, parts.preserved);
    this.promotion = new Promotion(core, {
      leader: parts.leader,
      dirty: parts.dirty,
      secondary: this.secondary,
      dropLink: () => {
        this.#dropPrimaryLink();
      },
    });
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
    const { generation, durable, options, sizeBytes, state, host } = this.#core;
    if (commonVersion({ oldest: hello.oldestVersion, newest: hello.wireVersion }) === undefined)
      return {
        reason: 'WIRE_VERSION',
        message: `wire versions ${String(hello.oldestVersion)} to ${String(hello.wireVersion)}, here ${describeVersions()}`,
      };
    // A volume grows on its secondaries first. What a target has beyond the end of its primary nobody would copy.
    if (hello.intent === 'join' ? hello.sizeBytes !== sizeBytes : hello.sizeBytes > sizeBytes)
      return { reason: 'STATE', message: `size ${String(hello.sizeBytes)}, here ${String(sizeBytes)}` };
    if (hello.generation < generation)
      return {
        reason: 'GENERATION',
        message: `generation ${String(hello.generation)}, here ${String(generation)}`,
      };
    // Two primaries in one generation cannot be: one of the names is wrong.
    if (hello.host === host || (hello.generation === generation && hello.host !== durable.view.primary))
      return { reason: 'STATE', message: `${hello.host} is not primary of generation ${String(generation)}` };
    if (hello.intent === 'join') return this.#objectionToJoin(hello);
    // What it was told to flush may be gone although its next flush would succeed.
    if (this.#core.diskHasFailed)
      return { reason: 'DISK', message: `the disk of ${options.host} failed; it has to be copied to anew` };
    if (!this.#isMemberFor(hello)) {
      const message = `this replica is ${state} of generation ${String(generation)}`;
      return { reason: 'STATE', message };
    }
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

  /**
   * It holds what a member of that generation holds. The set may have changed around it without its hearing of it: to
   * come back into a set that it had left it would have had to become a candidate again.
   */
  #isMemberFor(hello: Hello): boolean {
    const { durable, generation, host, state } = this.#core;
    if (state === 'SECONDARY' && hello.generation === generation) return true;
    const from = state === 'SECONDARY' ? generation : state === 'JOINING' ? durable.candidateFor : 0;
    const isOfThePrimary = hello.host === durable.view.primary && hello.inSync.includes(host);
    return from !== 0 && hello.generation >= from && isOfThePrimary;
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
    const primary = hello.host;
    this.#leader.fence(`${primary} is primary of generation ${String(hello.generation)}`);
    if (this.state === 'SECONDARY') this.#core.transition('STALE', 'dropped from the in-sync set');
    this.secondary.attach(link, hello.incarnation);
    const view =
      hello.generation > this.#core.generation
        ? { generation: hello.generation, primary, inSync: hello.inSync }
        : this.#core.durable.view;
    // Durable before the first byte of the copy: a copy that breaks off must never look like a complete replica.
    const change = { view, complete: false, candidateFor: 0, asking: '', promoting: false };
    this.#core.persist(change, () => {
      this.#core.whenWritten(() => {
        if (this.secondary.link !== link) return;
        this.secondary.beginJoin();
        this.#answerHello(link, hello);
      });
    });
    this.#core.transition('JOINING', `${primary} copies to this replica`);
  }

  #follow(link: number, hello: Hello): void {
    this.secondary.attach(link, hello.incarnation);
    const answer = (): void => {
      if (this.secondary.link === link) this.#answerHello(link, hello);
    };
    if (hello.generation === this.#core.generation) {
      // A new process goes by what is applied, which a write that is under way is about to change.
      if (hello.intent === 'recover') this.#core.whenWritten(answer);
      else answer();
      return;
    }
    // Its primary was told "yes", and it has not heard of it before the link broke.
    const view = { generation: hello.generation, primary: hello.host, inSync: hello.inSync };
    this.#becomeSecondary(view, () => {
      if (hello.intent === 'recover') this.#core.whenWritten(answer);
      else answer();
    });
  }

  #answerHello(link: number, hello: Hello): void {
    const { secondary } = this;
    const { durable, host, generation, options, sizeBytes } = this.#core;
    const { copyFrom } = durable;
    const own = this.#dirty.entry(hello.host);
    // Two members that have applied as much are equal, unless the disk of one failed the next write halfway.
    const mayPassForOther = hello.intent === 'recover' && hello.inSync.length > 2 && secondary.holdsPart;
    const message: Message = {
      type: 'hello-answer',
      wireVersion: commonVersion({ oldest: hello.oldestVersion, newest: hello.wireVersion }) ?? 0,
      host,
      generation,
      incarnation: options.incarnation,
      appliedSequence: secondary.appliedSequence,
      unstableKnown: secondary.unstableKnown && !mayPassForOther,
      blank: durable.blank,
      consistentAt: own?.until ?? durable.consistentAt,
      copyingSince: copyFrom.host === hello.host ? copyFrom.generation : 0,
      changesKnown: own !== undefined || secondary.unstableKnown || this.#leader.primary.unstableKnown,
      distrusted: this.#core.diskHasFailed,
    };
    const changes = hello.intent === 'join' ? this.#ownChanges(hello.host) : undefined;
    if (changes === undefined || changes.size === 0) this.#core.send(link, message);
    // Of more than 16 TiB they do not fit into a frame: it is compared.
    else if (sizeBytes / REGION_BYTES / 8 <= MAX_PAYLOAD_BYTES)
      this.#core.send(link, message, changes.bitmap());
    else this.#core.send(link, { ...message, consistentAt: 0, changesKnown: false });
  }

  /** What this replica wrote that `host`, which will copy to it, may not know of. */
  #ownChanges(host: string): RegionSet {
    const changes = new RegionSet(this.#core.sizeBytes / REGION_BYTES);
    changes.addAll(this.#dirty.get(host) ?? []);
    changes.addAll(this.secondary.fallback.regions);
    changes.addAll(this.secondary.unstable.regions());
    changes.addAll(this.#leader.primary.unstable.regions());
    return changes;
  }

  #becomeSecondary(view: View, then: () => void): void {
    const { options, durable } = this.#core;
    // Of a process that did not take part in all of it, a view says nothing about what its machine lost in a restart.
    const { bootId } = this.secondary.unstableKnown ? options : durable;
    const isCopied = durable.mixed;
    const change = { view, complete: true, candidateFor: 0, bootId, copyFrom: nobody, tracked: [] };
    // Of a scrub it hears in the stream, for as long as it takes part.
    const scrubbedTo = this.state === 'SECONDARY' ? durable.scrubbedTo : 0;
    this.#core.persist(
      { ...change, consistentAt: view.generation, mixed: false, scrubbedTo },
      () => {
        if (isCopied) this.secondary.fallback.drop();
        then();
      },
      this.#dirty.forgetAll(),
    );
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
    const expected =
      this.state === 'SECONDARY'
        ? view.generation === durable.view.generation + 1
        : this.state === 'JOINING' && durable.candidateFor === view.generation;
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
    const isJoining = this.state === 'JOINING' && !this.secondary.awaitsBegin;
    if (!isJoining || message.generation !== this.#core.generation) {
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
    const { generation, options } = this.#core;
    this.secondary.numberFrom(message.sequence);
    // The copy is complete and flushed: what was kept of the time before is worth less than what there is now.
    const complete = { consistentAt: generation, mixed: false, flushFailedIn: '' };
    const change = { candidateFor, bootId: options.bootId, ...complete };
    this.#core.persist(change, () => {
      this.secondary.fallback.drop();
      if (this.secondary.link === link)
        this.#core.send(link, { type: 'candidate-answer', proposedGeneration: candidateFor });
    });
  }

  /** Another is primary of a newer generation. */
  followView(view: View): void {
    const { host, durable } = this.#core;
    if (view.inSync.includes(host)) {
      // A candidate learns of it from its primary, in the stream; the control store only confirms it. A secondary of
      // an earlier generation holds what was acknowledged in both: in the new one nothing is without it.
      const follows = view.primary === durable.view.primary;
      if (this.state !== 'SECONDARY' || !follows) return;
      // The primary says it in the stream, between the writes of the two generations, as long as it says anything.
      const { link, lastHeardMs } = this.secondary;
      if (link !== undefined && this.#core.nowMs - lastHeardMs <= this.#core.options.silenceMs) return;
      this.#dropPrimaryLink();
      this.#becomeSecondary(view, () => undefined);
      return;
    }
    if (this.state === 'SECONDARY' || this.state === 'JOINING')
      this.#core.transition('STALE', `dropped from the in-sync set by generation ${String(view.generation)}`);
    this.#dropPrimaryLink();
    this.#core.persist({ view, complete: false, candidateFor: 0 }, () => undefined);
  }

  #dropPrimaryLink(): void {
    const { link } = this.secondary;
    if (link === undefined) return;
    this.#core.effects.push({ type: 'close-link', link });
    this.secondary.detach();
  }
}
