/** PostgreSQL, as Debian packages it: every major version side by side below /usr/lib/postgresql. PURE. */
import { type EngineFacts, type Endpoint, type EngineParameter, parameter } from './engine.ts';

const MIB = 1024 * 1024;
const { integer, decimal, boolean, choice } = parameter;

/**
 * checkpoint_timeout and max_wal_size are bounded so that crash recovery is: redo went at about 220 MiB/s on two cores,
 * and 4 GiB of WAL are 20 s. fsync, full_page_writes and synchronous_commit are nobody's to change.
 */
const PARAMETERS: readonly EngineParameter[] = [
  integer('max_connections', 'Clients at the same time.', {
    from: 10,
    to: 5000,
    byDefault: 100,
    restart: true,
  }),
  integer('shared_buffers', 'Memory in which pages are cached for all clients.', {
    ...{ from: 16, to: 262_144, byDefault: 128, unit: 'MB' },
    restart: true,
  }),
  integer('work_mem', 'Memory of one sort or hash of one query, before it uses files.', {
    ...{ from: 64, to: 4_194_304, byDefault: 4096, unit: 'kB' },
  }),
  integer('maintenance_work_mem', 'Memory of VACUUM, CREATE INDEX and the like.', {
    ...{ from: 1, to: 65_536, byDefault: 64, unit: 'MB' },
  }),
  integer('effective_cache_size', 'What the planner takes all caches together to hold.', {
    ...{ from: 16, to: 4_194_304, byDefault: 4096, unit: 'MB' },
  }),
  integer('temp_file_limit', 'Disk space of one session for temporary files; -1: no limit.', {
    ...{ from: -1, to: 1_073_741_823, byDefault: -1, unit: 'kB' },
  }),
  integer(
    'checkpoint_timeout',
    'The longest time between two checkpoints; crash recovery redoes what came after.',
    {
      ...{ from: 30, to: 300, byDefault: 60, unit: 's' },
    },
  ),
  integer('max_wal_size', 'A checkpoint is begun when this much WAL was written since the last.', {
    ...{ from: 64, to: 4096, byDefault: '', unit: 'MB' },
  }),
  choice('wal_compression', 'How full page images in the WAL are compressed.', {
    of: ['off', 'pglz', 'lz4'],
    byDefault: 'lz4',
  }),
  integer('statement_timeout', 'A statement that takes longer is cancelled; 0: none is.', {
    ...{ from: 0, to: 86_400_000, byDefault: 0, unit: 'ms' },
  }),
  integer('lock_timeout', 'A statement that waits longer for a lock is cancelled; 0: none is.', {
    ...{ from: 0, to: 86_400_000, byDefault: 0, unit: 'ms' },
  }),
  integer('deadlock_timeout', 'A wait for a lock that is this long is looked at for a deadlock.', {
    ...{ from: 10, to: 60_000, byDefault: 1000, unit: 'ms' },
  }),
  integer(
    'idle_in_transaction_session_timeout',
    'A session this long idle in a transaction is ended; 0: none is.',
    {
      ...{ from: 0, to: 86_400_000, byDefault: 0, unit: 'ms' },
    },
  ),
  integer('idle_session_timeout', 'A session this long idle outside of a transaction is ended; 0: none is.', {
    ...{ from: 0, to: 86_400_000, byDefault: 0, unit: 'ms' },
  }),
  integer('tcp_keepalives_idle', 'A silent client is asked whether it is there; 0: as the host has it.', {
    ...{ from: 0, to: 7200, byDefault: 0, unit: 's' },
  }),
  choice('default_transaction_isolation', 'The isolation of a transaction that names none.', {
    of: ['read committed', 'repeatable read', 'serializable'],
    byDefault: 'read committed',
  }),
  decimal('random_page_cost', "The planner's cost of a page out of order; a page in order costs 1.", {
    ...{ from: 0.1, to: 100, byDefault: 4 },
  }),
  integer('effective_io_concurrency', 'Pages that a bitmap scan fetches ahead.', {
    from: 0,
    to: 1000,
    byDefault: 1,
  }),
  integer('default_statistics_target', 'How much ANALYZE keeps of each column.', {
    ...{ from: 1, to: 10_000, byDefault: 100 },
  }),
  boolean('jit', 'Expensive queries are compiled.', 'on'),
  integer('max_worker_processes', 'Background workers of all kinds.', {
    from: 1,
    to: 256,
    byDefault: 8,
    restart: true,
  }),
  integer('max_parallel_workers', 'Of these, workers of parallel queries.', {
    from: 0,
    to: 256,
    byDefault: 8,
  }),
  integer('max_parallel_workers_per_gather', 'Workers of one part of a query.', {
    from: 0,
    to: 64,
    byDefault: 2,
  }),
  integer('max_locks_per_transaction', 'Room in the table of locks, for each client.', {
    ...{ from: 10, to: 10_000, byDefault: 64 },
    restart: true,
  }),
  boolean('autovacuum', 'Dead rows are cleaned up in the background.', 'on'),
  integer('autovacuum_max_workers', 'Tables that are cleaned up at the same time.', {
    ...{ from: 1, to: 64, byDefault: 3 },
    restart: true,
  }),
  integer('autovacuum_naptime', 'The time between two looks at a database.', {
    ...{ from: 1, to: 3600, byDefault: 60, unit: 's' },
  }),
  integer('autovacuum_vacuum_threshold', 'Dead rows before a table is cleaned up.', {
    ...{ from: 0, to: 1_000_000_000, byDefault: 50 },
  }),
  decimal('autovacuum_vacuum_scale_factor', 'The same, as a part of the table.', {
    from: 0,
    to: 100,
    byDefault: 0.2,
  }),
  decimal('autovacuum_analyze_scale_factor', 'Changed rows before ANALYZE, as a part of the table.', {
    ...{ from: 0, to: 100, byDefault: 0.1 },
  }),
  integer('autovacuum_vacuum_cost_limit', 'How much a cleaner does between its pauses; -1: as VACUUM.', {
    ...{ from: -1, to: 10_000, byDefault: -1 },
  }),
  integer('log_min_duration_statement', 'Statements that took this long are logged; -1: none.', {
    ...{ from: -1, to: 86_400_000, byDefault: -1, unit: 'ms' },
  }),
  boolean('log_lock_waits', 'Waits for a lock longer than deadlock_timeout are logged.', 'off'),
  boolean('log_connections', 'Each new session is logged.', 'off'),
  choice('log_statement', 'Which statements are logged, whatever they took.', {
    of: ['none', 'ddl', 'mod', 'all'],
    byDefault: 'none',
  }),
];

const hostAndPort = (address: string, port: number): string => `${address}:${String(port)}`;

/** Of libpq. A client of several addresses goes to the one that takes writes, which is the primary alone. */
function uriOf(hosts: string, { user, database }: Endpoint): string {
  return `postgresql://${user}@${hosts}/${database}`;
}

export const postgresql: EngineFacts = {
  name: 'postgresql',
  title: 'PostgreSQL',
  minimumSizeBytes: 256 * MIB,
  defaultPort: 5432,
  recoveryBoundSeconds: 10,
  parameters: PARAMETERS,
  ownDatabases: ['postgres', 'template0', 'template1'],
  majorOf: (version) => /^\d+/.exec(version)?.[0] ?? '',
  uri: (endpoint) => uriOf(hostAndPort(endpoint.alias, endpoint.port), endpoint),
  multiHostUri(endpoint) {
    const hosts = endpoint.addresses.map((address) => hostAndPort(address, endpoint.port)).join(',');
    return hosts === '' ? '' : `${uriOf(hosts, endpoint)}?target_session_attrs=read-write`;
  },
  command: ({ alias, port, user, database }) =>
    `psql --host=${alias} --port=${String(port)} --username=${user} --dbname=${database}`,
};
