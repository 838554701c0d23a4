/** A server that is a child of this process, and ends with it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';

const POLL_MS = 20;
const LAST_WORDS_BYTES = 4096;

export class ChildServer {
  readonly #program: string;
  readonly #child: ChildProcess;
  #words = '';

  constructor(program: string, argv: readonly string[], cpus: string) {
    this.#program = program;
    this.#child = spawn('taskset', ['--cpu-list', cpus, program, ...argv], {
      stdio: ['ignore', 'ignore', 'pipe'],
      // A session of its own, as a service has: the kernel shares the processors among sessions first.
      detached: true,
    });
    this.#child.on('error', (error) => {
      this.#words = error.message;
    });
    this.#child.stderr?.on('data', (chunk: Buffer) => {
      this.#words = `${this.#words}${chunk.toString()}`.slice(-LAST_WORDS_BYTES);
    });
  }

  /** Until it answers. Throws what it said where it ends instead. */
  async until(isReady: () => Promise<boolean>, limitMs: number): Promise<void> {
    const endMs = performance.now() + limitMs;
    while (!(await isReady())) {
      if (this.#child.exitCode !== null || this.#child.pid === undefined)
        throw new Error(`${this.#program} ended: ${this.#words}`);
      if (performance.now() > endMs) {
        await this.stop();
        throw new Error(`${this.#program} does not answer after ${String(limitMs)} ms: ${this.#words}`);
      }
      await sleep(POLL_MS);
    }
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null || this.#child.pid === undefined)
      return;
    const ended = once(this.#child, 'exit');
    this.#child.kill('SIGTERM');
    await ended;
  }
}
