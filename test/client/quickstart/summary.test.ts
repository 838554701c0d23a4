import t from 'tap';
import { plain } from '../../../client/cli/text.ts';
import { planOf } from '../../../client/quickstart/plan.ts';
import { renderSummary, type SummaryFacts } from '../../../client/quickstart/summary.ts';
import { Redundancy } from '../../../proto/gen/lockstep/v1/database_service.ts';
import { healthyDatabase } from '../fixtures.ts';

const standard = { stateDir: '/var/lib/lockstep-quickstart', network: '127.0.0', dnsPort: 53 };
const facts: SummaryFacts = {
  database: healthyDatabase(),
  password: 'pw',
  credentialsPath: '/root/.config/lockstep/credentials.json',
  createdInMs: 9100,
};
const summary = (changes: Partial<SummaryFacts> = {}, options = standard): string =>
  renderSummary(planOf(options), { ...facts, ...changes }, plain);

t.test('the summary has the alias, a connection string, the metrics and three commands', async (t) => {
  const text = summary();
  t.match(text, /orders is ready: PostgreSQL 15\.14, in sync in zones a and b, created in 9\.1 s\./);
  t.match(text, /dig @127\.0\.0\.10 orders\.db\.lockstep\.internal \+short/);
  t.match(
    text,
    "psql 'postgresql://lockstep:pw@127.0.0.11:5432,127.0.0.12:5432/orders?target_session_attrs=read-write'",
  );
  for (const address of ['127.0.0.10', '127.0.0.11', '127.0.0.12'])
    t.match(text, `http://${address}:7402/metrics`);
  t.match(
    text,
    /\n {2}npx lockstep status\n {2}npx lockstep connect orders\n {2}npm run quickstart -- --kill-primary/,
  );
});

t.test('one copy only is not called ready', async (t) => {
  const text = summary({ database: healthyDatabase({ redundancy: Redundancy.REDUNDANCY_DEGRADED }) });
  t.notMatch(text, /is ready/);
  t.match(text, /orders runs .* one copy only/);
});

t.test('commands that are copied reach the installation they were printed for', async (t) => {
  const text = summary({}, { stateDir: '/var/lib/try', network: '127.0.9', dnsPort: 53 });
  t.match(text, /LOCKSTEP_SERVER=127\.0\.9\.10:7400 npx lockstep status/);
  t.match(text, /--stop --state \/var\/lib\/try/);
});
