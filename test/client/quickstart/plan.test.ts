import t from 'tap';
import { configText, parseSettings, planOf, PORTS, settingsText } from '../../../client/quickstart/plan.ts';
import { parseConfig } from '../../../daemon/sys/config.ts';

const options = { stateDir: '/var/lib/try', network: '127.0.9', dnsPort: 5353 };
const plan = planOf(options);
const [control, a, b] = plan.hosts;

t.test('each configuration is one that the daemon takes', async (t) => {
  for (const host of plan.hosts) t.ok(parseConfig(configText(plan, host), host.config));
});

t.test('the hosts differ in name, address and folder, and share their ports', async (t) => {
  t.same(
    plan.hosts.map((host) => [host.id, host.zone, host.address, host.stateDir]),
    [
      ['control', undefined, '127.0.9.10', '/var/lib/try/control/state'],
      ['host-a', 'a', '127.0.9.11', '/var/lib/try/a/state'],
      ['host-b', 'b', '127.0.9.12', '/var/lib/try/b/state'],
    ],
  );
  for (const host of plan.hosts) t.match(parseConfig(configText(plan, host), '').ports, { api: PORTS.api });
});

t.test('storage hosts are told where control is, and control stores nothing', async (t) => {
  t.match(parseConfig(configText(plan, a), ''), {
    host: { name: 'host-a', zone: 'a' },
    coordinator: { server: '127.0.9.10:7400' },
    control: undefined,
  });
  t.match(parseConfig(configText(plan, b), ''), { storage: {}, host: { zone: 'b' } });
  t.match(parseConfig(configText(plan, control), ''), {
    storage: undefined,
    control: { dns: { port: 5353 }, engine_port: PORTS.engine },
  });
});

t.test('what it was started with is read back', async (t) => {
  t.same(parseSettings(settingsText(plan)), { network: '127.0.9', dnsPort: 5353 });
});

t.test('settings that a crash cut off count as none', async (t) => {
  t.equal(parseSettings(settingsText(plan).slice(0, 12)), undefined);
  t.equal(parseSettings(''), undefined);
});

for (const stateDir of [
  '/',
  '/var',
  'relative/x',
  '/var/lib/',
  '/var/lib/../x',
  '/a b/c',
  `/var/${'x'.repeat(80)}`,
])
  t.test(`the state folder ${JSON.stringify(stateDir).slice(0, 30)} is refused`, async (t) => {
    t.throws(() => planOf({ ...options, stateDir }), {
      code: 'INVALID_ARGUMENT',
      violations: [{ field: '--state' }],
    });
  });

for (const network of ['', '10.0.0', '127.0', '127.0.0.1', '127.0.256', '127.0.01', '127.0.x'])
  t.test(`the network ${JSON.stringify(network)} is refused`, async (t) => {
    t.throws(() => planOf({ ...options, network }), {
      code: 'INVALID_ARGUMENT',
      violations: [{ field: '--network' }],
    });
  });

t.test('a DNS port that is none is refused', async (t) => {
  for (const dnsPort of [0, 65_536, NaN, 5.5])
    t.throws(() => planOf({ ...options, dnsPort }), {
      code: 'INVALID_ARGUMENT',
      violations: [{ field: '--dns-port' }],
    });
});
