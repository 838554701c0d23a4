import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, readFileSync, readlinkSync, symlinkSync } from 'node:fs';
import { join, resolve } from 'node:path';
import t, { type Test } from 'tap';

const machine = process.arch === 'arm64' ? 'arm64' : 'x64';
const other = machine === 'x64' ? 'arm64' : 'x64';

type Folder = Record<string, NonNullable<Parameters<Test['testdir']>[0]>>;

/** A package whose dependencies are those given. */
function packageWith(t: Test, folders: Folder): string {
  const root = t.testdir({ client: {}, ...folders });
  cpSync(resolve('client/link-commands.sh'), join(root, 'client', 'link-commands.sh'));
  return root;
}

/** As npm does it: from the package's folder. */
function link(root: string): string {
  const { status, stderr } = spawnSync('sh', ['client/link-commands.sh'], { cwd: root, encoding: 'utf8' });
  return status === 0 ? '' : `status ${String(status)}: ${stderr}`;
}

/** The program of the pinned Node, as a link to a file that is executable. */
function pinned(t: Test, forMachine: string): Folder {
  return { [`node-linux-${forMachine}`]: { bin: { node: t.fixture('symlink', '/bin/true') } } };
}

t.test('npm runs it after each install', async (t) => {
  const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: Record<string, string> };
  t.equal(scripts['postinstall'], 'sh client/link-commands.sh');
});

t.test('a node that npm took away is put back, and the command beside it', async (t) => {
  const root = packageWith(t, { node_modules: pinned(t, machine) });
  t.equal(link(root), '');
  const bin = join(root, 'node_modules', '.bin');
  t.equal(readlinkSync(join(bin, 'node')), `../node-linux-${machine}/bin/node`);
  t.ok(existsSync(join(bin, 'node')));
  t.equal(readlinkSync(join(bin, 'lockstep')), '../../client/cli/lockstep.sh');
});

t.test('what npm linked well stays, and a second time changes nothing', async (t) => {
  const root = packageWith(t, { node_modules: { ...pinned(t, machine), '.bin': {} } });
  const node = join(root, 'node_modules', '.bin', 'node');
  symlinkSync('/bin/true', node);
  t.equal(link(root), '');
  t.equal(link(root), '');
  t.equal(readlinkSync(node), '/bin/true');
});

t.test('the Node of another kind of machine is not linked', async (t) => {
  const root = packageWith(t, { node_modules: pinned(t, other) });
  t.equal(link(root), '');
  t.notOk(existsSync(join(root, 'node_modules', '.bin')));
});

t.test('a package that lies in another project changes nothing', async (t) => {
  const root = packageWith(t, {});
  t.equal(link(root), '');
  t.notOk(existsSync(join(root, 'node_modules')));
});
