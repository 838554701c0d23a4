/** What must hold after every step, whatever broke. docs/replication.md says why each of these is promised. */
import type { VolumeRecord } from '../../../control/model/records.ts';
import type { Effect, ReplicaEvent } from '../../../daemon/replication/interface.ts';
import { isPrimaryState } from '../../../daemon/replication/states.ts';
import { Durability } from './durability.ts';
import { Equality } from './equality.ts';
import { FallbackChecks } from './fallback-checks.ts';
import type { Write } from './history-sector.ts';
import type { Host } from './host.ts';
import { MapChecks } from './map-checks.ts';
import type { Process } from './process.ts';
import { ScrubChecks } from './scrub-checks.ts';
import type { World } from './world.ts';

/** Comparing disks costs: not after each step of a burst. */
const COMPARE_EVERY_STEPS = 25;

export class Checks {
  readonly durability: Durability;
  readonly equality: Equality;
  readonly fallbacks: FallbackChecks;
  readonly scrubs: ScrubChecks;
  readonly #maps: MapChecks;
  readonly #world: World;
  /** The process that may answer clients: the last one that began to serve, as long as it does. */
  #reigns: Process | undefined;
  #reignBeganAt = 0;
  #reignGeneration = 0;
  #steps = 0;
  /** Those that said that they answer nothing any more, until they begin anew. */
  readonly #yielded = new Set<Process>();

  constructor(world: World) {
    this.#world = world;
    this.durability = new Durability(world);
    this.equality = new Equality(world, this.durability);
    this.fallbacks = new FallbackChecks(world);
    this.scrubs = new ScrubChecks(world);
    this.#maps = new MapChecks(world);
  }

  started(process: Process): void {
    this.fallbacks.started(process);
    if (process.state === 'SOLO') this.#reignBegins(process);
  }

  event(process: Process, event: ReplicaEvent): void {
    // Nothing is answered any more under the lease that was granted.
    if (event.type === 'frame' && event.message.type === 'yield')
      if (event.message.generation === process.view.generation) process.host.grantedUntilMs = -Infinity;
    this.#maps.event(process, event);
  }

  effect(process: Process, effect: Effect): void {
    if (effect.type === 'send' && effect.message.type === 'heartbeat-answer') {
      const { host } = process;
      host.grantedUntilMs = Math.max(host.grantedUntilMs, host.nowMs() + effect.message.leaseMs);
    }
    if (effect.type === 'send' && effect.message.type === 'yield') this.#yielded.add(process);
    this.scrubs.effect(process, effect);
    if (effect.type === 'send') this.#maps.sends(process, process.peerOf(effect.link) ?? '', effect.message);
    if (effect.type === 'persist') {
      const { durable, maps } = process.asked;
      this.durability.persists(process, effect.durable, durable);
      this.#maps.check(process, effect, maps);
      this.fallbacks.persists(process, effect.durable, durable);
    }
    if (effect.type === 'disk-write') {
      this.fallbacks.writes(process, effect);
      this.#maps.writes(process, effect);
    }
    if (effect.type !== 'state-changed') return;
    if (effect.to === 'RECOVERING' || effect.to === 'SOLO') this.#yielded.delete(process);
    if (!isPrimaryState(effect.to) && this.#reigns === process) this.#reigns = undefined;
    if (effect.from === 'RECOVERING' && (effect.to === 'SERVING' || effect.to === 'HOLDING'))
      this.durability.madeWhole(process.name);
    // One that only holds has still to find out who is in its set.
    if ((effect.to === 'SERVING' || effect.to === 'SOLO') && this.#reigns !== process)
      this.#reignBegins(process);
  }

  /**
   * At most one replica acknowledges at a time, and not while a lease that it granted still runs. What was begun
   * before another began to serve, and is on that other too, may be answered late: its answer could have been on the
   * way for as long. A read may not: the lease is what it is answered under. Answers why it may not.
   */
  whyNotAcknowledge(process: Process, what: string, begunAt: number): string | undefined {
    const { host } = process;
    // It recovered without one that has left the set since: who is left in it is equal, or the disks will tell.
    if (this.#reigns?.alive !== true && process.state === 'HOLDING') this.#reignBegins(process);
    if (this.#reigns !== process && begunAt > this.#reignBeganAt)
      return `${process.name} acknowledged ${what}, and ${this.#reigns?.name ?? 'nobody'} is the one that serves`;
    if (this.#yielded.has(process)) return `${process.name} acknowledged ${what} after it had yielded`;
    if (host.nowMs() < host.grantedUntilMs)
      return `${process.name} acknowledged ${what} while a lease that it granted still runs`;
    return undefined;
  }

  /** What is acknowledged is on every in-sync replica, but for what its machine lost since it answered. */
  written(process: Process, write: Write): void {
    for (const { name, disk } of this.#inSyncOf(process)) {
      if (this.durability.isLossy(name)) continue;
      for (let at = write.first; at < write.first + write.count; at++) {
        const found = disk.stamps[at] ?? 0;
        if (!this.#world.history.mayHold(at, found, write))
          this.#world.breach(
            `write ${write.stamp} was acknowledged by ${process.name}, and sector ${at} of ${name} holds ${found}`,
          );
      }
    }
  }

  /** Acknowledged with FUA. */
  fuaWritten(process: Process, write: Write): void {
    const places = this.#world.history.fuaAnswered(write);
    this.durability.checkStable(this.#inSyncOf(process), places, `write ${write.stamp} with FUA`);
  }

  /** A flush covers what was acknowledged before it was asked for. */
  flushed(process: Process, begunAt: number): void {
    const places = this.#world.history.flushAnswered(begunAt);
    this.durability.checkStable(
      this.#inSyncOf(process),
      places,
      'acknowledged before a flush that was answered',
    );
  }

  /** Power went, or a flush failed and pages are gone. */
  lost(host: Host, toldTo?: Process): void {
    this.durability.lost(host.name, toldTo);
    this.fallbacks.lost(host);
  }

  recordChanged(record: VolumeRecord, asOfMs: number | undefined): void {
    if (asOfMs === undefined) this.durability.startedOver(record);
    else this.durability.recordChanged(record, asOfMs);
    if (record.inSync.length > 1) this.equality.check('as the record changed');
  }

  reported(process: Process): void {
    this.equality.checkStatus(process);
  }

  stepped(): void {
    if (++this.#steps % COMPARE_EVERY_STEPS === 0) this.equality.check('in the in-sync set');
  }

  /** The volume was given up and goes on as another: who served it serves nobody any more. */
  startedOver(generation: number): void {
    this.#reigns = undefined;
    this.#reignGeneration = generation;
    this.#reignBeganAt = this.#world.history.now();
  }

  #reignBegins(process: Process): void {
    // One that is late to hear of its successor can hold no lease and get no answer: it may think what it likes.
    if (process.view.generation < this.#reignGeneration) return;
    this.#reignGeneration = process.view.generation;
    if (process.state === 'SOLO') this.durability.madeWhole(process.name);
    this.#reigns = process;
    this.#reignBeganAt = this.#world.history.now();
    this.#world.history.reignBegan(process);
  }

  #inSyncOf(process: Process): readonly Host[] {
    const hosts: Host[] = [];
    for (const name of process.view.inSync) {
      const host = this.#world.hosts.get(name);
      if (host !== undefined) hosts.push(host);
    }
    return hosts;
  }
}
