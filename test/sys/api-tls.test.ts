/** [api.tls] between a real daemon, its own calls and the library; with what a mistake in it is refused. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { LockstepClient, type TlsOptions } from '../../client/lockstep.ts';
import { Agents } from '../../control/agents.ts';
import type { Repository } from '../../control/repository.ts';
import { channelCredentials, serverCredentials } from '../../daemon/sys/api-tls.ts';
import { type Config, parseConfig } from '../../daemon/sys/config.ts';
import { ClusterServiceService } from '../../proto/gen/lockstep/v1/cluster_service.ts';
import { healthyStatus } from '../client/fixtures.ts';
import { serve } from '../support/api-double.ts';
import { attempt } from '../support/client-command.ts';
import { type Certificates, makeCertificates } from '../support/certificates.ts';

const ADDRESS = '127.0.104.1';
const LOCKSTEP = resolve(import.meta.dirname, '../../client/cli/lockstep.sh');
const MAIN = resolve(import.meta.dirname, '../../daemon/main.ts');

function tlsSection({ folder }: Certificates, extra = ''): string {
  return `[api.tls]
    mode = "required"
    certificate = "${join(folder, 'server-cert.pem')}"
    key = "${join(folder, 'server-key.pem')}"
    ca = "${join(folder, 'ca-cert.pem')}"
    ${extra}`;
}

const withClientCa = ({ folder }: Certificates): string => `client_ca = "${join(folder, 'ca-cert.pem')}"`;

function configOf(tls: string, folder = '/nonexistent'): Config {
  return parseConfig(
    `[host]
     name = "a"
     address = "${ADDRESS}"
     state_dir = "${folder}"
     [control]
     ${tls}`,
    'test',
  );
}

function connectWith(t: Test, server: string, tls: TlsOptions | undefined): LockstepClient {
  const client = new LockstepClient({ server, ...(tls === undefined ? {} : { tls }) });
  t.teardown(() => {
    client.close();
  });
  return client;
}

const answers = { getClusterStatus: () => healthyStatus() };

t.test('the library checks the server by the authority it is given', async (t) => {
  const mine = makeCertificates(t);
  const other = makeCertificates(t);
  const server = await serve(t, answers, { credentials: serverCredentials(configOf(tlsSection(mine))) });
  const status = await connectWith(t, server, { ca: mine.authority }).status();
  t.equal(status.databases.length, 1);
  for (const tls of [{ ca: other.authority }, {}, undefined])
    await t.rejects(connectWith(t, server, tls).status({ deadlineMs: 1000 }), { code: 'UNAVAILABLE' });
});

t.test('a server of another name is refused, unless the name is said', async (t) => {
  const mine = makeCertificates(t, '127.0.0.9');
  const server = await serve(t, answers, { credentials: serverCredentials(configOf(tlsSection(mine))) });
  const ca = mine.authority.toString();
  await t.rejects(connectWith(t, server, { ca }).status({ deadlineMs: 1000 }), {
    code: 'UNAVAILABLE',
    message: /127\.0\.0\.1 is not in the cert's list/,
  });
  t.ok(await connectWith(t, server, { ca, serverName: 'localhost' }).status());
});

t.test('the command is told of TLS by flags or variables, and says which where it is not', async (t) => {
  const mine = makeCertificates(t);
  const server = await serve(t, answers, { credentials: serverCredentials(configOf(tlsSection(mine))) });
  const lockstep = (...words: string[]) => attempt(LOCKSTEP, '--server', server, 'status', ...words);
  const ca = join(mine.folder, 'ca-cert.pem');
  t.match(await lockstep('--tls-ca', ca), { status: 0, stdout: /^HEALTHY/, stderr: '' });
  for (const words of [[], ['--tls']]) {
    const { status, stderr } = await lockstep(...words);
    t.equal(status, 1);
    t.match(stderr, /^error: .*\n.*--tls-ca FILE/, stderr);
  }
  t.match(await lockstep('--tls-ca', '/nonexistent'), { status: 1, stderr: /Give --tls-ca a PEM file/ });
});

t.test('with client_ca, whoever has no certificate of it is not let in', async (t) => {
  const mine = makeCertificates(t);
  const other = makeCertificates(t);
  const config = configOf(tlsSection(mine, withClientCa(mine)));
  const server = await serve(t, answers, { credentials: serverCredentials(config) });
  const ca = mine.authority;
  t.ok(await connectWith(t, server, { ca, ...mine.client }).status());
  for (const tls of [{ ca }, { ca, ...other.client }])
    await t.rejects(connectWith(t, server, tls).status({ deadlineMs: 1000 }), { code: 'UNAVAILABLE' });
});

t.test('control calls hosts with its own certificate', async (t) => {
  const mine = makeCertificates(t);
  const config = configOf(tlsSection(mine, withClientCa(mine)));
  const server = await serve(t, answers, { credentials: serverCredentials(config) });
  const agentPort = Number(server.split(':')[1]);
  const repository = { host: () => Promise.resolve({ value: { address: '127.0.0.1', agentPort } }) };
  const call = async (tls: string): Promise<unknown> => {
    const credentials = channelCredentials(configOf(tls));
    const agents = new Agents(repository as unknown as Repository, () => false, credentials);
    try {
      return await agents.call('a', ClusterServiceService.getClusterStatus, {}, { deadlineMs: 3000 });
    } finally {
      agents.close();
    }
  };
  t.match(await call(tlsSection(mine)), { databases: [{ name: 'databases/orders' }] });
  await t.rejects(call(''), { code: 'UNAVAILABLE' });
});

t.test('a daemon serves its API by TLS alone, and reaches its own control by it', async (t) => {
  const mine = makeCertificates(t, ADDRESS);
  const path = join(mine.folder, 'lockstep.toml');
  writeFileSync(
    path,
    `[host]
     name = "a"
     zone = "a"
     address = "${ADDRESS}"
     state_dir = "${join(mine.folder, 'state')}"
     [storage]
     [control]
     [coordinator]
     server = "${ADDRESS}:7400"
     ${tlsSection(mine, withClientCa(mine))}`,
  );
  const daemon = spawn(process.execPath, [MAIN, '--config', path], { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  daemon.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const ended = once(daemon, 'close');
  t.teardown(async () => {
    daemon.kill('SIGKILL');
    await ended;
  });
  const tls = { ca: mine.authority, ...mine.client };
  const client = connectWith(t, `${ADDRESS}:7400`, tls);
  for (;;) {
    if (daemon.exitCode !== null) throw new Error(`the daemon ended: ${said}`);
    const status = await client.status({ deadlineMs: 1000 }).catch(() => undefined);
    const host = status?.hosts.find(({ roles }) => roles.includes('storage'));
    if (host?.reachable === true) break;
    await sleep(50);
  }
  await t.rejects(connectWith(t, `${ADDRESS}:7400`, undefined).status({ deadlineMs: 1000 }), {
    code: 'UNAVAILABLE',
  });
});

t.test('a mistake in the files is refused at the start, with the key of the configuration', (t) => {
  const mine = makeCertificates(t);
  const other = makeCertificates(t);
  t.throws(() => configOf('[api.tls]\nmode = "required"'), {
    code: 'INVALID_ARGUMENT',
    reason: 'CONFIG_INVALID',
    violations: [{ field: 'api.tls.certificate' }, { field: 'api.tls.key' }, { field: 'api.tls.ca' }],
  });
  t.throws(() => configOf('[api.tls]\nmode = "allowed"'), {
    code: 'INVALID_ARGUMENT',
    violations: [{ field: 'api.tls.mode' }],
  });
  const lost = configOf(tlsSection(mine).replace('ca-cert.pem', 'nothing.pem'));
  t.throws(() => channelCredentials(lost), {
    code: 'INVALID_ARGUMENT',
    reason: 'TLS_UNREADABLE',
    message: /^api\.tls\.ca is /,
  });
  writeFileSync(join(mine.folder, 'server-key.pem'), readFileSync(join(other.folder, 'server-key.pem')));
  t.throws(() => serverCredentials(configOf(tlsSection(mine))), {
    code: 'INVALID_ARGUMENT',
    reason: 'TLS_UNUSABLE',
  });
  t.throws(() => new LockstepClient({ server: 'localhost:1', tls: { key: mine.client.key } }), {
    code: 'INVALID_ARGUMENT',
    violations: [{ field: 'tls.certificate' }],
  });
  t.throws(
    () =>
      new LockstepClient({
        server: 'localhost:1',
        tls: { ca: 'not PEM', ...mine.client, key: other.client.key },
      }),
    {
      code: 'INVALID_ARGUMENT',
      reason: 'TLS_UNUSABLE',
    },
  );
  t.end();
});
