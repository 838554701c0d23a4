/** pgbench, PostgreSQL's own benchmark, against one engine. */
import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import { median, percentile } from '../statistics.ts';
import type { Address } from './engines.ts';
import { latenciesUs, outcomeOf } from './pgbench-text.ts';

export interface PgbenchOptions {
  readonly clients: number;
  readonly seconds: number;
}

export interface PgbenchResult {
  readonly transactionsPerSecond: number;
  readonly transactions: number;
  readonly latencyMs: {
    readonly average: number;
    readonly p50: number;
    readonly p99: number;
    readonly max: number;
  };
}

const US_PER_MS = 1000;
const OUTPUT_BYTES = 16 * 1024 * 1024;
/** Of pgbench's own: with one, it is the first to be short of a processor. */
const THREADS = 2;

const run = promisify(execFile);

export async function initialize(address: Address, scale: number): Promise<void> {
  await run(
    pgbenchProgram(),
    [...connectionArguments(address), '--initialize', '--quiet', `--scale=${String(scale)}`],
    {
      env: pgbenchEnvironment(address),
      maxBuffer: OUTPUT_BYTES,
    },
  );
}

/** Nothing is left to write or to clean: neither does a round begin with it, nor does it go on beside the next one. */
export async function settle(address: Address): Promise<void> {
  const { host, port, user, database, password } = address;
  const client = new pg.Client({ host, port, user, database, password });
  await client.connect();
  try {
    await client.query('TRUNCATE pgbench_history');
    await client.query('VACUUM ANALYZE pgbench_branches, pgbench_tellers, pgbench_history');
    await client.query('CHECKPOINT');
  } finally {
    await client.end();
  }
}

/** The built-in transaction, "TPC-B (sort of)": five statements and a commit. */
export async function pgbench(
  address: Address,
  { clients, seconds }: PgbenchOptions,
): Promise<PgbenchResult> {
  const folder = mkdtempSync(join(tmpdir(), 'lockstep-pgbench-'));
  try {
    const options = [
      '--no-vacuum',
      '--log',
      `--log-prefix=${join(folder, 'log')}`,
      `--client=${String(clients)}`,
      `--jobs=${String(THREADS)}`,
      `--time=${String(seconds)}`,
    ];
    const { stdout } = await run(pgbenchProgram(), [...connectionArguments(address), ...options], {
      env: pgbenchEnvironment(address),
      maxBuffer: OUTPUT_BYTES,
    });
    const outcome = outcomeOf(stdout);
    const sorted = (await latencies(folder)).toSorted((a, b) => a - b);
    return {
      transactionsPerSecond: outcome.transactionsPerSecond,
      transactions: outcome.transactions,
      latencyMs: {
        average: outcome.latencyAverageMs,
        p50: median(sorted) / US_PER_MS,
        p99: percentile(sorted, 99) / US_PER_MS,
        max: (sorted.at(-1) ?? Number.NaN) / US_PER_MS,
      },
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Of the newest version there is, which is the one that the product installs. */
export async function version(): Promise<string> {
  return (await run(pgbenchProgram(), ['--version'])).stdout.trim();
}

async function latencies(folder: string): Promise<readonly number[]> {
  const texts = await Promise.all(readdirSync(folder).map((name) => readFile(join(folder, name), 'latin1')));
  return texts.flatMap(latenciesUs);
}

export function pgbenchProgram(): string {
  const versions = readdirSync('/usr/lib/postgresql')
    .map(Number)
    .toSorted((a, b) => b - a);
  return `/usr/lib/postgresql/${String(versions[0])}/bin/pgbench`;
}

export function connectionArguments({ host, port, user, database }: Address): readonly string[] {
  return [`--host=${host}`, `--port=${String(port)}`, `--username=${user}`, database];
}

export function pgbenchEnvironment({ password }: Address): NodeJS.ProcessEnv {
  return { ...process.env, PGPASSWORD: password };
}
