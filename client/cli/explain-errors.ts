/**
 * What the reasons of errors mean. Those that people meet often have an entry; the rest belong to families, whose
 * message and next step say the particulars.
 */
import { type Entries, NO_RISK, NOT_DONE, NOTHING_TO_DO, ONE_COPY } from './explanation.ts';

const LATER = 'Wait for what is under way (lockstep operation list), then ask again.';
const LOOK = 'See how it stands, and what to do: lockstep status';
const NAMES = 'See what there is: lockstep database list, lockstep volume list, lockstep host list';

/** The codes stand for themselves where an error has no finer reason. */
export const CODES: Entries = {
  INVALID_ARGUMENT: [
    'A value of the request is not allowed; the error names it and what is.',
    NOT_DONE,
    'Ask again with a value that is allowed.',
  ],
  NOT_FOUND: ['Nothing has this name.', NOT_DONE, NAMES],
  ALREADY_EXISTS: [
    'The name is taken.',
    NOT_DONE,
    'Choose another name, or see what has it: lockstep database list',
  ],
  ABORTED: ['Something else holds it, or it changed meanwhile.', NOT_DONE, LATER],
  FAILED_PRECONDITION: ['It cannot be done as things stand.', NOT_DONE, LOOK],
  RESOURCE_EXHAUSTED: ['There is not enough room, or not enough of something else.', NOT_DONE, LOOK],
  UNAVAILABLE: [
    'Who was asked does not answer just now.',
    'It is not known whether it was done; with the same --request-id it is done once, however often it is asked.',
    'Ask again; where it stays so: lockstep status, and the daemon of the host that is named.',
  ],
  DEADLINE_EXCEEDED: [
    'There was no answer in time.',
    'It is not known whether it was done; with the same --request-id it is done once, however often it is asked.',
    'See whether it is under way: lockstep operation list',
  ],
  INTERNAL: [
    'Something happened that should not.',
    'Control stops rather than guess with data.',
    'The log of the daemon has the rest; please report it.',
  ],
};

