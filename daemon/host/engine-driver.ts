/**
 * Runs any engine of daemon/engines, as its own user, on a mounted volume.
 *
 * The data folder crosses to the other host by replication, so nothing of this host may be in it: configuration, socket
 * and log lie in the state folder, named by the volume, since two databases may have had one name. The configuration
 * is made from control's record at each start, so it needs no copy on the volume. The files belong to the engine's
 * user by its number, which may be another one on the other host: they are given to the user of this host at a start.
 *
 * Whatever touches the data folder is a child process, never this one: see commands.ts.
 */
import { access, chown, mkdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Engine, EngineSite, Script } from '../engines/engine.ts';
import { bootClock } from '../sys/clock.ts';
import { LockstepError } from '../sys/errors.ts';
import { type CommandOptions, lastLines, type SystemUser, tryCommand } from './commands.ts';
import type { EngineDriver, EngineReport, EngineSpec } from './drivers.ts';
import {
  installedServers,
  installEngine,
  offersOf,
  recentServers,
  requiredServer,
  systemUser,
} from './engine-install.ts';
import { answers } from './engine-probe.ts';
import {
  DEVICE_COMMAND_TIMEOUT_MS,
  ENGINE_ADMINISTRATION_TIMEOUT_MS,
  ENGINE_INITIALIZE_TIMEOUT_MS,
  ENGINE_POLL_MS,
  ENGINE_SETTLE_TIMEOUT_MS,
  ENGINE_START_TIMEOUT_MS,
  ENGINE_STOP_GRACE_MS,
  SOCKET_PATH_BYTES,
} from './limits.ts';
import { deviceSizeBytes, mountAt } from './mounts.ts';
import { poll } from './poll.ts';
import { type Belongings, boundLog, logTail, type ProcessSupervisor } from './processes.ts';

/**
 * $1 data folder, $2 marker, $3 engine, $4 its major versions on this host, $5 uid, $6 gid, the rest are the engine's
 * arguments. One child does all, since each costs milliseconds of a failover; it ends as the engine itself, so its pid
 * and start time stay. The folder itself is the last that chown gives away: one that was cut off is done again.
 */
const START_SCRIPT = `
set -eu
data=$1; marker=$2; engine=$3; versions=$4; uid=$5; gid=$6; shift 6
test -f "$marker" || { echo "FATAL: $data was never completely initialised" >&2; exit 1; }
read -r name version rest < "$marker"
test "$name" = "$engine" || { echo "FATAL: $data is of $name, not of $engine" >&2; exit 1; }
case " $versions " in
  *" $version "*) ;;
  *) echo "FATAL: $data is of $engine $version, which this host does not have" >&2; exit 1;;
esac
test "$(stat -c %u "$data")" = "$uid" || chown -R "$uid:$gid" "$data"
as="setpriv --reuid=$uid --regid=$gid --clear-groups"
`;

/** $1 data folder, $2 its owner. What an interrupted initialize left is worth nothing. */
const PREPARE_SCRIPT = 'rm -rf -- "$1"; install -d -o "$2" -g "$2" -m 0700 -- "$1"';

/** $1 marker, $2 its text. All of the file system is on both hosts before the marker says that it is complete. */
const COMPLETE_SCRIPT = `
folder=$(dirname -- "$1")
sync -f "$folder"
printf '%s\\n' "$2" > "$1.new"
sync "$1.new"
mv -- "$1.new" "$1"
sync "$folder"
`;

interface Paths extends EngineSite {
  /** Written last by initialize: with it the data folder is complete. Says engine, major version and first database. */
  readonly marker: string;
  readonly logFile: string;
}

export class HostedEngine implements EngineDriver {
  readonly engine: string;
  private readonly kind: Engine;
  private readonly stateDir: string;
  private readonly processes: ProcessSupervisor;
  /** Volume → pid of its engine that has answered; what is asked four times a second must not be a query. */
  private readonly answered = new Map<string, number>();

  constructor(kind: Engine, options: { readonly stateDir: string; readonly processes: ProcessSupervisor }) {
    this.engine = kind.name;
    this.kind = kind;
    this.stateDir = options.stateDir;
    this.processes = options.processes;
  }

  install(version: string): ReturnType<EngineDriver['install']> {
    return installEngine(this.kind, version);
  }

  offers(): ReturnType<EngineDriver['offers']> {
    return offersOf(this.kind);
  }

