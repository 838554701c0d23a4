/** Debian packages: which are missing, and installing them. The only thing of a host that we change for good. */
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { LockstepError } from '../sys/errors.ts';
import { type CommandResult, lastLines, tryCommand } from './commands.ts';
import {
  DEVICE_COMMAND_TIMEOUT_MS,
  PACKAGE_INDEX_TIMEOUT_MS,
  PACKAGE_INSTALL_TIMEOUT_MS,
  PACKAGE_LOCK_TIMEOUT_S,
} from './limits.ts';
import { KeyedMutex } from '../sys/keyed-mutex.ts';

/** Names of packages, each with the reason why it is needed. */
export type PackageNeeds = Readonly<Record<string, string>>;

export interface InstallOptions {
  /** Further options of apt-get: another sources list, a proxy. */
  readonly aptOptions?: readonly string[];
  /** A file with one setting that stands there while apt-get runs and is taken away afterwards. */
  readonly during?: { readonly path: string; readonly text: string };
}

const mutex = new KeyedMutex();

/** In the order given. */
export async function missingPackages(needs: PackageNeeds): Promise<readonly string[]> {
  const names = Object.keys(needs);
  if (names.length === 0) return [];
  const format = '${Package} ${db:Status-Status}\n';
  // Exit status 1 says that some name is unknown to dpkg; the others are listed all the same.
  const { stdout } = await tryCommand('dpkg-query', ['-W', '-f', format, ...names], {
    timeoutMs: DEVICE_COMMAND_TIMEOUT_MS,
  });
  const installed = new Set(
    stdout.split('\n').flatMap((line) => {
      const [name, status] = line.split(' ');
      return name !== undefined && status === 'installed' ? [name] : [];
    }),
  );
  return names.filter((name) => !installed.has(name));
}

/** Installs what is missing; answers what this call installed. */
export async function ensurePackages(
  needs: PackageNeeds,
  options: InstallOptions = {},
): Promise<readonly string[]> {
  // apt-get waits for the lock of other processes by itself; within this one the second caller finds the work done.
  return mutex.run('apt', async () => {
    const missing = await missingPackages(needs);
    if (missing.length > 0) await install(missing, needs, options);
    return missing;
  });
}

async function install(
  missing: readonly string[],
  needs: PackageNeeds,
  options: InstallOptions,
): Promise<void> {
  const { during } = options;
  try {
    if (during !== undefined) {
      await mkdir(dirname(during.path), { recursive: true });
      await writeFile(during.path, during.text);
    }
    let result = await aptInstall(missing, options);
    if (result.status !== 0 && indexIsOld(result)) {
      await apt(['update'], options, PACKAGE_INDEX_TIMEOUT_MS);
      result = await aptInstall(missing, options);
    }
    const left = result.status === 0 ? [] : await missingPackages(needs);
    if (left.length > 0) throw unavailable(left, needs, result);
  } finally {
    if (during !== undefined) await rm(during.path, { force: true });
  }
}

function aptInstall(names: readonly string[], options: InstallOptions): Promise<CommandResult> {
  return apt(
    ['install', '-y', '--no-remove', '--no-install-recommends', ...names],
    options,
    PACKAGE_INSTALL_TIMEOUT_MS,
  );
}

function apt(args: readonly string[], options: InstallOptions, timeoutMs: number): Promise<CommandResult> {
  const lock = ['-q', '-o', `DPkg::Lock::Timeout=${String(PACKAGE_LOCK_TIMEOUT_S)}`];
  return tryCommand('apt-get', [...lock, ...(options.aptOptions ?? []), ...args], {
    timeoutMs,
    env: { DEBIAN_FRONTEND: 'noninteractive' },
  });
}

/** A fresh machine has no index at all, and an old index names files that the archive no longer has. */
function indexIsOld({ stdout, stderr }: CommandResult): boolean {
  return /Unable to locate package|has no installation candidate|Failed to fetch/.test(stdout + stderr);
}

function unavailable(left: readonly string[], needs: PackageNeeds, result: CommandResult): LockstepError {
  const what = left.map((name) => `${name} (${needs[name] ?? ''})`).join(', ');
  const said = lastLines(`${result.stdout}\n${result.stderr}`, 4).join(' | ');
  const plural = left.length > 1 ? 'packages are' : 'package is';
  return new LockstepError(
    'FAILED_PRECONDITION',
    `the Debian ${plural} missing and cannot be installed: ${what}. apt-get said: ${said}`,
    { reason: 'PACKAGE_UNAVAILABLE', metadata: { packages: left.join(' '), apt_output: said } },
  );
}
