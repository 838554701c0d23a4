/** Starting and finding the three daemons. */
import { spawn } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { bootIdOfMachine, statOf } from '../../daemon/host/proc.ts';
import { LockstepError, messageOf } from '../../daemon/sys/errors.ts';
import { isServing } from './health.ts';
import { configText, type HostPlan, type Plan, PORTS } from './plan.ts';
import { isAlive, type ProcessIdentity } from './processes.ts';

const DAEMON = join(import.meta.dirname, '..', '..', 'daemon', 'main.ts');
const START_TIMEOUT_MS = 30_000;
const POLL_MS = 50;
const MAX_LOG_BYTES = 64 * 1024 * 1024;
const LOG_TAIL_LINES = 8;

const pidSchema = z.object({ pid: z.int(), startTicks: z.int(), bootId: z.string() });

/** The host's daemon, if it runs. A pid file of before a reboot, or of a pid with another owner now, says nothing. */
export async function daemonOf(host: HostPlan): Promise<ProcessIdentity | undefined> {
  try {
    const { bootId, ...identity } = pidSchema.parse(JSON.parse(readFileSync(host.pidFile, 'utf8')));
    return bootId === bootIdOfMachine() && (await isAlive(identity)) ? identity : undefined;
  } catch {
    return undefined;
  }
}

/** Engines run as their own user, who has to get through these folders to the data. */
const PASSABLE_FOLDER = 0o755;
/** Control runs none, and its records hold the passwords of engines: its folder is for root alone. */
const PRIVATE_FOLDER = 0o700;

export function writeConfig(plan: Plan, host: HostPlan): void {
  const mode = host.zone === undefined ? PRIVATE_FOLDER : PASSABLE_FOLDER;
  mkdirSync(host.folder, { recursive: true, mode });
  // One of an earlier version, or with another umask.
  chmodSync(host.folder, mode);
  writeAtomically(host.config, configText(plan, host));
}

/** A reader, or a start after a crash, sees the old file or the new one. */
export function writeAtomically(path: string, text: string): void {
  writeFileSync(`${path}.tmp`, text);
  renameSync(`${path}.tmp`, path);
}

export interface StartOptions {
  readonly environment?: Readonly<Record<string, string>>;
  /** For measurements. */
  readonly nodeFlags?: readonly string[];
  /** For tests: a program and its arguments that Node is started with. */
  readonly launcher?: readonly string[];
}

/**
 * Detached, in a session of its own: the Ctrl-C that ends the quick start is not for the daemons. The pid file is
 * written right after; between the two, `--stop` and `--clean` find the daemon by its command line.
 */
export async function startDaemon(
  host: HostPlan,
  { environment = {}, nodeFlags = [], launcher = [] }: StartOptions = {},
): Promise<ProcessIdentity> {
  rotate(host.log);
  const log = openSync(host.log, 'a');
  const [program, ...argv] = [...launcher, process.execPath, ...nodeFlags, DAEMON, '--config', host.config];
  const child = spawn(program, argv, {
    detached: true,
    stdio: ['ignore', log, log],
    cwd: '/',
    env: { ...daemonEnvironment(), ...environment },
  });
  closeSync(log);
  let spawnError = 'it ended at once';
  child.on('error', (error) => {
    spawnError = error.message;
  });
  child.unref();
  const info = child.pid === undefined ? undefined : await statOf(child.pid);
  if (info === undefined) throw notStarted(host, spawnError);
  const identity = { pid: info.pid, startTicks: info.startTicks };
  writeAtomically(host.pidFile, `${JSON.stringify({ ...identity, bootId: bootIdOfMachine() })}\n`);
  return identity;
}

/** What npm adds to the environment is not for a daemon. */
function daemonEnvironment(): NodeJS.ProcessEnv {
  const kept = ['HOME', 'LANG', 'LC_ALL', 'TZ', 'http_proxy', 'https_proxy', 'no_proxy'];
  const path = process.env['PATH'] ?? '/usr/sbin:/usr/bin:/sbin:/bin';
  return { PATH: path, ...Object.fromEntries(kept.flatMap((name) => valueOf(name))) };
}

function valueOf(name: string): readonly (readonly [string, string])[] {
  const value = process.env[name];
  return value === undefined ? [] : [[name, value]];
}

function rotate(log: string): void {
  const size = statSync(log, { throwIfNoEntry: false })?.size ?? 0;
  if (size > MAX_LOG_BYTES) renameSync(log, `${log}.1`);
}

/** Resolves when the daemon says that it serves; a daemon that ends instead is told with its last words. */
export async function waitUntilServing(
  host: HostPlan,
  daemon: ProcessIdentity,
  signal: AbortSignal,
): Promise<void> {
  const deadline = performance.now() + START_TIMEOUT_MS;
  while (!(await isServing(host.address, PORTS.api))) {
    if (!(await isAlive(daemon))) throw notStarted(host, 'it ended');
    if (performance.now() > deadline)
      throw notStarted(host, `it did not serve within ${String(START_TIMEOUT_MS / 1000)} s`);
    await sleep(POLL_MS, undefined, { signal });
  }
}

function notStarted(host: HostPlan, what: string): LockstepError {
  const tail = logTail(host.log);
  const words = tail === '' ? '' : `. The last lines of ${host.log}:\n${tail}`;
  return new LockstepError('UNAVAILABLE', `the daemon of ${host.id} did not start: ${what}${words}`, {
    reason: 'DAEMON_NOT_STARTED',
    metadata: { host: host.id, log: host.log },
  });
}

function logTail(path: string): string {
  try {
    return readFileSync(path, 'utf8').trimEnd().split('\n').slice(-LOG_TAIL_LINES).join('\n');
  } catch (error) {
    return messageOf(error);
  }
}

export function forgetDaemon(host: HostPlan): void {
  rmSync(host.pidFile, { force: true });
}
