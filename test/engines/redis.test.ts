/** The example of docs/engines.md: an engine that is one file. Debian's package takes some five seconds to install. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import t, { type Test } from 'tap';
import { ENGINES } from '../../daemon/engines/registry.ts';
import { mounted, PASSWORD, running, type TestHost, testHost, traces, VOLUME } from '../support/host.ts';
import { redis } from './redis.ts';

const run = promisify(execFile);

async function redisHost(t: Test): Promise<TestHost> {
  const host = await testHost(t, { engine: 'redis', engines: [...ENGINES, redis] });
  await host.drivers.installEngine('redis', '');
  return host;
}

async function tell(host: TestHost, command: readonly string[], password = PASSWORD): Promise<string> {
  const { port, user } = host.engine;
  const { stdout } = await run('redis-cli', ['-p', String(port), '--user', user, ...command], {
    env: { ...process.env, REDISCLI_AUTH: password },
  });
  return stdout.trim();
}

t.test('the text of the example in the guide is the file that is tested', async (t) => {
  const guide = readFileSync(new URL('../../docs/engines.md', import.meta.url), 'utf8');
  const example = readFileSync(new URL('redis.ts', import.meta.url), 'utf8');
  const inProduct = example.replaceAll('../../daemon/engines/', './');
  t.equal(/^```ts\n(\/\*\* Redis[^]*?)^```$/m.exec(guide)?.[1], inProduct);
});

t.test('what was written is there after everything was killed', async (t) => {
  const host = await redisHost(t);
  await running(host);
  t.equal(await tell(host, ['SET', 'answer', '42']), 'OK');
  await host.drivers.release(VOLUME, { force: true });
  t.strictSame(await traces(host.folder), []);
  await mounted(host);
  await host.drivers.startEngine(host.engine);
  t.equal(await tell(host, ['GET', 'answer']), '42');
  t.match(await host.drivers.reportEngines(), [{ state: 'RUNNING', version: /^\d+\.\d+\.\d+$/ }]);
});

t.test('nobody is let in without the password, and a new one replaces the old', async (t) => {
  const host = await redisHost(t);
  await running(host);
  await host.drivers.setEnginePassword(host.engine, 'another one');
  t.match(await tell(host, ['GET', 'answer']), /WRONGPASS|NOAUTH/);
  t.equal(await tell(host, ['SET', 'answer', '42'], 'another one'), 'OK');
  t.match(await tell(host, ['CONFIG', 'SET', 'appendfsync', 'no'], 'another one'), /NOPERM/);
});

t.test('parameters that wait for a start are named, and taken then', async (t) => {
  const host = await redisHost(t);
  await running(host);
  const engine = { ...host.engine, parameters: { maxmemory: '64', timeout: '0' } };
  t.strictSame(await host.drivers.configureEngine(engine), { pendingRestart: ['maxmemory'] });
  await host.drivers.stopEngine(engine, { kill: false });
  await host.drivers.startEngine(engine);
  t.match(await tell(host, ['INFO', 'memory']), /maxmemory:67108864/);
  t.strictSame(await host.drivers.configureEngine(engine), { pendingRestart: [] });
});

t.test('its versions are offered beside those of the product', async (t) => {
  const host = await redisHost(t);
  const offers = await host.drivers.engineOffers();
  t.match(
    offers.filter(({ engine, installed }) => engine === 'redis' && installed),
    [{ version: /^\d+\.\d+$/ }],
  );
  t.match(
    offers.find(({ engine, installed }) => engine === 'postgresql' && installed),
    { version: /^\d+$/ },
  );
});
