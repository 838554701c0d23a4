/**
 * Which copies are given up, where their successors go, and which are more than was asked for. Pure; the monitor acts on
 * it, and the view of a database says beforehand what is given up.
 */
import type { VolumeRecord } from '../model/records.ts';
import { type Choice, chooseHost, type CopyWish, type HostRoom } from '../placement/choose.ts';
import { hostSilence, isReachable, type Knowledge, whyNotPromotable } from './successor.ts';

export interface CopyPlans {
  readonly rooms: readonly HostRoom[];
  /** Hosts that are still to be rid of a copy of this volume. */
  readonly droppedFrom: readonly string[];
  /** For how long a host is silent before its copy is given up. */
  readonly replaceAfterMs: number;
}

export interface LostCopy {
  readonly host: string;
  readonly silentMs: number;
  /** 0: it is time. */
  readonly dueInMs: number;
  /** Who gets the copy, as far as can be told now. */
  readonly successor: Choice;
}

/** Outside of the set, on hosts that cannot be reached, in the order of the record. */
export function lostCopies(knowledge: Knowledge, plans: CopyPlans): readonly LostCopy[] {
  const { record } = knowledge;
  return record.replicas
    .filter((host) => !record.inSync.includes(host) && !isReachable(knowledge, host))
    .map((host) => {
      const silentMs = hostSilence(knowledge, host);
      return {
        host,
        silentMs,
        dueInMs: Math.max(0, plans.replaceAfterMs - silentMs),
        successor: chooseHost(plans.rooms, replacementWish(record, host, plans)),
      };
    });
}

/** For a copy in the place of the one on `old`. */
export function replacementWish(
  record: VolumeRecord,
  old: string,
  { rooms, droppedFrom }: Pick<CopyPlans, 'rooms' | 'droppedFrom'>,
): CopyWish {
  const others = { ...record, replicas: record.replicas.filter((host) => host !== old) };
  const wish = secondCopyWish(others, rooms, [old, ...droppedFrom]);
  const zone = zoneOf(rooms, old);
  return {
    ...wish,
    ...(zone === undefined ? {} : { preferredZone: zone }),
  };
}

/** For one more copy beside those that there are. */
export function secondCopyWish(
  record: VolumeRecord,
  rooms: readonly HostRoom[],
  droppedFrom: readonly string[],
): CopyWish {
  const { sizeBytes, replicas } = record;
  const zonesTaken = replicas.flatMap((host) => zoneOf(rooms, host) ?? []);
  return { sizeBytes, place: {}, zonesTaken, hostsTaken: [...replicas, ...droppedFrom] };
}

/** Where the second copy of a database goes that was to have two and has one. */
export function secondCopy(record: VolumeRecord, { rooms, droppedFrom }: CopyPlans): Choice {
  return chooseHost(rooms, secondCopyWish(record, rooms, droppedFrom));
}

/**
 * The copies beyond those that were asked for, once the others are whole: each of them could follow the primary. First
 * those that could not, then one in the primary's zone, then one on a host that nothing new is placed on, then the one
 * that came last. None of a single copy whose host is cordoned: it is to move away, and the second one may be where to.
 */
export function surplusCopies(
  knowledge: Knowledge,
  copies: number,
  rooms: readonly HostRoom[],
): readonly string[] {
  const { record } = knowledge;
  const isCordoned = (name: string): boolean => rooms.some(({ host, cordoned }) => host === name && cordoned);
  if (copies === 1 && isCordoned(record.primary)) return [];
  const isRefused = (host: string): boolean => whyNotPromotable(knowledge, host) !== undefined;
  const primaryZone = zoneOf(rooms, record.primary);
  const isInPrimaryZone = (host: string): boolean => zoneOf(rooms, host) === primaryZone;
  const rank = (host: string): number =>
    isRefused(host) ? 0 : isInPrimaryZone(host) ? 1 : isCordoned(host) ? 2 : 3;
  const others = record.replicas.filter((host) => host !== record.primary).reverse();
  const inOrder = others.sort((a, b) => rank(a) - rank(b));
  const drops = inOrder.slice(0, record.replicas.length - copies);
  return inOrder.slice(drops.length).some(isRefused) ? [] : drops;
}

const zoneOf = (rooms: readonly HostRoom[], name: string): string | undefined =>
  rooms.find(({ host }) => host === name)?.zone;
