/** A stranger's client in Go: `buf curl`, whose resolver takes only descriptors in which every reference is absolute. */
import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import t from 'tap';
import { publicMethods } from '../support/api-calls.ts';
import { ControlHarness } from '../support/control-harness.ts';

const BUF = resolve(import.meta.dirname, '../../node_modules/.bin/buf');
const LIMIT_MS = 30_000;

/** Both of its outputs: it fails with the refusal of the call. */
function curl(...args: readonly string[]): Promise<string> {
  const all = ['curl', '--protocol', 'grpc', '--http2-prior-knowledge', ...args];
  return new Promise((done) => {
    execFile(BUF, all, { timeout: LIMIT_MS }, (_error, stdout, stderr) => done(stdout + stderr));
  });
}

t.test('a client in Go resolves every service that reflection lists, and calls them', async (t) => {
  const harness = await ControlHarness.open(t, { hosts: false });
  const server = `http://${harness.address}`;
  const listed = (await curl('--list-methods', server)).split('\n');
  const missing = publicMethods().filter(
    ({ parent, name }) => !listed.includes(`${parent.typeName}/${name}`),
  );
  t.same(
    missing.map(({ name }) => name),
    [],
  );
  t.ok(listed.includes('grpc.health.v1.Health/Check'));
  const health = await curl(`${server}/grpc.health.v1.Health/Check`, '-d', '{"service":""}');
  t.match(JSON.parse(health), { status: 'NOT_SERVING' }, 'the daemon has not said otherwise');
  const absent = await curl(
    `${server}/lockstep.v1.DatabaseService/GetDatabase`,
    '-d',
    '{"name":"databases/none"}',
  );
  t.match(JSON.parse(absent), { code: 'not_found', details: [{ type: 'google.rpc.ErrorInfo' }] });
});
