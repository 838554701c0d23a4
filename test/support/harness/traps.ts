/**
 * Faults that wait for a bad moment and then strike several things at once: what plain chance meets once in many
 * thousand runs. Each is something that hosts, links, people and stores do, together and at the worst time.
 */
import type { Effect } from '../../../daemon/replication/interface.ts';
import { isPrimaryState } from '../../../daemon/replication/states.ts';
import { RESTORE_MS } from './control.ts';
import type { Host } from './host.ts';
import type { Process } from './process.ts';
import type { Random } from './random.ts';
import type { World } from './world.ts';

/** Sees an effect before it is performed. True: it was the moment. */
type Trap = (process: Process, effect: Effect) => boolean;

/** A copy that takes so long is flushed now and then (daemon/replication/cleaning.ts). */
const LINGER_MS = 2100;
/** So long a primary and the others are kept from each other at most. */
const AWAY_MS = 1500;
/** The longest that a proposal is on its way. */
const LATE_MS = 2000;
/** Longer than any instant, and shorter than anything that takes time. */
const INSTANT_MS = 1e-6;

export class Traps {
  readonly #world: World;
  readonly #armed = new Set<Trap>();

  constructor(world: World) {
    this.#world = world;
  }

  see(process: Process, effect: Effect): void {
    for (const trap of this.#armed) if (trap(process, effect)) this.#armed.delete(trap);
  }

  /**
   * A secondary dies for long enough to be copied to, and the copy begins so late that what was copied is flushed
   * meanwhile. The source's flush takes its time, as other writes do not: they go to the cache. When the target has
   * flushed, the link breaks.
   */
  cutAtFlush(random: Random): void {
    const { control, network } = this.#world;
    // The second would end the copy of the first.
    if (control.lingersForMs > 0) return;
    control.lingersForMs = LINGER_MS;
    const { primary, inSync } = control.record;
    const secondary = inSync.find((name) => name !== primary);
    if (secondary !== undefined && control.isCurrent) this.#kill(secondary, random.between(350, 700));
    this.#armed.add((process, effect) => {
      const flush = this.#flushOfCopy(process, effect);
      if (flush === undefined) return false;
      const flushMs = random.between(100, 400);
      process.host.flushesHangUntilMs = this.#nowMs + flushMs;
      // Nor does the next copy get so far before that flush ends.
      this.#later(2 * flushMs, () => (control.lingersForMs = 0));
      this.#armed.add((_target, answer) => {
        if (answer.type !== 'send' || answer.message.type !== 'flush-answer') return false;
        if (answer.message.flushId !== flush) return false;
        this.#later(random.between(2, 15), () => network.cutAll());
        return true;
      });
      return true;
    });
  }

  /** The number of the flush that a source asks of its target. */
  #flushOfCopy(process: Process, effect: Effect): number | undefined {
    if (effect.type !== 'send' || effect.message.type !== 'flush') return undefined;
    const { join } = process.status;
    if (join?.phase !== 'CATCHING_UP' || process.peerOf(effect.link) !== join.target) return undefined;
    return effect.message.flushId;
  }

  /**
   * The primary goes on without the others, which hear neither it nor control; at the very moment at which it asks its
   * store to keep that, it dies, and its next life reaches the others before control reaches anybody.
   */
  killAtView(random: Random): void {
    const { control, hosts, network } = this.#world;
    const { primary, inSync } = control.record;
    const others = inSync.filter((name) => name !== primary).flatMap((name) => hosts.get(name) ?? []);
    if (others.length === 0) return;
    for (const host of others) {
      reach(host, false);
      network.block(primary, host.name);
      network.block(host.name, primary);
    }
    let isOver = false;
    const end = (): void => {
      isOver = true;
      network.unblockAll();
      for (const host of hosts.values()) reach(host, true);
    };
    this.#later(AWAY_MS, () => {
      if (!isOver) end();
    });
    this.#armed.add((process, effect) => {
      if (isOver) return true;
      if (effect.type !== 'persist' || !isPrimaryState(process.state) || process.name !== primary)
        return false;
      const { view } = effect.durable;
      if (view.primary !== primary || view.generation <= process.host.store.durable.view.generation)
        return false;
      isOver = true;
      this.#later(random.between(0, 25), () => {
        network.unblockAll();
        if (!control.isCurrent) return;
        reach(process.host, false);
        this.#kill(primary, random.between(1, 40));
      });
      this.#later(random.between(200, 800), end);
      return true;
    });
  }

  /**
   * Nobody hears the primary any more, and it still answers reads under its lease; whoever is promoted in its place dies
   * before the lease is over that it granted, and is back at once.
   */
  killPromoted(random: Random): void {
    const { control, network } = this.#world;
    const { primary, others } = this.#hidePrimary();
    for (const other of others) {
      network.block(primary, other);
      network.block(other, primary);
    }
    this.#armed.add((process, effect) => {
      if (effect.type !== 'state-changed' || effect.to !== 'PROMOTING') return false;
      this.#later(random.between(0, 30), () => {
        if (control.isCurrent) this.#kill(process.name, random.between(1, 10));
      });
      return true;
    });
  }

  /** The leases that the primary asks for are granted, and the answers come late; then nobody hears it any more. */
  lateGrant(random: Random): void {
    const { network } = this.#world;
    const { primary, others } = this.#hidePrimary();
    for (const other of others) {
      network.block(other, primary);
      this.#later(random.between(60, 120), () => network.block(primary, other));
      this.#later(random.between(220, 280), () => network.unblock(other, primary));
    }
  }

  /**
   * A proposal to take a target in is long on its way. Meanwhile the workflow that copied has failed, somebody begins a
   * move, and drops it.
   */
  undoWhileAsking(random: Random): void {
    const { control } = this.#world;
    this.#armed.add((process, effect) => {
      if (effect.type !== 'propose' || effect.inSync.length <= process.view.inSync.length) return false;
      control.slow = { ms: LATE_MS, untilMs: this.#nowMs + INSTANT_MS };
      this.#later(random.between(0, 5), () => {
        control.failWorkflow();
        control.stepDown();
      });
      this.#later(random.between(30, 400), () => control.serveOn(process.name));
      return true;
    });
  }

  /**
   * A member is told that it was dropped, and dies before it keeps that; the store comes back from a backup that does not
   * know it either; and the primary, which does, is away for longer than control waits for it.
   */
  forgetDrop(random: Random): void {
    const { control } = this.#world;
    this.#armed.add((process, effect) => {
      if (effect.type !== 'persist' || control.isAway || !control.isCurrent) return false;
      const { complete, view } = effect.durable;
      const { durable } = process.host.store;
      const isDropped = durable.complete && !complete && view.generation > durable.view.generation;
      const isLast = control.record.generation === view.generation && view.inSync.length === 1;
      const isTold = control.hasTold(process.host);
      if (!isDropped || !isLast || !isTold || view.primary === process.name) return false;
      this.#later(0, () => {
        this.#kill(process.name, random.between(1, 100));
        control.restoreOlder(1, process.name);
      });
      this.#later(RESTORE_MS - random.between(0, 300), () =>
        this.#kill(view.primary, random.between(1500, 3000)),
      );
      return true;
    });
  }

  /** From control, for a while; then it hears everybody again. */
  #hidePrimary(): { readonly primary: string; readonly others: readonly string[] } {
    const { control, hosts, network } = this.#world;
    const { primary } = control.record;
    const host = hosts.get(primary);
    if (host !== undefined) reach(host, false);
    this.#later(AWAY_MS, () => {
      network.unblockAll();
      if (host !== undefined) reach(host, true);
    });
    return { primary, others: [...hosts.keys()].filter((name) => name !== primary) };
  }

  get #nowMs(): number {
    return this.#world.scheduler.nowMs;
  }

  #kill(name: string, awayMs: number): void {
    this.#world.crash(name);
    this.#later(awayMs, () => this.#world.start(name));
  }

  #later(ms: number, act: () => void): void {
    inTrouble(this.#world, ms, act);
  }
}

/** Peace comes before its time where it is not over by then. */
export function inTrouble(world: World, ms: number, act: () => void): void {
  world.scheduler.after(ms, () => {
    if (!world.isAtPeace) act();
  });
}

function reach(host: Host, reaches: boolean): void {
  host.reachesControl = reaches;
  host.controlReachesIt = reaches;
}
