/**
 * One connection to one server that reads the same few rows again and again, which the engine has in its memory, and
 * writes down when each answer came. It asks no alias and never connects anew: what a client that was cut off with its
 * server goes on to see.
 */
import pg from 'pg';
import type { Endpoint } from '../../proto/gen/lockstep/v1/database_service.ts';

const CONNECT_TIMEOUT_MS = 2000;

export class ReadingSession {
  readonly #client: pg.Client;
  #isReading = true;
  #count = 0;
  #lastMs = 0;
  #ended: Promise<void> = Promise.resolve();

  static async open(endpoint: Endpoint, password: string, sql: string): Promise<ReadingSession> {
    const { port, user, database, address } = endpoint;
    const client = new pg.Client({
      host: address,
      port,
      user,
      database,
      password,
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    });
    client.on('error', () => undefined);
    await client.connect();
    const session = new ReadingSession(client);
    session.#ended = session.#read(sql);
    return session;
  }

  private constructor(client: pg.Client) {
    this.#client = client;
  }

  /** Answers so far. */
  get count(): number {
    return this.#count;
  }

  /** When the last answer came, on performance.now(). */
  get lastMs(): number {
    return this.#lastMs;
  }

  /** Whatever still waits for an answer is given up. */
  async stop(): Promise<void> {
    this.#isReading = false;
    this.#client.connection.stream.destroy();
    await this.#ended;
  }

  async #read(sql: string): Promise<void> {
    try {
      while (this.#isReading) {
        await this.#client.query({ name: 'read', text: sql });
        this.#lastMs = performance.now();
        this.#count++;
      }
    } catch {
      // The server was killed, or the session stopped.
    }
  }
}
