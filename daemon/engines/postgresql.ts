/** PostgreSQL, as Debian packages it: every major version side by side below /usr/lib/postgresql. PURE. */
import {
  type Endpoint,
  type Engine,
  type EngineParameter,
  type EngineSite,
  type InstalledServer,
  parameter,
  type Script,
  valuesOf,
} from './engine.ts';

const MIB = 1024 * 1024;
/** Each WAL segment has this size, and max_wal_size is a multiple of it. */
const SEGMENT_MIB = 16;
const LEAST_WAL_MIB = 64;
const MOST_WAL_MIB = 512;
const PROTOCOL_3_0 = 196_608;
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

/** $1 initdb's folder, $2 data folder, $3 administrator, $4 SQL; the password comes in, and is on no disk and no list. */
const INITIALIZE = `
bin=$1; data=$2
cd "$data"
cat | "$bin/initdb" --pgdata="$data" --username="$3" --pwfile=/dev/stdin --auth=scram-sha-256 --encoding=UTF8 \\
  --locale=C.UTF-8 --data-checksums --no-sync --no-instructions
# In single-user mode: no socket, no port, nobody else. It ends with 0 whatever it was told, so its words count.
said=$(printf '%s\\n' "$4" | "$bin/postgres" --single -F -D "$data" postgres 2>&1)
case $said in *ERROR:*|*FATAL:*|*PANIC:*) printf '%s\\n' "$said" >&2; exit 1;; esac
`;

/** The other host's postmaster.pid came across; its pid may be any live process here. */
const START = `
rm -f "$data/postmaster.pid"
exec $as "/usr/lib/postgresql/$version/bin/postgres" -D "$data" "$@"
`;

export const postgresql: Engine = {
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

  systemUser: 'postgres',
  server: '/usr/lib/postgresql/*/bin/postgres',
  tools: [],
  programs: ['postgres', 'initdb'],
  dataFolder: 'pgdata',
  installing: {
    needs: (version) => ({
      [version === '' ? 'postgresql' : `postgresql-${version}`]: 'the database engine',
    }),
    serverPackage: /^postgresql-\d+$/,
    majorOf: ({ name }) => name.replace('postgresql-', ''),
    /*
     * Debian's package makes and starts a database of its own, "main", which would take the port. Its documented switch
     * is a setting of createcluster.conf, which includes every file of this folder, so that a file of our own, there
     * only while apt-get runs, changes nothing that an administrator wrote or would expect later.
     */
    during: {
      path: '/etc/postgresql-common/createcluster.d/lockstep.conf',
      text: 'create_main_cluster = false\n',
    },
  },

  initialize: (site, server, password) => ({
    script: INITIALIZE,
    args: [folderOf(server), site.dataDir, site.user, `CREATE DATABASE ${quoted(site.database)}`],
    input: `${password}\n`,
  }),
  configuration: (site, parameters) => ({
    'postgresql.conf': settingsText(site.sizeBytes, parameters),
    // The socket's folder lets nobody in but the engine's user and root, and root is the administrator by this map.
    'hba.conf': [
      'local all all peer map=lockstep',
      'host all all 0.0.0.0/0 scram-sha-256',
      'host all all ::0/0 scram-sha-256',
      '',
    ].join('\n'),
    'ident.conf': ['root', 'postgres'].map((system) => `lockstep ${system} "${site.user}"\n`).join(''),
  }),
  start: START,
  startArguments: (site) =>
    // Command line settings win over every file, so this is what nobody can change from inside the engine.
    Object.entries({
      config_file: `${site.configDir}/postgresql.conf`,
      hba_file: `${site.configDir}/hba.conf`,
      ident_file: `${site.configDir}/ident.conf`,
      listen_addresses: site.address,
      port: String(site.port),
      unix_socket_directories: site.socketDir,
      unix_socket_permissions: '0700',
      cluster_name: site.database,
      fsync: 'on',
      full_page_writes: 'on',
      synchronous_commit: 'on',
    }).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
  // Clients go on during the first, which may be long; the second has only what they wrote meanwhile.
  settle: (site, server) => psql(site, server, ['CHECKPOINT;', 'CHECKPOINT;']),
  // "Fast": sessions are ended, a checkpoint is written.
  stopSignal: 'SIGINT',
  socket: (site) => `${site.socketDir}/.s.PGSQL.${String(site.port)}`,

  /** A query in the resource's own database, as its administrator: what a client of the alias would get. */
  probe: (site) => ({
    send: Buffer.concat([startup(site), message('Q', 'SELECT 1\0'), message('X', '')]),
    answered: (received) => messageTypes(received).includes('D'),
  }),

  /** pg_file_settings reads the files anew, so it tells what cannot be taken without waiting for the reload. */
  apply: (site, server) =>
    psql(site, server, [
      'SELECT pg_reload_conf() \\g /dev/null',
      'SELECT DISTINCT name FROM pg_file_settings WHERE NOT applied AND error IS NOT NULL ORDER BY name;',
    ]),

  /** Nothing that may be logged holds the password: neither the statement, nor its failure. */
  setPassword: (site, server, password) =>
    psql(site, server, [
      "SET log_statement = 'none'; SET log_min_duration_statement = -1; SET log_min_error_statement = 'panic';",
      `ALTER ROLE ${quoted(site.user)} PASSWORD ${literal(password)};`,
    ]),
};