export const ERRORS: Entries = {
  INVALID_FIELD: [
    'A value of the request is not allowed; the error names it and what is.',
    NOT_DONE,
    'Ask again with a value that is allowed.',
  ],
  DELETION_PROTECTED: [
    'The database is protected from a delete.',
    NOT_DONE,
    'Lift that first: lockstep database update NAME --deletion-protection off',
  ],
  GRACE_TIME_OVER: [
    'The grace time of the deleted database has passed.',
    'Its copies are gone; its final snapshot stays, where one was taken.',
    'Make a new one of that: lockstep snapshot list, lockstep snapshot restore NAME@SNAPSHOT NEW-NAME',
  ],
  RECORD_BEHIND: [
    'The record of the control store is older than what a host holds, or a host that may know better has not been heard.',
    NOT_DONE,
    'Start every host; it is tried again. If the store came from a backup, see docs/replication.md.',
  ],
  ARCHIVE: [
    'The volume keeps the final snapshot of a database that was deleted, and nothing else.',
    NOT_DONE,
    'To be rid of it, delete that snapshot: lockstep snapshot delete NAME@SNAPSHOT',
  ],
  ETAG_MISMATCH: [
    'It is no longer what was seen under this etag.',
    NOT_DONE,
    'Look at it again, and decide anew with its present etag.',
  ],
  DATABASE_BUSY: ['Another operation holds the database; the error names it.', NOT_DONE, LATER],
  DATABASE_EXISTS: [
    'A database has this name already.',
    NOT_DONE,
    'Choose another name, or see what has it: lockstep database list',
  ],
  DATABASE_NOT_FOUND: [
    'No database has this name.',
    NOT_DONE,
    'See which there are: lockstep database list --deleted',
  ],
  VOLUME_NOT_FOUND: ['No volume has this name.', NOT_DONE, 'See which there are: lockstep volume list'],
  HOST_NOT_FOUND: ['No host has this name.', NOT_DONE, 'See which there are: lockstep host list'],
  HOST_UNKNOWN: ['This host was never heard.', NOT_DONE, 'See which there are: lockstep host list'],
  OPERATION_NOT_FOUND: [
    'No operation has this name; ended ones are kept for a while.',
    NOT_DONE,
    'See which there are: lockstep operation list',
  ],
  WORKFLOW_NOT_FOUND: [
    'No workflow has this name; ended ones are kept for a while.',
    NOT_DONE,
    'See which there are: lockstep workflow list',
  ],
  HAS_ENGINE: [
    'What was asked goes for a volume without an engine only.',
    NOT_DONE,
    'Use lockstep database ... for it.',
  ],
  NO_ENGINE: [
    'It has no engine to connect to: it is used over NBD.',
    NO_RISK,
    'See where: lockstep volume status NAME',
  ],
  NO_ENDPOINT: ['It has no alias yet: it is still being made.', NO_RISK, LATER],
  NOT_ENOUGH_ZONES: [
    'Two copies need hosts in two zones, and there are fewer that answer and have room.',
    NOT_DONE,
    'See which there are: lockstep zone list; or take one copy: --single',
  ],
  NO_SPACE: [
    'The file system of a host is full, or nearly.',
    'Nothing that was acknowledged is lost.',
    'Make room on the disk of that host (docs/ondisk.md), or delete snapshots: lockstep snapshot list',
  ],
  NO_FITTING_HOST: [
    'No host may take the copy: it has to answer, store, be in the right zone, have room and not be cordoned.',
    NOT_DONE,
    'See which there are: lockstep host list; uncordon one, or add one.',
  ],
  ASSERTION: [
    'A daemon found a bug of its own, and stopped rather than guess with data.',
    'What was acknowledged is kept.',
    'The log of that daemon has the rest; please report it.',
  ],
  UNKNOWN: [
    'The answer came from another software, or a newer version.',
    'It is not known whether it was done.',
    'See how it stands: lockstep status; use the client of the version that the server runs.',
  ],
  NO_ROOM: [
    'No host that may take it has that much room.',
    NOT_DONE,
    'See the room: lockstep host list; uncordon a host, add one, or ask for less.',
  ],
  NOT_SAFE_TO_FAIL_OVER: [
    'The secondary does not hold every acknowledged write, or is not heard.',
    'A failover would lose acknowledged writes: it was refused.',
    'Wait for IN_SYNC: lockstep volume status NAME',
  ],
  ONE_COPY: [
    'It has one copy, and that needs two.',
    NOT_DONE,
    'Give it a second one: lockstep database convert NAME --to replicated',
  ],
  NOT_IN_SYNC: [
    'The replica does not hold every acknowledged write.',
    ONE_COPY,
    'Wait for IN_SYNC: lockstep volume status NAME',
  ],
  NOT_ACTIVE: ['The database is not in a state in which that can be done.', NOT_DONE, LOOK],
  NOT_RUNNING: ['The database is not running.', NOT_DONE, 'Start it: lockstep database start NAME'],
  NOT_WELL_ENOUGH: [
    'Both hosts have to be well for a switchover.',
    NOT_DONE,
    'Look after them: lockstep status. Where the primary is not to be waited for: lockstep database failover NAME',
  ],
  NOT_SERVING: [
    'The replica serves nobody just now.',
    NOT_DONE,
    'See what it waits for: lockstep volume status NAME',
  ],
  NO_PRIMARY: [
    'The volume has no primary that serves.',
    NOT_DONE,
    'See what it waits for: lockstep volume status NAME',
  ],
  HOST_UNREACHABLE: [
    'A host that has to be asked does not answer.',
    'What is on it is kept there.',
    'Check that machine, its network and its Lockstep daemon: lockstep host list',
  ],
  HOST_SILENT: [
    'A host fell silent while it was asked.',
    'What is on it is kept there.',
    'Check that machine, its network and its Lockstep daemon: lockstep host list',
  ],
  HOSTS_SILENT: [
    'No host that holds it is heard.',
    'What is on them is kept there.',
    'Check those machines, their network and their Lockstep daemons: lockstep host list',
  ],
  HOST_RELEASING: ['The host is being shut down in good order.', NO_RISK, 'Ask again when it is back.'],
  HOST_NAME_IN_USE: [
    'Another machine reports under the name of this host.',
    NO_RISK,
    'Give each host a name of its own (host.name in its configuration).',
  ],
  PASSWORD_CLAIMED: [
    'The password was handed out before; it is handed out once.',
    NO_RISK,
    'Use the saved one, or make a new one: lockstep database reset-password NAME',
  ],
  PASSWORD_NOT_SAVED: [
    'The password was handed out and could not be written to the file of saved passwords.',
    NO_RISK,
    'Note it now: the error has it. Or make a new one: lockstep database reset-password NAME',
  ],
  CREDENTIALS_UNUSABLE: [
    'The file of saved passwords cannot be read or written.',
    NO_RISK,
    'Mend or move the file that the error names.',
  ],
  DATA_LOSS_NOT_ACCEPTED: [
    'What was asked for loses acknowledged writes, and that has to be said.',
    NOT_DONE,
    'Say it with --accept-data-loss, or look for a newer copy: lockstep volume status NAME',
  ],
  SHRINK_NOT_ACCEPTED: [
    'A smaller volume loses its end, and that has to be said.',
    NOT_DONE,
    'Say it with --yes.',
  ],
  FORCE_REFUSED: [
    'Another copy holds every acknowledged write, or the primary is heard.',
    'To force the old copy would lose them: it was refused.',
    'See which: lockstep volume status NAME',
  ],
  FORCE_UNKNOWN: [
    'It is not known whether the copy was made the primary: the answer was lost.',
    'The copy may lack acknowledged writes, as it was said.',
    'See how it stands: lockstep volume status NAME; then say the same again.',
  ],
  SNAPSHOT_NOT_FOUND: [
    'No host that answers keeps a snapshot of this name.',
    NOT_DONE,
    'See which there are: lockstep snapshot list',
  ],
  SNAPSHOT_AMBIGUOUS: [
    'More than one host keeps a snapshot of this name.',
    NOT_DONE,
    'Say which with --host HOST.',
  ],
  SNAPSHOT_IN_USE: [
    'Somebody reads the snapshot.',
    NOT_DONE,
    'End that (an NBD client, a clone being made), then ask again.',
  ],
  TOO_MANY_SNAPSHOTS: [
    'The volume has as many snapshots as it may.',
    NOT_DONE,
    'Delete some: lockstep snapshot list NAME',
  ],
  TOO_MANY_WATCHES: [
    'As many watches are open as control serves.',
    NO_RISK,
    'End a watch that nobody reads, and try again.',
  ],
  WATCH_TOO_SLOW: [
    'The reader of a watch took its events too slowly.',
    NO_RISK,
    'Nothing: the library lists what was missed, and goes on.',
  ],
  CLIENTS_CONNECTED: ['Clients are connected over NBD.', NOT_DONE, 'Disconnect them, then ask again.'],
  END_IN_USE: [
    'Something is written behind the new end.',
    NOT_DONE,
    'Discard it first (blkdiscard, or TRIM over NBD).',
  ],
  LARGER_ALREADY: ['The volume is larger than that already.', NOT_DONE, NOTHING_TO_DO],
  GROWTH_INCOMPLETE: ['Not every replica is larger yet.', NO_RISK, 'Ask again for the same size.'],
  SCRUB_MISMATCH: [
    'The replicas differ, or the single copy is damaged, where no checksum decides.',
    'What differs may be wrong on one of them.',
    'See where: lockstep volume status NAME; then lockstep volume check NAME, or lockstep database reseed NAME --anew from the copy that you trust.',
  ],
  SCRUB_INCOMPLETE: ['The comparison has not ended.', NO_RISK, 'Ask again: it goes on where it broke off.'],
  REVERT_UNDER_WAY: [
    'A revert of this volume has not ended.',
    'Each replica is as before or as the snapshot, never between.',
    'See how it stands: lockstep operation list',
  ],
  STEP_DEADLINE: [
    'A step of a workflow took longer than it may.',
    'What was done is undone.',
    'See which: lockstep workflow log NAME',
  ],
  WORKFLOW_HALTED: [
    'A workflow stopped and asks for a person.',
    'What it made may be half there.',
    'See why: lockstep workflow log NAME; then lockstep workflow retry NAME, or abandon.',
  ],
  CONTENTION: ['Others changed the same records at the same time, again and again.', NOT_DONE, 'Ask again.'],
  STALE_FENCE: ['An older life of control asked, and a newer one has taken over.', NOT_DONE, NOTHING_TO_DO],
  SHUTTING_DOWN: ['The daemon that was asked is ending.', NOT_DONE, 'Ask again when it is back.'],
  PSQL_MISSING: [
    'The program psql is not installed on this machine.',
    NO_RISK,
    'On Debian: apt-get install postgresql-client',
  ],
  ALIAS_UNRESOLVED: [
    "Lockstep's DNS responder has no address for the alias, or does not answer.",
    NO_RISK,
    'Where a failover is under way, wait some seconds; else check that its port is reached: lockstep database connection NAME',
  ],
  PORT_IN_USE: [
    'Something else listens on a port that the configuration gives.',
    NO_RISK,
    'End it, or give another port (docs/configuration.md).',
  ],
  PACKAGE_UNAVAILABLE: [
    'A package that the engine needs is neither installed nor in the package sources of the host.',
    NOT_DONE,
    'Install it there, or give the host a package mirror (docs/install.md).',
  ],
  REPLICA_NOT_WHOLE: [
    'The replica holds half of a copy.',
    ONE_COPY,
    'Wait for its copy: lockstep volume status NAME',
  ],
  NBD_UNREACHABLE: [
    'The volume is not reached over NBD from this machine.',
    NO_RISK,
    'See where it is served: lockstep volume status NAME',
  ],
};

