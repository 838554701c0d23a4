/**
 * What control can have a host do: make a volume a block device, put a file system on it, run an engine there.
 * Each part has one interface and a driver per way to do it; which driver is used is found out from what the host has.
 *
 * Every method is idempotent: a workflow's step that was cut off is run again. Every failure is a LockstepError whose
 * message can be shown to a person as it is.
 */

export interface AttachTarget {
  /** The volume's name, which is also the name of its NBD export. */
  readonly volume: string;
  readonly sizeBytes: number;
  /** The Unix socket of this host's NBD server. */
  readonly nbdSocket: string;
}

export interface AttachDriver {
  readonly name: 'qemu-storage-daemon' | 'kernel-nbd';
  /** Debian packages that the driver needs and what for. */
  readonly packages: Readonly<Record<string, string>>;
  /** Answers the block device, such as /dev/loop7. Survives restarts of the NBD server: I/O waits meanwhile. */
  attach(target: AttachTarget): Promise<string>;
  /**
   * Makes the device as large as the volume has become, while it is used: I/O waits for a moment and fails never.
   * Answers the device.
   */
  grow(target: AttachTarget): Promise<string>;
  /** The device of an attached volume whose processes are alive; undefined when there is none. */
  deviceOf(volume: string): Promise<string | undefined>;
  /**
   * Takes the device away, in the order engine (by then gone), file system, device, server. With `force` it does so
   * although I/O fails or hangs: what the file system had not written is lost, as in a crash.
   */
  detach(volume: string, options: { readonly force: boolean }): Promise<void>;
  /** Volumes of which there is anything on this host, be it only remains of a crash. */
  traces(): Promise<readonly string[]>;
}

export interface FileSystemDriver {
  readonly type: 'ext4' | 'xfs';
  /** Debian packages that it needs and what for. */
  readonly packages: Readonly<Record<string, string>>;
  /** Makes a file system where there is none; a device that has one is left as it is. */
  make(device: string): Promise<void>;
  /** Mounts (the journal is replayed) and answers when usable. */
  mount(device: string, mountPoint: string): Promise<void>;
  /** Throws where the kernel would not let this process make it larger while it is mounted. */
  checkGrowth(device: string): Promise<void>;
  /** Makes it as large as its device, while it is mounted. */
  grow(device: string, mountPoint: string): Promise<void>;
}

export interface EngineSpec {
  readonly engine: string;
  /** The database resource's id, a DNS label; also the name of the first database in the engine. */
  readonly database: string;
  readonly volume: string;
  /** The address of this host that the engine listens on, and no other. */
  readonly address: string;
  readonly port: number;
  /** The administrator's name. */
  readonly user: string;
  /** Where the replicated file system is mounted. */
  readonly mountPoint: string;
  /** As control has checked them. */
  readonly parameters: Readonly<Record<string, string>>;
  /** The major version whose files are on the volume; empty: the newest of the host. */
  readonly version: string;
}

export interface EngineReport {
  readonly database: string;
  readonly volume: string;
  readonly state: 'STOPPED' | 'STARTING' | 'RUNNING' | 'FROZEN' | 'FAILED';
  readonly version: string;
  readonly logTail: readonly string[];
}

/** What an engine of daemon/engines is to this host. */
export interface EngineDriver {
  readonly engine: string;
  /** Installs what is missing of that major version, or the newest for ""; answers the version in full. */
  install(
    version: string,
  ): Promise<{ readonly version: string; readonly installedPackages: readonly string[] }>;
  /** Major versions that are here or in the package sources, the newest first. */
  offers(): Promise<readonly { readonly version: string; readonly installed: boolean }[]>;
  /** Initialises the data folder on the mounted file system; does nothing where it already is complete. */
  initialize(spec: EngineSpec, password: string): Promise<void>;
  /** Has a running engine take the spec's parameters; answers those that wait for its next start. */
  configure(spec: EngineSpec): Promise<{ readonly pendingRestart: readonly string[] }>;
  /** Of the administrator, on a running engine. */
  setPassword(spec: EngineSpec, password: string): Promise<void>;
  /** Starts, waits for crash recovery and for a first answered query. A FAILED start carries the log's last lines. */
  start(spec: EngineSpec): Promise<{ readonly recoveryMs: number }>;
  /** `kill` is SIGKILL at once, for an engine that must not say another word. */
  stop(spec: EngineSpec, options: { readonly kill: boolean }): Promise<void>;
  report(spec: EngineSpec): Promise<EngineReport>;
}
