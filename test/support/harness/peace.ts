/** After the trouble: everything is repaired, and the volume has to become whole again by itself. */
import { SECTORS_PER_REGION } from './disk.ts';
import { isGrown } from './growth.ts';
import { SECTOR_BYTES } from './payload.ts';
import type { Random } from './random.ts';
import { rot } from './scrub-checks.ts';
import type { World } from './world.ts';

/** Faults have stopped: within this the volume has all its copies again, and they are equal. */
const PEACE_MS = 20_000;
const OPERATOR_MS = 500;
/** So long a person hopes for the one that has what the last primary may lack. */
const PATIENCE_MS = 6000;
const LAST_READS_MS = 1500;
const SCRUB_MS = 5000;
/** What control decides by what it heard before the peace, it has decided by then. */
const SETTLE_MS = 600;

/** `lost`: its host does not come back. */
export function makePeace(world: World, lost = ''): void {
  world.note('peace');
  world.isAtPeace = true;
  world.network.heal();
  world.control.storeIsDown = false;
  world.control.lingersForMs = 0;
  world.control.slow = { ms: 0, untilMs: 0 };
  for (const host of world.hosts.values()) {
    host.heal();
    host.process?.goOn();
    if (host.name === lost) host.isOff = true;
    else world.start(host.name);
  }
  const patientUntilMs = world.scheduler.nowMs + PATIENCE_MS;
  world.scheduler.every(OPERATOR_MS, () => {
    operate(world, { lost, patientUntilMs });
    return world.isAtPeace;
  });
}

export function awaitRedundancy(world: World): void {
  const { equality } = world.checks;
  if (!world.run(PEACE_MS, () => isGrown(world) && equality.whyNotRedundant() === ''))
    world.breach(`it does not become redundant again: ${equality.whyNotRedundant()}`);
  equality.checkAllEqual();
}

/** What is there in the end is one of the things that may be there. */
export function readAll(world: World): void {
  const primary = world.process(world.control.record.primary);
  if (primary === undefined) world.breach('nobody serves');
  const sectors = primary.host.sizeBytes / SECTOR_BYTES;
  for (let first = 0; first < sectors; first += SECTORS_PER_REGION)
    world.read(primary, { first, count: SECTORS_PER_REGION }, () => undefined);
  world.run(LAST_READS_MS, () => world.unanswered.size === 0);
  if (world.unanswered.size > 0) world.breach('the last reads were not answered');
}

/** With nothing else going on, a scrub repairs what a checksum decides, reports the rest, and nothing else. */
export function scrubAll(world: World, random: Random): void {
  world.run(SETTLE_MS);
  awaitRedundancy(world);
  const primary = world.process(world.control.record.primary);
  if (primary?.state !== 'SERVING') return;
  // One that still runs tells what was wrong in the time of the faults.
  world.run(SCRUB_MS, () => primary.status.scrub?.phase !== 'RUNNING');
  const hosts = [...world.hosts.values()];
  for (const { disk } of hosts) if (random.happens(0.5)) disk.seal();
  for (let count = random.below(4); count > 0; count--) {
    const host = random.pick(hosts);
    if (host !== undefined) rot(host, random.below(world.sectors));
  }
  const damaged = new Set(world.checks.scrubs.damagedRegions());
  world.checks.scrubs.begin(primary, true);
  if (!world.run(SCRUB_MS, () => primary.status.scrub?.phase !== 'RUNNING'))
    world.breach('a scrub does not end');
  const { scrub } = primary.status;
  if (scrub?.phase !== 'DONE')
    world.breach(`a scrub ends as ${scrub?.phase ?? 'none'}: ${scrub?.error ?? ''}`);
  world.run(LAST_READS_MS / 10);
  const left = new Set(world.checks.scrubs.damagedRegions());
  const found = scrub.repairedRegions + scrub.mismatchedRegions;
  if (scrub.mismatchedRegions !== left.size || found < damaged.size)
    world.breach(
      `${damaged.size} regions were damaged, a scrub repaired ${scrub.repairedRegions} and reported ${scrub.mismatchedRegions}, and ${left.size} still are`,
    );
  world.checks.equality.checkAllEqual();
}

/** Persons differ; both ways lead on. */
const prefersForce = (generation: number): boolean => generation % 2 === 0;

/**
 * Out of service since its disk failed, and nobody can take over: a person repaired it, and restarts the daemon. If by
 * then nobody is known to hold everything, the last primary is chosen: it has at least all that was flushed.
 */
function operate(
  world: World,
  { lost, patientUntilMs }: { readonly lost: string; readonly patientUntilMs: number },
): void {
  const { control } = world;
  const { primary, inSync } = control.record;
  const takesOver = (name: string): boolean => {
    const process = world.process(name);
    return process?.state === 'SECONDARY' && !process.status.hostRebooted;
  };
  if (!control.isCurrent || control.isAway) return;
  if (primary === lost || inSync.some(takesOver)) return;
  const state = world.process(primary)?.state;
  if (state === 'RECOVERING' && world.scheduler.nowMs > patientUntilMs) control.force(primary);
  else if (state === 'STALE' || (state === 'FENCED' && prefersForce(control.record.generation)))
    control.force(primary);
  else if (state === 'FENCED') {
    world.crash(primary);
    world.start(primary);
  }
}
