/** `npm run proto:breaking` fails where a client that was built yesterday would. */
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import t, { type Test } from 'tap';

const ROOT = resolve(import.meta.dirname, '../..');
const DATABASES = 'proto/lockstep/v1/database_service.proto';
const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
  readonly scripts: Readonly<Record<string, string>>;
};

/** A copy of the protos whose baseline is what they are now, and what the check says of it after an edit. */
function verdict(t: Test, edit: (proto: string) => string): { readonly code: number; readonly said: string } {
  const folder = mkdtempSync(join(tmpdir(), 'lockstep-breaking-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  for (const part of ['proto', 'buf.yaml']) cpSync(join(ROOT, part), join(folder, part), { recursive: true });
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  const env = { ...process.env, PATH: `${join(ROOT, 'node_modules/.bin')}:${process.env['PATH'] ?? ''}` };
  const options = { cwd: folder, env, encoding: 'utf8', stdio: 'pipe' } as const;
  execFileSync('sh', ['-c', scripts['proto:baseline'] ?? ''], options);
  const path = join(folder, DATABASES);
  const before = readFileSync(path, 'utf8');
  const after = edit(before);
  t.not(after, before, 'the edit found its place');
  writeFileSync(path, after);
  const { status, stdout, stderr } = spawnSync('sh', ['-c', scripts['proto:breaking'] ?? ''], options);
  return { code: status ?? -1, said: stdout + stderr };
}

t.test('a field that is taken away is refused by its name', (t) => {
  const { code, said } = verdict(t, (proto) => proto.replace('  string uid = 2;\n', ''));
  t.match(said, /Previously present field "2" with name "uid" on message "Database" was deleted/);
  t.not(code, 0);
  t.end();
});

t.test('a field whose type changes is refused', (t) => {
  const { code, said } = verdict(t, (proto) => proto.replace('string uid = 2;', 'uint64 uid = 2;'));
  t.match(said, /Field "2" with name "uid" on message "Database" changed type/);
  t.not(code, 0);
  t.end();
});

t.test('a method that is taken away is refused', (t) => {
  const { code, said } = verdict(t, (proto) =>
    proto.replace('  rpc ClaimPassword(ClaimPasswordRequest) returns (ClaimPasswordResponse);\n', ''),
  );
  t.match(said, /Previously present RPC "ClaimPassword" on service "DatabaseService" was deleted/);
  t.not(code, 0);
  t.end();
});

t.test('a field more is no break', (t) => {
  const { code, said } = verdict(t, (proto) =>
    proto.replace('  string uid = 2;\n', '  string uid = 2;\n  string added = 99;\n'),
  );
  t.same([code, said], [0, '']);
  t.end();
});
