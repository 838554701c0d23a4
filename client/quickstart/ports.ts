/** Whether the addresses that a quick start wants are free, asked before anything is created. */
import { createSocket } from 'node:dgram';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { createServer } from 'node:net';
import { LockstepError, messageOf } from '../../daemon/sys/errors.ts';
import { type HostPlan, type Plan, PORTS } from './plan.ts';
import { type ProcessInfo, processInfo } from './processes.ts';

interface WantedPort {
  readonly protocol: 'tcp' | 'udp';
  readonly address: string;
  readonly port: number;
  readonly purpose: string;
}

/** Pure: what the host's daemon and engine will listen on. */
export function portsOf(plan: Plan, host: HostPlan): readonly WantedPort[] {
  const { address } = host;
  const tcp = (port: number, purpose: string): WantedPort => ({ protocol: 'tcp', address, port, purpose });
  const shared = [tcp(PORTS.api, 'the API'), tcp(PORTS.metrics, 'metrics')];
  if (host.zone === undefined)
    return [
      ...shared,
      tcp(plan.dnsPort, 'DNS'),
      { protocol: 'udp', address, port: plan.dnsPort, purpose: 'DNS' },
    ];
  return [
    ...shared,
    tcp(PORTS.replication, 'replication'),
    tcp(PORTS.nbd, 'NBD'),
    tcp(PORTS.engine, 'PostgreSQL'),
  ];
}

/** A port that one of the host's own processes holds is not in the way: a crashed daemon can leave an engine. */
export async function checkPorts(plan: Plan, host: HostPlan, own: readonly ProcessInfo[]): Promise<void> {
  const ownPids = new Set(own.map((info) => info.pid));
  for (const wanted of portsOf(plan, host)) {
    const failure = await bindFailure(wanted);
    if (failure === undefined) continue;
    const holders = await holdersOf(wanted);
    if (holders.length > 0 && holders.every((holder) => ownPids.has(holder.pid))) continue;
    throw portTaken(wanted, failure, holders);
  }
}

function portTaken(
  wanted: WantedPort,
  failure: NodeJS.ErrnoException,
  holders: readonly ProcessInfo[],
): LockstepError {
  const { protocol, address, port, purpose } = wanted;
  const place = `${address}:${String(port)}/${protocol}, which ${purpose} needs`;
  if (failure.code !== 'EADDRINUSE')
    return new LockstepError('FAILED_PRECONDITION', `cannot listen on ${place}: ${messageOf(failure)}`, {
      reason: 'PORT_UNUSABLE',
      metadata: { next: 'Give the quick start other addresses (--network 127.0.1).' },
      cause: failure,
    });
  const by = holders.map((holder) => `${holder.program} (pid ${String(holder.pid)})`).join(' and ');
  const other = purpose === 'DNS' ? 'another port (--dns-port 5353) or other addresses' : 'other addresses';
  return new LockstepError('FAILED_PRECONDITION', `${place}, is in use${by === '' ? '' : ` by ${by}`}`, {
    reason: 'PORT_IN_USE',
    metadata: {
      address,
      port: String(port),
      protocol,
      next: `Stop that, or give the quick start ${other} (--network 127.0.1).`,
    },
  });
}

async function bindFailure(wanted: WantedPort): Promise<NodeJS.ErrnoException | undefined> {
  const { promise, resolve } = Promise.withResolvers<NodeJS.ErrnoException | undefined>();
  const { address, port } = wanted;
  if (wanted.protocol === 'tcp') {
    const server = createServer();
    server.once('error', resolve);
    server.listen({ host: address, port, exclusive: true }, () => {
      server.close(() => {
        resolve(undefined);
      });
    });
  } else {
    const socket = createSocket('udp4');
    socket.once('error', resolve);
    socket.bind({ address, port, exclusive: true }, () => {
      socket.close(() => {
        resolve(undefined);
      });
    });
  }
  return promise;
}

const TCP_LISTEN = '0A';
const UDP_BOUND = '07';

/** Pure: inodes of the sockets that hold the port, on the address or on all, from /proc/net/{tcp,udp}. */
export function socketInodes(table: string, wanted: WantedPort): readonly string[] {
  const port = wanted.port.toString(16).toUpperCase().padStart(4, '0');
  const addresses = [littleEndianHex(wanted.address), '00000000'];
  const state = wanted.protocol === 'tcp' ? TCP_LISTEN : UDP_BOUND;
  return table
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter(
      (fields) => fields[3] === state && addresses.some((address) => fields[1] === `${address}:${port}`),
    )
    .map((fields) => fields[9] ?? '');
}

function littleEndianHex(address: string): string {
  const octets = address.split('.').map((octet) => Number(octet).toString(16).toUpperCase().padStart(2, '0'));
  return octets.toReversed().join('');
}

async function holdersOf(wanted: WantedPort): Promise<readonly ProcessInfo[]> {
  const inodes = new Set(socketInodes(readFileSync(`/proc/net/${wanted.protocol}`, 'utf8'), wanted));
  if (inodes.size === 0) return [];
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name) && holdsOneOf(name, inodes));
  const found = await Promise.all(pids.map((pid) => processInfo(Number(pid))));
  return found.filter((info) => info !== undefined);
}

function holdsOneOf(pid: string, inodes: ReadonlySet<string>): boolean {
  try {
    return readdirSync(`/proc/${pid}/fd`).some((fd) => {
      const inode = /^socket:\[(\d+)\]$/.exec(linkOf(`/proc/${pid}/fd/${fd}`))?.[1];
      return inode !== undefined && inodes.has(inode);
    });
  } catch {
    return false;
  }
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}
