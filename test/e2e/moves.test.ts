/**
 * Copies that move under a client that commits all the while, with a real PostgreSQL on three hosts: two copies to one,
 * one to two in a third zone, and a host drained. Nothing acknowledged is missing, and the copies end up the same.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { Installation } from '../../bench/lib/installation.ts';
import { Ledger } from '../../bench/lib/ledger.ts';
import { firstDifference } from '../../bench/lib/replicas.ts';
import type { Operation } from '../../client/operations.ts';
import { Redundancy, RedundancyMode } from '../../proto/gen/lockstep/v1/database_service.ts';

const SIZE_MIB = 512;
/** As long as the client is without service when its primary moves, with room for a busy machine. */
const SWITCH_LIMIT_MS = 10_000;
/** Of a client that commits while a copy is made or dropped. */
const PAUSE_LIMIT_MS = 3000;
t.setTimeout(170_000);

const installation = await Installation.start({ network: 91, thirdStorageHost: 'c' });
t.teardown(() => installation.destroy());
const { databases, hosts, operations } = installation.client;
await installation.createDatabase('orders', { sizeMiB: SIZE_MIB });
const { endpoint } = await installation.inSync('orders');
const { password } = await databases.claimPassword('orders');
if (endpoint === undefined) throw new Error('it has no endpoint');
const ledger = new Ledger(endpoint, password);
await ledger.createTable();

/** Answers the longest time between two commits. */
async function underLoad(work: () => Promise<Operation>): Promise<number> {
  const from = ledger.commits.length;
  ledger.start();
  try {
    await sleep(500);
    const { name } = await work();
    await operations.wait(name);
    await sleep(500);
  } finally {
    await ledger.stop();
  }
  const timesMs = ledger.commits.slice(from).map(({ atMs }) => atMs);
  return Math.max(...timesMs.slice(1).map((atMs, index) => atMs - (timesMs[index] ?? atMs)));
}

async function nothingIsLost(): Promise<void> {
  const { lost, doubled, rows } = await ledger.check();
  t.strictSame(lost, []);
  t.strictSame(doubled, []);
  t.comment(`${String(rows)} rows`);
}

await t.test('two copies become one', async (t) => {
  const redundancyMode = RedundancyMode.REDUNDANCY_MODE_SINGLE;
  const pauseMs = await underLoad(() => databases.convertRedundancy('orders', { redundancyMode }));
  t.comment(`longest time between two commits ${pauseMs.toFixed(0)} ms`);
  t.ok(pauseMs < PAUSE_LIMIT_MS);
  const single = await databases.get('orders');
  t.match(single, { redundancy: Redundancy.REDUNDANCY_NONE, primary: { host: 'host-a' } });
  await nothingIsLost();
});

await t.test('one copy becomes two, in the zone that was asked for', async (t) => {
  const redundancyMode = RedundancyMode.REDUNDANCY_MODE_REPLICATED;
  const pauseMs = await underLoad(() =>
    databases.convertRedundancy('orders', { redundancyMode, place: 'zones/c' }),
  );
  t.comment(`longest time between two commits ${pauseMs.toFixed(0)} ms`);
  t.ok(pauseMs < PAUSE_LIMIT_MS);
  t.match(await installation.inSync('orders'), {
    primary: { host: 'host-a' },
    secondary: { host: 'host-c' },
  });
  await nothingIsLost();
  t.equal(await firstDifference(installation, 'host-a', ['host-a', 'host-c']), undefined);
});

await t.test('the host of the primary is drained and removed', async (t) => {
  const pauseMs = await underLoad(() => hosts.drain('host-a'));
  t.comment(`longest time between two commits ${pauseMs.toFixed(0)} ms`);
  t.ok(pauseMs < SWITCH_LIMIT_MS);
  t.match(await installation.inSync('orders'), {
    primary: { host: 'host-c' },
    secondary: { host: 'host-b' },
  });
  await nothingIsLost();
  t.equal(await firstDifference(installation, 'host-c', ['host-b', 'host-c']), undefined);
  await hosts.remove('host-a');
  const left = (await installation.client.status()).hosts.map(({ name }) => name);
  t.notOk(left.includes('hosts/host-a'));
});
