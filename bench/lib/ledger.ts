/**
 * A client that commits numbered rows through the alias as fast as it can and writes down each number whose commit
 * was acknowledged. When its connection dies it asks the DNS responder for the alias again, as any client would, and
 * goes on with the next number: one whose acknowledgement never came may be there or not, and is not sent again.
 */
import { Resolver } from 'node:dns/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import type { Endpoint } from '../../proto/gen/lockstep/v1/database_service.ts';

export interface Commit {
  readonly number: number;
  /** On performance.now(). */
  readonly atMs: number;
  /** The server that acknowledged it. */
  readonly address: string;
}

const CONNECT_TIMEOUT_MS = 500;
const QUERY_TIMEOUT_MS = 3000;
const RETRY_MS = 20;
const DNS_TIMEOUT_MS = 300;

export class Ledger {
  readonly commits: Commit[] = [];
  readonly #endpoint: Endpoint;
  readonly #password: string;
  readonly #resolver = new Resolver({ timeout: DNS_TIMEOUT_MS, tries: 1 });
  #lastNumber = 0;
  #writing = false;
  #finished: Promise<void> = Promise.resolve();

  constructor(endpoint: Endpoint, password: string) {
    this.#endpoint = endpoint;
    this.#password = password;
    this.#resolver.setServers([endpoint.dnsServer]);
  }

  async createTable(): Promise<void> {
    await this.query('CREATE TABLE IF NOT EXISTS ledger (number bigint NOT NULL)');
  }

  start(): void {
    this.#writing = true;
    this.#finished = this.#write();
  }

  async stop(): Promise<void> {
    this.#writing = false;
    await this.#finished;
  }

  /** One query on a connection of its own, through the alias. */
  async query(sql: string): Promise<readonly Record<string, unknown>[]> {
    const { client } = await this.#connect();
    try {
      return (await client.query<Record<string, unknown>>(sql)).rows;
    } finally {
      await client.end();
    }
  }

  /** Numbers acknowledged and not there, and numbers that are there twice. Both lists must be empty. */
  async check(): Promise<{
    readonly lost: readonly number[];
    readonly doubled: readonly number[];
    readonly rows: number;
  }> {
    const rows = await this.query('SELECT number, count(*)::int AS times FROM ledger GROUP BY number');
    const times = new Map(rows.map((row) => [Number(row['number']), Number(row['times'])]));
    const lost = this.commits.map((commit) => commit.number).filter((number) => !times.has(number));
    const doubled = [...times].filter(([, count]) => count > 1).map(([number]) => number);
    return { lost, doubled, rows: times.size };
  }

  async #write(): Promise<void> {
    while (this.#writing) {
      try {
        await this.#writeOnOneConnection();
      } catch {
        await sleep(RETRY_MS);
      }
    }
  }

  async #writeOnOneConnection(): Promise<void> {
    const { client, address } = await this.#connect();
    try {
      while (this.#writing) {
        const number = ++this.#lastNumber;
        await client.query({ name: 'insert', text: 'INSERT INTO ledger VALUES ($1)', values: [number] });
        this.commits.push({ number, atMs: performance.now(), address });
      }
    } finally {
      // A server that is gone answers no goodbye.
      void client.end().catch(() => undefined);
    }
  }

  async #connect(): Promise<{ client: pg.Client; address: string }> {
    const { alias, port, user, database } = this.#endpoint;
    const address = (await this.#resolver.resolve4(alias))[0];
    if (address === undefined) throw new Error(`${alias} has no address now`);
    const client = new pg.Client({
      host: address,
      port,
      user,
      database,
      password: this.#password,
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      query_timeout: QUERY_TIMEOUT_MS,
    });
    client.on('error', () => undefined);
    await client.connect();
    return { client, address };
  }
}
