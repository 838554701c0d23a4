/**
 * The product's NBD server over the product's store in a process of its own, for clients that people use. It can be
 * killed and started again on the same files, socket and port.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Test } from 'tap';
import type { ServedExport } from './nbd-real-clients.ts';

const MAIN = join(import.meta.dirname, 'volume-process.ts');
const KIB = 1024;

export const MIB = 1024 * KIB;

export class VolumeServer {
  readonly folder = mkdtempSync(join(tmpdir(), 'lockstep-nbd-'));
  readonly socket = join(this.folder, 'nbd.sock');
  readonly sizeBytes: number;
  #child: ChildProcess | undefined;
  #port = 0;

  readonly #certificates: string | undefined;

  private constructor(sizeBytes: number, certificates: string | undefined) {
    this.sizeBytes = sizeBytes;
    this.#certificates = certificates;
  }

  /** Serves; killed, and its folder removed, after the test. With a folder of certificates TCP needs TLS. */
  static async start(t: Test, sizeBytes: number, certificates?: string): Promise<VolumeServer> {
    const server = new VolumeServer(sizeBytes, certificates);
    t.teardown(async () => {
      await server.kill();
      rmSync(server.folder, { recursive: true, force: true });
    });
    await server.run();
    return server;
  }

  async run(): Promise<void> {
    // It dies with us, however we end.
    const argv = [
      '--pdeathsig',
      'KILL',
      process.execPath,
      MAIN,
      this.folder,
      `${this.sizeBytes}`,
      `${this.#port}`,
      ...(this.#certificates === undefined ? [] : [this.#certificates]),
    ];
    const child = spawn('setpriv', argv, { stdio: ['ignore', 'pipe', 'inherit'] });
    this.#child = child;
    const ended = once(child, 'exit').then(() => {
      throw new Error('the server ended before it served');
    });
    const line = once(createInterface(child.stdout), 'line') as Promise<[string]>;
    const [port] = await Promise.race([line, ended]);
    this.#port = Number(port);
  }

  /** SIGKILL: as a daemon that crashes. */
  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  }

  get #export(): Omit<ServedExport, 'uri'> {
    return { name: 'orders', description: 'generation 1', sizeBytes: this.sizeBytes };
  }

  get overTcp(): ServedExport {
    return { ...this.#export, uri: `nbd://127.0.0.1:${this.#port}/orders` };
  }

  /** 0 before it served for the first time. */
  get port(): number {
    return this.#port;
  }

  get overUnix(): ServedExport {
    return { ...this.#export, uri: `nbd+unix:///orders?socket=${this.socket}` };
  }

  /** By the words of a test's name. */
  get transports(): Readonly<Record<string, ServedExport>> {
    return { TCP: this.overTcp, 'a Unix socket': this.overUnix };
  }

  /** Resident memory of the server's process now. */
  get residentBytes(): number {
    return this.#statusBytes('VmRSS');
  }

  /** The most that it ever was. */
  get peakResidentBytes(): number {
    return this.#statusBytes('VmHWM');
  }

  #statusBytes(field: string): number {
    const status = readFileSync(`/proc/${this.#child?.pid ?? 0}/status`, 'utf8');
    return Number(new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1]) * KIB;
  }
}
