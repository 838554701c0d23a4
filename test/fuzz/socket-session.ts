/** One session over a Unix socket, and the process that serves it. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Random } from '../support/harness/random.ts';
import { chunksOf, type FuzzInput } from './mutate.ts';
import type { ServerReport } from './socket-server.ts';
import { judge, type Verdict } from './witness.ts';

const MAIN = join(import.meta.dirname, 'socket-server.ts');
/** A server that owes an answer for so long hangs. */
const SILENCE_MS = 10_000;
const DEATH_MS = 500;

export class FuzzServer {
  readonly #folder = mkdtempSync(join(tmpdir(), 'lockstep-fuzz-'));
  readonly #socket = join(this.#folder, 'nbd.sock');
  readonly #child: ChildProcess;
  #death: string | undefined;

  private constructor() {
    this.#child = fork(MAIN, [this.#socket]);
    this.#child.once('exit', (code, signal) => {
      this.#death = `the server ended with ${String(signal ?? code)}`;
    });
    // What cannot be sent to it is sent to a dead one.
    this.#child.on('error', () => undefined);
  }

  static async start(): Promise<FuzzServer> {
    const server = new FuzzServer();
    await once(server.#child, 'message');
    return server;
  }

  async stop(): Promise<void> {
    if (this.#death === undefined) {
      const gone = once(this.#child, 'exit');
      this.#child.kill('SIGKILL');
      await gone;
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async report(): Promise<ServerReport> {
    const signal = AbortSignal.timeout(SILENCE_MS);
    const answer = once(this.#child, 'message', { signal }) as Promise<[ServerReport]>;
    if (this.#death === undefined) this.#child.send('report');
    try {
      const [report] = await answer;
      return report;
    } catch (cause) {
      throw new Error(this.#death ?? 'the server does not tell about itself', { cause });
    }
  }

  async run(input: FuzzInput, random: Random): Promise<Verdict> {
    const session = new SocketSession(connect(this.#socket), input, random);
    const verdict = await session.run();
    // That it ended is told a moment after its sockets are closed.
    if (verdict.finding !== undefined) await new Promise((resolve) => setTimeout(resolve, DEATH_MS));
    return this.#death === undefined ? verdict : { ...verdict, finding: this.#death };
  }
}

class SocketSession {
  readonly #socket: Socket;
  readonly #input: FuzzInput;
  readonly #random: Random;
  readonly #received: Buffer[] = [];
  #closed = false;
  /** A write that failed takes with it what was not read yet. */
  #cutOff = false;
  #wake: () => void = () => undefined;

  constructor(socket: Socket, input: FuzzInput, random: Random) {
    this.#socket = socket;
    this.#input = input;
    this.#random = random;
    socket.on('data', (chunk: Buffer) => {
      this.#received.push(chunk);
      this.#wake();
    });
    socket.on('error', () => {
      this.#cutOff = true;
    });
    for (const event of ['end', 'close'])
      socket.on(event, () => {
        this.#closed = true;
        this.#wake();
      });
  }

  async run(): Promise<Verdict> {
    // Some clients leave in the middle of it.
    const chunks = chunksOf(this.#input);
    const leavesBehind = this.#random.happens(0.1) ? this.#random.below(chunks.length + 1) : undefined;
    const slow = this.#random.happens(0.2);
    for (const [index, chunk] of chunks.entries()) {
      if (this.#closed || index === leavesBehind) break;
      this.#socket.write(chunk);
      if (slow) await new Promise(setImmediate);
    }
    const verdict = leavesBehind === undefined ? await this.#untilComplete() : this.#nothing();
    this.#socket.destroy();
    return verdict;
  }

  async #untilComplete(): Promise<Verdict> {
    for (;;) {
      const verdict = this.#judge();
      if (verdict.complete || this.#closed || verdict.transmission?.ambiguous === true) return verdict;
      if (!(await this.#somethingNew())) return { ...verdict, finding: 'the server is silent' };
    }
  }

  #judge(): Verdict {
    const server = Buffer.concat(this.#received);
    return judge({ client: this.#input.bytes, server, closed: this.#closed, cutOff: this.#cutOff });
  }

  #nothing(): Verdict {
    return { finding: undefined, complete: true, options: 0, transmission: undefined };
  }

  /** False: nothing came within the limit. */
  #somethingNew(): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(false), SILENCE_MS);
      this.#wake = () => {
        clearTimeout(timer);
        resolve(true);
      };
    });
  }
}
