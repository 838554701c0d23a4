/** A configuration is refused by key, value and what is allowed, before anything is opened. */
import t from 'tap';
import { loadConfig, parseConfig } from '../../daemon/sys/config.ts';

const FILE = `
[host]
name = "host-a"
zone = "a"
address = "10.0.1.10"
state_dir = "/var/lib/lockstep"
[storage]
[coordinator]
server = "10.0.3.10:7400"
`;

t.test('a host that stores needs six lines', (t) => {
  t.match(parseConfig(FILE, 'f'), {
    ports: { api: 7400, replication: 7401, metrics: 7402, nbd: 10_809 },
    timing: { lease_ms: 1850, heartbeat_ms: 250, silence_ms: 1500, stall_ms: 5000 },
    log: { level: 'info' },
  });
  t.end();
});

/** A change of the file above, and the violation that it makes. */
const refused: readonly (readonly [
  from: string,
  to: string,
  field: string,
  value: string,
  allowed: RegExp,
])[] = [
  ['"host-a"', '"Host A"', 'host.name', '"Host A"', /1 to 40 of a-z/],
  ['"host-a"', '3', 'host.name', '3', /1 to 40 of a-z/],
  ['name = "host-a"\n', '', 'host.name', 'missing', /1 to 40 of a-z/],
  ['zone = "a"\n', '', 'host.zone', 'missing', /since the host stores volumes/],
  ['"10.0.1.10"', '"::1"', 'host.address', '"::1"', /an IPv4 address/],
  ['"10.0.1.10"', '"0.0.0.0"', 'host.address', '"0.0.0.0"', /by which others reach it/],
  ['"/var/lib', '"var/lib', 'host.state_dir', '"var/lib/lockstep"', /an absolute path/],
  ['"/var/lib', `"/${'x'.repeat(90)}`, 'host.state_dir', `"/${'x'.repeat(90)}/lockstep"`, /at most 90 bytes/],
  ['[storage]\n', '', 'storage', 'missing', /a \[storage\] or a \[control\] section/],
  ['[storage]', '[storage]\ncapacity_bytes = "1G"', 'storage.capacity_bytes', '"1G"', /whole bytes/],
  ['[storage]', '[storage]\ncapacity = 1', 'storage.capacity', 'unknown', /\[storage\] in docs/],
  ['[storage]', '[storag]\n[storage]', 'storag', 'unknown', /the keys of the file/],
  ['[storage]', '[nbd.tls]\nkey = "k.pem"\n[storage]', 'nbd.tls.key', '"k.pem"', /an absolute path of a PEM/],
  ['[storage]', '[nbd.tls]\nmode = "on"\n[storage]', 'nbd.tls.mode', '"on"', /off, allowed, required/],
  [
    '[storage]',
    '[nbd.tls]\nmode = "required"\nkey = "/k.pem"\n[storage]',
    'nbd.tls.certificate',
    'missing',
    /an absolute path of a PEM/,
  ],
  ['[storage]', '[[storage]]', 'storage', '[{}]', /a section \[storage\]/],
  ['[storage]', '[ports]\napi = 0\n[storage]', 'ports.api', '0', /a port from 1 to 65535/],
  ['[coordinator]\nserver = "10.0.3.10:7400"\n', '', 'coordinator.server', 'missing', /host:port/],
  [':7400"', ':74000"', 'coordinator.server', '"10.0.3.10:74000"', /host:port/],
  [':7400"', '"', 'coordinator.server', '"10.0.3.10"', /host:port/],
  [
    '[storage]',
    '[timing]\nheartbeat_ms = 800\n[storage]',
    'timing.heartbeat_ms',
    '800',
    /half of timing.silence_ms/,
  ],
  [
    '[storage]',
    '[timing]\nlease_ms = 400\n[storage]',
    'timing.heartbeat_ms',
    'missing',
    /half of timing.lease_ms/,
  ],
  [
    '[storage]',
    '[timing]\nstall_ms = 2999\n[storage]',
    'timing.stall_ms',
    '2999',
    /twice timing.silence_ms: 2999 for 1500/,
  ],
  ['[storage]', '[timing]\nlease_ms = 1.5\n[storage]', 'timing.lease_ms', '1.5', /from 200 to 60000/],
  [
    '[storage]',
    '[log]\nlevel = "loud"\n[storage]',
    'log.level',
    '"loud"',
    /^trace, debug, info, warn, error$/,
  ],
];

for (const [from, to, field, value, allowed] of refused)
  t.test(`${field} ${value.slice(0, 30)} is refused`, (t) => {
    const text = FILE.replace(from, to);
    t.not(text, FILE);
    t.throws(() => parseConfig(text, 'lockstep.toml'), {
      code: 'INVALID_ARGUMENT',
      reason: 'CONFIG_INVALID',
      violations: [{ field, value, allowed }],
    });
    t.end();
  });

t.test('a long silence_ms alone is no error: the disk is given twice that', (t) => {
  const text = FILE.replace('[storage]', '[timing]\nsilence_ms = 4000\n[storage]');
  t.match(parseConfig(text, 'f'), { timing: { silence_ms: 4000, stall_ms: 8000 } });
  t.end();
});

t.test('an empty file is told what it lacks', (t) => {
  t.throws(() => parseConfig('', 'f'), {
    code: 'INVALID_ARGUMENT',
    violations: [{ field: 'host', value: 'missing', allowed: /\[host\]/ }],
  });
  t.end();
});

t.test('all that is wrong is told at once', (t) => {
  const text = FILE.replace('"host-a"', '"A"').replace('"10.0.1.10"', '"x"');
  t.throws(() => parseConfig(text, 'f'), {
    code: 'INVALID_ARGUMENT',
    violations: [{ field: 'host.name' }, { field: 'host.address' }],
  });
  t.end();
});

t.test('what is not TOML is told by its place', (t) => {
  t.throws(() => parseConfig('[host]\nname = \n', 'f'), { reason: 'CONFIG_SYNTAX', message: /^f:2:/ });
  t.end();
});

t.test('a file that cannot be read is named', (t) => {
  t.throws(() => loadConfig('/nowhere/f'), { reason: 'CONFIG_UNREADABLE', message: /\/nowhere\/f: ENOENT/ });
  t.end();
});
