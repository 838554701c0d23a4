/**
 * What a target held before a copy to it began can be had again: no region is written before the fallback keeps it,
 * and a person who chooses the target gets exactly that state.
 */
import { firstRegion, lastRegion } from '../../../daemon/replication/units.ts';
import type { DurableState, Effect } from '../../../daemon/replication/interface.ts';
import { SECTORS_PER_REGION } from './disk.ts';
import type { Host } from './host.ts';
import type { Process } from './process.ts';
import type { World } from './world.ts';

export class FallbackChecks {
  readonly #world: World;
  /** By host: its disk when the copy began. */
  readonly #before = new Map<string, Uint32Array>();

  constructor(world: World) {
    this.#world = world;
  }

  started({ host, name }: Process): void {
    if (!host.store.durable.mixed) this.#before.delete(name);
  }

  /** Of a copy that ends, or a fallback that is given up, the crash that undoes it finds the fallback still there. */
  persists({ host, name }: Process, { mixed, consistentAt }: DurableState, before: DurableState): void {
    if (mixed && !before.mixed && consistentAt > 0) this.#before.set(name, host.disk.stamps.slice());
  }

  writes({ host, name, asked }: Process, write: Extract<Effect, { type: 'disk-write' }>): void {
    const { mixed, consistentAt } = asked.durable;
    if (!mixed || consistentAt === 0 || !this.#before.has(name)) return;
    for (let region = firstRegion(write); region <= lastRegion(write); region++)
      if (!host.fallback.has(region))
        this.#world.breach(`${name} writes to region ${region}, of which the fallback keeps nothing`);
  }

  /** The disk lost something by itself; what the fallback keeps, it keeps. */
  lost({ name, disk, fallback }: Host): void {
    const before = this.#before.get(name);
    if (before === undefined) return;
    const kept = new Set(fallback.regions);
    for (let at = 0; at < before.length; at++)
      if (!kept.has(Math.floor(at / SECTORS_PER_REGION))) before[at] = disk.stamps[at] ?? 0;
  }

  /** What a person who chooses this host now has to get. */
  expected({ name, disk }: Host): Uint32Array {
    return (this.#before.get(name) ?? disk.stamps).slice();
  }

  checkReverted({ name, disk }: Host, expected: Uint32Array): void {
    const at = expected.findIndex((stamp, place) => disk.stamps[place] !== stamp);
    if (at >= 0)
      this.#world.breach(
        `${name} was chosen, and sector ${at} is ${disk.stamps[at] ?? 0}; before the copy began it was ${expected[at] ?? 0}`,
      );
  }
}
