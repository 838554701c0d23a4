/** Whether everything on a host finds a place elsewhere, as far as can be told before the first copy moves. Pure. */
import { copyName } from '../model/host-view.ts';
import type { VolumeRecord } from '../model/records.ts';
import { replacementWish, secondCopyWish } from '../monitor/replace.ts';
import { chooseHost, type HostRoom } from './choose.ts';

export interface DrainSubject {
  readonly database: string;
  readonly record: VolumeRecord;
  readonly copies: number;
  /** Why it cannot be moved, whatever the room; undefined when it can. */
  readonly refusal: string | undefined;
  /** Hosts that are still to be rid of a copy of it. */
  readonly droppedFrom: readonly string[];
}

export interface DrainPlan {
  readonly moves: readonly { readonly database: string; readonly to: string }[];
  /** `name`: the resource, as people know it. */
  readonly refusals: readonly { readonly name: string; readonly why: string }[];
}

/** One after the other: what the first takes the next cannot have. */
export function planDrain(
  host: string,
  subjects: readonly DrainSubject[],
  rooms: readonly HostRoom[],
): DrainPlan {
  const moves: { database: string; to: string }[] = [];
  const refusals: { name: string; why: string }[] = [];
  let left = rooms.map((room) => (room.host === host ? { ...room, cordoned: true } : room));
  for (const { database, record, copies, refusal, droppedFrom } of subjects) {
    if (refusal !== undefined) {
      refusals.push({ name: copyName(record), why: refusal });
      continue;
    }
    // The one copy that was asked for is elsewhere already.
    if (copies === 1 && record.primary !== host) continue;
    const wish =
      record.replicas.length === 1
        ? secondCopyWish(record, left, droppedFrom)
        : replacementWish(record, host, { rooms: left, droppedFrom });
    const choice = chooseHost(left, wish);
    if (!choice.ok) {
      refusals.push({ name: copyName(record), why: choice.message });
      continue;
    }
    const to = choice.host.host;
    moves.push({ database, to });
    left = left.map((room) =>
      room.host === to ? { ...room, roomBytes: room.roomBytes - record.sizeBytes } : room,
    );
  }
  return { moves, refusals };
}
