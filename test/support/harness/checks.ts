/** What must hold after every step, whatever broke. docs/replication.md says why each of these is promised. */
import type { VolumeRecord } from '../../../control/model/records.ts';
import type { Effect } from '../../../daemon/replication/interface.ts';
import { isPrimaryState, type ReplicaState } from '../../../daemon/replication/states.ts';
import type { VirtualDisk } from './disk.ts';
import type { Write } from './history.ts';
import type { Host } from './host.ts';
import type { Process } from './process.ts';
import type { World } from './world.ts';

/** Comparing two disks costs: not after each step of a burst. */
const COMPARE_EVERY_STEPS = 25;

export class Checks {
  readonly #world: World;
  /** The process that may answer clients: the last one that began to serve, as long as it does. */
  #reigns: Process | undefined;
  #reignBeganAt = 0;
  #reignGeneration = 0;
  #steps = 0;
  /** Of both disks when they were last found equal. */
  #comparedChanges = -1;

  constructor(world: World) {
    this.#world = world;
  }

  started(process: Process): void {
    if (process.state === 'SOLO') this.#reignBegins(process);
  }

  effect(process: Process, effect: Effect): void {
    if (effect.type === 'send' && effect.message.type === 'heartbeat-answer') {
      const { host } = process;
      host.grantedUntilMs = Math.max(host.grantedUntilMs, host.nowMs() + effect.message.leaseMs);
    }
    if (effect.type !== 'state-changed') return;
    if (!isPrimaryState(effect.to) && this.#reigns === process) this.#reigns = undefined;
    if (isServing(effect.to) && !isServing(effect.from)) this.#reignBegins(process);
  }

  /**
   * At most one replica acknowledges at a time, and not while a lease that it granted still runs. What was begun
   * before another began to serve, and is on that other too, may be answered late: its answer could have been on the
   * way for as long. A read may not: the lease is what it is answered under.
   */
  acknowledges(process: Process, { what, begunAt }: { what: string; begunAt: number }): void {
    const { host } = process;
    if (this.#reigns !== process && begunAt > this.#reignBeganAt)
      this.#world.breach(
        `${process.name} acknowledged ${what} after ${this.#reigns?.name ?? 'another'} began to serve`,
      );
    if (host.nowMs() < host.grantedUntilMs)
      this.#world.breach(`${process.name} acknowledged ${what} while a lease that it granted still runs`);
  }

  /** What is acknowledged is on every in-sync replica; with FUA on their stable storage. */
  written(process: Process, write: Write, fua: boolean): void {
    for (const host of this.#inSyncOf(process)) {
      for (let at = write.first; at < write.first + write.count; at++) {
        const found = host.disk.stamps[at] ?? 0;
        if (!this.#world.history.mayHold(at, found, write))
          this.#world.breach(
            `write ${write.stamp} was acknowledged by ${process.name}, and sector ${at} of ${host.name} holds ${found}`,
          );
        if (fua && found === write.stamp && found !== 0)
          this.#checkStable(host, at, `write ${write.stamp} with FUA`);
      }
    }
  }

  /** A flush covers what was acknowledged before it was asked for. */
  flushed(process: Process, begunAt: number): void {
    for (const host of this.#inSyncOf(process))
      for (const write of this.#world.history.writes) {
        if (!write.acknowledged || write.endedAt > begunAt || write.stamp === 0) continue;
        for (let at = write.first; at < write.first + write.count; at++)
          if (host.disk.stamps[at] === write.stamp)
            this.#checkStable(
              host,
              at,
              `write ${write.stamp}, acknowledged before a flush that was answered`,
            );
      }
  }

  recordChanged(record: VolumeRecord): void {
    if (record.inSync.length > 1) this.#checkDifferences(record.inSync, 'as the record took both in');
  }

  stepped(): void {
    if (++this.#steps % COMPARE_EVERY_STEPS !== 0) return;
    const { inSync } = this.#world.control.record;
    if (inSync.length < 2) return;
    this.#checkDifferences(inSync, 'in the in-sync set');
  }

  /** Both copies in sync, and nothing under way that could make them differ. */
  isRedundant(): boolean {
    return this.whyNotRedundant() === '';
  }

  whyNotRedundant(): string {
    const { control, network, unanswered } = this.#world;
    const { primary, inSync } = control.record;
    if (inSync.length < this.#world.hosts.size) return `in sync is ${inSync.join(' ')}`;
    for (const { name, process } of this.#world.hosts.values()) {
      const state: ReplicaState = name === primary ? 'SERVING' : 'SECONDARY';
      if (process?.alive !== true) return `${name} is dead`;
      if (process.state !== state) return `${name} is ${process.state}`;
      if (!process.isQuiet) return `${name} is busy`;
    }
    if (unanswered.size > 0) return `requests ${[...unanswered.keys()].join(' ')} are not answered`;
    return network.framesInFlight > 0 ? 'frames are in flight' : '';
  }

  checkEqual(): void {
    const [first, ...others] = [...this.#world.hosts.values()];
    for (const other of others)
      first?.disk.stamps.forEach((stamp, at) => {
        if (other.disk.stamps[at] !== stamp)
          this.#world.breach(
            `sector ${at} is ${stamp} on ${first.name} and ${other.disk.stamps[at] ?? 0} on ${other.name}, with nothing in flight`,
          );
      });
  }

  #reignBegins(process: Process): void {
    // One that is late to hear of its successor can hold no lease and get no answer: it may think what it likes.
    if (process.view.generation < this.#reignGeneration) return;
    this.#reignGeneration = process.view.generation;
    this.#reigns = process;
    this.#reignBeganAt = this.#world.history.now();
    this.#world.history.reignBegan(process);
  }

  #inSyncOf(process: Process): readonly Host[] {
    return process.view.inSync.flatMap((name) => this.#world.hosts.get(name) ?? []);
  }

  #checkStable(host: Host, at: number, what: string): void {
    const { disk } = host;
    if ((disk.changedBy[at] ?? 0) > disk.flushedUpTo)
      this.#world.breach(`${what}: sector ${at} of ${host.name} is not on stable storage`);
  }

  /** Members of the in-sync set differ only in writes that nobody was told of. */
  #checkDifferences(inSync: readonly string[], when: string): void {
    const [first, second] = inSync.flatMap((name) => this.#world.hosts.get(name)?.disk ?? []);
    if (first === undefined || second === undefined) return;
    const changes = first.changes + second.changes;
    if (changes === this.#comparedChanges) return;
    this.#comparedChanges = changes;
    const different = differences(first, second);
    if (different.length === 0) return;
    const open = this.#world.history.writes.filter((write) => !write.acknowledged && !isOver(write));
    for (const at of different)
      if (!open.some((write) => at >= write.first && at < write.first + write.count))
        this.#world.breach(
          `sector ${at} is ${first.stamps[at] ?? 0} on ${inSync[0] ?? ''} and ${second.stamps[at] ?? 0} on ${inSync[1] ?? ''} ${when}, and no write to it is in flight`,
        );
  }
}

function isServing(state: ReplicaState): boolean {
  return state === 'SERVING' || state === 'SOLO' || state === 'HOLDING';
}

/** Decided by a reign that began since. */
const isOver = (write: Write): boolean => write.endedAt < Number.MAX_SAFE_INTEGER;

function differences(first: VirtualDisk, second: VirtualDisk): number[] {
  const found: number[] = [];
  for (let at = 0; at < first.stamps.length; at++) if (first.stamps[at] !== second.stamps[at]) found.push(at);
  return found;
}
