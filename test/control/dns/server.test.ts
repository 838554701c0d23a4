/** The responder on real sockets, asked by dig and by clients that misbehave. */
import { execFile } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { decode } from 'dns-packet';
import t, { type Test } from 'tap';
import { DnsServer, type DnsQueryReport, type DnsServerOptions } from '../../../control/dns/server.ts';
import type { Log } from '../../../daemon/sys/log.ts';
import { question, VIEW, ZONE } from './zone.ts';

const ADDRESS = '127.0.0.10';
const silent: Log = { debug() {}, info() {}, warn() {}, error() {} };
const run = promisify(execFile);

function server(options: Partial<DnsServerOptions> = {}): DnsServer {
  const settings = { zone: ZONE, ttlSeconds: 1 };
  return new DnsServer({ address: ADDRESS, port: 0, settings, view: VIEW, log: silent, ...options });
}

async function listening(t: Test, options: Partial<DnsServerOptions> = {}): Promise<DnsServer> {
  const dns = server(options);
  t.teardown(() => dns.close());
  await dns.listen();
  return dns;
}

async function dig(dns: DnsServer, ...asked: string[]): Promise<string> {
  const { stdout } = await run('dig', [
    `@${ADDRESS}`,
    '-p',
    String(dns.port),
    '+tries=1',
    '+time=2',
    ...asked,
  ]);
  return stdout;
}

async function tcpClient(t: Test, dns: DnsServer): Promise<Socket> {
  const socket = connect({ host: ADDRESS, port: dns.port });
  t.teardown(() => socket.destroy());
  await once(socket, 'connect');
  return socket;
}

function framed(message: Buffer): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(message.length);
  return Buffer.concat([length, message]);
}

/** Reads as many framed messages as are wanted. */
async function read(socket: Socket, wanted: number): Promise<Buffer[]> {
  const messages: Buffer[] = [];
  let pending = Buffer.alloc(0);
  for await (const chunk of socket.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    pending = Buffer.concat([pending, chunk]);
    while (pending.length >= 2 && pending.length >= 2 + pending.readUInt16BE(0)) {
      const end = 2 + pending.readUInt16BE(0);
      messages.push(pending.subarray(2, end));
      pending = pending.subarray(end);
    }
    if (messages.length >= wanted) break;
  }
  return messages;
}

for (const transport of ['+notcp', '+tcp'])
  t.test(`dig ${transport} gets the address, flags and TTL of an alias`, async (t) => {
    const output = await dig(await listening(t), transport, `orders.${ZONE}`, 'A');
    t.match(output, /status: NOERROR/);
    t.match(output, /flags: qr aa rd; QUERY: 1, ANSWER: 1/);
    t.match(output, new RegExp(`^orders\\.${ZONE}\\.\\s+1\\s+IN\\s+A\\s+127\\.0\\.0\\.11$`, 'm'));
    t.match(output, /EDNS: version: 0, flags:; udp: 1232/);
    t.notMatch(output, /Warning|malformed/);
  });

t.test('dig finds each status', async (t) => {
  const dns = await listening(t);
  t.match(await dig(dns, `never.${ZONE}`), /status: NXDOMAIN[^]*SOA/);
  t.match(await dig(dns, `torn.${ZONE}`), /status: SERVFAIL/);
  t.match(await dig(dns, 'example.com'), /status: REFUSED/);
  t.match(await dig(dns, 'CH', 'TXT', 'version.bind'), /status: REFUSED/);
  t.match(await dig(dns, '+opcode=NOTIFY', ZONE, 'SOA'), /status: NOTIMP/);
  t.match(await dig(dns, '+edns=7', '+noednsneg', ZONE, 'SOA'), /status: BADVERS/);
  t.match(await dig(dns, `new.${ZONE}`), /status: NOERROR[^]*ANSWER: 0[^]*SOA/);
});

t.test('questions about the apex are answered with its name server and serial', async (t) => {
  const dns = await listening(t);
  t.equal(await dig(dns, '+short', ZONE, 'NS'), `ns.${ZONE}.\n`);
  t.equal(await dig(dns, '+short', `ns.${ZONE}`, 'A'), `${ADDRESS}\n`);
  t.equal(await dig(dns, '+short', ZONE, 'SOA'), `ns.${ZONE}. hostmaster.${ZONE}. 42 60 10 86400 1\n`);
});

t.test('dig comes back over TCP by itself for what UDP truncates', async (t) => {
  const zone = `${'a'.repeat(60)}.${'b'.repeat(60)}.${'c'.repeat(60)}`;
  const dns = await listening(t, { settings: { zone, ttlSeconds: 1 } });
  const output = await dig(dns, '+noedns', zone, 'SOA');
  t.match(output, /retrying in TCP mode/);
  t.match(output, /ANSWER: 1/);
});

t.test('a transfer is refused', async (t) => {
  t.match(await dig(await listening(t), ZONE, 'AXFR'), /Transfer failed/);
});

t.test('several queries on one connection are answered in order, however they are cut', async (t) => {
  const socket = await tcpClient(t, await listening(t));
  const bytes = Buffer.concat(
    ['orders', 'new', 'never'].map((name) => framed(question(`${name}.${ZONE}`, 'A'))),
  );
  socket.setNoDelay(true);
  for (let at = 0; at < bytes.length; at += 7) {
    socket.write(bytes.subarray(at, at + 7));
    await sleep(1);
  }
  const answers = (await read(socket, 3)).map((message) => decode(message));
  t.match(answers, [
    { questions: [{ name: `orders.${ZONE}` }], answers: [{ data: '127.0.0.11' }] },
    { questions: [{ name: `new.${ZONE}` }], answers: [] },
    { questions: [{ name: `never.${ZONE}` }], authorities: [{ type: 'SOA' }] },
  ]);
});