  async initialize(spec: EngineSpec, password: string): Promise<void> {
    const site = this.site(spec, 0);
    const { dataDir, marker } = site;
    await this.requireMount(spec);
    const options = { timeoutMs: ENGINE_INITIALIZE_TIMEOUT_MS };
    const complete = await tryCommand('test', ['-f', marker], { timeoutMs: DEVICE_COMMAND_TIMEOUT_MS });
    if (complete.status === 0) return;
    // What makes the folder for a daemon that was killed may still run, and would write into the one that is made anew.
    await this.processes.killTree(processName(spec), this.belongings(site));
    const server = await requiredServer(this.kind, spec.version);
    const user = await systemUser(this.kind.systemUser);
    const prepare = { script: PREPARE_SCRIPT, args: [dataDir, this.kind.systemUser], input: '' };
    const text = `${this.engine} ${this.kind.majorOf(server.version)} ${spec.database}`;
    await this.shell(prepare, options, INITIALIZE_FAILED);
    await this.shell(this.kind.initialize(site, server, password), { ...options, user }, INITIALIZE_FAILED);
    await this.shell(
      { script: COMPLETE_SCRIPT, args: [marker, text], input: '' },
      options,
      INITIALIZE_FAILED,
    );
  }

  /** Written whole or not at all, also where the engine is not running: its next start takes it then. */
  async configure(spec: EngineSpec): Promise<{ readonly pendingRestart: readonly string[] }> {
    const site = await this.sized(spec);
    await this.requireMount(spec);
    await this.writeConfiguration(site, spec);
    if ((await this.processes.pidOf(processName(spec))) === undefined) return { pendingRestart: [] };
    await this.requireAnswer(spec, site);
    const server = await requiredServer(this.kind, spec.version);
    const said = await this.shell(
      this.kind.apply(site, server, spec.parameters),
      { timeoutMs: ENGINE_ADMINISTRATION_TIMEOUT_MS },
      'the engine does not take its parameters',
    );
    const known = this.kind.parameters.map(({ name }) => name);
    return { pendingRestart: said.split('\n').filter((line) => known.includes(line)) };
  }

  async setPassword(spec: EngineSpec, password: string): Promise<void> {
    const site = this.site(spec, 0);
    await this.requireAnswer(spec, site);
    const server = await requiredServer(this.kind, spec.version);
    await this.shell(
      this.kind.setPassword(site, server, password),
      { timeoutMs: ENGINE_ADMINISTRATION_TIMEOUT_MS },
      "the administrator's password cannot be set",
    );
  }

  async start(spec: EngineSpec): Promise<{ readonly recoveryMs: number }> {
    const startedMs = bootClock.nowMs();
    const site = await this.sized(spec);
    this.checkSocketPath(site);
    const running = await this.processes.pidOf(processName(spec));
    let outcome = running === undefined ? 'ended' : await this.outcomeOf(spec, site, running);
    let logStart = 0;
    // One that was about to die when it was found is no failed start.
    if (outcome === 'ended') {
      logStart = await sizeOf(site.logFile);
      outcome = await this.outcomeOf(spec, site, await this.launch(spec, site));
    }
    if (outcome !== 'answered') {
      const what = outcome === 'ended' ? 'ended while it started' : 'answered no query in time';
      await this.processes.killTree(processName(spec), this.belongings(site));
      throw startFailure(spec, await logTail(site.logFile, logStart), what);
    }
    return { recoveryMs: Math.round(bootClock.nowMs() - startedMs) };
  }

  async stop(spec: EngineSpec, options: { readonly kill: boolean }): Promise<void> {
    this.answered.delete(spec.volume);
    const site = this.site(spec, 0);
    const belongings = this.belongings(site);
    if (!options.kill) {
      if (await this.processes.isAlive(processName(spec))) await this.settle(spec, site);
      const gently = { signal: this.kind.stopSignal, graceMs: ENGINE_STOP_GRACE_MS };
      await this.processes.stop(processName(spec), { ...gently, ...belongings });
    }
    const left = await this.processes.killTree(processName(spec), belongings);
    if (left.length === 0) return;
    throw new LockstepError(
      'UNAVAILABLE',
      `the engine of ${spec.database} was killed but hangs in the kernel as pid ${left.join(', ')}`,
      { reason: 'PROCESS_STUCK', metadata: { database: spec.database } },
    );
  }

