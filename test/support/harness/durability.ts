/**
 * What has to be on stable storage, and what may be gone after a loss of power: only what no flush was answered for,
 * and only where all that held everything lost it.
 */
import type { VolumeRecord } from '../../../control/model/records.ts';
import type { DurableState, View } from '../../../daemon/replication/interface.ts';
import type { Write } from './history-sector.ts';
import type { Place } from './history.ts';
import type { Host } from './host.ts';
import type { Process } from './process.ts';
import type { World } from './world.ts';

interface Loss {
  readonly atMs: number;
  /** The life of the daemon that was told of it; undefined: a boot id tells each. */
  readonly toldTo: Process | undefined;
}

export class Durability {
  readonly #world: World;
  /** Hosts that may have lost what was not stable; until they were made whole. */
  readonly #lossy = new Map<string, Loss>();
  /** When a target last said that it is complete. */
  readonly #completeSince = new Map<string, number>();
  #inSync: readonly string[];
  /** Of the last loss that the history was told of. */
  #weakenedAtMs = -1;
  #weakenedIn = 0;

  constructor(world: World) {
    this.#world = world;
    this.#inSync = world.control.record.inSync;
  }

  /**
   * Its successor was chosen and lost what was not flushed, while it answers reads under its lease still: they show what
   * was so before.
   */
  showsThePast({ view }: Process): boolean {
    return view.generation < this.#weakenedIn;
  }

  /** It may lack what was acknowledged. */
  isLossy(host: string): boolean {
    return this.#lossy.has(host);
  }

  /** Power went; or, of a process, a flush failed and pages are gone. */
  lost(host: string, toldTo?: Process): void {
    this.#lossy.set(host, { atMs: this.#world.scheduler.nowMs, toldTo });
    this.#look();
  }

  /** A primary pulled what it may have lacked; or it is alone, and what it holds is the volume from here on. */
  madeWhole(host: string): void {
    this.#lossy.delete(host);
  }

  persists(process: Process, { candidateFor }: DurableState, before: DurableState): void {
    if (candidateFor !== 0 && candidateFor !== before.candidateFor)
      this.#completeSince.set(process.name, this.#world.scheduler.nowMs);
  }

  /** `asOfMs`: what was decided goes by what hosts said then. */
  recordChanged({ inSync }: VolumeRecord, asOfMs: number): void {
    const before = this.#inSync;
    this.#inSync = inSync;
    for (const added of inSync.filter((host) => !before.includes(host))) this.#added(added);
    const whole = before.filter((host) => !this.#lossy.has(host));
    const isKnown = inSync.every((host) => this.#isKnownLossy(host, asOfMs));
    if (whole.length > 0 && isKnown)
      this.#world.breach(`${whole.join(' ')} held everything, and in sync is only ${inSync.join(' ')}`);
    this.#look();
  }

  /** A person chose who goes on. */
  startedOver({ inSync }: VolumeRecord): void {
    this.#inSync = inSync;
    this.#lossy.clear();
  }

  /** Newer decisions were lost before anybody acted by them. */
  restored({ inSync, generation }: View): void {
    this.#inSync = inSync;
    this.#weakenedIn = Math.min(this.#weakenedIn, generation);
    this.#look();
  }

  /** What these writes wrote is on the stable storage of all that are in sync. */
  checkStable(hosts: readonly Host[], places: readonly Place[], what: string): void {
    for (const host of hosts) for (const { at, write } of places) this.#checkPlace(host, at, write, what);
  }

  #checkPlace({ name, disk }: Host, at: number, write: Write, what: string): void {
    const found = disk.stable[at] ?? 0;
    if (!this.#world.history.mayHold(at, found, write))
      this.#world.breach(
        `${what}: ${name} has ${found} on stable storage in sector ${at}, older than ${write.stamp}`,
      );
  }

  /** What a process was told of a flush, and did not get to keep before it died, its next life cannot know. */
  #isKnownLossy(name: string, asOfMs: number): boolean {
    const loss = this.#lossy.get(name);
    if (loss === undefined || loss.atMs > asOfMs) return false;
    const host = this.#world.hosts.get(name);
    if (loss.toldTo === undefined || host === undefined || loss.toldTo.alive) return true;
    const { complete, candidateFor, flushFailedIn } = host.store.durable;
    return flushFailedIn === host.bootId || (!complete && candidateFor === 0);
  }

  #added(name: string): void {
    const host = this.#world.hosts.get(name);
    if (host === undefined) return;
    if ((this.#completeSince.get(name) ?? -Infinity) >= (this.#lossy.get(name)?.atMs ?? -Infinity))
      this.#lossy.delete(name);
    this.#world.history.eachFlushed((at, write) => {
      this.#checkPlace(host, at, write, 'flushed before it was taken into the in-sync set');
    });
  }

  /** Everybody who held everything lost something: it is as if it had not been acknowledged. */
  #look(): void {
    const lostAtMs = this.#inSync.map((host) => this.#lossy.get(host)?.atMs ?? Infinity);
    const lastMs = Math.max(...lostAtMs);
    if (lastMs === Infinity || lastMs <= this.#weakenedAtMs) return;
    this.#weakenedAtMs = lastMs;
    this.#weakenedIn = this.#world.control.record.generation;
    const { history } = this.#world;
    this.#world.note(`what was not flushed may be gone from ${this.#inSync.join(' ')}`);
    history.powerLost((owner) => this.#world.processes().some((process) => process === owner));
  }
}