/** What a person may change by ALTER SYSTEM; sized so that crash recovery stays short. */
export function settingsText(sizeBytes: number, parameters: Readonly<Record<string, string>>): string {
  const sized = { max_wal_size: maxWalMib(sizeBytes) };
  const values = valuesOf(PARAMETERS, parameters, sized);
  const walMib = Number(parameters['max_wal_size'] ?? sized.max_wal_size);
  const settings = [
    // Recovery: little to redo, one syncfs(2) instead of an fsync for each file of the data folder.
    ['checkpoint_completion_target', '0.9'],
    ['min_wal_size', `${String(Math.max(2 * SEGMENT_MIB, Math.floor(walMib / 4)))}MB`],
    ['wal_recycle', 'on'],
    ['recovery_init_sync_method', 'syncfs'],
    ['password_encryption', 'scram-sha-256'],
    ['logging_collector', 'off'],
    ['log_destination', 'stderr'],
    ['log_line_prefix', '%m [%p] %q%u@%d '],
    ['log_checkpoints', 'on'],
    ['log_timezone', 'UTC'],
    ['timezone', 'UTC'],
    ...[...values].map(([each, value]) => [each.name, `${value}${unitOf(each, value)}`]),
  ];
  return settings.map(([name, value]) => `${name ?? ''} = '${value ?? ''}'\n`).join('');
}

export function maxWalMib(sizeBytes: number): number {
  const quarter = Math.floor(sizeBytes / 4 / MIB / SEGMENT_MIB) * SEGMENT_MIB;
  return Math.min(MOST_WAL_MIB, Math.max(LEAST_WAL_MIB, quarter));
}

/** -1 has no unit: it turns something off. */
function unitOf(each: EngineParameter, value: string): string {
  return 'unit' in each && !value.startsWith('-') ? each.unit : '';
}

function folderOf(server: InstalledServer): string {
  return server.program.replace(/\/postgres$/, '');
}

function psql(site: EngineSite, server: InstalledServer, lines: readonly string[]): Script {
  const target = ['-h', site.socketDir, '-p', String(site.port), '-U', site.user, '-d', site.database];
  return {
    script: 'exec "$@"',
    args: [`${folderOf(server)}/psql`, '-X', '-q', '-A', '-t', '-v', 'ON_ERROR_STOP=1', ...target],
    input: `${lines.join('\n')}\n`,
  };
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** standard_conforming_strings may be off in a database, so a backslash is written as such a string has it. */
function literal(text: string): string {
  return ` E'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}

/** Messages of the frontend/backend protocol: a type, a length that counts itself, and the body. */
function message(type: string, body: string): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(4 + Buffer.byteLength(body));
  return Buffer.concat([Buffer.from(type), length, Buffer.from(body)]);
}

function startup({ user, database }: EngineSite): Buffer {
  const version = Buffer.alloc(4);
  version.writeUInt32BE(PROTOCOL_3_0);
  return message('', `${version.toString('latin1')}user\0${user}\0database\0${database}\0\0`);
}

function messageTypes(received: Buffer): readonly string[] {
  const types: string[] = [];
  for (let at = 0; at + 5 <= received.length; at += 1 + received.readUInt32BE(at + 1))
    types.push(received.toString('latin1', at, at + 1));
  return types;
}
