/**
 * The main promise with a real PostgreSQL: whatever was acknowledged through the alias survives the loss of the
 * primary's host, nothing is there twice, and both copies end up the same. Three rounds, back and forth.
 */
import t from 'tap';
import { failoverRounds } from '../../bench/lib/failover-rounds.ts';
import { Installation } from '../../bench/lib/installation.ts';
import { median } from '../../bench/lib/statistics.ts';
import { noOrphans } from '../support/no-orphans.ts';

const ROUNDS = 3;
const SIZE_MIB = 512;
const MEDIAN_LIMIT_MS = 8000;
const PROVISION_LIMIT_MS = 20_000;
t.setTimeout(300_000);

const installation = await Installation.start({ network: 78 });
t.teardown(() => installation.destroy());

t.test('a replicated PostgreSQL is provisioned in time', async (t) => {
  const startedAtMs = performance.now();
  const database = await installation.createDatabase('orders', { sizeMiB: SIZE_MIB });
  const tookMs = performance.now() - startedAtMs;
  t.comment(`provisioned in ${(tookMs / 1000).toFixed(1)} s`);
  t.ok(tookMs < PROVISION_LIMIT_MS);
  t.ok(database.safeToFailOver);
});

t.test('no acknowledged commit is lost when the host of the primary dies', async (t) => {
  const firstCommitsMs: number[] = [];
  let killedBefore = '';
  for await (const round of failoverRounds(installation, 'orders', ROUNDS)) {
    firstCommitsMs.push(round.firstCommitMs);
    t.comment(
      `${round.killed} killed, first commit after ${String(Math.round(round.firstCommitMs))} ms:`,
      round.phases,
    );
    t.not(round.killed, killedBefore, 'the roles changed since the round before');
    t.not(round.promoted, round.killed, 'the other host is primary now');
    t.ok(round.acknowledged > 0, `${String(round.acknowledged)} commits were acknowledged so far`);
    t.strictSame(round.lost, [], 'every acknowledged row is there');
    t.strictSame(round.doubled, [], 'and exactly once');
    t.equal(round.amcheck, '', 'pg_amcheck finds nothing');
    t.equal(round.firstDifference, undefined, 'both copies are the same once in sync');
    killedBefore = round.killed;
  }
  t.comment(`median ${String(Math.round(median(firstCommitsMs)))} ms`);
  t.ok(median(firstCommitsMs) < MEDIAN_LIMIT_MS);
});

t.test('nothing is left that no record accounts for', (t) => noOrphans(t, installation.client));
