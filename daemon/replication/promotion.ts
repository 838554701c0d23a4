/**
 * How a replica becomes primary: as the first of a volume; because control says so and it holds what a primary must
 * hold; or because a person chose it although it may lack acknowledged writes, after it went back to what it last held
 * whole. In the last two it serves once the lease is over that it granted to the one before.
 */
import { assert } from '../sys/errors.ts';
import type { Core } from './core.ts';
import type { DirtyMaps } from './dirty.ts';
import type { DurableState, MapChange, Tracked, View } from './interface.ts';
import type { Leader } from './leader.ts';
import type { Secondary } from './secondary.ts';
import type { ReplicaState } from './states.ts';
import type { HostName, Region } from './units.ts';

export const nobody: DurableState['copyFrom'] = { host: '', generation: 0 };

const choosable: ReadonlySet<ReplicaState> = new Set(['STALE', 'JOINING', 'SECONDARY', 'FENCED']);

export interface PromotionParts {
  readonly leader: Leader;
  readonly dirty: DirtyMaps;
  readonly secondary: Secondary;
  /** Ends the link of the primary there was. */
  readonly dropLink: () => void;
}

export class Promotion {
  readonly #core: Core;
  readonly #parts: PromotionParts;
  #isReverting = false;

  constructor(core: Core, parts: PromotionParts) {
    this.#core = core;
    this.#parts = parts;
  }

  promoted(view: View): void {
    const { durable, host, state } = this.#core;
    const first = state === 'BLANK' && view.generation === 1;
    const member =
      state === 'SECONDARY' && durable.complete && durable.view.generation === view.generation - 1;
    const candidate = state === 'JOINING' && durable.candidateFor === view.generation - 1;
    // The pair of control's own rule: a replica that may lack acknowledged writes does not serve, whoever says so.
    if (!view.inSync.includes(host) || !(first || member || candidate)) {
      this.#core.why = `refused to become primary of generation ${String(view.generation)}: ${state} of generation ${String(durable.view.generation)}`;
      return;
    }
    assert(view.inSync.length === 1, 'a replica is promoted alone');
    const { secondary, dropLink } = this.#parts;
    dropLink();
    if (first) {
      this.#becomePrimary(view, { first, tracked: [], regions: [] });
      return;
    }
    const tracked = secondary.unstableKnown ? this.#otherMembers(durable) : [];
    this.#core.transition('PROMOTING', 'waits for the end of the lease that it granted');
    this.#becomePrimary(view, { first, tracked, regions: secondary.unstable.regions() });
  }

