/**
 * A client of the volume: one connection at a time to whoever serves, several requests under way on it. It loses its
 * patience now and then and goes on elsewhere, leaving behind a connection that may still be answered.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { FLUSH, READ, TRIM, WRITE, WRITE_ZEROES } from '../support/nbd-client.ts';
import type { SectorRange } from '../support/harness/history.ts';
import type { Random } from '../support/harness/random.ts';
import type { Judge, Session } from './judge.ts';
import { NbdConnection } from './nbd-connection.ts';
import { SECTOR_BYTES, sectorsOf } from './sectors.ts';

export interface Server {
  readonly host: string;
  readonly address: string;
  readonly port: number;
  /** Of its process, over all processes in order of their start; undefined while there is none. */
  life(): number | undefined;
}

/** How a client is. */
export interface Manner {
  /** Of its requests, so many only read. */
  readonly readShare: number;
  /** How long it waits for an answer before it goes elsewhere: drawn anew for each request. */
  readonly patienceMs: { readonly least: number; readonly most: number };
}

const PATIENT_MS = { least: 1500, most: 8000 } as const;

/**
 * Whoever writes is held soon when the primary loses its secondary. It takes one who only reads to see what an old
 * primary still answers, and a hasty one to have written elsewhere by then.
 */
export const MANNERS: readonly Manner[] = [
  { readShare: 0.4, patienceMs: PATIENT_MS },
  { readShare: 0.4, patienceMs: PATIENT_MS },
  { readShare: 0.3, patienceMs: { least: 150, most: 600 } },
  { readShare: 1, patienceMs: PATIENT_MS },
];

export interface ClientOptions {
  readonly name: string;
  readonly manner: Manner;
  readonly volume: string;
  readonly sectors: number;
  readonly servers: readonly Server[];
  readonly judge: Judge;
  readonly random: Random;
  readonly nowMs: () => number;
}

const FUA = 1;
const NO_HOLE = 2;
const CONNECT_MS = 1500;
const RETRY_MS = 40;
const STRANDS = 3;
const THINK_MS = 6;
const FLUSH_SHARE = 0.1;
const FUA_SHARE = 0.08;
const ZERO_SHARE = 0.12;
/** Most requests meet in a window that moves on: so they overlap, and no sector has too long a history. */
const WINDOW_SECTORS = 96;
const WINDOW_MS = 2000;
const MAX_SECTORS = 12;
const LARGE_SECTORS = 384;

export class Client {
  readonly #options: ClientOptions;
  /** With requests that nobody waits for any more. */
  #left: NbdConnection[] = [];
  #connection: NbdConnection | undefined;
  #connections = 0;
  #isRunning = false;
  #finished: Promise<void> = Promise.resolve();

  constructor(options: ClientOptions) {
    this.#options = options;
  }

  start(): void {
    this.#isRunning = true;
    this.#finished = this.#run();
  }

  /** Begins nothing new; what is under way goes on. */
  stop(): void {
    this.#isRunning = false;
  }

