/** Changes to a database in use, one scene each: what its clients felt, and whether a row was lost. */
import { statfsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { RedundancyMode } from '../../../proto/gen/lockstep/v1/database_service.ts';
import type { Address } from '../database/engines.ts';
import { initialize } from '../database/pgbench.ts';
import type { Installation } from '../installation.ts';
import { Ledger } from '../ledger.ts';
import { mountPointOf } from '../replicas.ts';
import { historyRows, Load, summaryOf, type Transaction, type Window, type WindowSummary } from './load.ts';

export interface SceneResult {
  readonly title: string;
  /** What was measured, in the order of the columns. */
  readonly facts: Readonly<Record<string, string>>;
  /** Each bound that the scene is held to; `kept` false fails the measurement. */
  readonly bounds: readonly { readonly what: string; readonly kept: boolean }[];
}

export interface SceneOptions {
  /** Before and after the change. */
  readonly calmSeconds: number;
  readonly clients: number;
}

export type Scene = (installation: Installation, options: SceneOptions) => Promise<SceneResult>;

const MIB = 1024 * 1024;
/** Some 75 MB of tables. */
const SCALE = 5;
const MS_PER_S = 1000;
const HALF = 0.5;
const SMALL_MIB = 512;
const LARGE_MIB = 1024;
const MAX_UNAVAILABLE_MS = 2000;
const MAX_P99_FACTOR = 2;
const MAX_CLONE_MS = 5000;
const FLEET = 5;
const SWITCHOVERS = 5;

/** Volume, file system and both copies become twice as large under pgbench. */
export const growth: Scene = async (installation, options) => {
  const address = await ready(installation, 'grown', { sizeMiB: SMALL_MIB });
  const felt = await underLoad(address, options, async () => {
    await changed(
      installation,
      installation.client.databases.update('grown', { sizeBytes: BigInt(LARGE_MIB * MIB) }),
    );
  });
  const database = await installation.inSync('grown');
  const mountPoint = await mountPointOf(installation, installation.primaryOf(database));
  const { bsize, blocks } = statfsSync(mountPoint);
  const fileSystemMiB = (bsize * blocks) / MIB;
  const volume = await installation.client.volumes.get('grown');
  return {
    title: `growth from ${String(SMALL_MIB)} to ${String(LARGE_MIB)} MiB under pgbench`,
    facts: {
      ...felt.facts,
      'file system': `${fileSystemMiB.toFixed(0)} MiB`,
      volume: `${String(volume.sizeBytes / BigInt(MIB))} MiB`,
    },
    bounds: [
      ...felt.bounds,
      { what: 'the file system has grown', kept: fileSystemMiB > LARGE_MIB * HALF * 1.5 },
      { what: 'the volume has grown', kept: volume.sizeBytes === BigInt(LARGE_MIB * MIB) },
    ],
  };
};

/** One copy to two under pgbench, and back. */
export const convert: Scene = async (installation, options) => {
  const address = await ready(installation, 'converted', { sizeMiB: LARGE_MIB, copies: 1 });
  const felt = await underLoad(address, options, async () => {
    await changed(
      installation,
      installation.client.databases.convertRedundancy('converted', {
        redundancyMode: RedundancyMode.REDUNDANCY_MODE_REPLICATED,
      }),
    );
  });
  await installation.inSync('converted');
  const factor = felt.during.p99Ms / felt.before.p99Ms;
  return {
    title: 'one copy to two under pgbench',
    facts: { ...felt.facts, 'p99 during / before': factor.toFixed(2) },
    bounds: [
      ...felt.bounds,
      { what: `p99 during below ${String(MAX_P99_FACTOR)} times before`, kept: factor < MAX_P99_FACTOR },
    ],
  };
};

/** The secondary becomes the primary in good order: how long no commit was acknowledged. */
export const switchover: Scene = async (installation) => {
  const address = await ready(installation, 'switched', { sizeMiB: LARGE_MIB });
  const ledger = await ledgerOf(installation, 'switched', address.password);
  const gaps: number[] = [];
  ledger.start();
  for (let round = 0; round < SWITCHOVERS; round++) {
    await installation.inSync('switched');
    await sleep(2 * MS_PER_S);
    const from = ledger.commits.length;
    await changed(installation, installation.client.databases.switchover('switched'));
    await sleep(2 * MS_PER_S);
    gaps.push(longestGap(ledger, from));
  }
  await ledger.stop();
  const { lost, doubled } = await ledger.check();
  return {
    title: `${String(SWITCHOVERS)} switchovers under commits`,
    facts: {
      unavailable: gaps.map((gap) => `${(gap / MS_PER_S).toFixed(2)} s`).join(', '),
      commits: String(ledger.commits.length),
      lost: String(lost.length),
      doubled: String(doubled.length),
    },
    bounds: [
      {
        what: `at most ${String(MAX_UNAVAILABLE_MS)} ms without service`,
        kept: Math.max(...gaps) <= MAX_UNAVAILABLE_MS,
      },
      { what: 'no row lost', kept: lost.length === 0 && doubled.length === 0 },
    ],
  };
};

/** A host with five databases is emptied; a third storage host takes what it had. */
export const drain: Scene = async (installation) => {
  const ids = Array.from({ length: FLEET }, (_, index) => `fleet-${String(index + 1)}`);
  const ledgers: Ledger[] = [];
  for (const id of ids) {
    const { password } = await ready(installation, id, { sizeMiB: SMALL_MIB, scale: 0 });
    ledgers.push(await ledgerOf(installation, id, password));
  }
  const drained = 'host-a';
  for (const ledger of ledgers) ledger.start();
  const startMs = performance.now();
  await changed(installation, installation.client.hosts.drain(drained));
  const tookMs = performance.now() - startMs;
  await sleep(2 * MS_PER_S);
  for (const ledger of ledgers) await ledger.stop();
  const checks = await Promise.all(ledgers.map((ledger) => ledger.check()));
  const lost = checks.reduce((sum, check) => sum + check.lost.length + check.doubled.length, 0);
  const host = await installation.client.hosts.get(drained);
  const left = host.primaries.length + host.secondaries.length;
  for (const id of ids) await installation.inSync(id);
  return {
    title: `drain of a host with ${String(FLEET)} databases`,
    facts: {
      took: `${(tookMs / MS_PER_S).toFixed(1)} s`,
      'longest without service': `${(Math.max(...ledgers.map((ledger) => longestGap(ledger, 0))) / MS_PER_S).toFixed(2)} s`,
      commits: String(ledgers.reduce((sum, ledger) => sum + ledger.commits.length, 0)),
      'lost or doubled': String(lost),
      'left on it': String(left),
    },
    bounds: [
      { what: 'no row lost', kept: lost === 0 },
      { what: 'nothing left on the host', kept: left === 0 },
    ],
  };
};

/** A clone of a database under pgbench: until the clone answers a query, and what the primary's clients felt. */
export const clone: Scene = async (installation, options) => {
  const address = await ready(installation, 'origin', { sizeMiB: LARGE_MIB });
  let usableMs = Number.NaN;
  let rows = 0;
  const felt = await underLoad(address, options, async () => {
    const before = await historyRows(address);
    const startMs = performance.now();
    await changed(installation, installation.client.databases.clone('origin', { id: 'copy' }));
    const copy = await addressOf(installation, 'copy');
    rows = (await historyRows(copy)) - before;
    usableMs = performance.now() - startMs;
  });
  const { primary } = await installation.client.databases.get('copy');
  const origin = await installation.client.databases.get('origin');
  const onSecondary = primary?.host === origin.secondary?.host;
  return {
    title: 'clone of a replicated database under pgbench',
    facts: {
      usable: `${(usableMs / MS_PER_S).toFixed(2)} s`,
      'taken from the secondary': onSecondary ? 'yes' : 'no',
      ...felt.facts,
    },
    bounds: [
      ...felt.bounds,
      { what: `usable in at most ${String(MAX_CLONE_MS)} ms`, kept: usableMs <= MAX_CLONE_MS },
      { what: 'taken from the secondary', kept: onSecondary },
      { what: 'it has every row that was acknowledged before', kept: rows >= 0 },
    ],
  };
};

/** A snapshot becomes a database of its own, with two copies. */
export const restore: Scene = async (installation) => {
  const address = await ready(installation, 'source', { sizeMiB: SMALL_MIB });
  await installation.client.snapshots.create('source', 'monday');
  const expected = await historyRows(address);
  const startMs = performance.now();
  await changed(installation, installation.client.snapshots.restore('source@monday', { id: 'restored' }));
  const rows = await historyRows(await addressOf(installation, 'restored'));
  const usableMs = performance.now() - startMs;
  await installation.inSync('restored');
  const inSyncMs = performance.now() - startMs;
  return {
    title: 'restore of a snapshot to a new database',
    facts: {
      usable: `${(usableMs / MS_PER_S).toFixed(2)} s`,
      'two copies in sync': `${(inSyncMs / MS_PER_S).toFixed(2)} s`,
    },
    bounds: [{ what: 'the rows of the snapshot', kept: rows === expected }],
  };
};

interface Ready {
  readonly sizeMiB: number;
  readonly copies?: 1 | 2;
  /** 0: no tables of pgbench. */
  readonly scale?: number;
}

async function ready(
  installation: Installation,
  id: string,
  { sizeMiB, copies = 2, scale = SCALE }: Ready,
): Promise<Address> {
  const redundancyMode =
    copies === 1 ? RedundancyMode.REDUNDANCY_MODE_SINGLE : RedundancyMode.REDUNDANCY_MODE_REPLICATED;
  const request = { id, engine: 'postgresql', sizeBytes: BigInt(sizeMiB * MIB), redundancyMode };
  await changed(installation, installation.client.databases.create(request));
  const address = await addressOf(installation, id);
  if (scale > 0) await initialize(address, scale);
  return address;
}

async function addressOf(installation: Installation, id: string): Promise<Address> {
  const { endpoint } = await installation.client.databases.get(id);
  if (endpoint === undefined) throw new Error(`${id} has no endpoint`);
  const { address: host, port, user, database } = endpoint;
  const { password } = await installation.client.databases.claimPassword(id);
  return { host, port, user, database, password };
}

async function ledgerOf(installation: Installation, id: string, password: string): Promise<Ledger> {
  const { endpoint } = await installation.client.databases.get(id);
  if (endpoint === undefined) throw new Error(`${id} has no endpoint`);
  const ledger = new Ledger(endpoint, password);
  await ledger.createTable();
  return ledger;
}

async function changed(installation: Installation, call: Promise<{ readonly name: string }>): Promise<void> {
  await installation.client.operations.wait((await call).name);
}

interface Felt {
  readonly before: WindowSummary;
  readonly during: WindowSummary;
  readonly facts: Readonly<Record<string, string>>;
  readonly bounds: SceneResult['bounds'];
}

async function underLoad(
  address: Address,
  options: SceneOptions,
  change: () => Promise<void>,
): Promise<Felt> {
  const load = new Load(address, options.clients);
  let all: readonly Transaction[];
  let windows: readonly Window[];
  try {
    await sleep(MS_PER_S);
    const calmMs = options.calmSeconds * MS_PER_S;
    const startMs = Date.now();
    await sleep(calmMs);
    const changeMs = Date.now();
    await change();
    const changedMs = Date.now();
    await sleep(calmMs);
    windows = [
      { fromMs: startMs, toMs: changeMs },
      { fromMs: changeMs, toMs: changedMs },
      { fromMs: changedMs, toMs: Date.now() },
    ];
    all = await load.stop();
  } finally {
    load.discard();
  }
  const rows = await historyRows(address);
  const [before, during, after] = windows.map((window) => summaryOf(all, window)) as [
    WindowSummary,
    WindowSummary,
    WindowSummary,
  ];
  const [, changeWindow] = windows as [Window, Window, Window];
  const told = ({ perSecond, p99Ms, maxMs }: WindowSummary): string =>
    `${perSecond.toFixed(0)}/s, p99 ${p99Ms.toFixed(1)} ms, longest ${maxMs.toFixed(0)} ms`;
  return {
    before,
    during,
    facts: {
      took: `${((changeWindow.toMs - changeWindow.fromMs) / MS_PER_S).toFixed(2)} s`,
      before: told(before),
      during: told(during),
      after: told(after),
      transactions: String(all.length),
    },
    bounds: [{ what: 'no acknowledged transaction is lost', kept: rows >= all.length }],
  };
}

/** Between two commits that were acknowledged one after the other. */
function longestGap(ledger: Ledger, from: number): number {
  const times = ledger.commits.slice(Math.max(0, from - 1)).map(({ atMs }) => atMs);
  return times.reduce((longest, atMs, index) => Math.max(longest, atMs - (times[index - 1] ?? atMs)), 0);
}