  private async settle(spec: EngineSpec, site: EngineSite): Promise<void> {
    try {
      const server = await requiredServer(this.kind, spec.version);
      const { script, args, input } = this.kind.settle(site, server);
      const options = { timeoutMs: ENGINE_SETTLE_TIMEOUT_MS, input };
      await tryCommand('sh', ['-ceu', script, 'lockstep', ...args], options);
    } catch {
      // It hangs or is about to die: the shutdown writes what is left.
    }
  }

  async report(spec: EngineSpec): Promise<EngineReport> {
    const { database, volume } = spec;
    const name = processName(spec);
    const site = this.site(spec, 0);
    const [pid, recorded, servers] = await Promise.all([
      this.processes.pidOf(name),
      this.processes.isRecorded(name),
      recentServers(this.kind),
    ]);
    const server = servers.find(
      (each) => spec.version === '' || this.kind.majorOf(each.version) === spec.version,
    );
    await boundLog(site.logFile);
    const state = await this.stateOf(spec, site, { pid, recorded });
    return { database, volume, state, version: server?.version ?? '', logTail: await logTail(site.logFile) };
  }

  /** A record without its process: nobody has stopped it, so it died. */
  private async stateOf(
    spec: EngineSpec,
    site: Paths,
    { pid, recorded }: { readonly pid: number | undefined; readonly recorded: boolean },
  ): Promise<EngineReport['state']> {
    if (pid === undefined) return recorded ? 'FAILED' : 'STOPPED';
    if (this.answered.get(spec.volume) === pid) return 'RUNNING';
    if (!(await this.answers(site))) return 'STARTING';
    this.answered.set(spec.volume, pid);
    return 'RUNNING';
  }

  private async launch(spec: EngineSpec, site: Paths): Promise<number> {
    await this.requireMount(spec);
    // Before anything is written or started: files of another version are not to be touched.
    await requiredServer(this.kind, spec.version);
    const [servers, user] = await Promise.all([
      installedServers(this.kind),
      systemUser(this.kind.systemUser),
    ]);
    await this.writeConfiguration(site, spec);
    await emptySocketFolder(site.socketDir, user);
    const versions = servers.map((server) => this.kind.majorOf(server.version)).join(' ');
    const own = [site.dataDir, site.marker, this.engine, versions, String(user.uid), String(user.gid)];
    const script = `${START_SCRIPT}${this.kind.start}`;
    return this.processes.start({
      name: processName(spec),
      program: 'sh',
      args: ['-c', script, 'lockstep-engine', ...own, ...this.kind.startArguments(site)],
      belongings: this.belongings(site),
      logFile: site.logFile,
      engineOf: spec.volume,
    });
  }

  private async writeConfiguration(site: EngineSite, spec: EngineSpec): Promise<void> {
    await mkdir(site.configDir, { recursive: true, mode: 0o711 });
    const files = Object.entries(this.kind.configuration(site, spec.parameters));
    await Promise.all(
      files.map(async ([name, text]) => {
        const path = join(site.configDir, name);
        await writeFile(`${path}.new`, text, { mode: 0o644 });
        await rename(`${path}.new`, path);
      }),
    );
  }

  /** Of a start that is under way; undefined when its time is over. */
  private async outcomeOf(
    spec: EngineSpec,
    site: Paths,
    pid: number,
  ): Promise<'answered' | 'ended' | undefined> {
    const ask = async () => {
      if (await this.answers(site)) return 'answered';
      return (await this.processes.pidOf(processName(spec))) === pid ? undefined : 'ended';
    };
    const outcome = await poll(ask, { everyMs: ENGINE_POLL_MS, timeoutMs: ENGINE_START_TIMEOUT_MS });
    if (outcome === 'answered') this.answered.set(spec.volume, pid);
    return outcome;
  }

  private async answers(site: EngineSite): Promise<boolean> {
    const socket = this.kind.socket(site);
    // Cheaper than a refused connection, and true for most of the polls of a start.
    return (await exists(socket)) && answers(socket, this.kind.probe(site));
  }

  private async requireAnswer(spec: EngineSpec, site: EngineSite): Promise<void> {
    if (await this.answers(site)) return;
    throw new LockstepError('FAILED_PRECONDITION', `the engine of ${spec.database} answers no query now`, {
      reason: 'ENGINE_NOT_RUNNING',
      metadata: { volume: spec.volume, next: 'Start the database first, or wait until it has started.' },
    });
  }