/** For a reason without an entry: the first that fits. */
export const FAMILIES: readonly (readonly [RegExp, Entries[string]])[] = [
  [
    /^TLS_/,
    [
      'A certificate, its key or an authority cannot be used.',
      NO_RISK,
      'Give PEM files that belong together: docs/cli.md and docs/configuration.md, [api.tls].',
    ],
  ],
  [
    /^CONFIG_/,
    [
      'The configuration of a daemon cannot be used; the error names the key, the value and what is allowed.',
      NO_RISK,
      'Mend it: docs/configuration.md',
    ],
  ],
  [
    /^CONTROL_STORE_|^WORKFLOW_LOG_/,
    [
      "Control's own records cannot be used or have run ahead of it.",
      'The data of the databases is on the hosts, and is not touched.',
      'The log of the control daemon says what to do; the records are in state_dir/control (docs/ondisk.md).',
    ],
  ],
  [
    /^LAYER_|^STORE_|^RECORDS?_|^FALLBACK_|^REGION_|^EXTENTS_|^STRAY_|^FLUSH_|^DISK$|^READ_ONLY$/,
    [
      'What a host keeps of a volume is damaged, or its disk fails.',
      'The other copy has every acknowledged write while the database is IN_SYNC.',
      'See what is damaged: lockstep volume check NAME; and the log of that host (docs/ondisk.md).',
    ],
  ],
  [
    /^STATE_|^NOT_OUR_FOLDER$|^NOT_CLEAN$|^SOCKET_PATH|^PORT_|^CANNOT_LISTEN$|^ADDRESS_/,
    [
      'A daemon cannot use its state folder or a port.',
      NO_RISK,
      'The error names it; mend the configuration or the folder: docs/configuration.md',
    ],
  ],
  [
    /^ENGINE_|^DATABASE_FAILED$|^NO_SYSTEM_USER$/,
    [
      'The database engine on a host cannot be set up, started or asked.',
      'What was committed is on the volume.',
      "The error has the engine's last words; the rest is in its log on that host.",
    ],
  ],
  [
    /^ATTACH_|^DEVICE_|^MOUNT_|^STILL_MOUNTED$|^NO_DEVICE$|^NO_KERNEL_NBD$|^FUSE_|^NOT_ATTACHED$|^NOT_MOUNTED$|^PROCESS_|^PROGRAM_|^COMMAND_|^FILE_SYSTEM_/,
    [
      'A host cannot make the volume a device or mount it, or one of its programs fails.',
      'What was committed is on the volume.',
      'The error names the program or the device; docs/install.md lists what a host needs.',
    ],
  ],
  [
    /^IMAGE_|^IMPORT_|^QEMU_|^COPY_|^BACKING_/,
    [
      'An image or a copy cannot be read, written or finished.',
      'What the image is made of is not changed.',
      'The error says what to mend; docs/cli.md#images has the formats.',
    ],
  ],
  [
    /^QUICKSTART_|^DAEMON_|^NOT_DEBIAN$|^NOT_ROOT$|^NO_DATABASE$/,
    [
      'The quick start cannot do what was asked on this machine.',
      NO_RISK,
      'The error says what is missing: docs/quickstart.md',
    ],
  ],
  [
    /^SNAPSHOT_|^GROWTH_|^REVERT_|^CLONE_|^VOLUME_|^SHRINK_|^SCRUB_|^SIZE_|^FORCE_/,
    [
      'A volume or a snapshot is not in a state in which that can be done.',
      NOT_DONE,
      'See how it stands: lockstep volume status NAME, lockstep snapshot list NAME',
    ],
  ],
  [
    /^WORKFLOW_/,
    [
      'A workflow cannot go on, or is not in a state in which that can be done.',
      'What it made may be half there.',
      'See why: lockstep workflow get NAME',
    ],
  ],
  [
    /^NBD_/,
    [
      'The volume cannot be reached over NBD, or not in the way that was asked.',
      NO_RISK,
      'See where it is served: lockstep volume status NAME; docs/nbd.md has its TLS.',
    ],
  ],
  [
    /^HOST_|^ZONE_|^DRAIN_|^NO_FREE_PORT$|^PLACE/,
    [
      'A host cannot take part in what was asked.',
      NOT_DONE,
      'See how it stands: lockstep host list, lockstep zone list',
    ],
  ],
  [
    /^(GENERATION|INCARNATION|SUPERSEDED|STATE|NOT_PRIMARY|NOT_PROMOTABLE|NOT_SAFE|NOT_CHECKED|NOT_CREATED_YET|NO_SUCH_REPLICA|REPLICA_\w+|SOURCE_AWAY|WIRE_VERSION|MALFORMED|UNREADABLE_REQUEST)$/,
    [
      'Two daemons disagree for a moment, or run different versions: what was asked is refused rather than guessed.',
      'Refusals like this are what keeps two primaries apart.',
      'Where it stays so: lockstep volume status NAME, and the same version on every host.',
    ],
  ],
  [
    /^ALREADY_/,
    ['It is so already.', NOT_DONE, 'Nothing, if that is what was wanted: lockstep database get NAME'],
  ],
  [
    /^(NOT|NO)_|_LOST$|_GONE$|_INCOMPLETE$|_IMPOSSIBLE$|_IS_BACK$|_NOT_FOUND$|_IN_USE$/,
    [
      'Something that is needed for it is not there, or not as it has to be; the message says what.',
      NOT_DONE,
      LOOK,
    ],
  ],
];
