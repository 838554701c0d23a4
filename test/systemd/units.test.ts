import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import t, { type Test } from 'tap';

const root = resolve(import.meta.dirname, '../..');
const folder = join(root, 'systemd');
const installed = '/usr/lib/lockstep';
const units = readdirSync(folder).filter((name) => name.endsWith('.service'));
const unitsThatStore = ['lockstep-both.service', 'lockstep-storage.service'];
const text = (unit: string): string => readFileSync(join(folder, unit), 'utf8');

/** What systemd-analyze says about units that stand in this checkout instead of where they are installed. */
async function verify(t: Test, changed: (text: string) => string = (text) => text): Promise<string> {
  const copies = t.testdir({});
  const paths = units.map((unit) => {
    writeFileSync(join(copies, unit), changed(text(unit)).replaceAll(installed, root));
    return join(copies, unit);
  });
  return new Promise((done) => {
    execFile('systemd-analyze', ['verify', '--man=no', ...paths], (error, stdout, stderr) => {
      const said = stdout + stderr;
      done(said === '' && error !== null ? error.message : said);
    });
  });
}

t.test('there is a unit for each role and for both', async (t) => {
  t.strictSame(units.sort(), [
    'lockstep-both.service',
    'lockstep-control.service',
    'lockstep-storage.service',
  ]);
});

t.test('systemd-analyze verify has nothing to say about the units', async (t) => {
  t.equal(await verify(t), '');
});

t.test('systemd-analyze verify would find a misspelt setting', async (t) => {
  t.match(await verify(t, (text) => text.replace('KillSignal=', 'KilSignal=')), /KilSignal/);
});

t.test('systemd-analyze verify would find a program that is not there', async (t) => {
  t.match(await verify(t, (text) => text.replace('/.bin/node', '/.bin/absent')), /absent is not executable/);
});

t.test('every path below the installation exists', async (t) => {
  for (const unit of units)
    for (const [path] of text(unit).matchAll(/\/usr\/lib\/lockstep\/[^\s]+/g))
      t.ok(existsSync(path.replace(installed, root)), `${unit}: ${path}`);
});

t.test('the units start Node as the quick start does', async (t) => {
  for (const unit of units) t.match(text(unit), `/.bin/node ${installed}/daemon/`, unit);
});

t.test('two units never run on one host', async (t) => {
  for (const unit of units) {
    const conflicts = /^Conflicts=(.*)$/m.exec(text(unit))?.[1]?.split(' ').sort();
    t.strictSame(conflicts, units.filter((other) => other !== unit).sort(), unit);
  }
});

t.test('stopping a host that stores stops the daemon alone', async (t) => {
  for (const unit of unitsThatStore) t.match(text(unit), /^KillMode=process$/m, unit);
});

t.test("a host that stores starts after FUSE's control file system is mounted", async (t) => {
  for (const unit of unitsThatStore)
    for (const setting of ['Wants', 'After'])
      t.match(text(unit), new RegExp(`^${setting}=.*sys-fs-fuse-connections\\.mount`, 'm'), unit);
});

t.test('a host that stores has no setting that gives it a mount namespace', async (t) => {
  const namespaced =
    /^(Private(Tmp|Devices|Mounts|Users)|Protect(System|Home|Proc|Kernel\w+|ControlGroups|Clock|Hostname)|Read(Write|Only)Paths|InaccessiblePaths|Bind(ReadOnly)?Paths|TemporaryFileSystem|RootDirectory|DynamicUser|ProcSubset|MountFlags)=/m;
  for (const unit of unitsThatStore) t.notMatch(text(unit), namespaced, unit);
});

t.test('the unit for both roles is the storage unit with the port of the alias', async (t) => {
  const settings = (unit: string): string[] =>
    text(unit)
      .split('\n')
      .filter((line) => /^[A-Z]\w+=/.test(line) && !/^(Description|Conflicts)=/.test(line))
      .map((line) => line.replace(' CAP_NET_BIND_SERVICE', ''));
  t.strictSame(settings('lockstep-both.service'), settings('lockstep-storage.service'));
});
