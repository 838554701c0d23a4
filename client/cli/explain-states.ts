/** What the states mean that `lockstep status` and its like show: of databases, replicas, workflows. */
import { type Entries, NO_RISK, NOTHING_TO_DO, ONE_COPY, WATCH } from './explanation.ts';

export const DATABASE_STATES: Entries = {
  CREATING: ['It is being created and takes no clients yet.', NO_RISK, WATCH],
  ACTIVE: [
    'Clients are served. How many copies there are is said by its redundancy, not by this word.',
    'That is what its redundancy says: only IN_SYNC means that a failover loses nothing.',
    NOTHING_TO_DO,
  ],
  FAILING_OVER: [
    'The secondary is becoming the primary. Clients are cut off for some seconds and connect again through the alias.',
    'What was committed is kept: the new primary holds every acknowledged write.',
    WATCH,
  ],
  STOPPED: [
    'A person stopped its engine; its alias answers nothing.',
    NO_RISK,
    'To serve again: lockstep database start NAME',
  ],
  STOPPING: ['Its engine is being stopped.', NO_RISK, WATCH],
  STARTING: ['Its engine is being started.', NO_RISK, WATCH],
  DELETING: ['It is being deleted.', 'Its data goes when its grace time has passed.', WATCH],
  DELETED: [
    'It is deleted; its copies are kept until its grace time has passed.',
    'After that time nothing but its final snapshot stays.',
    'To have it back: lockstep database undelete NAME; to see until when: lockstep database get NAME',
  ],
  UNAVAILABLE: [
    'Nobody serves it now, and clients cannot connect: no host that is heard holds every acknowledged write.',
    'Nothing is lost that is on a host which comes back. Only a person can decide to do without it.',
    'Bring its hosts back: lockstep status names them. Where they are lost for good: lockstep volume force NAME --host HOST says what that would lose.',
  ],
  FAILED: [
    'A workflow stopped halfway and asks for a person.',
    'What was acknowledged is kept; whether clients are served is said by lockstep volume status NAME.',
    'See why: lockstep workflow list --state stuck; then lockstep workflow retry NAME, or abandon.',
  ],
};

export const REDUNDANCIES: Entries = {
  NONE: [
    'It was asked for with one copy, as a clone is.',
    ONE_COPY,
    'Where that matters: lockstep database convert NAME --to replicated',
  ],
  SEEDING: ['Its second copy is being made for the first time.', ONE_COPY, WATCH],
  IN_SYNC: [
    'Both copies, in two zones, hold every acknowledged write.',
    'A failover loses nothing.',
    NOTHING_TO_DO,
  ],
  RESYNCING: [
    'One copy fell behind and is being brought up to date.',
    ONE_COPY,
    'Wait, and do not stop the host of its primary meanwhile: lockstep volume status NAME says how long.',
  ],
  DEGRADED: [
    'It is served from one copy only, and nothing is under way to change that.',
    ONE_COPY,
    'Bring the other host back, and its copy is brought up to date by itself. Where it is lost for good, a new copy is made on another host by rule, or by: lockstep host drain HOST',
  ],
};

export const REPLICA_STATES: Entries = {
  BLANK: ['Nothing was ever written to this replica.', NO_RISK, NOTHING_TO_DO],
  STALE: [
    'It holds data of an older generation, or half of a copy, and serves nobody.',
    'It lacks acknowledged writes, so that it must not be chosen while another is there.',
    'Wait for a copy from the primary: lockstep volume status NAME says what it waits for.',
  ],
  JOINING: ['The primary copies to it what it lacks.', ONE_COPY, WATCH],
  SECONDARY: ['It holds every acknowledged write.', 'A failover to it loses nothing.', NOTHING_TO_DO],
  RECOVERING: [
    'It is the primary, its process started anew, and it has to be made equal to its secondary first. Clients wait.',
    NO_RISK,
    'Wait some seconds; where it stays so, its secondary is not reached: lockstep volume status NAME',
  ],
  PROMOTING: [
    'It becomes the primary as soon as the lease of the one before has ended. Clients wait.',
    NO_RISK,
    'Wait: at most timing.lease_ms (docs/configuration.md).',
  ],
  SERVING: ['It is the primary, with a secondary in sync.', 'A failover loses nothing.', NOTHING_TO_DO],
  HOLDING: [
    'The primary has lost its secondary: writes wait until control says that it may go on alone, or has failed over.',
    'No write is acknowledged that one host alone holds.',
    'Wait some seconds; where it stays so, control is not reached by that host: check its network to control.',
  ],
  SOLO: [
    'It is the primary, and alone: control knows that it holds the only complete copy.',
    ONE_COPY,
    'Bring the other host back; of a database with one copy that is as it was asked for.',
  ],
  STEPPED_DOWN: [
    'It was the primary and gave that up by itself: nothing is in flight and nothing is acknowledged any more.',
    NO_RISK,
    WATCH,
  ],
  FENCED: [
    'It was the primary; a newer generation names another, or its own disk failed it. It serves nobody, which is what keeps two primaries apart.',
    'What it acknowledged is on the new primary. Its own copy is brought up to date from there.',
    'Nothing, if it joins again within minutes; else see lockstep volume status NAME, and the log of that host for its disk.',
  ],
  UNREACHABLE: [
    'The host of this replica is not heard; what is shown of it is what it said last.',
    ONE_COPY,
    'Check that machine, its network and its Lockstep daemon: lockstep host get HOST',
  ],
};

export const WORKFLOW_STATES: Entries = {
  RUNNING: ['Its steps are being done.', NO_RISK, WATCH],
  UNDOING: ['A step failed, and what was done is being undone.', NO_RISK, WATCH],
  DONE: ['It is finished.', NO_RISK, NOTHING_TO_DO],
  UNDONE: [
    'It failed, and everything it did is undone: it is as before.',
    NO_RISK,
    'See why: lockstep workflow get NAME; then ask again.',
  ],
  STUCK: [
    'It waits for a person: an undo failed, or its log cannot be gone on from. Its database takes no other change.',
    'What was acknowledged is kept; what the workflow made may be half there.',
    'See why: lockstep workflow log NAME. Then lockstep workflow retry NAME, or, to leave it half done, lockstep workflow abandon NAME and lockstep doctor.',
  ],
  ABANDONED: [
    'A person ended it as it was.',
    'What it had made may be half there.',
    'See what is left over: lockstep doctor',
  ],
};

export const VERDICTS: Entries = {
  HEALTHY: [
    'Every database has both copies in sync, and every host answers.',
    'A failover loses nothing.',
    NOTHING_TO_DO,
  ],
  READY: [
    'Every host answers; there are no databases yet.',
    NO_RISK,
    'Create one: lockstep database create NAME',
  ],
  AT_WORK: ['Something is under way that ends by itself.', 'The lines below the verdict say so.', WATCH],
  ATTENTION: [
    'Everything is served, and something is not as it should be.',
    'Often: one more failure would stop a database. The lines below the verdict say what.',
    'Do what stands behind -> in lockstep status.',
  ],
  TROUBLE: [
    'A database is not served, or waits for a person.',
    'The lines below the verdict say what.',
    'Do what stands behind -> in lockstep status.',
  ],
};
