import t from 'tap';
import { EngineVersionServiceService as service } from '../../../proto/gen/lockstep/v1/engine_service.ts';
import { ControlHarness, refusal } from '../../support/control-harness.ts';

const POSTGRESQL_15 = { engine: 'postgresql', version: '15', installed: true };
const POSTGRESQL_17 = { engine: 'postgresql', version: '17', installed: false };
const MARIADB_10_11 = { engine: 'mariadb', version: '10.11', installed: true };
const MARIADB_10_9 = { engine: 'mariadb', version: '10.9', installed: true };

t.test('each version is listed with the hosts that have it or can have it, the newest first', async (t) => {
  const harness = await ControlHarness.open(t);
  harness.enginesOfA.offers = [POSTGRESQL_15, MARIADB_10_9];
  harness.enginesOfB.offers = [POSTGRESQL_15, POSTGRESQL_17, MARIADB_10_11];
  await harness.hostsHeard();
  const { engineVersions } = await harness.call(service.listEngineVersions, {});
  t.strictSame(
    engineVersions.map(({ name, hosts }) => [name, hosts]),
    [
      ['engines/mariadb/versions/10.11', ['hosts/host-b']],
      ['engines/mariadb/versions/10.9', ['hosts/host-a']],
      ['engines/postgresql/versions/17', ['hosts/host-b']],
      ['engines/postgresql/versions/15', ['hosts/host-a', 'hosts/host-b']],
    ],
  );
  const [mariadb] = engineVersions;
  t.match(mariadb, { engine: 'mariadb', version: '10.11', defaultPort: 3306, recoveryBoundSeconds: 15 });
  t.match(
    mariadb?.parameters.find(({ name }) => name === 'innodb_log_buffer_size'),
    {
      type: 1,
      minimum: '2',
      maximum: '1024',
      unit: 'M',
      defaultValue: '16',
      needsRestart: true,
      choices: [],
    },
  );
  t.match(
    mariadb?.parameters.find(({ name }) => name === 'transaction_isolation'),
    {
      type: 4,
      minimum: '',
      unit: '',
      choices: ['READ-UNCOMMITTED', 'READ-COMMITTED', 'REPEATABLE-READ', 'SERIALIZABLE'],
    },
  );
});

t.test('versions are read page by page, of one engine alone', async (t) => {
  const harness = await ControlHarness.open(t);
  harness.enginesOfA.offers = [POSTGRESQL_15, POSTGRESQL_17, MARIADB_10_11];
  await harness.hostsHeard();
  const names: string[] = [];
  for (let pageToken = '', pages = 0; pages < 5; pages++) {
    const request = { engine: 'postgresql', pageSize: 1, pageToken };
    const page = await harness.call(service.listEngineVersions, request);
    t.equal(page.engineVersions.length, 1);
    names.push(...page.engineVersions.map(({ version }) => version));
    pageToken = page.nextPageToken;
    if (pageToken === '') break;
  }
  t.strictSame(names, ['17', '15']);
});

t.test('a host that does not answer is left out, and asked again', async (t) => {
  const harness = await ControlHarness.open(t);
  await harness.hostsHeard();
  harness.a.injections.push({ method: 'listEngines', times: 1, error: new Error('of this test') as never });
  const hostsOf = async (): Promise<unknown> =>
    (await harness.call(service.listEngineVersions, {})).engineVersions.map(({ hosts }) => hosts);
  t.strictSame(await hostsOf(), [['hosts/host-b']]);
  t.strictSame(await hostsOf(), [['hosts/host-a', 'hosts/host-b']]);
  t.equal(harness.b.calls.filter((call) => call === 'listEngines').length, 1);
});

t.test('what cannot be asked is refused by its field', async (t) => {
  const harness = await ControlHarness.open(t);
  const cases = [
    [{ engine: 'oracle' }, 'engine', 'oracle'],
    [{ pageSize: -1 }, 'page_size', '-1'],
    [{ pageToken: 'x' }, 'page_token', 'x'],
  ] as const;
  for (const [request, field, value] of cases)
    t.match(await refusal(harness.call(service.listEngineVersions, request)), {
      code: 'INVALID_ARGUMENT',
      violations: [{ field, value }],
    });
});