  /** After a stop, until everything is answered; how many requests are not, by then. */
  async drained(limitMs: number): Promise<number> {
    const endMs = performance.now() + limitMs;
    while (this.#unanswered > 0 && performance.now() < endMs) await sleep(RETRY_MS);
    return this.#unanswered;
  }

  async close(): Promise<void> {
    this.stop();
    for (const connection of this.#left) connection.destroy();
    this.#connection?.destroy();
    await this.#finished;
    this.#left = [];
  }

  get #unanswered(): number {
    return [...this.#left, ...(this.#connection === undefined ? [] : [this.#connection])].reduce(
      (sum, connection) => sum + connection.unanswered,
      0,
    );
  }

  async #run(): Promise<void> {
    const { random } = this.#options;
    while (this.#isRunning) {
      const opened = await this.#open(random.below(this.#options.servers.length));
      if (opened === undefined) {
        await sleep(RETRY_MS);
        continue;
      }
      this.#connection = opened.connection;
      await Promise.all(Array.from({ length: STRANDS }, () => this.#strand(opened)));
      this.#connection = undefined;
      this.#left = this.#left.filter((connection) => connection.isOpen);
      if (this.#isRunning && random.happens(0.5)) opened.connection.destroy();
      else this.#left.push(opened.connection);
    }
  }

  async #open(
    first: number,
  ): Promise<{ readonly connection: NbdConnection; readonly session: Session } | undefined> {
    const { servers, volume, judge, name } = this.#options;
    for (let tries = 0; tries < servers.length; tries++) {
      const server = servers[(first + tries) % servers.length];
      const life = server?.life();
      if (server === undefined || life === undefined) continue;
      const where = { host: server.address, port: server.port, exportName: volume, timeoutMs: CONNECT_MS };
      const connection = await NbdConnection.open(where).catch(() => undefined);
      if (connection === undefined) continue;
      if (server.life() === life) {
        const { generation } = connection;
        const number = ++this.#connections;
        const session = judge.session({
          name: `${name}.${number} to ${server.host}`,
          host: server.host,
          life,
          generation,
        });
        return { connection, session };
      }
      connection.destroy();
    }
    return undefined;
  }

  /** Until the connection ends, or the patience with one of its requests. */
  async #strand(opened: { readonly connection: NbdConnection; readonly session: Session }): Promise<void> {
    const { random, manner } = this.#options;
    while (this.#isRunning && opened.connection.isOpen && this.#connection === opened.connection) {
      const patience = new AbortController();
      const patienceMs = random.between(manner.patienceMs.least, manner.patienceMs.most);
      const request = this.#request(opened.connection, opened.session).then(() => true);
      const isAnswered = await Promise.race([
        request,
        sleep(patienceMs, false, { signal: patience.signal }).catch(() => false),
      ]);
      patience.abort();
      if (!isAnswered && this.#connection === opened.connection) this.#connection = undefined;
      await sleep(random.between(0, 2 * THINK_MS));
    }
  }

  async #request(connection: NbdConnection, session: Session): Promise<void> {
    const { judge, random, manner } = this.#options;
    const range = this.#range();
    const place = { offset: BigInt(range.first * SECTOR_BYTES), length: range.count * SECTOR_BYTES };
    if (random.happens(manner.readShare)) {
      const ended = judge.read(session, range);
      const reply = await connection.request({ command: READ, ...place });
      ended(reply?.error, reply?.data ?? new Uint8Array());
      return;
    }
    if (random.happens(FLUSH_SHARE)) {
      const ended = judge.flush(session);
      ended((await connection.request({ command: FLUSH }))?.error);
      return;
    }
    const fua = random.happens(FUA_SHARE) ? FUA : 0;
    if (random.happens(ZERO_SHARE)) {
      const isTrim = random.happens(0.5);
      const ended = judge.write(isTrim ? 'trim' : 'zero', session, range, 0, fua !== 0);
      const flags = fua | (!isTrim && random.happens(0.5) ? NO_HOLE : 0);
      const reply = await connection.request({ command: isTrim ? TRIM : WRITE_ZEROES, flags, ...place });
      ended(reply?.error);
      return;
    }
    const stamp = judge.nextStamp();
    const payload = sectorsOf(stamp, range);
    const ended = judge.write('write', session, range, stamp, fua !== 0);
    ended((await connection.request({ command: WRITE, flags: fua, ...place, payload }))?.error);
  }

  #range(): SectorRange {
    const { random, sectors, nowMs } = this.#options;
    const count = random.happens(0.02) ? LARGE_SECTORS : 1 + random.below(MAX_SECTORS);
    if (random.happens(0.25)) return { first: random.below(sectors - count), count };
    // A stride that meets regions anywhere in the volume, and their ends.
    const window = Math.floor(nowMs() / WINDOW_MS) * 7919;
    const start = (window * WINDOW_SECTORS) % (sectors - WINDOW_SECTORS - LARGE_SECTORS);
    return { first: start + random.below(WINDOW_SECTORS), count };
  }
}
