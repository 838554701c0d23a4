/** Which PostgreSQL this host has, and the user it runs as. */
import { access, readdir, readFile } from 'node:fs/promises';
import { LockstepError } from '../sys/errors.ts';
import { runCommand, type SystemUser } from './commands.ts';
import { DEVICE_COMMAND_TIMEOUT_MS } from './limits.ts';

/** Debian's place for every major version side by side. */
const ROOT = '/usr/lib/postgresql';

const versions = new Map<string, string>();

export function programsOf(major: string): string {
  return `${ROOT}/${major}/bin`;
}

/** The highest major version whose server is installed, such as "15". */
export async function highestVersion(): Promise<string | undefined> {
  const majors = (await readdir(ROOT).catch(() => [])).filter((name) => /^\d+$/.test(name));
  for (const major of majors.sort((a, b) => Number(b) - Number(a)))
    if (await access(`${programsOf(major)}/postgres`).then(yes, no)) return major;
  return undefined;
}

const yes = (): boolean => true;
const no = (): boolean => false;

/** Such as "15.18". Kept, since it is part of every report; an upgrade is seen after the daemon's next start. */
export async function installedVersion(major: string): Promise<string> {
  const known = versions.get(major);
  if (known !== undefined) return known;
  const said = await runCommand(`${programsOf(major)}/postgres`, ['--version'], {
    timeoutMs: DEVICE_COMMAND_TIMEOUT_MS,
  });
  const version = /(\d+\.\d+)/.exec(said)?.[1] ?? major;
  versions.set(major, version);
  return version;
}

export async function systemUser(name: string): Promise<SystemUser> {
  const lines = (await readFile('/etc/passwd', 'utf8')).split('\n');
  const fields = lines.map((line) => line.split(':')).find(([first]) => first === name);
  const [, , uid, gid] = fields ?? [];
  if (uid === undefined || gid === undefined)
    throw new LockstepError('FAILED_PRECONDITION', `this host has no user ${name}, as whom the engine runs`, {
      reason: 'NO_SYSTEM_USER',
      metadata: { user: name },
    });
  return { uid: Number(uid), gid: Number(gid) };
}