t.test('a client that drips bytes without completing a query is let go', async (t) => {
  const socket = await tcpClient(t, await listening(t, { tcpIdleMs: 60 }));
  socket.on('error', () => undefined);
  socket.resume();
  const closed = once(socket, 'close');
  const drip = setInterval(() => socket.write(Buffer.from([0])), 20);
  t.teardown(() => clearInterval(drip));
  socket.write(Buffer.from([0, 200]));
  await closed;
  t.pass('the server closed');
});

t.test('a client that keeps asking is not let go', async (t) => {
  const socket = await tcpClient(t, await listening(t, { tcpIdleMs: 200 }));
  for (let asked = 0; asked < 6; asked++) {
    socket.write(framed(question(`orders.${ZONE}`, 'A')));
    t.equal((await read(socket, 1)).length, 1);
    await sleep(50);
  }
});

t.test('a length that no query has ends the connection', { timeout: 5000 }, async (t) => {
  const socket = await tcpClient(t, await listening(t, { tcpIdleMs: 60_000 }));
  socket.on('error', () => undefined);
  socket.resume();
  const closed = once(socket, 'close');
  socket.write(Buffer.from([0xff, 0xff, 0, 0]));
  await closed;
  t.pass('the server closed');
});

t.test('connections beyond the bound are dropped, and the others go on', async (t) => {
  const dns = await listening(t, { maxTcpConnections: 1 });
  const first = await tcpClient(t, dns);
  first.write(framed(question(`orders.${ZONE}`, 'A')));
  t.equal((await read(first, 1)).length, 1);
  const second = connect({ host: ADDRESS, port: dns.port });
  second.on('error', () => undefined);
  second.resume();
  await once(second, 'close');
  first.write(framed(question(`orders.${ZONE}`, 'A')));
  t.equal((await read(first, 1)).length, 1);
});

t.test('garbage over UDP does not stop the server', async (t) => {
  const dns = await listening(t);
  const socket = createSocket('udp4');
  t.teardown(() => socket.close());
  for (const garbage of [Buffer.alloc(0), Buffer.from('x'), Buffer.alloc(12, 0x7f), Buffer.alloc(1000, 0x41)])
    socket.send(garbage, dns.port, ADDRESS);
  t.equal(await dig(dns, '+short', `orders.${ZONE}`), '127.0.0.11\n');
});

t.test('a bug in what answers costs that query and not the daemon', async (t) => {
  const errors: string[] = [];
  const log: Log = { ...silent, error: (_facts, message) => errors.push(message) };
  let broken = true;
  const view = {
    serial: 1,
    lookup(label: string) {
      if (broken) throw new Error('a bug');
      return VIEW.lookup(label);
    },
  };
  const dns = await listening(t, { view, log });
  await t.rejects(dig(dns, '+time=1', `orders.${ZONE}`));
  broken = false;
  t.equal(await dig(dns, '+short', `orders.${ZONE}`), '127.0.0.11\n');
  t.strictSame(errors, ['a DNS query could not be answered']);
});

t.test('each query is reported with its rcode and transport', async (t) => {
  const reports: DnsQueryReport[] = [];
  const listener = (report: unknown): void => void reports.push(report as DnsQueryReport);
  subscribe('lockstep:dns:query', listener);
  t.teardown(() => unsubscribe('lockstep:dns:query', listener));
  const dns = await listening(t);
  await dig(dns, `orders.${ZONE}`);
  await dig(dns, '+tcp', `never.${ZONE}`);
  t.strictSame(reports, [
    { rcode: 'NOERROR', transport: 'udp' },
    { rcode: 'NXDOMAIN', transport: 'tcp' },
  ]);
});

t.test('a port in use is refused by field and value, whichever transport holds it', async (t) => {
  const udp = createSocket('udp4');
  t.teardown(() => udp.close());
  udp.bind({ address: ADDRESS, port: 0 });
  await once(udp, 'listening');
  const tcp = createServer().listen({ host: ADDRESS, port: 0 });
  t.teardown(() => tcp.close());
  await once(tcp, 'listening');
  for (const { port } of [udp.address(), tcp.address() as AddressInfo]) {
    const dns = server({ port });
    await t.rejects(dns.listen(), {
      code: 'FAILED_PRECONDITION',
      reason: 'PORT_IN_USE',
      violations: [{ field: 'control.dns.port', value: String(port) }],
    });
    await dns.close();
  }
});

t.test('an address of another host is refused by field and value', async (t) => {
  await t.rejects(server({ address: '192.0.2.1' }).listen(), {
    code: 'FAILED_PRECONDITION',
    violations: [{ field: 'host.address', value: '192.0.2.1' }],
  });
});

t.test('a zone without room for names is refused', async (t) => {
  const zone = `${'a'.repeat(60)}.`.repeat(4) + 'b';
  t.throws(() => server({ settings: { zone, ttlSeconds: 1 } }), { code: 'INVALID_ARGUMENT' });
});

t.test('after close the port is free again, although a client is connected', { timeout: 5000 }, async (t) => {
  const first = await listening(t, { tcpIdleMs: 60_000 });
  const client = await tcpClient(t, first);
  client.on('error', () => undefined);
  const { port } = first;
  await first.close();
  const second = await listening(t, { port });
  t.equal(await dig(second, '+short', `orders.${ZONE}`), '127.0.0.11\n');
});
