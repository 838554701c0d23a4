/** The volume grows by a region or two while everything breaks: as control/services/volume-resize.ts has it, in small. */
import { REGION_BYTES } from '../../../daemon/replication/units.ts';
import type { Host } from './host.ts';
import type { Random } from './random.ts';
import type { World } from './world.ts';

const SHARE = 0.15;
const POLL_MS = 40;

/** What the volume begins with, in regions. */
export function drawFirstRegions(random: Random, regions: number): number {
  return random.happens(SHARE) ? Math.max(1, regions - 1 - random.below(2)) : regions;
}

/** At some instant within `forMs`; it goes on until every replica has grown. */
export function startGrowth(world: World, random: Random, forMs: number): void {
  if (isGrown(world)) return;
  world.scheduler.after(random.between(0, forMs), () => {
    world.note('the volume grows');
    world.scheduler.every(POLL_MS, () => {
      growOne(world, random);
      return !isGrown(world);
    });
  });
}

export function isGrown(world: World): boolean {
  return [...world.hosts.values()].every((host) => isLarge(world, host));
}

/** The primary last, once every other member of its set has grown; replicas outside of it at any time. */
function growOne(world: World, random: Random): void {
  if (!random.happens(world.isAtPeace ? 1 : 0.2)) return;
  const { primary, inSync } = world.control.record;
  const others = [...world.hosts.values()].filter(({ name }) => name !== primary);
  const open = others.filter((host) => !isLarge(world, host));
  const isPrimaryDue = !open.some(({ name }) => inSync.includes(name));
  const host = isPrimaryDue && random.happens(0.9) ? world.hosts.get(primary) : random.pick(open);
  if (host?.process?.isHeard !== true || isLarge(world, host)) return;
  host.sizeBytes = world.sizeBytes;
  host.process.deliver({ type: 'resize', sizeBytes: world.sizeBytes });
}

const isLarge = ({ sizeBytes }: World, host: Host): boolean => host.sizeBytes === sizeBytes;

/** What every replica has, in regions. */
export function commonRegions(world: World): number {
  return Math.min(...[...world.hosts.values()].map(({ sizeBytes }) => sizeBytes)) / REGION_BYTES;
}
