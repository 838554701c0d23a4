/**
 * An engine reads from its own memory: a client that is cut off together with its primary could be told what is no
 * longer so. Here it is one, with an open session, while another client goes on at the new primary.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { Installation } from '../../bench/lib/installation.ts';
import { type Commit, Ledger } from '../../bench/lib/ledger.ts';
import { ReadingSession } from '../../bench/lib/reading-session.ts';
import type { NetworkHost } from '../../bench/lib/host-network.ts';
import type { Database } from '../../proto/gen/lockstep/v1/database_service.ts';

const SIZE_MIB = 512;
const GO_ON_MS = 1500;
t.setTimeout(170_000);

const installation = await Installation.start({ network: 90, hasNetworks: true });
t.teardown(() => installation.destroy());
const created = await installation.createDatabase('orders', { sizeMiB: SIZE_MIB });
const { password } = await installation.client.databases.claimPassword('orders');
if (created.endpoint === undefined) throw new Error('it has no endpoint');
const ledger = new Ledger(created.endpoint, password);
await ledger.createTable();

interface Outcome {
  readonly old: string;
  readonly firstMs: number;
  readonly session: ReadingSession;
}

/** A session on the primary, a client at the alias, then the fault; until the client has gone on for a while. */
async function throughFault(
  t: Test,
  fault: (old: NetworkHost, other: NetworkHost) => void | Promise<void>,
): Promise<Outcome> {
  const before = await installation.inSync('orders');
  const old = installation.primaryOf(before) as NetworkHost;
  const other = old === 'host-a' ? 'host-b' : 'host-a';
  if (before.endpoint === undefined) throw new Error('it has no endpoint');
  const session = await ReadingSession.open(before.endpoint, password, 'SELECT count(*) FROM ledger');
  t.teardown(() => session.stop());
  ledger.start();
  try {
    await sleep(1000);
    const faultMs = performance.now();
    await fault(old, other);
    const oldAddress = installation.host(old).address;
    const first = (): Commit | undefined =>
      ledger.commits.find(({ atMs, address }) => atMs > faultMs && address !== oldAddress);
    await installation.until('a commit by the new primary', () => Promise.resolve(first() !== undefined));
    await sleep(GO_ON_MS);
    const firstMs = first()?.atMs ?? 0;
    t.comment(
      `${old}: the last read ${String(Math.round(session.lastMs - faultMs))} ms after the fault, ` +
        `the first commit elsewhere ${String(Math.round(firstMs - faultMs))} ms after it, ${String(session.count)} reads`,
    );
    t.ok(session.lastMs > faultMs - 500, 'it read up to the fault');
    return { old, firstMs, session };
  } finally {
    await ledger.stop();
  }
}

async function isWholeAgain(t: Test, old: string): Promise<Database> {
  const after = await installation.inSync('orders', 60_000);
  t.not(installation.primaryOf(after), old);
  const { lost, doubled } = await ledger.check();
  t.same({ lost, doubled }, { lost: [], doubled: [] }, 'every acknowledged row is there, once');
  return after;
}

t.test('a primary that is cut off answers no read after the first commit at the new one', async (t) => {
  const { old, firstMs, session } = await throughFault(t, (from, to) => {
    installation.network.part(from, to);
    installation.network.part(from, 'control');
  });
  t.ok(session.lastMs < firstMs);
  const count = session.count;
  installation.network.healAll();
  await isWholeAgain(t, old);
  t.equal(session.count, count, 'nor after the way is there again: its engine was killed');
});

t.test('nor does one whose daemon was killed and whose engine was left', async (t) => {
  const { old, firstMs, session } = await throughFault(t, (from) => installation.killDaemon(from));
  t.ok(session.lastMs < firstMs);
  const count = session.count;
  await installation.startHost(old);
  await isWholeAgain(t, old);
  t.equal(session.count, count);
});

t.test('an engine that was frozen for a blip goes on in the same session', async (t) => {
  const before = await installation.inSync('orders');
  const old = installation.primaryOf(before) as NetworkHost;
  if (before.endpoint === undefined) throw new Error('it has no endpoint');
  const session = await ReadingSession.open(before.endpoint, password, 'SELECT count(*) FROM ledger');
  t.teardown(() => session.stop());
  // Its daemon comes back before anybody has missed it for long enough, and after its lease has ended.
  await installation.killDaemon('control');
  await installation.killDaemon(old);
  await sleep(2500);
  const frozenAt = session.count;
  await sleep(300);
  t.equal(session.count, frozenAt, 'it is silent while nobody vouches for it');
  await installation.startHost(old);
  await installation.startHost('control');
  await installation.until('it reads again', () => Promise.resolve(session.count > frozenAt));
  t.equal(installation.primaryOf(await installation.inSync('orders')), old);
});
