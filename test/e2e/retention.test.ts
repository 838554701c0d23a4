/** Clone, delete and undelete of a database with real daemons and PostgreSQL, while clients write to it. */
import pg from 'pg';
import t from 'tap';
import { Installation } from '../../bench/lib/installation.ts';
import {
  type Database,
  DatabaseState,
  RedundancyMode,
} from '../../proto/gen/lockstep/v1/database_service.ts';

const NETWORK = 87;
const SIZE_MIB = 512;
const ROWS = 20_000;
/** From the call to the first answer of a query. */
const USABLE_MS = 5000;

t.setTimeout(170_000);
const installation = await Installation.start({ network: NETWORK });
t.teardown(() => installation.destroy());
const { client } = installation;
const name = (await installation.createDatabase('orders', { sizeMiB: SIZE_MIB })).name;
const origin = await installation.inSync('orders');
const { password } = await client.databases.claimPassword(name);

async function connect({ endpoint }: Database, secret: string): Promise<pg.Client> {
  const { address: host, port, user, database } = endpoint ?? {};
  const connection = new pg.Client({ host, port, user, database, password: secret });
  connection.on('error', () => undefined);
  await connection.connect();
  return connection;
}

const countOf = async (connection: pg.Client): Promise<number> =>
  Number((await connection.query<{ n: string }>('SELECT count(*) AS n FROM rows')).rows[0]?.n);

t.test(
  'a clone of a running database is usable soon, with every row that was acknowledged before',
  async (t) => {
    const writer = await connect(origin, password);
    await writer.query('CREATE TABLE rows (id bigserial PRIMARY KEY, words text)');
    await writer.query(
      `INSERT INTO rows (words) SELECT repeat('x', 100) FROM generate_series(1, ${String(ROWS)})`,
    );
    let acknowledged = ROWS;
    const stop = new AbortController();
    const writing = (async () => {
      while (!stop.signal.aborted) {
        await writer.query("INSERT INTO rows (words) VALUES ('more')");
        acknowledged++;
      }
    })();
    const atLeast = acknowledged;
    const begunMs = performance.now();
    const operation = await client.databases.clone(name, { id: 'rehearsal' });
    const made = await client.operations.wait(operation.name);
    if (made === undefined) throw new Error('it answered no database');
    const claimed = await client.databases.claimPassword(made.name);
    const reader = await connect(made, claimed.password);
    const found = await countOf(reader);
    const tookMs = performance.now() - begunMs;
    stop.abort();
    await writing;
    const { tasks } = (await client.operations.get(operation.name)).metadata;
    for (const { name: step, startTime, endTime } of tasks)
      t.comment(`${step}: ${String((endTime?.getTime() ?? 0) - (startTime?.getTime() ?? 0))} ms`);
    t.comment(
      `usable after ${tookMs.toFixed(0)} ms, with ${String(found)} rows; ${String(acknowledged)} by then`,
    );
    t.ok(found >= atLeast, `${String(found)} of at least ${String(atLeast)} rows`);
    t.ok(tookMs <= USABLE_MS, `${tookMs.toFixed(0)} ms of at most ${String(USABLE_MS)}`);
    t.not(made.primary?.host, origin.primary?.host, 'it is on the host of the secondary');
    t.not(claimed.password, password);
    await t.rejects(connect(made, password), /password authentication failed/);
    await reader.query("INSERT INTO rows (words) VALUES ('its own')");
    const { snapshots } = await client.snapshots.survey(name);
    t.strictSame(snapshots, [], 'and no snapshot is left');
    await Promise.all([reader.end(), writer.end()]);
  },
);

t.test('a database that was deleted and brought back has all of its rows', async (t) => {
  const before = await connect(origin, password);
  const rows = await countOf(before);
  await before.end();
  const deleted = await client.operations.wait((await client.databases.delete(name)).name);
  t.match(deleted, { state: DatabaseState.DATABASE_STATE_DELETED });
  await t.rejects(connect(origin, password), /ECONNREFUSED/, 'its engine is stopped');
  const begunMs = performance.now();
  const back = await client.operations.wait((await client.databases.undelete(name)).name);
  t.comment(`back after ${(performance.now() - begunMs).toFixed(0)} ms`);
  if (back === undefined) throw new Error('it answered no database');
  const after = await connect(back, password);
  t.equal(await countOf(after), rows);
  await after.end();
  await installation.inSync('orders');
});

t.test('a final snapshot is restored to a database with all rows of the one that was deleted', async (t) => {
  const rehearsal = 'databases/rehearsal';
  await client.operations.wait((await client.databases.delete(rehearsal)).name);
  const { finalSnapshot } = await client.databases.get(rehearsal);
  const operation = await client.snapshots.restore(finalSnapshot, {
    id: 'restored',
    redundancyMode: RedundancyMode.REDUNDANCY_MODE_SINGLE,
  });
  const restored = await client.operations.wait(operation.name);
  if (restored === undefined) throw new Error('it answered no database');
  const { password: own } = await client.databases.claimPassword(restored.name);
  const reader = await connect(restored, own);
  const { rows } = await reader.query("SELECT count(*) AS n FROM rows WHERE words = 'its own'");
  t.match(rows, [{ n: '1' }]);
  await reader.end();
});
