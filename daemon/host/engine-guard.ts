/**
 * The daemon's side of the guard (guard-main.ts): starts it, tells it which engines there are and until when each may
 * speak, and starts it again should it end. What must be silent before this process says another word is stopped here.
 */
import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { LockstepError } from '../sys/errors.ts';
import { childEnvironment } from './commands.ts';
import { type GuardMessage, guardReportSchema, guardSocket, lineReader } from './guard-messages.ts';
import { GUARD_END_TIMEOUT_MS, GUARD_START_TIMEOUT_MS, POLL_MS } from './limits.ts';
import { freezeTree, type ProcessIdentity } from './process-tree.ts';

const MAIN = join(import.meta.dirname, 'guard-main.ts');
const AGAIN_MS = 100;
/**
 * An engine is silent so long before its lease ends: time for the guard to wake up on a busy host, and to stop every
 * process. An eighth of a short lease; of a long one no more than that takes, since a primary that lost its secondary goes
 * on alone shortly before, and should not be frozen meanwhile.
 */
const LEAD = 1 / 8;
const MOST_LEAD_MS = 100;

export interface GuardLog {
  info(facts: object, message: string): void;
  warn(facts: object, message: string): void;
}

export interface EngineGuardOptions {
  readonly stateDir: string;
  /** How long a lease lasts from its grant, in milliseconds. */
  readonly leaseMs: number;
  readonly log: GuardLog;
}

export class EngineGuard {
  readonly #options: EngineGuardOptions;
  readonly #engines = new Map<string, ProcessIdentity>();
  /** Volume → when its engine has to be silent. */
  readonly #silentAtMs = new Map<string, number>();
  #socket: Socket | undefined;
  #starting: Promise<void> | undefined;
  #isClosed = false;

  constructor(options: EngineGuardOptions) {
    this.#options = options;
  }

  /** Resolves when a guard listens: the one that guards what an earlier life of this daemon started, or a new one. */
  ready(): Promise<void> {
    if (this.#socket !== undefined) return Promise.resolve();
    this.#starting ??= this.#start().finally(() => {
      this.#starting = undefined;
    });
    return this.#starting;
  }

  async #start(): Promise<void> {
    this.#own((await this.#connected()) ?? (await this.#launched()));
  }

  /** An engine was started, or found alive. */
  engine(volume: string, root: ProcessIdentity): void {
    this.#engines.set(volume, root);
    this.#send({ kind: 'engine', volume, ...root });
  }

  /** The lease under which the volume's clients are answered ends then. Infinity: nobody's is needed. */
  leaseUntil(volume: string, untilMs: number): void {
    const silentAtMs = untilMs - Math.min(MOST_LEAD_MS, this.#options.leaseMs * LEAD);
    this.#silentAtMs.set(volume, silentAtMs);
    // Before it is stopped here: a guard that finds it stopped, and knows of no end of its lease, has it go on.
    this.#send(leaseMessage(volume, silentAtMs));
    // Before anything else: whoever ends a lease says so to others next.
    if (untilMs === -Infinity) this.#silence(volume);
  }

  /** Engines outlive the daemon, and so does what guards them; where none is left it ends, and is waited for. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const socket = this.#socket;
    if (socket === undefined) return;
    const closed = Promise.withResolvers<undefined>();
    socket.once('close', () => closed.resolve(undefined));
    const timer = setTimeout(() => socket.destroy(), GUARD_END_TIMEOUT_MS);
    socket.end();
    await closed.promise;
    clearTimeout(timer);
  }

  #silence(volume: string): void {
    const root = this.#engines.get(volume);
    if (root === undefined) return;
    const processes = freezeTree(root);
    if (processes > 0)
      this.#options.log.info({ volume, processes }, 'the engine was frozen: its volume is not served here');
  }

  async #connected(): Promise<Socket | undefined> {
    const socket = connect(guardSocket(this.#options.stateDir));
    const { promise, resolve } = Promise.withResolvers<Socket | undefined>();
    socket.once('connect', () => resolve(socket));
    socket.once('error', () => resolve(undefined));
    return promise;
  }

  async #launched(): Promise<Socket> {
    const { stateDir } = this.#options;
    launch(stateDir);
    for (let waitedMs = 0; waitedMs < GUARD_START_TIMEOUT_MS; waitedMs += POLL_MS) {
      const socket = await this.#connected();
      if (socket !== undefined) return socket;
      await sleep(POLL_MS);
    }
    throw new LockstepError('UNAVAILABLE', 'the guard of the engines does not start', {
      reason: 'GUARD_NOT_STARTED',
      metadata: { log: join(stateDir, 'log', 'guard.log') },
    });
  }

  #own(socket: Socket): void {
    this.#socket = socket;
    socket.on('error', () => undefined);
    socket.on(
      'data',
      lineReader((line) => this.#reported(line)),
    );
    socket.on('close', () => {
      this.#socket = undefined;
      void this.#again();
    });
    for (const [volume, silentAtMs] of this.#silentAtMs) this.#send(leaseMessage(volume, silentAtMs));
    for (const [volume, root] of this.#engines) this.#send({ kind: 'engine', volume, ...root });
  }

  async #again(): Promise<void> {
    while (!this.#isClosed && this.#socket === undefined) {
      this.#options.log.warn({}, 'the guard of the engines has ended; another one is started');
      await this.ready().catch((error: unknown) => {
        this.#options.log.warn({ error: String(error) }, 'the guard of the engines does not start');
      });
      if (this.#socket === undefined) await sleep(AGAIN_MS);
    }
  }

  #reported(line: string): void {
    const report = guardReportSchema.safeParse(JSON.parse(line)).data;
    if (report === undefined) return;
    const { volume, event, processes, tookMs } = report;
    const facts = { volume, processes, tookMs };
    if (event === 'thawed') this.#options.log.info(facts, 'the engine goes on: its lease was renewed');
    else this.#options.log.warn(facts, 'the engine was frozen: its lease has ended');
  }

  #send(message: GuardMessage): void {
    this.#socket?.write(`${JSON.stringify(message)}\n`);
  }
}

function leaseMessage(volume: string, silentAtMs: number): GuardMessage {
  // JSON knows no infinity. What has to be silent has had to since the machine started.
  const time = silentAtMs === Infinity ? null : Math.max(0, silentAtMs);
  return { kind: 'lease', volume, silentAtMs: time };
}

/**
 * In a session of its own, so that what ends the daemon does not end it. It takes the socket over from one that was
 * killed, so it begins only where none lives: of two, the one that no daemon talks to would freeze what the other
 * lets speak. The lock is its process's own, whatever it ends of.
 */
function launch(stateDir: string): void {
  const [folder, run] = [join(stateDir, 'log'), join(stateDir, 'run')];
  for (const each of [folder, run]) mkdirSync(each, { recursive: true, mode: 0o711 });
  const log = openSync(join(folder, 'guard.log'), 'a', 0o640);
  // A moment: one that was killed may leave its socket before its lock.
  const alone = ['--timeout', '1', '--no-fork', join(run, 'guard.lock')];
  try {
    const child = spawn('flock', [...alone, process.execPath, MAIN, stateDir], {
      detached: true,
      stdio: ['ignore', log, log],
      env: childEnvironment,
      cwd: '/',
    });
    // A program that cannot be started is told of by nobody answering.
    child.on('error', () => undefined);
    child.unref();
  } finally {
    closeSync(log);
  }
}
