/** Runs that end otherwise than with everything repaired: a host is lost for good. */
import type { Host } from './host.ts';
import { makePeace, readAll } from './peace.ts';
import type { World } from './world.ts';

const TAKE_OVER_MS = 15_000;
/** How long is waited for a copy to be halfway. */
const HALFWAY_MS = 2500;
/** Within this the others go on without a disk that does nothing. */
const STUCK_MS = 6000;
const CALM_MS = 1000;
/** Longer than it takes to go back. */
const REVERT_FAILS_MS = 400;
/** All that was under way has come by then. */
const DRAIN_MS = 3000;
/** Clients go on with the old copy for so long. */
const AFTERLIFE_MS = 500;

/**
 * The primary's host never comes back: one that the record names beside it holds everything, and has to serve. False:
 * there is nobody who is sure to hold everything.
 */
export function loseForGood(world: World): boolean {
  const { control, hosts } = world;
  // One that copies is lost as it is granted its target, which has not heard of that.
  if (control.record.inSync.length === 1) world.run(HALFWAY_MS, () => control.record.inSync.length > 1);
  const { primary, inSync } = control.record;
  const others = inSync.filter((name) => name !== primary).flatMap((name) => hosts.get(name) ?? []);
  if (!control.isSure || !others.some((host) => isWhole(world, host))) return false;
  world.clientsRun = false;
  world.crash(primary);
  makePeace(world, primary);
  const serves = (): boolean => {
    const { primary: current, inSync: members } = control.record;
    // What it had asked for before it died was granted after: it was alone in the set, and nobody may serve.
    if (current === primary && !members.some((name) => name !== primary && isWhole(world, hosts.get(name))))
      return true;
    const state = world.process(current)?.state;
    return current !== primary && (state === 'SOLO' || state === 'SERVING');
  };
  if (!world.run(TAKE_OVER_MS, serves)) world.breach(`${primary} is gone, and nobody serves`);
  if (control.record.primary !== primary) readAll(world);
  return true;
}

/**
 * The primary, alone in the set, is lost while it copies to another, and a person chooses that other: it goes on as
 * the volume that it was before the copy began. Later the old primary comes back, and is made equal to it.
 * `revertFails`: its disk fails at first, so that it is chosen once more (peace.ts).
 */
export function chooseOldCopy(world: World, revertFails: boolean): void {
  const { control, hosts, scheduler } = world;
  world.run(HALFWAY_MS, () => halfway(world) !== undefined);
  const chosen = halfway(world);
  const { primary, generation } = control.record;
  const old = hosts.get(primary);
  if (chosen === undefined || old === undefined) return;
  world.note(`${primary} is lost, and ${chosen.name} chosen`);
  world.crash(primary);
  makePeace(world, primary);
  // With the last frames of the one that is lost the copy may have become whole: then nobody chooses the old one.
  world.run(DRAIN_MS, () => world.network.framesInFlight === 0);
  if (halfway(world) !== chosen) {
    old.isOff = false;
    world.start(primary);
    return;
  }
  const expected = world.checks.fallbacks.expected(chosen);
  // The person may restart the daemon, and what a failed flush left in the cache is gone then.
  let failsYet = revertFails && !chosen.disk.hasForgotten;
  control.force(chosen.name);
  world.checks.startedOver(generation + 1);
  world.history.reset(expected);
  scheduler.every(100, () => {
    control.insist();
    return control.record.generation === generation + 1 && chosen.process?.state !== 'SOLO';
  });
  world.onEffect = (process, effect) => {
    if (failsYet && process.name === chosen.name && effect.type === 'revert') {
      failsYet = false;
      chosen.writesFail = { failure: 'EIO', untilMs: scheduler.nowMs + REVERT_FAILS_MS };
    }
    if (process.name !== chosen.name || effect.type !== 'state-changed' || effect.to !== 'SOLO') return;
    world.onEffect = () => undefined;
    world.checks.fallbacks.checkReverted(chosen, expected);
  };
  if (!world.run(TAKE_OVER_MS, () => chosen.process?.state === 'SOLO'))
    world.breach(`${chosen.name} was chosen, and does not serve: it is ${chosen.process?.state ?? 'dead'}`);
  world.run(AFTERLIFE_MS);
  old.isOff = false;
}

/**
 * All is well but one disk, that of the primary or of another, which does nothing from now on: the others go on without
 * it.
 */
export function outliveStuckDisk(world: World, isPrimarys: boolean): void {
  const { control, hosts, scheduler } = world;
  makePeace(world);
  world.run(TAKE_OVER_MS, () => world.checks.equality.whyNotServed() === '');
  // What control had begun to decide before all was well is done by then.
  world.run(CALM_MS);
  const { primary, inSync } = control.record;
  const other = inSync.find((name) => name !== primary);
  const stuck = hosts.get(isPrimarys ? primary : (other ?? ''));
  if (stuck === undefined || other === undefined || world.checks.equality.whyNotServed() !== '') return;
  world.note(`the disk of ${stuck.name} does nothing any more`);
  stuck.diskHangsUntilMs = scheduler.nowMs + 2 * STUCK_MS;
  const isOver = (): boolean => {
    const { record } = control;
    const state = world.process(record.primary)?.state;
    return !record.inSync.includes(stuck.name) && (state === 'SOLO' || state === 'SERVING');
  };
  if (!world.run(STUCK_MS, isOver)) world.breach(`the disk of ${stuck.name} holds the others up`);
}

function halfway(world: World): Host | undefined {
  const { control, hosts } = world;
  const { primary, inSync } = control.record;
  if (!control.isCurrent || control.isAway || inSync.length > 1) return undefined;
  for (const host of hosts.values()) {
    const { name, fallback, process } = host;
    if (name === primary || process?.alive !== true || fallback.isEmpty) continue;
    const { mixed, consistentAt } = process.asked.durable;
    if (mixed && consistentAt > 0) return host;
  }
  return undefined;
}

/** Nothing that it was ever given is gone from it. */
function isWhole(world: World, host: Host | undefined): boolean {
  return (
    host !== undefined &&
    host.store.durable.bootId === host.bootId &&
    !world.checks.durability.isLossy(host.name)
  );
}
