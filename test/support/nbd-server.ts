/** nbdkit as a stand-in for our NBD server: a file behind a Unix socket, killed and started again at will. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { rm, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export class NbdServer {
  readonly socket: string;
  readonly file: string;
  private readonly options: readonly string[];
  private child: ChildProcess | undefined;

  private constructor(folder: string, options: readonly string[]) {
    this.socket = join(folder, 'nbd.sock');
    this.file = join(folder, 'volume.img');
    this.options = options;
  }

  /** `filters` go before the plugin, such as --filter=delay; `settings` after it, such as wdelay=1ms. */
  static async start(
    folder: string,
    sizeBytes: number,
    extra: { readonly filters?: readonly string[]; readonly settings?: readonly string[] } = {},
  ): Promise<NbdServer> {
    const { filters = [], settings = [] } = extra;
    const server = new NbdServer(folder, [...filters, 'file', join(folder, 'volume.img'), ...settings]);
    await writeFile(server.file, '');
    await truncate(server.file, sizeBytes);
    await server.run();
    return server;
  }

  async run(): Promise<void> {
    await rm(this.socket, { force: true });
    this.child = spawn('nbdkit', ['-f', '-t', '16', '-U', this.socket, ...this.options], {
      stdio: 'inherit',
    });
    for (let tries = 0; tries < 500; tries++) {
      if (
        await stat(this.socket).then(
          () => true,
          () => false,
        )
      )
        return;
      await sleep(10);
    }
    throw new Error('nbdkit has no socket');
  }

  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const { child } = this;
    this.child = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill(signal);
    await ended;
  }

  /** Its answers stop, its connections stay. */
  freeze(): void {
    this.child?.kill('SIGSTOP');
  }
}
