/**
 * Control is killed with SIGKILL after durable entries of the create workflow's log, and started again: after every
 * third of them, or after each (`npm run control-death`). Each time the database is there in the end, in sync and
 * answering queries, or cleanly absent with the reason.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { Installation } from '../../bench/lib/installation.ts';
import { Ledger } from '../../bench/lib/ledger.ts';
import { tracesOf } from '../../client/quickstart/traces.ts';
import { noOrphans } from '../support/no-orphans.ts';

const SIZE_MIB = 256n;
const MIB = 1024n * 1024n;
/** More than any create has; the loop ends when control outlives the workflow. */
const MAX_ENTRIES = 100;
const EVERY = process.env['LOCKSTEP_EVERY_ENTRY'] === undefined ? 3 : 1;
t.setTimeout(600_000);

const installation = await Installation.start({ network: 79 });
t.teardown(() => installation.destroy());
const { client } = installation;

const deathFile = join(installation.plan.stateDir, 'death');
const environment = { LOCKSTEP_TEST_DEATH_FILE: deathFile };
await installation.killHost('control');
await installation.startHost('control', environment);
await installation.hostsReachable();

let created = 0;

/** True once the workflow has fewer entries than that. */
async function createOutlives(entries: number, id: string): Promise<boolean> {
  writeFileSync(deathFile, String(entries));
  const request = { id, engine: 'postgresql', sizeBytes: SIZE_MIB * MIB, zones: ['a', 'b'] };
  const dead = installation.until(
    'control is dead',
    async () => !(await installation.isRunning('control')),
    60_000,
  );
  // It may die while it answers; the request may have been taken or not.
  const whole = client.databases
    .create(request)
    .then((operation) => client.operations.wait(operation.name))
    .then(() => true);
  whole.catch((error: unknown) => {
    t.comment(`${id}: ${String(error)}`);
  });
  dead.catch(() => undefined);
  const outlived = await Promise.race([whole.catch(() => dead.then(() => false)), dead.then(() => false)]);
  if (outlived) return true;
  await installation.startHost('control', environment);
  await installation.hostsReachable();
  return false;
}

t.test('after entries of the log', async (t) => {
  for (let entries = 1; entries <= MAX_ENTRIES; entries += EVERY) {
    const id = `d${String(entries)}`;
    if (await createOutlives(entries, id)) {
      t.ok(entries > 20, `the workflow wrote fewer than ${String(entries)} entries`);
      t.ok(created > 0, `${String(created)} of the databases were created in spite of it`);
      return;
    }
    await t.test(`control dies after entry ${String(entries)}`, (t) => checkOutcome(t, id));
  }
  t.fail('the workflow never ended before control died');
});

async function checkOutcome(t: Test, id: string): Promise<void> {
  const finished = async () =>
    (await client.operations.list()).every((operation) => operation.outcome.kind !== 'running');
  await installation.until('every operation is done', finished, 60_000);
  const found = (await client.databases.list()).find((database) => database.name === `databases/${id}`);
  if (found === undefined) await checkReason(t, id);
  else await checkAndDelete(t, id);
  for (const host of ['host-a', 'host-b']) {
    const { loops, mounts } = await tracesOf(installation.host(host).folder);
    t.strictSame({ loops, mounts }, { loops: [], mounts: [] }, `${host} keeps nothing`);
  }
  await noOrphans(t, client);
}

async function checkReason(t: Test, id: string): Promise<void> {
  const operations = await client.operations.list();
  const mine = operations.filter((operation) => operation.metadata.target === `databases/${id}`);
  const told =
    mine.length === 1 &&
    mine.every(({ outcome }) => outcome.kind === 'failed' && outcome.error.message !== '');
  t.ok(told, 'absent, and the operation says why');
}

async function checkAndDelete(t: Test, id: string): Promise<void> {
  const { endpoint } = await installation.inSync(id);
  created++;
  const { password } = await client.databases.claimPassword(id);
  t.ok(endpoint);
  if (endpoint !== undefined)
    t.strictSame(await new Ledger(endpoint, password).query('SELECT 1 AS one'), [{ one: 1 }]);
  await client.operations.wait((await client.databases.delete(id)).name);
}