  /** Without the mount, all of this would happen on the host's own disk and be lost at the next failover. */
  private async requireMount(spec: EngineSpec): Promise<void> {
    if ((await mountAt(spec.mountPoint)) !== undefined) return;
    throw new LockstepError(
      'FAILED_PRECONDITION',
      `volume ${spec.volume} is not mounted at ${spec.mountPoint}`,
      { reason: 'NOT_MOUNTED', metadata: { volume: spec.volume } },
    );
  }

  /** Answers the standard output. */
  private async shell(
    { script, args, input }: Script,
    options: CommandOptions,
    failed: string,
  ): Promise<string> {
    const result = await tryCommand('sh', ['-ceu', script, 'lockstep', ...args], { ...options, input });
    if (result.status === 0) return result.stdout;
    const said = lastLines(`${result.stdout}\n${result.stderr}`, 8).join('\n');
    throw new LockstepError('INTERNAL', `${failed}:\n${said}`, {
      reason: 'ENGINE_COMMAND_FAILED',
      metadata: { engine: this.engine, log_tail: said },
    });
  }

  /** sun_path is short, and the engine's own message would come after everything else was done. */
  private checkSocketPath(site: EngineSite): void {
    const socket = this.kind.socket(site);
    if (Buffer.byteLength(socket) < SOCKET_PATH_BYTES) return;
    throw new LockstepError(
      'FAILED_PRECONDITION',
      `the engine's Unix socket ${socket} would have more than ${String(SOCKET_PATH_BYTES - 1)} bytes; ` +
        'give host.state_dir a shorter path',
      { reason: 'SOCKET_PATH_TOO_LONG', metadata: { path: socket } },
    );
  }

  /** Every process of the engine works in the data folder; before it does, its arguments name the configuration. */
  private belongings({ configDir, dataDir }: EngineSite): Belongings {
    return { programs: [...this.kind.programs, 'sh', 'setpriv'], marker: configDir, workingFolder: dataDir };
  }

  private async sized(spec: EngineSpec): Promise<Paths> {
    const mount = await mountAt(spec.mountPoint);
    return this.site(spec, (mount === undefined ? undefined : await deviceSizeBytes(mount.device)) ?? 0);
  }

  private site(spec: EngineSpec, sizeBytes: number): Paths {
    const { volume, database, user, address, port, mountPoint } = spec;
    const run = join(this.stateDir, 'run');
    return {
      ...{ volume, database, user, address, port, sizeBytes },
      dataDir: join(mountPoint, this.kind.dataFolder),
      marker: join(mountPoint, 'lockstep-initialized'),
      configDir: join(run, 'engine-conf', volume),
      socketDir: join(run, 'engine', volume),
      logFile: join(this.stateDir, 'log', `engine-${volume}.log`),
    };
  }
}

const INITIALIZE_FAILED = "the engine's data folder cannot be initialised";

/** Why the engine did not start, in the engine's own words. */
export function startFailure(spec: EngineSpec, tail: readonly string[], what: string): LockstepError {
  const said = tail.join('\n');
  const { address, port, database } = spec;
  if (
    /could not bind|Can't start server: Bind|Could not create server/i.test(said) &&
    /Address already in use/i.test(said)
  )
    return new LockstepError(
      'FAILED_PRECONDITION',
      `port ${String(port)} of ${address} is in use, so the engine of ${database} cannot listen there`,
      { reason: 'PORT_IN_USE', metadata: { address, port: String(port), log_tail: said } },
    );
  return new LockstepError('UNAVAILABLE', `the engine of ${database} ${what}; its log says:\n${said}`, {
    reason: /which this host does not have/.test(said) ? 'ENGINE_NOT_INSTALLED' : 'ENGINE_START_FAILED',
    metadata: { log_tail: said },
  });
}

/** The lock of a socket whose engine was killed names a pid that may be another engine's by now. */
async function emptySocketFolder(folder: string, user: SystemUser): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  // Its user has to pass through the folder above.
  await mkdir(dirname(folder), { recursive: true, mode: 0o711 });
  await mkdir(folder, { mode: 0o700 });
  await chown(folder, user.uid, user.gid);
}

function processName(spec: EngineSpec): string {
  return `engine-${spec.volume}`;
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
