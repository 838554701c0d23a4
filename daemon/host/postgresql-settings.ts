/** PostgreSQL's configuration as text, and what its log says when it does not start. PURE. */
import { LockstepError } from '../sys/errors.ts';
import type { EngineSpec } from './drivers.ts';
import { SOCKET_PATH_BYTES } from './limits.ts';

const MIB = 1024 * 1024;
/** Each WAL segment has this size, and max_wal_size is a multiple of it. */
const SEGMENT_MIB = 16;
const LEAST_WAL_MIB = 64;
/** Redo went at about 220 MiB/s on two cores: this bounds it to a few seconds. */
const MOST_WAL_MIB = 512;

export interface EnginePaths {
  readonly dataDir: string;
  /** Written last by initialize: with it the data folder is complete. */
  readonly marker: string;
  /** Private to the engine and us; holds the socket and nothing else. */
  readonly socketDir: string;
  readonly configFile: string;
  readonly hbaFile: string;
  readonly identFile: string;
  readonly logFile: string;
}

/** What a person may change by ALTER SYSTEM; sized so that crash recovery stays short. */
export function settingsText(sizeBytes: number): string {
  const maxWal = maxWalMib(sizeBytes);
  return Object.entries({
    // Recovery: little to redo, one syncfs(2) instead of an fsync for each file of the data folder.
    checkpoint_timeout: '1min',
    checkpoint_completion_target: '0.9',
    max_wal_size: `${String(maxWal)}MB`,
    min_wal_size: `${String(Math.max(2 * SEGMENT_MIB, maxWal / 4))}MB`,
    wal_recycle: 'on',
    // Full page images are most of the WAL after a checkpoint, and WAL crosses the link to the other zone.
    wal_compression: 'lz4',
    recovery_init_sync_method: 'syncfs',
    shared_buffers: '128MB',
    max_connections: '100',
    password_encryption: 'scram-sha-256',
    logging_collector: 'off',
    log_destination: 'stderr',
    log_line_prefix: '%m [%p] %q%u@%d ',
    log_checkpoints: 'on',
    log_timezone: 'UTC',
    timezone: 'UTC',
  })
    .map(([name, value]) => `${name} = '${value}'\n`)
    .join('');
}

export function maxWalMib(sizeBytes: number): number {
  const quarter = Math.floor(sizeBytes / 4 / MIB / SEGMENT_MIB) * SEGMENT_MIB;
  return Math.min(MOST_WAL_MIB, Math.max(LEAST_WAL_MIB, quarter));
}

/** Command line settings win over every file, so this is what nobody can change from inside the engine. */
export function engineArguments(spec: EngineSpec, paths: EnginePaths): readonly string[] {
  const settings = {
    config_file: paths.configFile,
    hba_file: paths.hbaFile,
    ident_file: paths.identFile,
    listen_addresses: spec.address,
    port: String(spec.port),
    unix_socket_directories: paths.socketDir,
    unix_socket_permissions: '0700',
    cluster_name: spec.database,
    fsync: 'on',
    full_page_writes: 'on',
    synchronous_commit: 'on',
  };
  return Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
}

/** The socket's folder lets nobody in but the engine's user and root, and root is the administrator by this map. */
export function hbaText(): string {
  return [
    'local all all peer map=lockstep',
    'host all all 0.0.0.0/0 scram-sha-256',
    'host all all ::0/0 scram-sha-256',
    '',
  ].join('\n');
}

export function identText(user: string): string {
  return ['root', 'postgres'].map((system) => `lockstep ${system} "${user}"\n`).join('');
}

export function quoteIdentifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** sun_path is short, and the engine's own message would come after everything else was done. */
export function checkSocketPath(spec: EngineSpec, paths: EnginePaths): void {
  const socket = `${paths.socketDir}/.s.PGSQL.${String(spec.port)}`;
  if (Buffer.byteLength(socket) < SOCKET_PATH_BYTES) return;
  throw new LockstepError(
    'FAILED_PRECONDITION',
    `the engine's Unix socket ${socket} would have more than ${String(SOCKET_PATH_BYTES - 1)} bytes; ` +
      'give host.state_dir a shorter path',
    { reason: 'SOCKET_PATH_TOO_LONG', metadata: { path: socket } },
  );
}

/** Why the engine did not start, in the engine's own words. */
export function startFailure(spec: EngineSpec, tail: readonly string[], what: string): LockstepError {
  const said = tail.join('\n');
  if (/could not bind .*Address already in use/.test(said))
    return new LockstepError(
      'FAILED_PRECONDITION',
      `port ${String(spec.port)} of ${spec.address} is in use, so the engine of ${spec.database} cannot listen there`,
      { reason: 'PORT_IN_USE', metadata: { address: spec.address, port: String(spec.port), log_tail: said } },
    );
  return new LockstepError('UNAVAILABLE', `the engine of ${spec.database} ${what}; its log says:\n${said}`, {
    reason: 'ENGINE_START_FAILED',
    metadata: { log_tail: said },
  });
}
