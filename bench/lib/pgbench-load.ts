/** pgbench as load beside a measurement: it ends with the server that it is connected to, and that is no failure. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Endpoint } from '../../proto/gen/lockstep/v1/database_service.ts';
import { initialize, pgbenchProgram } from './database/pgbench.ts';

const SCALE = 10;
const CLIENTS = 4;
const THREADS = 2;
/** Longer than any round. */
const SECONDS = 3600;

export class PgbenchLoad {
  readonly #password: string;
  #child: ChildProcess | undefined;

  static async prepare(endpoint: Endpoint, password: string): Promise<PgbenchLoad> {
    const { address: host, port, user, database } = endpoint;
    await initialize({ host, port, user, database, password }, SCALE);
    return new PgbenchLoad(password);
  }

  private constructor(password: string) {
    this.#password = password;
  }

  /** On the server that the alias names now. */
  start({ address, port, user, database }: Endpoint): void {
    const args = [
      `--host=${address}`,
      `--port=${String(port)}`,
      `--username=${user}`,
      '--no-vacuum',
      `--client=${String(CLIENTS)}`,
      `--jobs=${String(THREADS)}`,
      `--time=${String(SECONDS)}`,
      database,
    ];
    this.#child = spawn(pgbenchProgram(), args, {
      stdio: 'ignore',
      env: { ...process.env, PGPASSWORD: this.#password },
    });
    this.#child.on('error', () => undefined);
  }

  async stop(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  }
}
