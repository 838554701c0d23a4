/** Mutated sessions over a Unix socket against a server in a process of its own. */
import t from 'tap';
import { describeFailure, runCampaign } from './campaign.ts';
import { FuzzServer } from './socket-session.ts';

const RUNS = 1500;
const SOCKETS_AT_ONCE = 8;
const SETTLE_MS = 50;

t.test(`${RUNS} sessions, of which some leave in the middle`, async (t) => {
  const server = await FuzzServer.start();
  t.teardown(() => server.stop());
  const seed = Date.now() % 1_000_000;
  const options = { seed, from: 1, runs: RUNS, sessions: SOCKETS_AT_ONCE, measure: () => server.report() };
  const { tally, failure, growth } = await runCampaign((input, random) => server.run(input, random), options);
  t.comment(`seed ${seed}: ${tally.describe(0)}`);
  t.equal(failure && describeFailure(failure, seed), undefined);
  t.equal(growth, undefined);
  t.ok(tally.answered > RUNS / 2, 'requests were answered');
  await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
  const { openCount, heldBytes } = await server.report();
  t.equal(openCount, 0, 'no export stays open');
  t.equal(heldBytes, 0, 'no byte stays counted');
});
