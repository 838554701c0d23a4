/**
 * The replica as anything but a primary: answers the hello of a primary, takes its views, and becomes primary itself
 * when control says so and it holds what a primary must hold. What it applies is secondary.ts.
 */
import { assert } from '../sys/errors.ts';
import type { Core } from './core.ts';
import type { DirtyMaps } from './dirty.ts';
import type { DurableState, ReplicaEvent, Tracked, View } from './interface.ts';
import type { Leader } from './leader.ts';
import {
  commonVersion,
  describeVersions,
  MAX_PAYLOAD_BYTES,
  type Message,
  type RefusalReason,
} from './messages.ts';
import { RegionSet } from './region-set.ts';
import { Secondary } from './secondary.ts';
import { isPrimaryState, type ReplicaState } from './states.ts';
import { REGION_BYTES, type Region } from './units.ts';

type Frame = Extract<ReplicaEvent, { type: 'frame' }>;
type Hello = Extract<Message, { type: 'hello' }>;

const nobody: DurableState['copyFrom'] = { host: '', generation: 0 };

interface Objection {
  readonly reason: RefusalReason;
  readonly message: string;
}

export class Follower {
  readonly secondary: Secondary;
  readonly #core: Core;
  readonly #leader: Leader;

  readonly #dirty: DirtyMaps;

  constructor(
    core: Core,
    parts: { readonly leader: Leader; readonly dirty: DirtyMaps; readonly preserved: readonly Region[] },
  ) {
    this.#core = core;
    this.#leader = parts.leader;
    this.#dirty = parts.dirty;
    this.secondary = new Secondary(core, parts.dirty, parts.preserved);
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
    if (commonVersion({ oldest: hello.oldestVersion, newest: hello.wireVersion }) === undefined)
      return {
        reason: 'WIRE_VERSION',
        message: `wire versions ${String(hello.oldestVersion)} to ${String(hello.wireVersion)}, here ${describeVersions()}`,
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
    // What it was told to flush may be gone although its next flush would succeed.
    if (this.#core.diskHasFailed)
      return { reason: 'DISK', message: `the disk of ${options.host} failed; it has to be copied to anew` };
    // The set changed around this replica, and it has not heard of it.
    const isNext =
      state === 'SECONDARY' &&
      hello.generation === generation + 1 &&
      hello.host === durable.view.primary &&
      hello.inSync.includes(host);
    const accepted = hello.generation === generation || hello.generation === durable.candidateFor || isNext;
    if ((state !== 'SECONDARY' && state !== 'JOINING') || !accepted)
      return { reason: 'STATE', message: `this replica is ${state} of generation ${String(generation)}` };
    if (state === 'JOINING' && hello.generation !== durable.candidateFor)
      return { reason: 'STATE', message: 'the copy to this replica is not complete' };
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
    if (hello.generation === this.#core.generation) {
      this.#answerHello(link, hello);
      return;
    }
    // Its primary was told "yes", and it has not heard of it before the link broke.
    const view = { generation: hello.generation, primary: hello.host, inSync: hello.inSync };
    this.#becomeSecondary(view, () => {
      if (this.secondary.link === link) this.#answerHello(link, hello);
    });
  }

