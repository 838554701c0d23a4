/** The NBD server: listeners, and the connections that they took. Everything else is in connection.ts and below. */
import { chmod, lstat, unlink } from 'node:fs/promises';
import {
  type AddressInfo,
  connect,
  createServer,
  type ListenOptions,
  type Server,
  type Socket,
} from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { adoptDirectly } from '../sys/direct-socket.ts';
import { assert, cannotListen, invalidField, LockstepError, messageOf } from '../sys/errors.ts';
import { ReceiveBuffer } from '../sys/receive-buffer.ts';
import { SlabPool } from '../sys/slabs.ts';
import type { Exports } from './block.ts';
import { NbdConnection, type NbdLog } from './connection.ts';
import { BLOCK_SIZE } from './constants.ts';
import { reportConnection } from './diagnostics.ts';
import { DEFAULT_LIMITS, type NbdLimits } from './limits.ts';
import { MemoryBudget } from './memory-budget.ts';
import type { NbdTls } from './tls.ts';

/** sun_path of unix(7) without its NUL. */
const UNIX_PATH_BYTES = 107;

/** Whoever may open the socket may write the volume. */
const SOCKET_MODE = 0o600;

export interface NbdServerOptions {
  readonly exports: Exports;
  /** For TCP. Whoever may open a Unix socket is on this host, and allowed in by the file's mode. */
  readonly tls?: NbdTls | undefined;
  readonly log?: NbdLog;
  readonly limits?: Partial<NbdLimits>;
}

export class NbdServer {
  readonly #exports: Exports;
  readonly #tls: NbdTls | undefined;
  readonly #log: NbdLog;
  readonly #limits: NbdLimits;
  readonly #budget: MemoryBudget;
  readonly #slabs = new SlabPool();
  readonly #stuckTimer: NodeJS.Timeout;
  readonly #listeners = new Set<Server>();
  readonly #connections = new Set<NbdConnection>();
  #closed = false;
  /** Said once until there is room again: whoever floods us with connections shall not flood the log too. */
  #fullLogged = false;

