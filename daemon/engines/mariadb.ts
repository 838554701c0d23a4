/** MariaDB, as Debian packages it: one version at a time. PURE. */
import { type EngineFacts, type EngineParameter, parameter } from './engine.ts';

const MIB = 1024 * 1024;
const { integer, boolean, choice } = parameter;

/**
 * innodb_log_file_size is bounded so that crash recovery is: all of the log may have to be applied.
 * innodb_flush_log_at_trx_commit, innodb_doublewrite and the like are nobody's to change.
 */
const PARAMETERS: readonly EngineParameter[] = [
  integer('max_connections', 'Clients at the same time.', { from: 10, to: 10_000, byDefault: 151 }),
  integer('innodb_buffer_pool_size', 'Memory in which pages are cached for all clients.', {
    ...{ from: 16, to: 262_144, byDefault: 128, unit: 'M' },
  }),
  integer(
    'innodb_log_file_size',
    'The log that crash recovery applies; a larger one writes pages less often.',
    {
      ...{ from: 16, to: 2048, byDefault: '', unit: 'M' },
    },
  ),
  integer('innodb_log_buffer_size', 'Memory for the log of transactions that are not committed.', {
    ...{ from: 2, to: 1024, byDefault: 16, unit: 'M' },
    restart: true,
  }),
  integer('innodb_lock_wait_timeout', 'A statement that waits longer for a row lock fails.', {
    ...{ from: 0, to: 86_400, byDefault: 50 },
  }),
  integer('innodb_io_capacity', 'Pages a second that are written in the background.', {
    ...{ from: 100, to: 100_000, byDefault: 200 },
  }),
  boolean('innodb_print_all_deadlocks', 'Each deadlock is logged.', 'off'),
  boolean('innodb_strict_mode', 'Table options that cannot be had are refused, not ignored.', 'on'),
  integer('innodb_ft_min_token_size', 'Shorter words are not in a full-text index.', {
    ...{ from: 0, to: 16, byDefault: 3 },
    restart: true,
  }),
  integer('max_allowed_packet', 'The longest statement or row.', {
    ...{ from: 1, to: 1024, byDefault: 16, unit: 'M' },
  }),
  integer('tmp_table_size', 'A temporary table in memory that grows beyond it goes to disk.', {
    ...{ from: 1, to: 65_536, byDefault: 16, unit: 'M' },
  }),
  integer('max_heap_table_size', 'The same for tables of the engine MEMORY.', {
    ...{ from: 1, to: 65_536, byDefault: 16, unit: 'M' },
  }),
  integer('sort_buffer_size', 'Memory of one sort.', { from: 16, to: 1_048_576, byDefault: 2048, unit: 'K' }),
  integer('join_buffer_size', 'Memory of one join without an index.', {
    ...{ from: 16, to: 1_048_576, byDefault: 256, unit: 'K' },
  }),
  integer('table_open_cache', 'Open tables of all clients.', { from: 10, to: 1_048_576, byDefault: 2000 }),
  integer('thread_cache_size', 'Threads that are kept for the next client.', {
    from: 0,
    to: 16_384,
    byDefault: 151,
  }),
  integer('wait_timeout', 'A session this long idle is ended.', {
    from: 1,
    to: 31_536_000,
    byDefault: 28_800,
  }),
  integer('interactive_timeout', "The same for a person's session.", {
    ...{ from: 1, to: 31_536_000, byDefault: 28_800 },
  }),
  integer('idle_transaction_timeout', 'A session this long idle in a transaction is ended; 0: none is.', {
    ...{ from: 0, to: 31_536_000, byDefault: 0 },
  }),
  integer('max_statement_time', 'A statement that takes longer is cancelled, in seconds; 0: none is.', {
    ...{ from: 0, to: 31_536_000, byDefault: 0 },
  }),
  integer('lock_wait_timeout', 'A statement that waits longer for a table fails.', {
    ...{ from: 0, to: 31_536_000, byDefault: 86_400 },
  }),
  choice('transaction_isolation', 'The isolation of a transaction that names none.', {
    of: ['READ-UNCOMMITTED', 'READ-COMMITTED', 'REPEATABLE-READ', 'SERIALIZABLE'],
    byDefault: 'REPEATABLE-READ',
  }),
  choice('character_set_server', 'Of new databases that name none.', {
    of: ['utf8mb4', 'latin1', 'ascii', 'binary'],
    byDefault: 'utf8mb4',
  }),
  boolean('event_scheduler', 'Scheduled events are run.', 'off'),
  boolean('slow_query_log', 'Statements that took longer than long_query_time are logged.', 'off'),
  integer('long_query_time', 'See slow_query_log, in seconds.', { from: 0, to: 31_536_000, byDefault: 10 }),
];

export const mariadb: EngineFacts = {
  name: 'mariadb',
  title: 'MariaDB',
  minimumSizeBytes: 512 * MIB,
  defaultPort: 3306,
  recoveryBoundSeconds: 15,
  parameters: PARAMETERS,
  ownDatabases: ['mysql', 'information_schema', 'performance_schema', 'sys'],
  majorOf: (version) => /^\d+\.\d+/.exec(version)?.[0] ?? '',
  uri: ({ alias, port, user, database }) => `mariadb://${user}@${alias}:${String(port)}/${database}`,
  // Its clients ask for one name; connectors that take several have each a way of their own.
  multiHostUri: () => '',
  command: ({ alias, port, user, database }) =>
    `mariadb --host=${alias} --port=${String(port)} --user=${user} --password ${database}`,
};
