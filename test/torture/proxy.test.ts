import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { Random } from '../support/harness/random.ts';
import { FAIR, Proxy } from './proxy.ts';

const HOST = '127.0.78.1';
const PORTS = { proxy: 7601, echo: 7602 } as const;

/** A connection through the proxy to a server that sends everything back. */
async function through(t: Test): Promise<{ proxy: Proxy; socket: Socket; heard: () => string }> {
  const echo = createServer((socket) => socket.on('error', () => undefined).pipe(socket));
  echo.listen(PORTS.echo, HOST);
  await once(echo, 'listening');
  const proxy = new Proxy({ host: HOST, port: PORTS.proxy }, { host: HOST, port: PORTS.echo });
  await proxy.listen();
  const socket = connect(PORTS.proxy, HOST);
  let text = '';
  socket.on('data', (chunk: Buffer) => (text += chunk.toString())).on('error', () => undefined);
  await once(socket, 'connect');
  t.teardown(() => {
    socket.destroy();
    proxy.close();
    echo.close();
  });
  return { proxy, socket, heard: () => text };
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await sleep(5);
}

t.test('bytes pass both ways, late if so set', async (t) => {
  const { proxy, socket, heard } = await through(t);
  proxy.weather = { ...FAIR, delayMs: 40 };
  const startedMs = performance.now();
  socket.write('one');
  await until(() => heard() === 'one');
  t.ok(performance.now() - startedMs >= 79);
});

t.test('a direction that stands still keeps what it has, and delivers it afterwards', async (t) => {
  const { proxy, socket, heard } = await through(t);
  proxy.weather = { ...FAIR, blocked: ['back'] };
  socket.write('one');
  await sleep(50);
  t.equal(heard(), '');
  t.notOk(socket.destroyed);
  proxy.weather = FAIR;
  await until(() => heard() === 'one');
});

t.test('a cut ends what there is, and a refusal what comes', async (t) => {
  const { proxy, socket } = await through(t);
  proxy.weather = { ...FAIR, refuses: true };
  proxy.cut(new Random(1));
  await until(() => socket.destroyed);
  const next = connect(PORTS.proxy, HOST).on('error', () => undefined);
  await until(() => next.destroyed);
  t.equal(next.bytesRead, 0);
});
