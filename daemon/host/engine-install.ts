/** Which servers of an engine this host has, can have, and the user they run as. */
import { access, glob, readFile, stat } from 'node:fs/promises';
import { compareVersions, type Engine, type InstalledServer } from '../engines/engine.ts';
import { bootClock } from '../sys/clock.ts';
import { invalidField, LockstepError } from '../sys/errors.ts';
import { runCommand, type SystemUser, tryCommand } from './commands.ts';
import type { EngineDriver } from './drivers.ts';
import { DEVICE_COMMAND_TIMEOUT_MS, RECENT_SERVERS_MS } from './limits.ts';
import { ensurePackages } from './packages.ts';

/** program → when it was written, and what it says of itself. An upgrade writes it anew. */
const versions = new Map<string, { readonly writtenMs: number; readonly version: string }>();

/** The newest first. */
export async function installedServers(engine: Engine): Promise<readonly InstalledServer[]> {
  const programs: string[] = [];
  for await (const program of glob(engine.server)) programs.push(program);
  const servers = await Promise.all(programs.map(serverAt));
  return servers
    .filter((server) => server !== undefined)
    .sort((a, b) => compareVersions(b.version, a.version));
}

const recent = new Map<
  string,
  { readonly untilMs: number; readonly servers: Promise<readonly InstalledServer[]> }
>();

/** For what is said four times a second of each engine, where some seconds of age are no harm. */
export function recentServers(engine: Engine): Promise<readonly InstalledServer[]> {
  const known = recent.get(engine.name);
  if (known !== undefined && bootClock.nowMs() < known.untilMs) return known.servers;
  const servers = installedServers(engine);
  recent.set(engine.name, { untilMs: bootClock.nowMs() + RECENT_SERVERS_MS, servers });
  return servers;
}

/** Of that major version, or the newest for "". */
export async function requiredServer(engine: Engine, version: string): Promise<InstalledServer> {
  const servers = await installedServers(engine);
  const found = servers.find((server) => version === '' || engine.majorOf(server.version) === version);
  if (found !== undefined) return found;
  const has = servers.map((server) => server.version).join(', ');
  const wanted = version === '' ? engine.title : `${engine.title} ${version}`;
  throw new LockstepError(
    'FAILED_PRECONDITION',
    `this host does not have ${wanted}${has === '' ? '' : `, but ${has}`}`,
    {
      reason: 'ENGINE_NOT_INSTALLED',
      metadata: {
        engine: engine.name,
        version,
        next: `Install it on this host: apt-get install ${Object.keys(engine.installing.needs(version)).join(' ')}`,
      },
    },
  );
}

/** Installs what is missing; answers the version and the packages that this call installed. */
export async function installEngine(
  engine: Engine,
  version: string,
): Promise<{ readonly version: string; readonly installedPackages: readonly string[] }> {
  // It becomes part of a package's name, and to apt-get "postgresql-15-" is to remove postgresql-15.
  if (version !== '' && engine.majorOf(version) !== version)
    throw invalidField('version', version, `a major version of ${engine.title}`);
  const present =
    (await installedServers(engine)).some(
      (server) => version === '' || engine.majorOf(server.version) === version,
    ) && (await Promise.all(engine.tools.map(isThere))).every((one) => one);
  const { during } = engine.installing;
  const installedPackages = present
    ? []
    : await ensurePackages(engine.installing.needs(version), during === undefined ? {} : { during });
  await ensureSystemUser(engine);
  return { version: (await requiredServer(engine, version)).version, installedPackages };
}

/** The newest first. */
export async function offersOf(engine: Engine): ReturnType<EngineDriver['offers']> {
  const installed = (await installedServers(engine)).map((server) => engine.majorOf(server.version));
  const offered = await offeredMajors(engine);
  return [...new Set([...installed, ...offered])]
    .sort((a, b) => compareVersions(b, a))
    .map((version) => ({ version, installed: installed.includes(version) }));
}

export async function systemUser(name: string): Promise<SystemUser> {
  const found = await userNamed(name);
  if (found !== undefined) return found;
  throw new LockstepError('FAILED_PRECONDITION', `this host has no user ${name}, as whom the engine runs`, {
    reason: 'NO_SYSTEM_USER',
    metadata: { user: name, next: `Make it on this host: useradd --system --user-group ${name}` },
  });
}

function isThere(program: string): Promise<boolean> {
  return access(program).then(
    () => true,
    () => false,
  );
}

async function serverAt(program: string): Promise<InstalledServer | undefined> {
  try {
    const { mtimeMs: writtenMs } = await stat(program);
    const known = versions.get(program);
    if (known?.writtenMs === writtenMs) return { program, version: known.version };
    const said = await runCommand(program, ['--version'], { timeoutMs: DEVICE_COMMAND_TIMEOUT_MS });
    const version = /\d+(\.\d+)+/.exec(said)?.[0] ?? '';
    versions.set(program, { writtenMs, version });
    return { program, version };
  } catch {
    // Gone since, or it does not run here: nothing to offer either way.
    return undefined;
  }
}

/** What the package manager's answers depend on: the lists it has fetched, and what is installed. */
const INDEX = ['/var/lib/apt/lists', '/var/lib/dpkg/status'];

/** engine → what the index offered, and when that was written: apt reads all of it anew where it may keep no cache. */
const offered = new Map<string, { readonly written: string; readonly majors: Promise<readonly string[]> }>();

/** From the index as it is on this host: nothing is fetched for a list. */
async function offeredMajors(engine: Engine): Promise<readonly string[]> {
  const times = await Promise.all(
    INDEX.map((path) =>
      stat(path).then(
        ({ mtimeMs }) => mtimeMs,
        () => 0,
      ),
    ),
  );
  const written = times.join(' ');
  const known = offered.get(engine.name);
  if (known?.written === written) return known.majors;
  const majors = askIndex(engine);
  offered.set(engine.name, { written, majors });
  majors.catch(() => offered.delete(engine.name));
  return majors;
}

async function askIndex({ installing }: Engine): Promise<readonly string[]> {
  const options = { timeoutMs: DEVICE_COMMAND_TIMEOUT_MS };
  const prefix = /^\^?([a-z0-9-]*)/.exec(installing.serverPackage.source)?.[1] ?? '';
  const names = installing.serverPackage.test(prefix)
    ? [prefix]
    : (await tryCommand('apt-cache', ['pkgnames', prefix], options)).stdout
        .split('\n')
        .filter((name) => installing.serverPackage.test(name));
  if (names.length === 0) return [];
  const { stdout } = await tryCommand('apt-cache', ['madison', ...names], options);
  return stdout.split('\n').flatMap((line) => {
    const [name, version] = line.split('|').map((part) => part.trim());
    return name === undefined || version === undefined ? [] : [installing.majorOf({ name, version })];
  });
}

async function ensureSystemUser({ systemUser: name, title }: Engine): Promise<void> {
  if ((await userNamed(name)) !== undefined) return;
  const home = ['--home-dir', '/nonexistent', '--no-create-home', '--shell', '/usr/sbin/nologin'];
  await runCommand('useradd', ['--system', '--user-group', ...home, '--comment', title, name], {
    timeoutMs: DEVICE_COMMAND_TIMEOUT_MS,
  });
}

async function userNamed(name: string): Promise<SystemUser | undefined> {
  const lines = (await readFile('/etc/passwd', 'utf8')).split('\n');
  const fields = lines.map((line) => line.split(':')).find(([first]) => first === name);
  const [, , uid, gid] = fields ?? [];
  return uid === undefined || gid === undefined ? undefined : { uid: Number(uid), gid: Number(gid) };
}
