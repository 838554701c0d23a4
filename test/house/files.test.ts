/** Rules about the tracked files themselves. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import t from 'tap';

const MAX_LINES = 500;
const root = resolve(import.meta.dirname, '../..');
const tracked = execFileSync('git', ['-c', `safe.directory=${root}`, 'ls-files', '-z'], {
  cwd: root,
  encoding: 'utf8',
})
  .split('\0')
  .filter((path) => path !== '' && existsSync(join(root, path)) && statSync(join(root, path)).isFile());
const textOf = (path: string): string => readFileSync(join(root, path), 'utf8');

t.test(`no source file is longer than ${MAX_LINES} lines: split it by subject`, async (t) => {
  const sources = tracked.filter((path) => /^(daemon|control|client|bench)\/.*\.ts$/.test(path));
  const long = sources.map((path) => ({ path, lines: textOf(path).split('\n').length - 1 }));
  t.not(sources.length, 0);
  t.strictSame(
    long.filter(({ lines }) => lines > MAX_LINES),
    [],
  );
});

t.test('no tracked file names a path of the machine that it was written on', async (t) => {
  // Spelt in two parts, so that this file passes its own rule.
  const machinePaths = new RegExp(
    `(?<![\\w.$}-])/(?:${['home/' + '\\w', 'Users/' + '\\w', 'work/' + '\\w'].join('|')})`,
  );
  const offenders = tracked
    .filter((path) => path !== 'package-lock.json' && !path.endsWith('.binpb'))
    .flatMap((path) =>
      textOf(path)
        .split('\n')
        .flatMap((line, index) => (machinePaths.test(line) ? [`${path}:${index + 1}: ${line.trim()}`] : [])),
    );
  t.strictSame(offenders, []);
});

t.test('the lock file names no registry: npm config set omit-lockfile-registry-resolved true', async (t) => {
  t.notMatch(textOf('package-lock.json'), /"resolved": "https?:/);
});

t.test('every pure part exists: a file that was renamed would leave the rules unnoticed', async (t) => {
  const parts = JSON.parse(textOf('pure-parts.json')) as readonly string[];
  t.strictSame(
    parts.filter((path) => !existsSync(join(root, path))),
    [],
  );
});
