/** Redis, as Debian packages it. PURE. The example of docs/engines.md. */
import {
  type Engine,
  type EngineParameter,
  type EngineSite,
  parameter,
  valuesOf,
} from '../../daemon/engines/engine.ts';

const MIB = 1024 * 1024;
const { integer } = parameter;

/** appendonly and appendfsync are nobody's to change. */
const PARAMETERS: readonly EngineParameter[] = [
  integer('maxclients', 'Clients at the same time.', {
    from: 10,
    to: 50_000,
    byDefault: 10_000,
    restart: true,
  }),
  integer('maxmemory', 'All keys together; 0: no limit.', {
    ...{ from: 0, to: 1_048_576, byDefault: 0, unit: 'mb' },
    restart: true,
  }),
  integer('timeout', 'A client this long idle is cut off; 0: none is.', {
    ...{ from: 0, to: 86_400, byDefault: 0 },
    restart: true,
  }),
];

/**
 * $1 data folder, $2 administrator; the password comes in, and its digest stays. lockstep-probe, as which no
 * administrator can be called, has no password and may do nothing but what the probe and a new password need.
 */
const WRITE_USERS = `
data=$1; user=$2
digest=$(tr -d '\\n' | sha256sum | cut -c 1-64)
printf '%s\\n' 'user default off' 'user lockstep-probe on nopass +ping +acl|load' \\
  "user $user on #$digest ~* &* +@all -@dangerous +info +keys +flushdb" > "$data/users.acl.new"
chown --reference="$data" "$data/users.acl.new"
sync "$data/users.acl.new"
mv -- "$data/users.acl.new" "$data/users.acl"
`;

const socketOf = ({ socketDir }: EngineSite): string => `${socketDir}/s`;
const configOf = ({ configDir }: EngineSite): string => `${configDir}/redis.conf`;

export const redis: Engine = {
  name: 'redis',
  title: 'Redis',
  minimumSizeBytes: 256 * MIB,
  defaultPort: 6379,
  recoveryBoundSeconds: 30,
  parameters: PARAMETERS,
  ownDatabases: [],
  majorOf: (version) => /^\d+\.\d+/.exec(version)?.[0] ?? '',
  uri: ({ alias, port, user }) => `redis://${user}@${alias}:${String(port)}/0`,
  multiHostUri: () => '',
  command: ({ alias, port, user }) => `redis-cli -h ${alias} -p ${String(port)} --user ${user} --askpass`,

  systemUser: 'redis',
  server: '/usr/bin/redis-server',
  tools: ['/usr/bin/redis-cli'],
  programs: ['redis-server'],
  dataFolder: 'redis',
  installing: {
    needs: () => ({ 'redis-server': 'the database engine' }),
    serverPackage: /^redis-server$/,
    majorOf: ({ version }) => /(\d+\.\d+)/.exec(version.replace(/^\d+:/, ''))?.[1] ?? '',
    // The package starts a server of its own, unless a condition of its unit does not hold.
    during: {
      path: '/run/systemd/system/redis-server.service.d/lockstep.conf',
      text: '[Unit]\nConditionPathExists=/nonexistent\n',
    },
  },

  initialize: (site, _server, password) => ({
    script: WRITE_USERS,
    args: [site.dataDir, site.user],
    input: password,
  }),
  configuration: (_site, parameters) => ({
    'redis.conf': [...valuesOf(PARAMETERS, parameters, {})]
      .map(([each, value]) => `${each.name} ${value}${'unit' in each ? each.unit : ''}\n`)
      .join(''),
  }),
  // What it was started with is kept, so that one can tell later what waits for the next start.
  start: 'cd "$data"\ncp -- "$1" "$1.started"\nexec $as /usr/bin/redis-server "$@"\n',
  startArguments: (site) => [
    configOf(site),
    ...['--dir', site.dataDir, '--aclfile', `${site.dataDir}/users.acl`],
    ...['--bind', site.address, '--port', String(site.port), '--protected-mode', 'no'],
    ...['--unixsocket', socketOf(site), '--unixsocketperm', '700'],
    ...['--appendonly', 'yes', '--appendfsync', 'always', '--save', ''],
  ],
  // Every write is on stable storage when it is answered: nothing is left for the stop.
  settle: () => ({ script: 'true', args: [], input: '' }),
  stopSignal: 'SIGTERM',
  socket: socketOf,
  probe: () => ({
    send: Buffer.from('AUTH lockstep-probe any\r\nPING\r\nQUIT\r\n'),
    answered: (received) => received.includes('+PONG'),
  }),
  apply: (site) => ({
    script: 'grep --line-regexp --fixed-strings --invert-match --file="$2" "$1" | cut -d " " -f 1',
    args: [configOf(site), `${configOf(site)}.started`],
    input: '',
  }),
  setPassword: (site, _server, password) => ({
    script: `${WRITE_USERS}\ntest "$(redis-cli -s "$3" --user lockstep-probe --pass any --no-auth-warning ACL LOAD)" = OK\n`,
    args: [site.dataDir, site.user, socketOf(site)],
    input: password,
  }),
};
