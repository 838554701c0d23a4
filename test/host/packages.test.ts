import { mkdir, mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { postgresql } from '../../daemon/engines/postgresql.ts';
import { installEngine } from '../../daemon/host/engine-install.ts';
import { ensurePackages, missingPackages } from '../../daemon/host/packages.ts';

/** apt with an index of its own, which is empty, and no archive: nothing of the machine's is changed or asked. */
async function emptyArchive(t: Test): Promise<readonly string[]> {
  const folder = await mkdtemp(join(tmpdir(), 'ls-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  await mkdir(join(folder, 'lists', 'partial'), { recursive: true });
  await mkdir(join(folder, 'cache', 'archives', 'partial'), { recursive: true });
  const settings = {
    'Dir::Etc::sourcelist': '/dev/null',
    'Dir::Etc::sourceparts': '-',
    'Dir::State::lists': join(folder, 'lists'),
    'Dir::Cache': join(folder, 'cache'),
    'APT::Sandbox::User': 'root',
  };
  return Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
}

t.test('a package that is installed is not missing, and an unknown one is', async (t) => {
  const needs = { dpkg: 'always there', 'lockstep-no-such-package': 'a test' };
  t.strictSame(await missingPackages(needs), ['lockstep-no-such-package']);
});

t.test('nothing is installed where nothing is missing', async (t) => {
  t.strictSame(await ensurePackages({ dpkg: 'always there' }, { aptOptions: ['--no-such-option'] }), []);
});

t.test('a package that cannot be installed is named with its reason and the words of apt', async (t) => {
  const aptOptions = await emptyArchive(t);
  await t.rejects(ensurePackages({ 'lockstep-no-such-package': 'a test needs it' }, { aptOptions }), {
    code: 'FAILED_PRECONDITION',
    reason: 'PACKAGE_UNAVAILABLE',
    message: /lockstep-no-such-package \(a test needs it\).*Unable to locate package/,
    metadata: { packages: 'lockstep-no-such-package' },
  });
});

t.test('a setting that stands during the installation is taken away also when it fails', async (t) => {
  const aptOptions = await emptyArchive(t);
  const folder = await mkdtemp(join(tmpdir(), 'ls-'));
  const path = join(folder, 'during.conf');
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const during = { path, text: 'setting = false\n' };
  await t.rejects(ensurePackages({ 'lockstep-no-such-package': 'a test' }, { aptOptions, during }));
  await t.rejects(stat(path), { code: 'ENOENT' });
});

t.test('what is no version never becomes part of a package that apt-get is told of', async (t) => {
  for (const version of ['15-', '15+', '1.*', '15 vim'])
    await t.rejects(installEngine(postgresql, version), { code: 'INVALID_ARGUMENT' });
});
