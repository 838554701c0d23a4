/** Every bound of this folder, with its unit. */

/** How long the NBD client of an attached volume holds I/O while the NBD server is away, in seconds. */
export const RECONNECT_DELAY_S = 3600;
/** From the start of the attach process to its export being mounted. */
export const EXPORT_UP_TIMEOUT_MS = 10_000;
/** How often something that is about to happen on this host is looked for. */
export const POLL_MS = 4;
/** A loop device that was told to go is gone. */
export const DEVICE_GONE_TIMEOUT_MS = 2000;
/** An attach process that was asked to end flushes and unmounts its export. */
export const ATTACH_STOP_GRACE_MS = 5000;
/** A process that got SIGKILL; one in uninterruptible I/O may take longer and is then left to the kernel. */
export const KILL_WAIT_MS = 2000;

/** losetup, blkid and the like: they talk to the kernel only, but may wait for I/O of the volume. */
export const DEVICE_COMMAND_TIMEOUT_MS = 15_000;
/** mkfs: a file system of any size is a few thousand requests, since zeroes are sent as zeroes. */
export const MAKE_FILE_SYSTEM_TIMEOUT_MS = 120_000;
/** The new groups' tables are written. */
export const GROW_FILE_SYSTEM_TIMEOUT_MS = 120_000;
/** A file of FUSE has its new size: the kernel keeps the old one for a second. */
export const EXPORT_GROWN_TIMEOUT_MS = 5000;
export const EXPORT_GROWN_POLL_MS = 100;
/** mount includes the replay of the journal, umount the write-back of dirty pages. */
export const MOUNT_TIMEOUT_MS = 60_000;
export const UNMOUNT_TIMEOUT_MS = 60_000;
/** Of a file system: what it holds in memory is written first. Everything that writes to it waits meanwhile. */
export const FREEZE_TIMEOUT_MS = 10_000;
export const THAW_TIMEOUT_MS = 10_000;
/** How much of a command's output is kept for its error. */
export const COMMAND_OUTPUT_BYTES = 64 * 1024;

export const PACKAGE_INDEX_TIMEOUT_MS = 300_000;
export const PACKAGE_INSTALL_TIMEOUT_MS = 900_000;
/** How long apt waits for another process that holds dpkg's lock. */
export const PACKAGE_LOCK_TIMEOUT_S = 120;

export const ENGINE_INITIALIZE_TIMEOUT_MS = 120_000;
/** Start, crash recovery included. */
export const ENGINE_START_TIMEOUT_MS = 120_000;
export const ENGINE_STOP_GRACE_MS = 30_000;
/** What an engine writes back while it still serves, before a shutdown. */
export const ENGINE_SETTLE_TIMEOUT_MS = 30_000;
/** After this long a killed engine is taken to hang in I/O, which ends when its volume is taken away. */
export const ENGINE_KILL_HEADSTART_MS = 100;
/** A guard that is started takes a moment to load. */
export const GUARD_START_TIMEOUT_MS = 10_000;
export const GUARD_END_TIMEOUT_MS = 500;
export const ENGINE_POLL_MS = 30;
export const ENGINE_PROBE_TIMEOUT_MS = 2000;
/** Of what a server answers to a probe, more is not looked at. */
export const PROBE_ANSWER_BYTES = 64 * 1024;
/** How old the list of installed servers may be that heartbeats are made of. */
export const RECENT_SERVERS_MS = 5000;
/** What is asked of a running engine as its administrator. */
export const ENGINE_ADMINISTRATION_TIMEOUT_MS = 30_000;
/** The engine's log file is moved aside when it has grown beyond this; one old file is kept. */
export const LOG_FILE_BYTES = 16 * 1024 * 1024;
export const LOG_TAIL_BYTES = 8 * 1024;
export const LOG_TAIL_LINES = 12;

/** sun_path of unix(7), the closing zero byte included. */
export const SOCKET_PATH_BYTES = 108;
export const SECTOR_BYTES = 512;