  constructor(options: NbdServerOptions) {
    this.#exports = options.exports;
    this.#tls = options.tls;
    this.#log = options.log ?? (() => undefined);
    this.#limits = { ...DEFAULT_LIMITS, ...options.limits };
    assert(
      this.#limits.serverBytes >= BLOCK_SIZE.MAXIMUM_PAYLOAD_BYTES,
      'serverBytes has no room for the largest payload',
    );
    this.#budget = new MemoryBudget(this.#limits.serverBytes);
    this.#stuckTimer = setInterval(() => {
      this.#dropStuck();
    }, this.#limits.stalledMs).unref();
  }

  /** What clients hold together, in bytes. */
  get heldBytes(): number {
    return this.#budget.usedBytes;
  }

  /** Answers the port, which is another than asked for where 0 was. */
  async listenTcp(host: string, port: number): Promise<number> {
    const listener = await this.#listen({ host, port, exclusive: true }, (cause) =>
      cannotListen('ports.nbd', { host, port }, cause),
    );
    return (listener.address() as AddressInfo).port;
  }

  /** A socket that listens already, of either kind: the service manager opened it (activation.ts). */
  async listenDescriptor(fd: number): Promise<void> {
    await this.#listen({ fd }, (cause) => {
      const message = `the socket passed as descriptor ${String(fd)} cannot be listened on: ${cause.message}`;
      return new LockstepError('FAILED_PRECONDITION', message, { reason: 'CANNOT_LISTEN', cause });
    });
  }

  /** A socket file that a killed server left behind is replaced; one that somebody listens behind is not. */
  async listenUnix(path: string): Promise<void> {
    if (Buffer.byteLength(path) > UNIX_PATH_BYTES)
      throw invalidField('nbd socket', path, `a path of at most ${String(UNIX_PATH_BYTES)} bytes`);
    await removeStaleSocket(path);
    await this.#listen({ path, exclusive: true }, (cause) => socketInUse(path, cause));
    // Between bind and here the folder is what keeps strangers out; it is the daemon's own.
    await chmod(path, SOCKET_MODE);
  }

  /** Takes nothing new, gives what is outstanding a moment to be answered, then hangs up. */
  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#stuckTimer);
    const everythingClosed = [
      ...[...this.#listeners].map(closeListener),
      ...[...this.#connections].map((connection) => connection.untilClosed()),
    ];
    this.#listeners.clear();
    for (const connection of this.#connections) connection.finish();
    const timer = new AbortController();
    const outOfTime = delay(this.#limits.closeDrainMs, undefined, { signal: timer.signal })
      .then(() => {
        for (const connection of this.#connections) connection.destroy();
      })
      .catch(() => undefined);
    await Promise.all(everythingClosed);
    timer.abort();
    await outOfTime;
  }

  async #listen(
    where: ListenOptions | { readonly fd: number },
    refusal: (cause: Error) => LockstepError,
  ): Promise<Server> {
    const options = {
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: this.#limits.keepAliveMs,
      // A client may close its half after DISC and still wait for the last answers.
      allowHalfOpen: true,
      // Nothing is read before it is known how.
      pauseOnConnect: true,
    };
    const listener = createServer(options, (socket) => {
      // Of a Unix socket it is a path, or nothing where the service manager opened it.
      const isTcp = typeof (listener.address() ?? '') === 'object';
      this.#onSocket(socket, isTcp ? this.#tls : undefined);
    });
    await new Promise<void>((resolve, reject) => {
      listener.once('error', (cause) => {
        reject(refusal(cause));
      });
      listener.listen(where, resolve);
    });
    listener.removeAllListeners('error').on('error', (error) => {
      this.#log('nbd listener failed', { reason: messageOf(error) });
    });
    this.#listeners.add(listener);
    return listener;
  }

  #onSocket(accepted: Socket, tls: NbdTls | undefined): void {
    if (this.#closed || this.#connections.size >= this.#limits.connections) {
      if (!this.#closed && !this.#fullLogged)
        this.#log('nbd connections dropped', { limit: this.#limits.connections });
      this.#fullLogged = true;
      accepted.destroy();
      return;
    }
    const received = new ReceiveBuffer(this.#slabs);
    // TLS reads its socket itself.
    const direct = tls === undefined ? adoptDirectly(accepted, received, { allowHalfOpen: true }) : undefined;
    const socket = direct ?? accepted;
    const connection = new NbdConnection({
      socket,
      received,
      isDirect: direct !== undefined,
      slabs: this.#slabs,
      exports: this.#exports,
      limits: this.#limits,
      budget: this.#budget,
      // A Unix socket has no address of its client's.
      tls,
      log: this.#log,
      settle: (exportName) => {
        this.#settle(exportName);
      },
    });
    this.#connections.add(connection);
    reportConnection({ open: true });
    socket.once('close', () => {
      this.#connections.delete(connection);
      this.#fullLogged = false;
      reportConnection({ open: false });
    });
  }

  /**
   * A client that died may come again while what it sent last is not read yet: the connection waited for room. Its
   * newer writes must not be followed by the older ones, which nobody waits for any more. Looked at when somebody comes:
   * whoever has not closed a connection by then has no newer one yet.
   */
  #settle(exportName: string): void {
    for (const connection of this.#connections)
      if (connection.exportName === exportName && connection.isAbandoned)
        connection.hangUp('its client is gone, and another one came for the export');
  }

  #dropStuck(): void {
    for (const connection of this.#connections)
      if (connection.isStuck && this.#budget.isWaitedFor)
        connection.hangUp('its client takes no answers while others wait for memory');
  }
}

/**
 * Whether a server lives behind a socket file is told by connecting to it: the file of a dead one refuses. Anything
 * that is no socket is left alone, and the bind then fails on it.
 */
async function removeStaleSocket(path: string): Promise<void> {
  const stats = await lstat(path).catch(() => undefined);
  if (stats?.isSocket() !== true) return;
  if (await somebodyListens(path)) throw socketInUse(path);
  await unlink(path).catch(() => undefined);
}

function somebodyListens(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect({ path });
    probe.once('connect', () => {
      probe.destroy();
      resolve(true);
    });
    probe.once('error', (error: NodeJS.ErrnoException) => {
      // EAGAIN is a full backlog and EACCES somebody else's: both alive. Only these two say that there is nobody.
      resolve(error.code !== 'ECONNREFUSED' && error.code !== 'ENOENT');
    });
  });
}

function socketInUse(path: string, cause?: Error): LockstepError {
  const allowed = 'a path in an existing folder that no server listens on';
  const { message, violations } = invalidField('nbd socket', path, allowed);
  const inUse = cause === undefined || cause.message.includes('EADDRINUSE');
  return new LockstepError(
    'FAILED_PRECONDITION',
    cause === undefined ? message : `${message} (${cause.message})`,
    { reason: inUse ? 'ADDRESS_IN_USE' : 'CANNOT_LISTEN', violations, cause },
  );
}

function closeListener(listener: Server): Promise<void> {
  return new Promise((resolve) => {
    listener.close(() => {
      resolve();
    });
  });
}
