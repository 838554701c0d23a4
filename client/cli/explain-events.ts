/** What the reasons of events mean: docs/events.md is their list. */
import { type Entries, NO_RISK, NOTHING_TO_DO, ONE_COPY, WATCH } from './explanation.ts';

const SEE_WHY = 'See why, and at which step: lockstep workflow list, lockstep workflow log NAME';

export const EVENTS: Entries = {
  CREATE_STARTED: ['A database is being created.', NO_RISK, WATCH],
  CREATED: [
    'A database was created; the message says where its copies are.',
    NO_RISK,
    'Connect: lockstep connect NAME',
  ],
  CREATE_FAILED: ['A create failed, and what it had made was taken away again.', NO_RISK, SEE_WHY],
  SECONDARY_LOST: [
    'The primary goes on without its secondary.',
    ONE_COPY,
    'Bring that host back, and its copy is brought up to date by itself: lockstep status',
  ],
  PRIMARY_LOST: [
    'The primary serves nobody any more; a failover follows.',
    'What was committed is on the secondary.',
    WATCH,
  ],
  FAILOVER_STARTED: ['The secondary takes over, without waiting for the old primary.', NO_RISK, WATCH],
  FAILED_OVER: [
    'The secondary has taken over; the phases say how long each part took.',
    `What was committed is kept. ${ONE_COPY}`,
    'Look after the host of the old primary: lockstep status',
  ],
  FAILOVER_FAILED: [
    'A failover did not end well; the message says at which step, and why.',
    'What was acknowledged is kept on the copy that was in sync.',
    SEE_WHY,
  ],
  SWITCHOVER_STARTED: ['A person wants the secondary to be the primary, both being well.', NO_RISK, WATCH],
  SWITCHED_OVER: [
    'The secondary is the primary, after the old one was shut down in good order.',
    NO_RISK,
    NOTHING_TO_DO,
  ],
  SWITCHOVER_FAILED: [
    'A switchover did not end well; the message says at which step, and why.',
    NO_RISK,
    SEE_WHY,
  ],
  RESEED_STARTED: ['The primary copies to a replica that is not in sync.', ONE_COPY, WATCH],
  RESEED_FAILED: [
    'A copy to a replica broke off; it is tried again by itself.',
    ONE_COPY,
    'Where it happens again and again, look at the network between the two hosts, and at the disks: lockstep volume status NAME',
  ],
  IN_SYNC: ['A replica holds every acknowledged write again.', 'A failover loses nothing.', NOTHING_TO_DO],
  PRIMARY_FORCED: [
    'A person chose a copy that may lack acknowledged writes.',
    'What was acknowledged and is not on that copy is lost.',
    'Check what the applications lack; the message says how old the copy was.',
  ],
  ENGINE_RESTARTED: [
    'The engine was not running on a primary that serves, and was started again.',
    'What was committed is kept.',
    "See why it ended: the engine's log on that host.",
  ],
  CLONED: ['A new volume or database was made from a snapshot.', NO_RISK, NOTHING_TO_DO],
  VOLUME_RESIZED: ['The volume has another size.', NO_RISK, NOTHING_TO_DO],
  REVERT_STARTED: [
    'The volume goes back to a snapshot.',
    'What was written since the snapshot goes, as it was asked for.',
    WATCH,
  ],
  REVERTED: [
    'The volume is back at a snapshot.',
    'What was written since the snapshot is gone, as it was asked for.',
    NOTHING_TO_DO,
  ],
  REVERT_FAILED: [
    'A revert did not end well; the message says what to do.',
    'Each replica is as before or as the snapshot, never between.',
    SEE_WHY,
  ],
  DELETE_STARTED: ['A database is being deleted.', 'Its data goes when its grace time has passed.', WATCH],
  DELETE_FAILED: ['A delete stopped on its way.', NO_RISK, 'Ask for it again: lockstep database delete NAME'],
  CONVERT_STARTED: ['Another number of copies was asked for than there is.', NO_RISK, WATCH],
  CONVERTED: [
    'The database has as many copies as were asked for.',
    'See lockstep database get NAME for its redundancy.',
    NOTHING_TO_DO,
  ],
  CONVERT_FAILED: [
    'A conversion did not end well, and what it had made was taken away again.',
    NO_RISK,
    SEE_WHY,
  ],
  REPLACE_STARTED: [
    'A copy is made on another host in place of one that is lost or has to go.',
    'The old copy is kept until the new one is in sync.',
    WATCH,
  ],
  REPLACED: [
    'The new copy is in sync, and the old one was dropped.',
    'A failover loses nothing.',
    NOTHING_TO_DO,
  ],
  REPLACE_FAILED: ['A replacement did not end well; the old copy is where it was.', 'As before it.', SEE_WHY],
  HOST_REGISTERED: ['A person made a host known.', NO_RISK, 'Start its daemon, if it does not run yet.'],
  HOST_CORDONED: ['No new copy is placed on the host.', NO_RISK, 'To lift it: lockstep host uncordon HOST'],
  HOST_UNCORDONED: ['Copies are placed on the host again.', NO_RISK, NOTHING_TO_DO],
  HOST_DRAIN_STARTED: [
    'Everything on the host moves to others.',
    'Each old copy is kept until its new one is in sync.',
    WATCH,
  ],
  HOST_DRAINED: [
    'Nothing is left on the host.',
    NO_RISK,
    'It can be worked on, or forgotten: lockstep host remove HOST',
  ],
  HOST_DRAIN_FAILED: [
    'A drain stopped on its way; what was moved stays moved.',
    NO_RISK,
    'Ask for it again: lockstep host drain HOST',
  ],
  HOST_REMOVED: [
    'A person removed the host; its daemon is refused.',
    NO_RISK,
    'To have it back: lockstep host register HOST --zone ZONE',
  ],
  HOST_LOST: [
    'The host has not been heard for the minimum time.',
    ONE_COPY,
    'Check that machine, its network and its Lockstep daemon: lockstep host get HOST',
  ],
  HOST_BACK: [
    'The host is heard again.',
    NO_RISK,
    'Its copies are brought up to date by themselves: lockstep status',
  ],
  STOPPED: [
    'A person stopped the database; its copies are looked after.',
    NO_RISK,
    'To serve again: lockstep database start NAME',
  ],
  STOP_FAILED: ['A stop did not end well, and the database was started again.', NO_RISK, SEE_WHY],
  STARTED: ['A stopped database was started.', NO_RISK, NOTHING_TO_DO],
  START_FAILED: ['A start did not end well; the message says at which step, and why.', NO_RISK, SEE_WHY],
  REBOOTED: ['The engine was stopped and started again.', NO_RISK, NOTHING_TO_DO],
  REBOOT_FAILED: ['A reboot did not end well; the message says at which step, and why.', NO_RISK, SEE_WHY],
  UPDATED: [
    'A person changed size, parameters, tags or protection; the message says which.',
    NO_RISK,
    NOTHING_TO_DO,
  ],
  UPDATE_FAILED: ['A change did not end well; the message says at which step.', NO_RISK, SEE_WHY],
  RENAMED: [
    'The database has another name, and its alias with it.',
    NO_RISK,
    'Tell its clients the new alias: lockstep database connection NAME',
  ],
  PASSWORD_RESET: [
    'The administrator has a new password, which waits to be claimed.',
    NO_RISK,
    NOTHING_TO_DO,
  ],
  PASSWORD_RESET_FAILED: [
    'A new password was not set for certain.',
    NO_RISK,
    'Reset it again: lockstep database reset-password NAME',
  ],
  DELETED: [
    'The database is deleted: its copies are kept until its grace time has passed.',
    'After that time nothing but its final snapshot stays.',
    'To have it back: lockstep database undelete NAME',
  ],
  UNDELETE_STARTED: ['A person wants a deleted database back.', NO_RISK, WATCH],
  GRACE_RENEWED: [
    'A host knows of a newer generation of a deleted database than the control store, which may come from a backup: it may have been undeleted since.',
    NO_RISK,
    'If it is in use: lockstep database undelete NAME. Otherwise nothing: it goes at its new expire_time.',
  ],
  UNDELETED: ['A deleted database is back.', NO_RISK, NOTHING_TO_DO],
  UNDELETE_FAILED: [
    'An undelete did not end well; the database is deleted as before.',
    'Its grace time goes on.',
    SEE_WHY,
  ],
  CLONE_STARTED: ['A database is made from another one, or from a snapshot.', NO_RISK, WATCH],
  CLONE_FAILED: ['A clone did not end well, and what it had made was taken away again.', NO_RISK, SEE_WHY],
  WORKFLOW_RETRIED: ['A person had a workflow that was stuck go on from where it stopped.', NO_RISK, WATCH],
  WORKFLOW_ABANDONED: [
    'A person ended a workflow that was stuck, as it was.',
    'What it had made may be half there.',
    'See what is left over: lockstep doctor',
  ],
};

/** For a reason that a newer server has: the first that fits. */
export const EVENT_FAMILIES: readonly (readonly [RegExp, Entries[string]])[] = [
  [/_STARTED$/, ['Something has begun; the message says what.', NO_RISK, WATCH]],
  [
    /_FAILED$/,
    [
      'Something did not end well; the message says at which step, and why.',
      'The message says so where it is.',
      SEE_WHY,
    ],
  ],
];
