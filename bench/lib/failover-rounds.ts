/**
 * The promise of the product, tried: a client commits through the alias, every process of the primary's host is
 * killed at a random moment, the client goes on by itself, and afterwards nothing that was acknowledged is missing.
 */
import { execFile } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { Endpoint } from '../../proto/gen/lockstep/v1/database_service.ts';
import type { Installation } from './installation.ts';
import { Ledger } from './ledger.ts';
import { PgbenchLoad } from './pgbench-load.ts';
import { firstDifference } from './replicas.ts';

export interface FailoverRound {
  readonly killed: string;
  readonly promoted: string;
  /** From the kill to the first commit acknowledged through the alias by the new primary. */
  readonly firstCommitMs: number;
  /** As control measured them: detect, fence, promote, attach_and_mount, engine_recovery, alias. */
  readonly phases: Readonly<Record<string, number>>;
  readonly acknowledged: number;
  readonly lost: readonly number[];
  readonly doubled: readonly number[];
  /** What pg_amcheck said; empty when it found nothing. */
  readonly amcheck: string;
  /** Of the two copies once in sync again; undefined when they are the same. */
  readonly firstDifference: number | undefined;
  /** From the start of the killed host to both copies in sync. */
  readonly resyncMs: number;
}

/** pgbench-like warm-up before the kill, so that it hits anywhere between two checkpoints. */
const KILL_AFTER_MS = { least: 500, most: 3000 } as const;
const FIRST_COMMIT_LIMIT_MS = 60_000;
const GO_ON_MS = 500;

const run = promisify(execFile);

export async function* failoverRounds(
  installation: Installation,
  database: string,
  rounds: number,
  options: { readonly underLoad: boolean } = { underLoad: false },
): AsyncGenerator<FailoverRound> {
  const clients = await clientsOf(installation, database, options);
  for (let round = 0; round < rounds; round++) yield await oneRound(installation, database, clients);
}

export interface Clients {
  readonly ledger: Ledger;
  readonly password: string;
  readonly load: PgbenchLoad | undefined;
}

export async function clientsOf(
  installation: Installation,
  database: string,
  { underLoad }: { readonly underLoad: boolean },
): Promise<Clients> {
  const { endpoint } = await installation.inSync(database);
  if (endpoint === undefined) throw new Error(`${database} has no endpoint`);
  const { password } = await installation.client.databases.claimPassword(database);
  const ledger = new Ledger(endpoint, password);
  await ledger.createTable();
  return { ledger, password, load: underLoad ? await PgbenchLoad.prepare(endpoint, password) : undefined };
}

async function oneRound(installation: Installation, id: string, client: Clients): Promise<FailoverRound> {
  const before = await installation.inSync(id);
  const killed = installation.primaryOf(before);
  const { address: oldAddress } = installation.host(killed);
  client.ledger.start();
  if (before.endpoint !== undefined) client.load?.start(before.endpoint);
  try {
    await sleep(randomInt(KILL_AFTER_MS.least, KILL_AFTER_MS.most));
    const killedAtMs = performance.now();
    await installation.killHost(killed);
    const first = await firstCommitElsewhere(installation, client.ledger, oldAddress);
    await sleep(GO_ON_MS);
    await client.ledger.stop();
    await client.load?.stop();
    const phases = await phasesOf(installation, id);
    const { lost, doubled } = await client.ledger.check();
    const startedAtMs = performance.now();
    await installation.clearHost(killed);
    await installation.startHost(killed);
    const after = await installation.inSync(id);
    const resyncMs = performance.now() - startedAtMs;
    const promoted = installation.primaryOf(after);
    return {
      killed,
      promoted,
      firstCommitMs: first - killedAtMs,
      phases,
      acknowledged: client.ledger.commits.length,
      lost,
      doubled,
      amcheck: await amcheck(after.endpoint, client.password),
      firstDifference: await firstDifference(installation, promoted),
      resyncMs,
    };
  } finally {
    await client.load?.stop();
    await client.ledger.stop();
  }
}

async function firstCommitElsewhere(
  installation: Installation,
  ledger: Ledger,
  oldAddress: string,
): Promise<number> {
  const from = ledger.commits.length;
  const find = () => ledger.commits.slice(from).find((commit) => commit.address !== oldAddress);
  await installation.until(
    'a commit by the new primary',
    () => Promise.resolve(find() !== undefined),
    FIRST_COMMIT_LIMIT_MS,
  );
  return find()?.atMs ?? 0;
}

export async function phasesOf(
  installation: Installation,
  id: string,
  kind = 'FAILED_OVER',
): Promise<Record<string, number>> {
  const events = await installation.client.databases.events(id);
  const event = events.find(({ reason }) => reason === kind);
  return Object.fromEntries((event?.phases ?? []).map(({ phase, durationMs }) => [phase, durationMs]));
}

async function amcheck(endpoint: Endpoint | undefined, password: string): Promise<string> {
  if (endpoint === undefined) return 'no endpoint';
  const [version] = readdirSync('/usr/lib/postgresql').toSorted().reverse();
  const { address, port, user, database } = endpoint;
  try {
    const { stdout, stderr } = await run(
      `/usr/lib/postgresql/${version ?? ''}/bin/pg_amcheck`,
      [
        '-h',
        address,
        '-p',
        String(port),
        '-U',
        user,
        '-d',
        database,
        '--install-missing',
        '--heapallindexed',
      ],
      // A notice that the extension is there already is no finding.
      { env: { ...process.env, PGPASSWORD: password, PGOPTIONS: '-c client_min_messages=warning' } },
    );
    return `${stdout}${stderr}`.trim();
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
