/**
 * PostgreSQL of the distribution, as its own user, on a mounted volume.
 *
 * The data folder crosses to the other host by replication, so nothing of this host may be in it: configuration,
 * socket and log lie in the state folder. What does come across is the other host's postmaster.pid, whose pid may be
 * any live process here. It is removed at each start, after everything that still works in the data folder is dead.
 *
 * Whatever touches the data folder is a child process, never this one: see commands.ts.
 */
import { access, chown, mkdir, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import pg from 'pg';
import { bootClock } from '../sys/clock.ts';
import { LockstepError } from '../sys/errors.ts';
import { commandFailed, lastLines, type SystemUser, tryCommand } from './commands.ts';
import type { EngineDriver, EngineReport, EngineSpec } from './drivers.ts';
import {
  DEVICE_COMMAND_TIMEOUT_MS,
  ENGINE_INITIALIZE_TIMEOUT_MS,
  ENGINE_POLL_MS,
  ENGINE_PROBE_TIMEOUT_MS,
  ENGINE_START_TIMEOUT_MS,
  ENGINE_STOP_GRACE_MS,
} from './limits.ts';
import { deviceSizeBytes, mountAt } from './mounts.ts';
import { ensurePackages } from './packages.ts';
import { poll } from './poll.ts';
import { checkpointWhileServing } from './postgresql-checkpoint.ts';
import { highestVersion, installedVersion, programsOf, systemUser } from './postgresql-install.ts';
import {
  checkSocketPath,
  engineArguments,
  type EnginePaths,
  hbaText,
  identText,
  quoteIdentifier,
  settingsText,
  startFailure,
} from './postgresql-settings.ts';
import { type Belongings, boundLog, logTail, type ProcessSupervisor } from './processes.ts';

const MIB = 1024 * 1024;
const USER = 'postgres';

/**
 * $1 data folder, $2 marker, the rest are the engine's arguments. One child does all, since each costs milliseconds
 * of a failover; it ends as the engine itself, so its pid and start time stay.
 */
const START_SCRIPT = `
set -eu
data=$1; marker=$2; shift 2
test -f "$marker" || { echo "FATAL: $data was never completely initialised" >&2; exit 1; }
version=$(cat "$data/PG_VERSION")
program=/usr/lib/postgresql/$version/bin/postgres
test -x "$program" || { echo "FATAL: $data is of PostgreSQL $version, which this host does not have" >&2; exit 1; }
rm -f "$data/postmaster.pid"
exec "$program" -D "$data" "$@"
`;

/** $1 data folder. What an interrupted initialize left is worth nothing. */
const PREPARE_SCRIPT = 'rm -rf -- "$1"; install -d -o postgres -g postgres -m 0700 -- "$1"';

/** $1 initdb, the rest its arguments. Through cat, the password is in a pipe of initdb's own user, and on no disk. */
const INITDB_SCRIPT = 'initdb=$1; shift; cat | "$initdb" "$@" --pwfile=/dev/stdin';

/** $1 marker, $2 its text. All of the file system is on both hosts before the marker says that it is complete. */
const COMPLETE_SCRIPT = `
folder=$(dirname -- "$1")
sync -f "$folder"
printf '%s\\n' "$2" > "$1.new"
sync "$1.new"
mv -- "$1.new" "$1"
sync "$folder"
`;

export class Postgresql implements EngineDriver {
  readonly engine = 'postgresql';
  readonly minimumSizeBytes = 256 * MIB;
  private readonly stateDir: string;
  private readonly processes: ProcessSupervisor;
  /** Pids of engines that have answered a query; what is asked four times a second must not be a query. */
  private readonly answered = new Map<string, number>();

  constructor(options: { readonly stateDir: string; readonly processes: ProcessSupervisor }) {
    this.stateDir = options.stateDir;
    this.processes = options.processes;
  }

  async install(): Promise<{ readonly version: string; readonly installedPackages: readonly string[] }> {
    const present = await highestVersion();
    const installedPackages =
      present === undefined
        ? await ensurePackages({ postgresql: 'the database engine' }, { during: NO_CLUSTER_OF_ITS_OWN })
        : [];
    const major = await requiredVersion();
    return { version: await installedVersion(major), installedPackages };
  }

  async initialize(spec: EngineSpec, password: string): Promise<void> {
    const { dataDir, marker } = this.paths(spec);
    await this.requireMount(spec);
    const options = { timeoutMs: ENGINE_INITIALIZE_TIMEOUT_MS };
    const complete = await tryCommand('test', ['-f', marker], { timeoutMs: DEVICE_COMMAND_TIMEOUT_MS });
    if (complete.status === 0) return;
    // An initdb of a daemon that was killed may still run, and would write into the folder that is made anew.
    await this.processes.killTree(processName(spec), this.belongings(spec));
    await shell(PREPARE_SCRIPT, [dataDir], options);
    const major = await requiredVersion();
    const asUser = { ...options, user: await systemUser(USER) };
    await shell(INITDB_SCRIPT, [`${programsOf(major)}/initdb`, ...initdbArguments(spec, dataDir)], {
      ...asUser,
      input: `${password}\n`,
    });
    await createDatabase(`${programsOf(major)}/postgres`, spec, dataDir, asUser);
    await shell(COMPLETE_SCRIPT, [marker, `postgresql ${major} ${spec.database}`], options);
  }

  async start(spec: EngineSpec): Promise<{ readonly recoveryMs: number }> {
    const startedMs = bootClock.nowMs();
    const paths = this.paths(spec);
    checkSocketPath(spec, paths);
    const running = await this.processes.pidOf(processName(spec));
    let outcome = running === undefined ? 'ended' : await this.outcomeOf(spec, paths, running);
    let logStart = 0;
    // One that was about to die when it was found is no failed start.
    if (outcome === 'ended') {
      logStart = await sizeOf(paths.logFile);
      outcome = await this.outcomeOf(spec, paths, await this.launch(spec, paths));
    }
    if (outcome !== 'answered') {
      const what = outcome === 'ended' ? 'ended while it started' : 'answered no query in time';
      await this.processes.killTree(processName(spec), this.belongings(spec));
      throw startFailure(spec, await logTail(paths.logFile, logStart), what);
    }
    return { recoveryMs: Math.round(bootClock.nowMs() - startedMs) };
  }

  async stop(spec: EngineSpec, options: { readonly kill: boolean }): Promise<void> {
    this.answered.delete(spec.database);
    const belongings = this.belongings(spec);
    if (!options.kill) {
      if (await this.processes.isAlive(processName(spec))) await this.checkpoint(spec);
      // SIGINT is "fast": sessions are ended, a checkpoint is written.
      const fast = { signal: 'SIGINT', graceMs: ENGINE_STOP_GRACE_MS } as const;
      await this.processes.stop(processName(spec), { ...fast, ...belongings });
    }
    const left = await this.processes.killTree(processName(spec), belongings);
    if (left.length === 0) return;
    throw new LockstepError(
      'UNAVAILABLE',
      `the engine of ${spec.database} was killed but hangs in the kernel as pid ${left.join(', ')}`,
      { reason: 'PROCESS_STUCK', metadata: { database: spec.database } },
    );
  }

  private async checkpoint(spec: EngineSpec): Promise<void> {
    const { port, user, database } = spec;
    await checkpointWhileServing({ host: this.paths(spec).socketDir, port, user, database });
  }

  async report(spec: EngineSpec): Promise<EngineReport> {
    const { database, volume } = spec;
    const name = processName(spec);
    const [pid, recorded, major] = await Promise.all([
      this.processes.pidOf(name),
      this.processes.isRecorded(name),
      highestVersion(),
    ]);
    const version = major === undefined ? '' : await installedVersion(major);
    await boundLog(this.paths(spec).logFile);
    const state = await this.stateOf(spec, pid, recorded);
    return { database, volume, state, version, logTail: await logTail(this.paths(spec).logFile) };
  }

  /** A record without its process: nobody has stopped it, so it died. */
  private async stateOf(
    spec: EngineSpec,
    pid: number | undefined,
    recorded: boolean,
  ): Promise<EngineReport['state']> {
    if (pid === undefined) return recorded ? 'FAILED' : 'STOPPED';
    if (this.answered.get(spec.database) === pid) return 'RUNNING';
    if (!(await answers(spec, this.paths(spec)))) return 'STARTING';
    this.answered.set(spec.database, pid);
    return 'RUNNING';
  }

  private async launch(spec: EngineSpec, paths: EnginePaths): Promise<number> {
    await this.requireMount(spec);
    const user = await systemUser(USER);
    await this.writeConfiguration(spec, paths, user);
    return this.processes.start({
      name: processName(spec),
      program: 'sh',
      args: [
        '-c',
        START_SCRIPT,
        'lockstep-postgresql',
        paths.dataDir,
        paths.marker,
        ...engineArguments(spec, paths),
      ],
      belongings: this.belongings(spec),
      logFile: paths.logFile,
      user,
      engineOf: spec.volume,
    });
  }

  private async writeConfiguration(spec: EngineSpec, paths: EnginePaths, user: SystemUser): Promise<void> {
    const mount = await mountAt(spec.mountPoint);
    const sizeBytes = (mount === undefined ? undefined : await deviceSizeBytes(mount.device)) ?? 0;
    // The lock of a socket whose engine was killed names a pid that may be another engine's by now.
    await rm(paths.socketDir, { recursive: true, force: true });
    await mkdir(dirname(paths.configFile), { recursive: true, mode: 0o711 });
    await mkdir(paths.socketDir, { mode: 0o700 });
    await Promise.all([
      chown(paths.socketDir, user.uid, user.gid),
      writeFile(paths.configFile, settingsText(sizeBytes), { mode: 0o644 }),
      writeFile(paths.hbaFile, hbaText(), { mode: 0o644 }),
      writeFile(paths.identFile, identText(spec.user), { mode: 0o644 }),
    ]);
  }

  /** Of a start that is under way; undefined when its time is over. */
  private async outcomeOf(
    spec: EngineSpec,
    paths: EnginePaths,
    pid: number,
  ): Promise<'answered' | 'ended' | undefined> {
    const ask = async () => {
      if (await answers(spec, paths)) return 'answered';
      return (await this.processes.pidOf(processName(spec))) === pid ? undefined : 'ended';
    };
    const outcome = await poll(ask, { everyMs: ENGINE_POLL_MS, timeoutMs: ENGINE_START_TIMEOUT_MS });
    if (outcome === 'answered') this.answered.set(spec.database, pid);
    return outcome;
  }

  /** Without the mount, all of this would happen on the host's own disk and be lost at the next failover. */
  private async requireMount(spec: EngineSpec): Promise<void> {
    if ((await mountAt(spec.mountPoint)) !== undefined) return;
    throw new LockstepError(
      'FAILED_PRECONDITION',
      `volume ${spec.volume} is not mounted at ${spec.mountPoint}`,
      {
        reason: 'NOT_MOUNTED',
        metadata: { volume: spec.volume },
      },
    );
  }

  /** Every process of the engine works in the data folder; before it does, its arguments name the configuration. */
  private belongings(spec: EngineSpec): Belongings {
    const { dataDir, configFile } = this.paths(spec);
    return { programs: ['postgres', 'initdb', 'sh'], marker: configFile, workingFolder: dataDir };
  }

  private paths(spec: EngineSpec): EnginePaths {
    const run = join(this.stateDir, 'run', 'pg');
    return {
      dataDir: join(spec.mountPoint, 'pgdata'),
      marker: join(spec.mountPoint, 'lockstep-initialized'),
      socketDir: join(run, spec.database),
      configFile: join(run, `${spec.database}.conf`),
      hbaFile: join(run, `${spec.database}.hba`),
      identFile: join(run, `${spec.database}.ident`),
      logFile: join(this.stateDir, 'log', `${spec.database}.log`),
    };
  }
}

/**
 * Debian's package makes and starts a database of its own, "main", which would take the port. Its documented switch is
 * a setting of createcluster.conf, which includes every file of this folder, so that a file of our own, there only
 * while apt-get runs, changes nothing that an administrator wrote or would expect later. A policy-rc.d would be the
 * wider tool: it keeps every service of every package from starting, and the cluster would be made all the same.
 */
const NO_CLUSTER_OF_ITS_OWN = {
  path: '/etc/postgresql-common/createcluster.d/lockstep.conf',
  text: 'create_main_cluster = false\n',
};

async function requiredVersion(): Promise<string> {
  const major = await highestVersion();
  if (major !== undefined) return major;
  throw new LockstepError('FAILED_PRECONDITION', 'PostgreSQL is not installed on this host', {
    reason: 'ENGINE_NOT_INSTALLED',
  });
}

/** --no-sync: COMPLETE_SCRIPT syncs once for all, where initdb would flush a thousand files one after the other. */
function initdbArguments(spec: EngineSpec, dataDir: string): readonly string[] {
  return [
    `--pgdata=${dataDir}`,
    `--username=${spec.user}`,
    '--auth=scram-sha-256',
    '--encoding=UTF8',
    '--locale=C.UTF-8',
    '--data-checksums',
    '--no-sync',
    '--no-instructions',
  ];
}

/** In single-user mode: no socket, no port, nobody else. It exits with 0 whatever it was told, so its words count. */
async function createDatabase(
  program: string,
  spec: EngineSpec,
  dataDir: string,
  options: { readonly timeoutMs: number; readonly user: SystemUser },
): Promise<void> {
  const args = ['--single', '-F', '-D', dataDir, 'postgres'];
  const input = `CREATE DATABASE ${quoteIdentifier(spec.database)}\n`;
  const result = await tryCommand(program, args, { ...options, input });
  if (result.status !== 0 || /(ERROR|FATAL|PANIC): /.test(result.stderr))
    throw commandFailed(program, args, { ...result, stdout: '' });
}

async function shell(
  script: string,
  args: readonly string[],
  options: { readonly timeoutMs: number; readonly user?: SystemUser; readonly input?: string },
): Promise<void> {
  const result = await tryCommand('sh', ['-ceu', script, 'lockstep', ...args], options);
  if (result.status === 0) return;
  const said = lastLines(`${result.stdout}\n${result.stderr}`, 8).join('\n');
  throw new LockstepError('INTERNAL', `the engine's data folder cannot be initialised:\n${said}`, {
    reason: 'ENGINE_INITIALIZE_FAILED',
    metadata: { log_tail: said },
  });
}

/** A query in the resource's own database, as its administrator: what a client of the alias would get. */
async function answers(spec: EngineSpec, paths: EnginePaths): Promise<boolean> {
  // Cheaper than a refused connection, and true for most of the polls of a start.
  const socket = join(paths.socketDir, `.s.PGSQL.${String(spec.port)}`);
  if (!(await exists(socket))) return false;
  const client = new pg.Client({
    host: paths.socketDir,
    port: spec.port,
    user: spec.user,
    database: spec.database,
    connectionTimeoutMillis: ENGINE_PROBE_TIMEOUT_MS,
    query_timeout: ENGINE_PROBE_TIMEOUT_MS,
  });
  // A connection that breaks after its answer is nobody's loss.
  client.on('error', () => undefined);
  try {
    await client.connect();
    await client.query('SELECT 1');
    return true;
  } catch {
    // Refused, or still in recovery: either way not yet.
    return false;
  } finally {
    client.end().catch(() => undefined);
  }
}

function processName(spec: EngineSpec): string {
  return `engine-${spec.database}`;
}

function sizeOf(path: string): Promise<number> {
  return stat(path).then(
    (found) => found.size,
    () => 0,
  );
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
