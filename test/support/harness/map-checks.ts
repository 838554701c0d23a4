/**
 * No region is taken from a dirty map unless the replica it is kept for has on stable storage what the keeper has
 * there, or is about to: what was written to both since the copy was made stable is not on the map's account.
 */
import type { DurableState, Effect, ReplicaEvent, Tracked } from '../../../daemon/replication/interface.ts';
import type { Message } from '../../../daemon/replication/messages.ts';
import {
  firstRegion,
  type HostName,
  lastRegion,
  REGION_BYTES,
  type Region,
} from '../../../daemon/replication/units.ts';
import { SECTORS_PER_REGION } from './disk.ts';
import { SECTOR_BYTES, stampsOf } from './payload.ts';
import type { Host } from './host.ts';
import type { Process } from './process.ts';
import { type Chunks, changed, isMarked } from './store.ts';
import type { World } from './world.ts';

type Persist = Extract<Effect, { type: 'persist' }>;

export class MapChecks {
  readonly #world: World;
  /** By host: what the last live write that came in for the sector has there. */
  readonly #written = new Map<string, Float64Array>();

  constructor(world: World) {
    this.#world = world;
  }

  event(process: Process, event: ReplicaEvent): void {
    if (event.type === 'frame' && event.message.type === 'fetched')
      this.#fetched.add(`${process.name} ${event.message.region}`);
    if (event.type !== 'frame' || event.message.type !== 'write') return;
    const first = event.message.offset / SECTOR_BYTES;
    const written = this.#writtenOn(process.name);
    const { payload } = event;
    if (payload === undefined) written.fill(0, first, first + event.message.length / SECTOR_BYTES);
    else written.set(stampsOf(payload), first);
  }

  /** Host and region of each repair whose bytes came, and are not yet written. */
  readonly #fetched = new Set<string>();

  /** `before`: the maps as the process last asked for them to be kept. */
  check(process: Process, { durable, maps }: Persist, before: ReadonlyMap<HostName, Chunks>): void {
    const after = changed(before, maps);
    // Another serves meanwhile: it has maps of its own, and what this one says is of the past.
    const { generation, primary } = this.#world.control.record;
    if (generation > durable.view.generation && primary !== process.name) return;
    for (const { host } of maps) {
      const other = this.#world.hosts.get(host);
      if (other === undefined || other.store.durable.view.generation > durable.view.generation) continue;
      for (const region of this.#cleared(before.get(host), after.get(host)))
        if (durable.complete) {
          const isTracked = durable.tracked.some((tracked) => tracked.host === host);
          // One that nobody tracks any more, and that is not in sync, is compared as a whole.
          if (isTracked || durable.view.inSync.includes(host)) this.#checkClean(process.host, other, region);
        } else if (host === durable.copyFrom.host) this.#checkHandedOver(process.host, durable, region);
    }
  }

  /** A target forgets what it changed by itself once the source has that among what it copies. */
  #checkHandedOver(target: Host, { copyFrom }: DurableState, region: Region): void {
    const source = this.#world.hosts.get(copyFrom.host);
    if (source === undefined || source.store.durable.view.generation !== copyFrom.generation) return;
    const { maps } = source.store;
    if (!isMarked(maps.get(target.name), region))
      this.#world.breach(
        `${target.name} forgets that it changed region ${region}, and the dirty map of ${source.name} does not have it`,
      );
  }

  /** Nothing is written here that the maps of those without it do not have on stable storage. */
  writes({ host, name, asked }: Process, write: Extract<Effect, { type: 'disk-write' }>): void {
    // A repair brings back what a region held.
    if (this.#fetched.delete(`${name} ${firstRegion(write)}`) && write.length === REGION_BYTES) return;
    const { maps, durable } = host.store;
    if (durable.tracked.length === 0) return;
    // A member says what it has unstable by what it has heard: some of it is stable, and the same everywhere.
    if (this.#world.process(name)?.state === 'RECOVERING' && isHeld(host, write)) return;
    const { inSync } = asked.durable.view;
    // One that was just taken in has got it; of one that is to be compared as a whole the old map is not used again.
    const isUsed = ({ host: other, copying }: Tracked): boolean =>
      !inSync.includes(other) &&
      asked.durable.tracked.some((entry) => entry.host === other && entry.copying === copying);
    for (const { host: other } of durable.tracked.filter(isUsed))
      for (let region = firstRegion(write); region <= lastRegion(write); region++)
        if (!isMarked(maps.get(other), region))
          this.#world.breach(
            `${name} writes to region ${region} before its mark in the dirty map of ${other} is durable`,
          );
  }

  /** A target of which a map is kept gets nothing that the map, on stable storage, does not have. */
  sends({ host, name, view }: Process, peer: string, message: Message): void {
    // Control took it in, and no map of it will be looked at again.
    if (message.type !== 'write' || view.inSync.includes(peer)) return;
    const { durable, maps } = host.store;
    if (!durable.tracked.some((tracked) => tracked.host === peer)) return;
    for (let region = firstRegion(message); region <= lastRegion(message); region++)
      if (!isMarked(maps.get(peer), region))
        this.#world.breach(
          `${name} sends ${peer} a write to region ${region} before its mark in the dirty map is durable`,
        );
  }

  #cleared(before: Chunks | undefined, after: Chunks | undefined): Region[] {
    const cleared: Region[] = [];
    if (before === undefined) return cleared;
    for (let region = 0; region < this.#world.sectors / SECTORS_PER_REGION; region++)
      if (isMarked(before, region) && !isMarked(after, region)) cleared.push(region);
    return cleared;
  }

  #writtenOn(host: string): Float64Array {
    const known = this.#written.get(host);
    if (known !== undefined) return known;
    const written = new Float64Array(this.#world.sectors).fill(-1);
    this.#written.set(host, written);
    return written;
  }

  #checkClean(keeper: Host, target: Host, region: Region): void {
    const { durability } = this.#world.checks;
    // What a machine lost is no matter of the maps.
    if (durability.isLossy(keeper.name) || durability.isLossy(target.name)) return;
    const first = region * SECTORS_PER_REGION;
    for (let at = first; at < first + SECTORS_PER_REGION; at++) {
      if (keeper.disk.stable[at] === target.disk.stable[at]) continue;
      const { disk, name } = target;
      const isLive = disk.isUnflushed(at) && this.#writtenOn(name)[at] === disk.stamps[at];
      const isSame = keeper.disk.stamps[at] === disk.stamps[at];
      const isUnderWay = isSame && (keeper.disk.isUnflushed(at) || isLive);
      if (!isUnderWay && !this.#world.history.isOpen(at))
        this.#world.breach(
          `${keeper.name} takes region ${region} from the dirty map of ${target.name}, and sector ${at} is ${keeper.disk.stable[at] ?? 0} here and ${target.disk.stable[at] ?? 0} there`,
        );
    }
  }
}

/** It changes nothing. */
function isHeld({ disk }: Host, { offset, data }: Extract<Effect, { type: 'disk-write' }>): boolean {
  const first = offset / SECTOR_BYTES;
  return data !== undefined && stampsOf(data).every((stamp, at) => disk.stamps[first + at] === stamp);
}
