/** A daemon that takes part in control, as a process: what it says of its health, and of itself by reflection. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Client, credentials, type ServiceError } from '@grpc/grpc-js';
import { service as health } from 'grpc-health-check';
import t, { type Test } from 'tap';
import { publicMethods } from './support/api-calls.ts';

const MAIN = resolve(import.meta.dirname, '../daemon/main.ts');
const ADDRESS = '127.0.102.1';
async function startControl(t: Test): Promise<ChildProcess> {
  const folder = mkdtempSync(join(tmpdir(), 'lockstep-daemon-control-'));
  const config = join(folder, 'control.toml');
  const host = `[host]\nname = "c"\naddress = "${ADDRESS}"\nstate_dir = "${join(folder, 'state')}"\n`;
  writeFileSync(config, `${host}[control]\n`);
  const child = spawn(process.execPath, [MAIN, '--config', config], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(child, 'close');
  t.teardown(async () => {
    child.kill('SIGKILL');
    await ended;
    rmSync(folder, { recursive: true, force: true });
  });
  const ready = Promise.withResolvers<undefined>();
  let log = '';
  child.stdout.on('data', (chunk: Buffer) => {
    log += chunk.toString();
    if (log.includes('"ready"')) ready.resolve(undefined);
  });
  child.on('exit', () => ready.reject(new Error(`the daemon ended: ${log}`)));
  await ready.promise;
  return child;
}

interface Health {
  readonly status: string;
}

function ask(client: Client, service: string): Promise<string> {
  const { Check: check } = health as unknown as {
    readonly Check: {
      readonly path: string;
      readonly requestSerialize: (request: { readonly service: string }) => Buffer;
      readonly responseDeserialize: (bytes: Buffer) => Health;
    };
  };
  const { promise, resolve } = Promise.withResolvers<string>();
  const answer = (error: ServiceError | null, response?: Health): void =>
    resolve(error?.details ?? response?.status ?? '');
  client.makeUnaryRequest(check.path, check.requestSerialize, check.responseDeserialize, { service }, answer);
  return promise;
}

t.test('a daemon in control answers SERVING for itself and for every public service', async (t) => {
  await startControl(t);
  const client = new Client(`${ADDRESS}:7400`, credentials.createInsecure());
  t.teardown(() => client.close());
  const services = new Set(publicMethods().map((method) => method.parent.typeName));
  for (const service of ['', ...services]) t.equal(await ask(client, service), 'SERVING', service);
  t.match(await ask(client, 'lockstep.v1.NoSuchService'), /unknown/);
});
