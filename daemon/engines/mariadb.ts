/**
 * MariaDB, as Debian packages it: one version at a time. PURE.
 *
 * The packages are the server's and the client's core: the programs, without a service and a data folder of their own,
 * which mariadb-server would start while it is installed. root on the host is root in the engine by the socket's peer,
 * and by nothing else; the administrator has all but what would let a session change how commits become durable.
 */
import {
  type Engine,
  type EngineParameter,
  type EngineSite,
  parameter,
  type Script,
  valuesOf,
} from './engine.ts';

const KIB = 1024;
const MIB = 1024 * KIB;
const LEAST_LOG_MIB = 16;
const MOST_LOG_MIB = 256;
const LONGEST_PACKET = 16 * MIB;
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

/** Files, the server's own variables and other people's privileges on them stay the host's. */
const ADMINISTRATOR_PRIVILEGES = [
  ...[
    'SELECT',
    'INSERT',
    'UPDATE',
    'DELETE',
    'CREATE',
    'DROP',
    'REFERENCES',
    'INDEX',
    'ALTER',
    'TRIGGER',
    'EVENT',
  ],
  ...['CREATE TEMPORARY TABLES', 'LOCK TABLES', 'EXECUTE', 'CREATE VIEW', 'SHOW VIEW', 'CREATE ROUTINE'],
  ...[
    'ALTER ROUTINE',
    'CREATE USER',
    'SHOW DATABASES',
    'PROCESS',
    'RELOAD',
    'DELETE HISTORY',
    'CONNECTION ADMIN',
  ],
].join(', ');

/** $1 data folder, the rest are the server's arguments; the SQL, with the password in it, comes in. */
const INITIALIZE = `
data=$1; shift
cd "$data"
mariadb-install-db --no-defaults --datadir="$data" --skip-name-resolve --skip-test-db \\
  --auth-root-authentication-method=socket --auth-root-socket-user=root "$@" >&2
exec mariadbd --no-defaults --datadir="$data" --bootstrap "$@"
`;

/** Everything is synced once for all before the folder counts as complete. */
const WHILE_MADE = ['--skip-log-bin', '--innodb-flush-method=nosync'];

/** Has pages written as fast as it can, and waits up to five seconds until few are left. */
const SETTLE = [
  'SET GLOBAL innodb_max_dirty_pages_pct_lwm = 0, GLOBAL innodb_max_dirty_pages_pct = 0;',
  'DELIMITER ;;',
  'BEGIN NOT ATOMIC',
  '  DECLARE tries INT DEFAULT 50;',
  '  WHILE tries > 0 AND (SELECT VARIABLE_VALUE FROM information_schema.GLOBAL_STATUS',
  "      WHERE VARIABLE_NAME = 'Innodb_buffer_pool_pages_dirty') > 100 DO",
  '    DO SLEEP(0.1); SET tries = tries - 1;',
  '  END WHILE;',
  'END;;',
];

const CLIENT = '/usr/bin/mariadb';
const SERVER = '/usr/sbin/mariadbd';

/** Of a client's handshake: protocol 4.1, secure connection, plugin authentication, long password. */
const CAPABILITIES = 0x200 | 0x8000 | 0x80000 | 1;
const UTF8MB4 = 45;
const OK = 0x00;
const ERROR = 0xff;

