/** The responder on its sockets: the same answers over UDP and TCP, on one port of one address. */
import { channel } from 'node:diagnostics_channel';
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import {
  assert,
  type FieldViolation,
  invalidField,
  LockstepError,
  messageOf,
} from '../../daemon/sys/errors.ts';
import type { Log } from '../../daemon/sys/log.ts';
import { answer, type Transport, type ZoneView } from './answer.ts';
import { serveConnection, TCP_IDLE_MS } from './tcp.ts';

/** Open TCP connections; UDP is what clients use, TCP is for what UDP truncates. */
export const MAX_TCP_CONNECTIONS = 128;
/** Room for an alias and for hostmaster in front of it, within the 255 bytes of a name. */
const MAX_ZONE_CHARACTERS = 190;
const MAX_LABEL_CHARACTERS = 63;
/** Of an ephemeral port that TCP got and UDP does not. */
const EPHEMERAL_ATTEMPTS = 10;

export interface DnsQueryReport {
  readonly rcode: string;
  readonly transport: Transport;
}

const queries = channel('lockstep:dns:query');

export interface DnsServerOptions {
  /** IPv4: what is listened on, and what ns.{zone} answers. */
  readonly address: string;
  /** 0 for any, as tests want it. */
  readonly port: number;
  readonly settings: { readonly zone: string; readonly ttlSeconds: number };
  readonly view: ZoneView;
  readonly log: Log;
  readonly tcpIdleMs?: number;
  readonly maxTcpConnections?: number;
}

export class DnsServer {
  readonly #options: DnsServerOptions;
  readonly #connections = new Set<Socket>();
  #tcp: Server | undefined;
  #udp: UdpSocket | undefined;

  constructor(options: DnsServerOptions) {
    const { zone } = options.settings;
    if (
      zone.length > MAX_ZONE_CHARACTERS ||
      zone.split('.').some((label) => label.length > MAX_LABEL_CHARACTERS)
    )
      throw invalidField(
        'control.dns.zone',
        zone,
        `a DNS name of at most ${MAX_ZONE_CHARACTERS} characters, ${MAX_LABEL_CHARACTERS} between dots`,
      );
    this.#options = options;
  }

  /** The port that is listened on. */
  get port(): number {
    assert(this.#udp !== undefined, 'the DNS server listens');
    return this.#udp.address().port;
  }

  async listen(): Promise<void> {
    assert(this.#udp === undefined, 'the DNS server listens once');
    const { port } = this.#options;
    for (let attempt = 1; ; attempt++) {
      try {
        await this.#listenOnce();
        return;
      } catch (error) {
        await this.close();
        if (port !== 0 || codeOf(error) !== 'EADDRINUSE' || attempt === EPHEMERAL_ATTEMPTS)
          throw this.#listenError(error);
      }
    }
  }

  async close(): Promise<void> {
    const [tcp, udp] = [this.#tcp, this.#udp];
    this.#tcp = undefined;
    this.#udp = undefined;
    for (const connection of this.#connections) connection.destroy();
    const udpClosed = Promise.withResolvers<void>();
    const tcpClosed = Promise.withResolvers<void>();
    if (udp === undefined) udpClosed.resolve();
    else udp.close(() => udpClosed.resolve());
    if (tcp?.listening !== true) tcpClosed.resolve();
    else tcp.close(() => tcpClosed.resolve());
    await Promise.all([udpClosed.promise, tcpClosed.promise]);
  }

  async #listenOnce(): Promise<void> {
    const { address, port, log } = this.#options;
    const tcp = createServer((socket) => this.#accept(socket));
    this.#tcp = tcp;
    tcp.maxConnections = this.#options.maxTcpConnections ?? MAX_TCP_CONNECTIONS;
    tcp.listen({ host: address, port });
    await once(tcp, 'listening');
    const udp = createSocket({ type: 'udp4' });
    this.#udp = udp;
    udp.on('message', (packet, from) => {
      const response = this.#answer(packet, 'udp');
      // Port 0 cannot be sent to; a response that does not leave is a query that is asked again.
      if (response !== undefined && from.port !== 0)
        udp.send(response, from.port, from.address, () => undefined);
    });
    udp.bind({ address, port: (tcp.address() as AddressInfo).port, exclusive: true });
    await once(udp, 'listening');
    // Until here `once` turned an error into a rejection; from here on it would end the process.
    for (const socket of [tcp, udp])
      socket.on('error', (error: Error) =>
        log.error({ error: error.message }, 'a socket of the DNS server failed'),
      );
  }

  #accept(socket: Socket): void {
    this.#connections.add(socket);
    socket.on('close', () => this.#connections.delete(socket));
    const idleMs = this.#options.tcpIdleMs ?? TCP_IDLE_MS;
    serveConnection(socket, { idleMs, answer: (query) => this.#answer(query, 'tcp') });
  }

  #answer(packet: Buffer, transport: Transport): Buffer | undefined {
    const { view, address, settings, log } = this.#options;
    try {
      const response = answer(packet, view, { ...settings, address }, transport);
      if (response === undefined) return undefined;
      if (queries.hasSubscribers)
        queries.publish({ rcode: response.rcode, transport } satisfies DnsQueryReport);
      return response.packet;
    } catch (error) {
      // A packet from anywhere must not be able to stop the daemon, not even through a bug of ours.
      log.error(
        { error: messageOf(error), packet: packet.toString('hex') },
        'a DNS query could not be answered',
      );
      return undefined;
    }
  }

  #listenError(cause: unknown): LockstepError {
    const { address, port } = this.#options;
    const portViolation = (allowed: string): FieldViolation => ({
      field: 'control.dns.port',
      value: String(port),
      allowed,
    });
    const known: Readonly<Record<string, readonly [string, FieldViolation]>> = {
      EADDRINUSE: ['PORT_IN_USE', portViolation(`a port that no other process uses on ${address}`)],
      EACCES: ['PORT_NOT_PERMITTED', portViolation('a port that this user may listen on')],
      EADDRNOTAVAIL: [
        'ADDRESS_NOT_AVAILABLE',
        { field: 'host.address', value: address, allowed: 'an IPv4 address of this host' },
      ],
    };
    const found = known[codeOf(cause)];
    if (found === undefined)
      return new LockstepError(
        'UNAVAILABLE',
        `the DNS server cannot listen on ${address}:${port}: ${messageOf(cause)}`,
        { cause },
      );
    const [reason, violation] = found;
    return new LockstepError(
      'FAILED_PRECONDITION',
      `the DNS server cannot listen: ${violation.field} is ${violation.value}; allowed: ${violation.allowed}`,
      { reason, violations: [violation], cause },
    );
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}
