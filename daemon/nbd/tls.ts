/**
 * STARTTLS: the socket of a connection continues as a TLS socket ("TLS support" of the protocol text). TLS 1.2 and later.
 */
import type { Socket } from 'node:net';
import { createServer, type TLSSocket } from 'node:tls';
import type { TlsMode } from './negotiation.ts';

export interface NbdTls {
  readonly mode: Exclude<TlsMode, 'off'>;
  /** PEM, with the certificates in between behind it. */
  readonly certificate: Buffer;
  /** PEM. */
  readonly key: Buffer;
  /** PEM. Where it is given, clients need a certificate that one of these signed. */
  readonly clientAuthorities: Buffer | undefined;
}

/**
 * Calls one of the two, once; or none, when the socket closes meanwhile. The TLS server listens nowhere: it is what Node
 * offers for a connection that is there already, and it checks the client's certificate.
 */
export function startTls(
  socket: Socket,
  tls: NbdTls,
  events: { readonly onSecure: (socket: TLSSocket) => void; readonly onFailure: (reason: string) => void },
): void {
  const { certificate, key, clientAuthorities } = tls;
  const server = createServer({
    cert: certificate,
    key,
    minVersion: 'TLSv1.2',
    allowHalfOpen: true,
    ...(clientAuthorities === undefined
      ? {}
      : { ca: clientAuthorities, requestCert: true, rejectUnauthorized: true }),
  });
  server.once('secureConnection', events.onSecure);
  server.once('tlsClientError', (error) => {
    events.onFailure(`TLS: ${error.message}`);
  });
  server.emit('connection', socket);
}
