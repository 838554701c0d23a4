import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { Credentials } from '../../../client/cli/credentials.ts';

const key = { server: '127.0.0.10:7400', uid: 'u1' };
const secret = { database: 'orders', user: 'lockstep', password: 'pw' };
const claim = (): Promise<typeof secret> => Promise.resolve(secret);
const PERMISSION_BITS = 0o777;

t.test('a claimed password is found again, in a file that only its user can read', async (t) => {
  const path = join(t.testdir(), 'lockstep', 'credentials.json');
  await new Credentials(path).claim(key, claim);
  t.match(await new Credentials(path).find(key), secret);
  t.equal((await stat(path)).mode & PERMISSION_BITS, 0o600);
});

t.test('another server or another uid has another password', async (t) => {
  const credentials = new Credentials(join(t.testdir(), 'credentials.json'));
  await credentials.claim(key, claim);
  t.equal(await credentials.find({ ...key, uid: 'u2' }), undefined);
  t.equal(await credentials.find({ ...key, server: 'other:7400' }), undefined);
});

t.test('nothing is claimed while the file cannot be written: the password would be lost', async (t) => {
  const path = join(t.testdir({ 'credentials.json': '{ not json' }), 'credentials.json');
  let claimed = 0;
  const attempt = new Credentials(path).claim(key, () => {
    claimed += 1;
    return claim();
  });
  await t.rejects(attempt, { code: 'FAILED_PRECONDITION', reason: 'CREDENTIALS_UNUSABLE' });
  t.equal(claimed, 0);
  t.equal(await readFile(path, 'utf8'), '{ not json');
});

t.test('a password that could not be saved after all is in the error', async (t) => {
  const folder = t.testdir();
  const path = join(folder, 'credentials.json');
  const attempt = new Credentials(path).claim(key, async () => {
    await mkdir(`${path}.${String(process.pid)}.tmp`);
    return secret;
  });
  await t.rejects(attempt, { code: 'INTERNAL', reason: 'PASSWORD_NOT_SAVED', metadata: { password: 'pw' } });
});

t.test('two claims at once lose nothing', async (t) => {
  const path = join(t.testdir(), 'credentials.json');
  await Promise.all([
    new Credentials(path).claim({ ...key, uid: 'u1' }, claim),
    new Credentials(path).claim({ ...key, uid: 'u2' }, claim),
  ]);
  const credentials = new Credentials(path);
  t.match(await credentials.find({ ...key, uid: 'u1' }), secret);
  t.match(await credentials.find({ ...key, uid: 'u2' }), secret);
});

t.test('forgetting takes one away and leaves the rest', async (t) => {
  const credentials = new Credentials(join(t.testdir(), 'credentials.json'));
  await credentials.claim(key, claim);
  await credentials.claim({ ...key, uid: 'u2' }, claim);
  await credentials.forget(key);
  t.equal(await credentials.find(key), undefined);
  t.match(await credentials.find({ ...key, uid: 'u2' }), secret);
  await credentials.forgetServer(key.server);
  t.equal(await credentials.find({ ...key, uid: 'u2' }), undefined);
});

t.test('forgetting where nothing was saved makes no file', async (t) => {
  const path = join(t.testdir(), 'credentials.json');
  await new Credentials(path).forgetServer(key.server);
  await t.rejects(stat(path), { code: 'ENOENT' });
});

t.test('a file of another version is refused, not overwritten', async (t) => {
  const path = join(t.testdir(), 'credentials.json');
  await writeFile(path, '{"version":2,"servers":{}}');
  await t.rejects(new Credentials(path).find(key), {
    code: 'FAILED_PRECONDITION',
    reason: 'CREDENTIALS_UNUSABLE',
  });
});
