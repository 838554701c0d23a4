/** Every reason that an event may have, each with what it says: docs/events.md is this list. */
export const EVENT_REASONS = {
  CREATE_STARTED: 'A database is being created.',
  CREATED: 'A database was created; the message says where its copies are.',
  CREATE_FAILED: 'A create failed, and what it had made was taken away again.',
  SECONDARY_LOST: 'The primary goes on without its secondary: one copy only.',
  PRIMARY_LOST: 'The primary serves nobody any more; a failover follows.',
  FAILOVER_STARTED: 'The secondary takes over, without waiting for the old primary.',
  FAILED_OVER: 'The secondary has taken over; the phases say how long each part took.',
  FAILOVER_FAILED: 'A failover did not end well; the message says at which step, and why.',
  SWITCHOVER_STARTED: 'A person wants the secondary to be the primary, both being well.',
  SWITCHED_OVER: 'The secondary is the primary, after the old one was shut down in good order.',
  SWITCHOVER_FAILED: 'A switchover did not end well; the message says at which step, and why.',
  RESEED_STARTED: 'The primary copies to a replica that is not in sync.',
  RESEED_FAILED: 'A copy to a replica broke off; it is tried again.',
  IN_SYNC: 'A replica holds every acknowledged write again: a failover loses nothing.',
  PRIMARY_FORCED: 'A person chose a copy that may lack acknowledged writes.',
  ENGINE_RESTARTED: 'The engine was not running on a primary that serves, and was started again.',
  CLONED: 'A new volume was made from a snapshot.',
  VOLUME_RESIZED: 'The volume has another size.',
  REVERT_STARTED: 'The volume goes back to a snapshot.',
  REVERTED: 'The volume is back at a snapshot.',
  REVERT_FAILED: 'A revert did not end well; the message says what to do.',
  DELETE_STARTED: 'A database is being deleted.',
  DELETE_FAILED: 'A delete stopped on its way; it can be asked for again.',
  CONVERT_STARTED: 'A person, or a clone that was to have two copies, asked for another number of copies.',
  CONVERTED: 'The database has as many copies as were asked for.',
  CONVERT_FAILED: 'A conversion did not end well, and what it had made was taken away again.',
  REPLACE_STARTED: 'A copy is made on another host in place of one that is lost or has to go.',
  REPLACED: 'The new copy is in sync, and the old one was dropped.',
  REPLACE_FAILED: 'A replacement did not end well; the old copy is where it was.',
  HOST_REGISTERED: 'A person made a host known.',
  HOST_CORDONED: 'No new copy is placed on the host.',
  HOST_UNCORDONED: 'Copies are placed on the host again.',
  HOST_DRAIN_STARTED: 'Everything on the host moves to others.',
  HOST_DRAINED: 'Nothing is left on the host.',
  HOST_DRAIN_FAILED: 'A drain stopped on its way; what was moved stays moved, and it can be asked for again.',
  HOST_REMOVED: 'A person removed the host; its daemon is refused.',
  HOST_LOST: 'The host has not been heard for the minimum time.',
  HOST_BACK: 'The host is heard again.',
} as const satisfies Readonly<Record<string, string>>;

export type EventReason = keyof typeof EVENT_REASONS;

export function isEventReason(reason: string): reason is EventReason {
  return Object.hasOwn(EVENT_REASONS, reason);
}