export const mariadb: Engine = {
  name: 'mariadb',
  title: 'MariaDB',
  minimumSizeBytes: 256 * MIB,
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

  systemUser: 'mysql',
  server: SERVER,
  tools: [CLIENT],
  programs: ['mariadbd', 'mariadb-install-db'],
  dataFolder: 'mariadb',
  installing: {
    needs: () => ({
      'mariadb-server-core': 'the database engine',
      'mariadb-client-core': 'its client, by which it is told new parameters and passwords',
    }),
    serverPackage: /^mariadb-server-core$/,
    majorOf: ({ version }) => /(\d+\.\d+)/.exec(version.replace(/^\d+:/, ''))?.[1] ?? '',
  },

  initialize: (site, _server, password) => ({
    script: INITIALIZE,
    args: [site.dataDir, ...WHILE_MADE, `--innodb-log-file-size=${String(logMib(site.sizeBytes))}M`],
    // A bootstrap reads one statement a line, and knows no privileges before they are loaded.
    input: [
      'FLUSH PRIVILEGES;',
      "DELETE FROM mysql.global_priv WHERE User NOT IN ('root', 'mariadb.sys') OR (User = 'root' AND Host <> 'localhost');",
      'FLUSH PRIVILEGES;',
      'ALTER USER root@localhost IDENTIFIED VIA unix_socket;',
      `CREATE DATABASE ${quoted(site.database)} CHARACTER SET utf8mb4;`,
      `CREATE USER ${account(site)} IDENTIFIED BY ${literal(password)};`,
      `GRANT ${ADMINISTRATOR_PRIVILEGES} ON *.* TO ${account(site)} WITH GRANT OPTION;`,
      '',
    ].join('\n'),
  }),
  configuration: (site, parameters) => ({
    'mariadb.cnf': [
      '[mariadbd]',
      ...[...valuesFor(site, parameters)].map(
        ([each, value]) => `${optionOf(each)} = ${value}${unitOf(each)}`,
      ),
      '',
    ].join('\n'),
  }),
  start: `cd "$data"\nexec $as ${SERVER} "$@"\n`,
  // The file is the first argument or none at all; what follows it wins over it.
  startArguments: (site) => [
    `--defaults-file=${site.configDir}/mariadb.cnf`,
    `--datadir=${site.dataDir}`,
    `--socket=${site.socketDir}/s`,
    `--pid-file=${site.socketDir}/pid`,
    `--bind-address=${site.address}`,
    `--port=${String(site.port)}`,
    '--skip-log-bin',
    '--skip-name-resolve',
    '--local-infile=OFF',
    '--log-output=TABLE',
    '--default-time-zone=+00:00',
    '--default-storage-engine=InnoDB',
    '--innodb-flush-log-at-trx-commit=1',
    '--innodb-doublewrite=ON',
    '--innodb-flush-method=O_DIRECT',
    '--innodb-file-per-table=ON',
    // Written at once into the other zone too, at every start.
    '--innodb-temp-data-file-path=ibtmp1:5M:autoextend',
  ],
  settle: (site) => client(site, SETTLE),
  stopSignal: 'SIGTERM',
  socket: (site) => `${site.socketDir}/s`,

  /** As root of the host: its handshake, a query and a goodbye in one go, so that nothing has to be waited for. */
  probe: () => ({
    send: Buffer.concat([packet(1, handshake('root')), packet(0, '\x03SELECT 1'), packet(0, '\x01')]),
    answered(received) {
      const [, login, answer] = firstBytes(received);
      return login === OK && answer !== undefined && answer !== ERROR;
    },
  }),

  /** Each of them, whatever was changed: one that has the value already costs nothing. */
  apply: (site, _server, parameters) =>
    client(
      site,
      [...valuesFor(site, parameters)].map(([each, value]) => {
        const sql = sqlValue(each, value);
        return each.needsRestart
          ? `SELECT '${each.name}' FROM DUAL WHERE @@GLOBAL.${each.name} <> ${sql};`
          : `SET GLOBAL ${variableOf(each)} = ${sql};`;
      }),
    ),

  /** Nothing that may be logged holds the password. */
  setPassword: (site, _server, password) =>
    client(site, [
      'SET SESSION sql_log_off = 1, SESSION slow_query_log = 0;',
      `ALTER USER ${account(site)} IDENTIFIED BY ${literal(password)};`,
    ]),
};

/** All of the log may have to be applied after a crash: 200 MiB of it took 2.7 s on two cores. */
function logMib(sizeBytes: number): number {
  return Math.max(LEAST_LOG_MIB, Math.min(MOST_LOG_MIB, Math.floor(sizeBytes / 8 / MIB)));
}

function valuesFor(
  { sizeBytes }: EngineSite,
  parameters: Readonly<Record<string, string>>,
): ReadonlyMap<EngineParameter, string> {
  return valuesOf(PARAMETERS, parameters, { innodb_log_file_size: logMib(sizeBytes) });
}

const optionOf = ({ name }: EngineParameter): string => name.replaceAll('_', '-');
/** The variable has got the option's name in a later version only. */
const variableOf = ({ name }: EngineParameter): string =>
  name === 'transaction_isolation' ? 'tx_isolation' : name;
const unitOf = (each: EngineParameter): string => ('unit' in each ? each.unit : '');

function sqlValue(each: EngineParameter, value: string): string {
  if (each.type === 'choice') return `'${value}'`;
  const factor = unitOf(each) === 'M' ? MIB : unitOf(each) === 'K' ? KIB : 1;
  return factor === 1 ? value : String(Number(value) * factor);
}

function client({ socketDir }: EngineSite, lines: readonly string[]): Script {
  return {
    script: 'exec "$@"',
    args: [
      CLIENT,
      '--no-defaults',
      `--socket=${socketDir}/s`,
      '--user=root',
      '--batch',
      '--skip-column-names',
    ],
    input: `${lines.join('\n')}\n`,
  };
}

const account = ({ user }: EngineSite): string => `'${user}'@'%'`;
const quoted = (name: string): string => `\`${name.replaceAll('`', '``')}\``;
const literal = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`;

/** Packets of the client/server protocol: three bytes of length, a number, and the body. */
function packet(sequence: number, body: string | Buffer): Buffer {
  const bytes = Buffer.from(body);
  const header = Buffer.alloc(4);
  header.writeUIntLE(bytes.length, 0, 3);
  header.writeUInt8(sequence, 3);
  return Buffer.concat([header, bytes]);
}

/** Capabilities, the longest packet, the character set, 23 zeroes; then the name, no answer to a challenge, the way. */
function handshake(user: string): Buffer {
  const fixed = Buffer.alloc(32);
  fixed.writeUInt32LE(CAPABILITIES, 0);
  fixed.writeUInt32LE(LONGEST_PACKET, 4);
  fixed.writeUInt8(UTF8MB4, 8);
  return Buffer.concat([fixed, Buffer.from(`${user}\0\0unix_socket\0`)]);
}

/** Of each packet's body. */
function firstBytes(received: Buffer): readonly number[] {
  const bytes: number[] = [];
  for (let at = 0; at + 4 < received.length; at += 4 + received.readUIntLE(at, 3))
    bytes.push(received.readUInt8(at + 4));
  return bytes;
}
