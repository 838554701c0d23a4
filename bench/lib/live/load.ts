/**
 * pgbench beside a change: it runs until it is told to end, and every transaction of it is known with its time. One that
 * fails, or an engine that closes a connection, ends it, and is the measurement's failure.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import type { Address } from '../database/engines.ts';
import { connectionArguments, pgbenchEnvironment, pgbenchProgram } from '../database/pgbench.ts';
import { outcomeOf } from '../database/pgbench-text.ts';
import { percentile } from '../statistics.ts';

export interface Transaction {
  /** When it was acknowledged, in milliseconds since 1970. */
  readonly endMs: number;
  readonly latencyMs: number;
}

/** Longer than any change: it is ended by the signal that its own timer would send. */
const LIMIT_S = 3600;
const US_PER_MS = 1000;
const MS_PER_S = 1000;

export class Load {
  readonly #folder: string;
  readonly #child: ChildProcess;
  readonly #said: string[] = [];
  readonly #ended: Promise<unknown>;

  /** The tables of `initialize` are there. */
  constructor(address: Address, clients: number) {
    this.#folder = mkdtempSync(join(tmpdir(), 'lockstep-load-'));
    const options = [
      '--no-vacuum',
      '--log',
      `--log-prefix=${join(this.#folder, 'log')}`,
      `--client=${String(clients)}`,
      '--jobs=2',
      `--time=${String(LIMIT_S)}`,
    ];
    const env = pgbenchEnvironment(address);
    this.#child = spawn(pgbenchProgram(), [...connectionArguments(address), ...options], { env });
    for (const stream of [this.#child.stdout, this.#child.stderr])
      stream?.on('data', (data: Buffer) => this.#said.push(data.toString('utf8')));
    this.#ended = once(this.#child, 'exit');
  }

  /** Every transaction, in the order of their ends. Throws where one failed, or where it ended before. */
  async stop(): Promise<readonly Transaction[]> {
    try {
      const early = this.#child.exitCode !== null || this.#child.signalCode !== null;
      this.#child.kill('SIGALRM');
      await this.#ended;
      if (early || this.#child.exitCode !== 0)
        throw new Error(`pgbench ended with ${String(this.#child.exitCode)}: ${this.#said.join('')}`);
      outcomeOf(this.#said.join(''));
      return await this.#transactions();
    } finally {
      this.discard();
    }
  }

  /** For a load that is ended by the change itself, as an engine's stop does. */
  discard(): void {
    this.#child.kill('SIGKILL');
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #transactions(): Promise<readonly Transaction[]> {
    const names = readdirSync(this.#folder).map((name) => join(this.#folder, name));
    const texts = await Promise.all(names.map((name) => readFile(name, 'latin1')));
    return texts
      .flatMap((text) => text.split('\n').flatMap(transactionOf))
      .toSorted((a, b) => a.endMs - b.endMs);
  }
}

/** client, number, latency in microseconds, script, second, microsecond */
function transactionOf(line: string): readonly Transaction[] {
  const [, , latencyUs, , second, microsecond] = line.split(' ').map(Number);
  if (latencyUs === undefined || second === undefined || microsecond === undefined) return [];
  return [{ endMs: second * MS_PER_S + microsecond / US_PER_MS, latencyMs: latencyUs / US_PER_MS }];
}

export interface Window {
  readonly fromMs: number;
  readonly toMs: number;
}

export interface WindowSummary {
  readonly transactions: number;
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

/** Of the transactions that ended in it. */
export function summaryOf(all: readonly Transaction[], { fromMs, toMs }: Window): WindowSummary {
  const latencies = all
    .filter(({ endMs }) => endMs >= fromMs && endMs < toMs)
    .map(({ latencyMs }) => latencyMs)
    .toSorted((a, b) => a - b);
  return {
    transactions: latencies.length,
    perSecond: (latencies.length * MS_PER_S) / (toMs - fromMs),
    p50Ms: percentile(latencies, 50),
    p99Ms: percentile(latencies, 99),
    maxMs: latencies.at(-1) ?? Number.NaN,
  };
}

/** Each transaction of pgbench leaves one row. */
export async function historyRows(address: Address): Promise<number> {
  const { host, port, user, database, password } = address;
  const client = new pg.Client({ host, port, user, database, password });
  await client.connect();
  try {
    const { rows } = await client.query<{ count: string }>('SELECT count(*) FROM pgbench_history');
    return Number(rows[0]?.count);
  } finally {
    await client.end();
  }
}