  #answerHello(link: number, hello: Hello): void {
    const { secondary } = this;
    const { durable, host, generation, options } = this.#core;
    const { copyFrom } = durable;
    const own = this.#dirty.entry(hello.host);
    const message: Message = {
      type: 'hello-answer',
      wireVersion: commonVersion({ oldest: hello.oldestVersion, newest: hello.wireVersion }) ?? 0,
      host,
      generation,
      incarnation: options.incarnation,
      appliedSequence: secondary.appliedSequence,
      unstableKnown: secondary.unstableKnown,
      blank: durable.blank,
      consistentAt: own?.until ?? durable.consistentAt,
      copyingSince: copyFrom.host === hello.host ? copyFrom.generation : 0,
      changesKnown: own !== undefined || secondary.unstableKnown,
      distrusted: this.#core.diskHasFailed,
    };
    const changes = hello.intent === 'join' ? this.#ownChanges(hello.host) : undefined;
    if (changes === undefined || changes.size === 0) this.#core.send(link, message);
    // Of more than 16 TiB they do not fit into a frame: it is compared.
    else if (options.sizeBytes / REGION_BYTES / 8 <= MAX_PAYLOAD_BYTES)
      this.#core.send(link, message, changes.bitmap());
    else this.#core.send(link, { ...message, consistentAt: 0, changesKnown: false });
  }

  /** What this replica wrote that `host`, which will copy to it, may not know of. */
  #ownChanges(host: string): RegionSet {
    const changes = new RegionSet(this.#core.options.sizeBytes / REGION_BYTES);
    changes.addAll(this.#dirty.get(host) ?? []);
    changes.addAll(this.secondary.fallback.regions);
    changes.addAll(this.secondary.unstable.regions());
    return changes;
  }

  #becomeSecondary(view: View, then: () => void): void {
    const { options, durable } = this.#core;
    // Of a process that did not take part in all of it, a view says nothing about what its machine lost in a restart.
    const { bootId } = this.secondary.unstableKnown ? options : durable;
    const isCopied = durable.mixed;
    const change = { view, complete: true, candidateFor: 0, bootId, copyFrom: nobody, tracked: [] };
    this.#core.persist(
      { ...change, consistentAt: view.generation, mixed: false },
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
    // The copy is complete and flushed: what was kept of the time before is worth less than what there is now.
    const change = { candidateFor, bootId: options.bootId, consistentAt: generation, mixed: false };
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
      // the generation before holds what was acknowledged in both: in the new one nothing is without it.
      const follows =
        view.generation === durable.view.generation + 1 && view.primary === durable.view.primary;
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

  promoted(view: View): void {
    const { durable, host } = this.#core;
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
    const tracked = first || !this.secondary.unstableKnown ? [] : this.#otherMembers(durable);
    this.#becomePrimary(view, { first, tracked, regions: this.secondary.unstable.regions() });
  }

  /** Of the set that ends: where they may differ from this replica is what it holds unstable. */
  #otherMembers({ view, candidateFor }: DurableState): Tracked[] {
    const { generation, primary } = view;
    const until = Math.max(generation, candidateFor);
    return view.inSync
      .filter((host) => host !== this.#core.host)
      .map((host) => {
        // What the primary held this replica held too; another secondary may have got what this one did not.
        const covers = host === primary;
        return { host, since: generation, until, covers, copying: 0, compare: false };
      });
  }

  #becomePrimary(
    view: View,
    {
      first,
      tracked,
      regions,
    }: {
      readonly first: boolean;
      readonly tracked: readonly Tracked[];
      readonly regions: readonly Region[];
    },
  ): void {
    const { durable, options } = this.#core;
    const { primary } = this.#leader;
    const maps = [
      ...this.#dirty.forgetAll(),
      ...tracked.map(({ host }) => this.#dirty.replace(host, regions)),
    ];
    const change = {
      view,
      complete: true,
      blank: false,
      candidateFor: 0,
      bootId: first || !this.#core.hostRebooted ? options.bootId : durable.bootId,
      promoting: !first,
      consistentAt: view.generation,
      mixed: false,
      copyFrom: nobody,
      tracked,
    };
    primary.adopting = true;
    if (!first) this.#core.transition('PROMOTING', 'waits for the end of the lease that it granted');
    this.#core.persist(
      change,
      () => {
        primary.adopting = false;
        if (durable.mixed) this.secondary.fallback.drop();
        // Copied to meanwhile, by whoever is of a newer generation.
        if (this.state === 'BLANK') this.#leader.serveFirst();
        this.maybeServe();
      },
      maps,
    );
  }

  /** A person chose it, though it may lack acknowledged writes: what it last held whole is what there is from now on. */
  forced(view: View): void {
    const { durable, generation } = this.#core;
    const { state } = this;
    const isIdle = state === 'STALE' || state === 'JOINING' || state === 'SECONDARY';
    if (view.generation <= generation || !isIdle || durable.consistentAt === 0) {
      this.#core.why = `cannot become primary of generation ${String(view.generation)}: ${state}, consistent as of generation ${String(durable.consistentAt)}`;
      return;
    }
    this.#dropPrimaryLink();
    this.#core.transition('PROMOTING', 'a person chose this copy; it goes back to what it last held whole');
    this.#leader.primary.adopting = true;
    const { fallback } = this.secondary;
    this.#core.whenWritten(() => {
      if (!durable.mixed) this.#serveForced(view, []);
      else
        fallback.revert(
          () => {
            this.#serveForced(view, [...fallback.regions]);
          },
          (failure) => {
            this.#core.why = `what it last held whole cannot be brought back: ${failure}`;
          },
        );
    });
  }

  /** `reverted`: regions in which it may differ from whoever copied to it. */
  #serveForced(view: View, reverted: readonly Region[]): void {
    // A newer generation was heard of meanwhile.
    if (this.state !== 'PROMOTING') return;
    const { durable, host } = this.#core;
    const since = durable.consistentAt;
    const others = [...new Set([durable.view.primary, ...durable.view.inSync])].filter(
      (name) => name !== host,
    );
    const tracked = others.map((name) => {
      return { host: name, since, until: since, covers: false, copying: 0, compare: false };
    });
    const regions = [...reverted, ...this.secondary.unstable.regions()];
    this.#becomePrimary(view, { first: false, tracked, regions });
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
