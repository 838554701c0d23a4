/**
 * The passwords that this user claimed, in one file of mode 0600:
 *
 *     { "version": 1, "servers": { "127.0.0.10:7400": { "<uid>": { "database", "user", "password", "savedAt" } } } }
 *
 * Keyed by uid, since a database that was deleted and created again has the same name and another password.
 * The server hands a password out once: so the file is known to be writable before the password is claimed, it is on
 * stable storage before the password is shown, and a lock keeps two commands from losing each other's entries.
 */
import { mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { LockstepError, messageOf } from '../../daemon/sys/errors.ts';

const entrySchema = z.object({
  database: z.string(),
  user: z.string(),
  password: z.string(),
  savedAt: z.string(),
});
const fileSchema = z.object({
  version: z.literal(1),
  servers: z.record(z.string(), z.record(z.string(), entrySchema)),
});

export type Credential = Readonly<z.infer<typeof entrySchema>>;
type CredentialsFile = z.infer<typeof fileSchema>;

export interface CredentialKey {
  /** host:port as the user names it. */
  readonly server: string;
  readonly uid: string;
}

const LOCK_TRIES = 100;
const LOCK_PAUSE_MS = 50;
/** A lock that is older was left by a command that was killed: none takes nearly so long. */
const STALE_LOCK_MS = 30_000;

export function credentialsPath(env: Readonly<Record<string, string | undefined>> = process.env): string {
  const configured = env['XDG_CONFIG_HOME'];
  const base = configured === undefined || configured === '' ? join(homedir(), '.config') : configured;
  return join(base, 'lockstep', 'credentials.json');
}

export class Credentials {
  readonly path: string;

  constructor(path: string = credentialsPath()) {
    this.path = path;
  }

  async find(key: CredentialKey): Promise<Credential | undefined> {
    const file = await this.#read();
    return file.servers[key.server]?.[key.uid];
  }

  /**
   * Runs `claim` only once the file is proved writable, and saves what it answers before this resolves. If saving
   * fails all the same, the password is in the error's metadata: it exists nowhere else.
   */
  async claim(
    key: CredentialKey,
    claim: () => Promise<Pick<Credential, 'database' | 'user' | 'password'>>,
  ): Promise<Credential> {
    return this.#locked(async () => {
      const file = await this.#read();
      await this.#write(file);
      const claimed = { ...(await claim()), savedAt: new Date().toISOString() };
      file.servers[key.server] = { ...file.servers[key.server], [key.uid]: claimed };
      await this.#write(file).catch((cause: unknown) => {
        const { user, password } = claimed;
        throw new LockstepError(
          'INTERNAL',
          `could not save the password, note it now: user ${user}, password ${password}`,
          {
            reason: 'PASSWORD_NOT_SAVED',
            metadata: { user, password },
            cause,
          },
        );
      });
      return claimed;
    });
  }

  async forget(key: CredentialKey): Promise<void> {
    await this.#change((file) => {
      const ofServer = file.servers[key.server];
      if (ofServer?.[key.uid] === undefined) return false;
      file.servers[key.server] = without(ofServer, key.uid);
      return true;
    });
  }

  async forgetServer(server: string): Promise<void> {
    await this.#change((file) => {
      if (file.servers[server] === undefined) return false;
      file.servers = without(file.servers, server);
      return true;
    });
  }

  /** A user without the file gets none. */
  async #change(change: (file: CredentialsFile) => boolean): Promise<void> {
    const exists = await stat(this.path).then(
      () => true,
      () => false,
    );
    if (!exists) return;
    await this.#locked(async () => {
      const file = await this.#read();
      if (change(file)) await this.#write(file);
    });
  }

  async #read(): Promise<CredentialsFile> {
    let text: string;
    try {
      text = await readFile(this.path, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { version: 1, servers: {} };
      throw this.#unusable(error);
    }
    try {
      return fileSchema.parse(JSON.parse(text));
    } catch (error) {
      throw this.#unusable(error);
    }
  }

  async #write(file: CredentialsFile): Promise<void> {
    const temporary = `${this.path}.${String(process.pid)}.tmp`;
    try {
      const handle = await open(temporary, 'w', 0o600);
      try {
        await handle.writeFile(`${JSON.stringify(file, null, 2)}\n`);
        await handle.sync();
      } finally {
        await handle.close();
      }
      await rename(temporary, this.path);
    } catch (error) {
      await rm(temporary, { force: true });
      throw this.#unusable(error);
    }
  }

  async #locked<Result>(work: () => Promise<Result>): Promise<Result> {
    await mkdir(dirname(this.path), { recursive: true, mode: 0o700 }).catch((error: unknown) => {
      throw this.#unusable(error);
    });
    const lock = `${this.path}.lock`;
    await this.#acquire(lock);
    try {
      return await work();
    } finally {
      await rm(lock, { force: true });
    }
  }

  async #acquire(lock: string): Promise<void> {
    for (let attempt = 0; attempt < LOCK_TRIES; attempt += 1) {
      try {
        await (await open(lock, 'wx', 0o600)).close();
        return;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw this.#unusable(error);
      }
      const age = await stat(lock).then(
        (found) => Date.now() - found.mtimeMs,
        () => 0,
      );
      if (age > STALE_LOCK_MS) await rm(lock, { force: true });
      else await sleep(LOCK_PAUSE_MS);
    }
    throw this.#unusable(new Error(`another command holds ${lock}`));
  }

  #unusable(cause: unknown): LockstepError {
    const message = `the file of saved passwords cannot be used: ${this.path}: ${messageOf(cause)}`;
    return new LockstepError('FAILED_PRECONDITION', message, { reason: 'CREDENTIALS_UNUSABLE', cause });
  }
}

function without<Value>(record: Readonly<Record<string, Value>>, gone: string): Record<string, Value> {
  return Object.fromEntries(Object.entries(record).filter(([key]) => key !== gone));
}