  /** Of the set that ends: where they may differ from this replica is what it holds unstable. */
  #otherMembers({ view, candidateFor }: DurableState): Tracked[] {
    const { generation, primary } = view;
    const until = Math.max(generation, candidateFor);
    const others = view.inSync.filter((host) => host !== this.#core.host);
    return others.map((host) => {
      // What the primary held this replica held too. Another secondary may have got what this one did not, and the
      // primary may have pulled that from it when it recovered.
      const covers = host === primary && others.length === 1;
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
    const { durable, options, hostRebooted } = this.#core;
    const { dirty, leader, secondary } = this.#parts;
    const maps = [...dirty.forgetAll(), ...tracked.map(({ host }) => dirty.replace(host, regions))];
    const change = {
      view,
      complete: true,
      blank: false,
      candidateFor: 0,
      bootId: first || !hostRebooted ? options.bootId : durable.bootId,
      promoting: !first,
      consistentAt: view.generation,
      mixed: false,
      copyFrom: nobody,
      tracked,
    };
    leader.primary.adopting = true;
    leader.primary.unstableKnown = first;
    secondary.unstableKnown = false;
    this.#core.persist(
      change,
      () => {
        leader.primary.adopting = false;
        // Copied to meanwhile, by whoever is of a newer generation.
        if (this.#core.state === 'BLANK') leader.serveFirst();
        this.tick();
      },
      maps,
    );
  }

  /** A person chose it, though it may lack acknowledged writes. */
  forced(view: View): void {
    const { durable, generation, state } = this.#core;
    // The last primary, which waits for one that is to give it what it may lack.
    if (state === 'RECOVERING' && view.generation > generation) {
      this.#parts.leader.viewAsPrimary(view);
      return;
    }
    if (view.generation <= generation || !choosable.has(state) || durable.consistentAt === 0) {
      this.#core.why = `cannot become primary of generation ${String(view.generation)}: ${state} of generation ${String(generation)}, consistent as of generation ${String(durable.consistentAt)}`;
      return;
    }
    this.#parts.dropLink();
    this.#core.transition('PROMOTING', 'a person chose this copy; it goes back to what it last held whole');
    const { tracked, maps } = this.#trackOthers(durable);
    // That it is to go back is durable before it does, so that a process that dies on the way does it again.
    // What another primary copied is taken back: it must not go on where it was.
    const alone = { view, complete: false, candidateFor: 0, asking: '', copyFrom: nobody, tracked };
    this.#parts.leader.primary.adopting = true;
    this.#core.persist(
      { ...alone, promoting: true },
      () => {
        this.tick();
      },
      maps,
    );
  }

  /** What it goes back in, and what it held unstable, the others may have otherwise. */
  #trackOthers({ view, tracked, consistentAt }: DurableState): {
    readonly tracked: readonly Tracked[];
    readonly maps: readonly MapChange[];
  } {
    const { dirty, leader, secondary } = this.#parts;
    const regions = [
      ...secondary.fallback.regions,
      ...secondary.unstable.regions(),
      ...leader.primary.unstable.regions(),
    ];
    const isKnown = (host: HostName): boolean => tracked.some((entry) => entry.host === host);
    const others = [...new Set([view.primary, ...view.inSync])].filter(
      (host) => host !== this.#core.host && !isKnown(host),
    );
    const begun = others.map((host): Tracked => {
      const at = { since: consistentAt, until: consistentAt };
      return { host, ...at, covers: false, copying: 0, compare: false };
    });
    const all = [...tracked, ...begun];
    const maps = all.map(({ host }) => dirty.replace(host, [...(dirty.get(host) ?? []), ...regions]));
    return { tracked: all, maps };
  }

  #goBack(): void {
    const { leader, secondary } = this.#parts;
    this.#isReverting = true;
    leader.primary.adopting = true;
    this.#core.whenWritten(() => {
      // A newer generation was heard of meanwhile.
      if (this.#core.state !== 'PROMOTING') this.#isReverting = false;
      else if (!this.#core.durable.mixed) this.#wentBack();
      else
        secondary.fallback.revert(
          () => {
            this.#wentBack();
          },
          (failure) => {
            this.#isReverting = false;
            leader.fence(`what it last held whole cannot be brought back: ${failure}`);
            this.#core.persist({ promoting: false }, () => undefined);
          },
        );
    });
  }

  #wentBack(): void {
    this.#isReverting = false;
    const { durable, options, state } = this.#core;
    // A newer generation was heard of meanwhile.
    if (state !== 'PROMOTING') return;
    const change = { complete: true, consistentAt: durable.view.generation, mixed: false, copyFrom: nobody };
    this.#core.persist({ ...change, blank: false, bootId: options.bootId }, () => {
      if (durable.mixed) this.#parts.secondary.fallback.drop();
      this.#parts.leader.primary.adopting = false;
      this.tick();
    });
  }

  /** Promotion ends when the view is durable and the last lease granted to the old primary is over. */
  tick(): void {
    if (this.#core.state !== 'PROMOTING' || this.#isReverting) return;
    const { leader, secondary } = this.#parts;
    if (!this.#core.durable.complete) {
      if (!this.#core.persisted.complete && this.#core.persisted.promoting) this.#goBack();
      return;
    }
    if (leader.primary.adopting || this.#core.nowMs < secondary.leaseGrantedUntilMs) return;
    this.#core.whenWritten(() => {
      if (this.#core.state === 'PROMOTING') leader.servePromoted(secondary.appliedSequence);
    });
  }
}
