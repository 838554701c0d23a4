/** One daemon of the installation as a child process: started, signalled, and known when it ends by itself. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isServing } from '../../client/quickstart/health.ts';

export interface DaemonPlan {
  readonly name: string;
  readonly address: string;
  readonly apiPort: number;
  readonly config: string;
  readonly log: string;
}

const MAIN = join(import.meta.dirname, '..', '..', 'daemon', 'main.ts');
const START_LIMIT_MS = 30_000;
const LOSE_POWER_MS = 1000;
const POLL_MS = 20;
const TAIL_LINES = 12;

let lives = 0;

export class Daemon {
  readonly plan: DaemonPlan;
  #child: ChildProcess | undefined;
  #life = 0;
  #boots = 0;
  #isWanted = false;
  /** Of the process before: its ports are free only when it is gone. */
  #gone: Promise<unknown> = Promise.resolve();
  /** Called with its last words when it ends without having been killed. */
  onDeath: (how: string) => void = () => undefined;

  constructor(plan: DaemonPlan) {
    this.plan = plan;
  }

  /** Numbered over all daemons, in order of their starts; undefined while there is no process. */
  get life(): number | undefined {
    return this.#child === undefined ? undefined : this.#life;
  }

  /** Begins; `serving` tells when it is done. */
  start(): void {
    this.#isWanted = true;
    void this.#gone.then(() => {
      if (this.#isWanted && this.#child === undefined) this.#spawn();
    });
  }

  async serving(): Promise<void> {
    const endMs = performance.now() + START_LIMIT_MS;
    while (!(await isServing(this.plan.address, this.plan.apiPort))) {
      if (performance.now() > endMs) throw new Error(`${this.plan.name} does not serve: ${this.logTail()}`);
      await sleep(POLL_MS);
    }
  }

  signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.#child?.kill(signal);
  }

  async kill(): Promise<void> {
    const child = this.#child;
    this.#isWanted = false;
    this.#child = undefined;
    if (child !== undefined && child.exitCode === null && child.signalCode === null) {
      this.#gone = once(child, 'exit');
      child.kill('SIGKILL');
    }
    await this.#gone;
  }

  /** `lose` has the process end itself; the next start is of a machine that was started again. */
  async losePower(lose: () => void): Promise<void> {
    const child = this.#child;
    if (child === undefined) return;
    this.#isWanted = false;
    this.#child = undefined;
    this.#boots++;
    const gone = once(child, 'exit');
    this.#gone = gone;
    lose();
    // One that is stopped loses nothing of what it wrote.
    const timer = setTimeout(() => child.kill('SIGKILL'), LOSE_POWER_MS);
    await gone;
    clearTimeout(timer);
  }

  logTail(): string {
    return readFileSync(this.plan.log, 'utf8').trimEnd().split('\n').slice(-TAIL_LINES).join('\n');
  }

  #spawn(): void {
    const log = openSync(this.plan.log, 'a');
    // It dies with us, however we end.
    const argv = ['--pdeathsig', 'KILL', process.execPath, MAIN, '--config', this.plan.config];
    const child = spawn('setpriv', argv, {
      stdio: ['ignore', log, log],
      cwd: '/',
      env: {
        ...process.env,
        LOCKSTEP_TEST_FAULTS: '1',
        LOCKSTEP_TEST_BOOT_ID: `${this.plan.name} ${this.#boots}`,
      },
    });
    closeSync(log);
    this.#life = ++lives;
    this.#child = child;
    child.on('error', (error) => this.#died(child, error.message));
    child.on('exit', (code, signal) => this.#died(child, `ended with ${String(signal ?? code)}`));
  }

  #died(child: ChildProcess, how: string): void {
    if (this.#child !== child) return;
    this.#child = undefined;
    this.onDeath(`${this.plan.name} ${how}:\n${this.logTail()}`);
  }
}
