/** The daemon as a process: what it refuses to start with, how it says so, and how it ends. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Client, credentials } from '@grpc/grpc-js';
import t, { type Test } from 'tap';
import { callUnary, methodOf } from '../daemon/sys/grpc-unary.ts';
import { AgentServiceClient } from '../proto/gen/lockstep/agent/v1/agent.ts';
import { FaultServiceService } from '../proto/gen/lockstep/agent/v1/fault.ts';

const MAIN = resolve(import.meta.dirname, '../daemon/main.ts');
const ADDRESS = '127.0.101.1';
const PORTS = { api: 7400, replication: 7401, metrics: 7402, nbd: 10_809 } as const;

interface Daemon {
  readonly process: ChildProcess;
  /** Resolves with the code and what it said on stderr. */
  readonly ended: Promise<{ readonly code: number | null; readonly said: string }>;
  readonly ready: () => Promise<void>;
}

function folderOf(t: Test): string {
  const folder = mkdtempSync(join(tmpdir(), 'lockstep-daemon-'));
  t.teardown(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  return folder;
}

function start(
  t: Test,
  folder: string,
  address = ADDRESS,
  environment: Readonly<Record<string, string>> = {},
): Daemon {
  const config = join(folder, `${address}.toml`);
  const host = `[host]\nname = "a"\nzone = "a"\naddress = "${address}"\nstate_dir = "${join(folder, 'state')}"\n`;
  writeFileSync(config, `${host}[storage]\n[coordinator]\nserver = "127.0.101.9:7400"\n`);
  const child = spawn(process.execPath, [MAIN, '--config', config], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...environment },
  });
  let said = '';
  let log = '';
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
  child.stdout.on('data', (chunk: Buffer) => (log += chunk.toString()));
  const ended = once(child, 'close').then(([code]) => ({ code: code as number | null, said }));
  t.teardown(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  const ready = async (): Promise<void> => {
    while (!log.includes('"ready"')) {
      if (child.exitCode !== null) throw new Error(`the daemon ended: ${said}`);
      await new Promise((next) => setTimeout(next, 10));
    }
  };
  return { process: child, ended, ready };
}

for (const [name, port] of Object.entries(PORTS))
  t.test(
    `ports.${name} in use: the daemon does not start, and names the key, the address and the port`,
    async (t) => {
      const other = createServer();
      other.listen(port, ADDRESS);
      await once(other, 'listening');
      t.teardown(() => other.close());
      const { code, said } = await start(t, folderOf(t)).ended;
      t.equal(code, 1);
      t.match(
        said,
        new RegExp(
          `lockstep daemon: ports\\.${name} is "${ADDRESS}:${String(port)}"; allowed: .* \\(.*EADDRINUSE`,
        ),
      );
    },
  );

t.test('a state folder that a running daemon owns is refused, and the first daemon serves on', async (t) => {
  const folder = folderOf(t);
  const first = start(t, folder);
  await first.ready();
  const second = await start(t, folder, '127.0.101.2').ended;
  t.equal(second.code, 1);
  t.match(second.said, /^lockstep daemon: host\.state_dir: .* is owned by a running daemon\n$/);
  t.equal(first.process.exitCode, null);
});

t.test('records that cannot be opened are told of with their folder and the cause', async (t) => {
  const folder = folderOf(t);
  const first = start(t, folder);
  await first.ready();
  first.process.kill('SIGTERM');
  await first.ended;
  const meta = join(folder, 'state', 'meta');
  for (const name of readdirSync(meta).filter((name) => name.startsWith('MANIFEST')))
    writeFileSync(join(meta, name), 'garbage');
  const { code, said } = await start(t, folder).ended;
  t.equal(code, 1);
  t.match(said, /^lockstep daemon: the records in .*\/meta cannot be opened: .*orrupt/);
});

for (const signal of ['SIGTERM', 'SIGINT', 'SIGUSR2'] as const)
  t.test(`${signal} ends the daemon with code 0`, async (t) => {
    const daemon = start(t, folderOf(t));
    await daemon.ready();
    daemon.process.kill(signal);
    t.strictSame(await daemon.ended, { code: 0, said: '' });
  });

t.test('whatever control asks for from the first instant, a replica that is there is found', async (t) => {
  const folder = folderOf(t);
  const client = new AgentServiceClient(`${ADDRESS}:${String(PORTS.api)}`, credentials.createInsecure());
  t.teardown(() => {
    client.close();
  });
  const fence = { generation: 0n, workflow: 'w', step: 's' };
  const view = {
    volume: 'v',
    sizeBytes: 1024n * 1024n,
    generation: 1n,
    primary: 'a',
    inSync: ['a'],
    replicas: [],
  };
  const first = start(t, folder);
  await first.ready();
  await callUnary(client.createReplica.bind(client), { fence, view }, { deadlineMs: 5000 });
  await callUnary(client.setView.bind(client), { fence, view }, { deadlineMs: 5000 });
  first.process.kill('SIGKILL');
  await first.ended;
  const second = start(t, folder);
  for (;;) {
    const answer = await callUnary(
      client.getReplica.bind(client),
      { volume: 'v' },
      { deadlineMs: 200 },
    ).catch((error: unknown) => error as Error & { code: string });
    if ('replica' in answer) break;
    t.match(answer.code, /UNAVAILABLE|DEADLINE_EXCEEDED/, 'not there yet, and not: no such replica');
  }
  const late = callUnary(client.deleteReplica.bind(client), { fence, volume: 'v' }, { deadlineMs: 5000 });
  await t.rejects(late, { code: 'FAILED_PRECONDITION', message: /has seen 1/ });
  second.process.kill('SIGTERM');
  await second.ended;
});

t.test('disks can be made to fail only where the daemon was started for it', async (t) => {
  const client = new Client(`${ADDRESS}:${String(PORTS.api)}`, credentials.createInsecure());
  t.teardown(() => {
    client.close();
  });
  const setFaults = () =>
    callUnary(
      methodOf(client, FaultServiceService.setFaults),
      { faults: [] },
      { deadlineMs: 5000, signal: AbortSignal.timeout(10_000) },
    );
  const usual = start(t, folderOf(t));
  await usual.ready();
  await t.rejects(setFaults(), { message: /method|implement/i });
  usual.process.kill('SIGTERM');
  await usual.ended;
  const forTests = start(t, folderOf(t), ADDRESS, { LOCKSTEP_TEST_FAULTS: '1' });
  await forTests.ready();
  // The channel may still be in its pause after the daemon before.
  for (;;) {
    const answer = await setFaults().catch((error: unknown) => error as Error & { code: string });
    if ('hits' in answer) break;
    t.equal(answer.code, 'UNAVAILABLE');
    await new Promise((next) => setTimeout(next, 50));
  }
  forTests.process.kill('SIGTERM');
  await forTests.ended;
});
