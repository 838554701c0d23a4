/**
 * STARTTLS: the socket of a connection continues as a TLS socket ("TLS support" of the protocol text). TLS 1.2 and later.
 */
import type { Socket } from 'node:net';
import { createSecureContext, createServer, type TLSSocket } from 'node:tls';
import { LockstepError, messageOf } from '../sys/errors.ts';
import { readPem } from '../sys/pem.ts';
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

export interface TlsFiles {
  readonly mode: TlsMode;
  readonly certificate?: string | undefined;
  readonly key?: string | undefined;
  readonly client_ca?: string | undefined;
}

/** Reads them and checks that they belong together, so that a mistake shows at the start and not to the first client. */
export function loadTls(files: TlsFiles): NbdTls | undefined {
  const { mode } = files;
  if (mode === 'off') return undefined;
  const certificate = readPem('nbd.tls.certificate', files.certificate);
  const key = readPem('nbd.tls.key', files.key);
  const clientAuthorities =
    files.client_ca === undefined ? undefined : readPem('nbd.tls.client_ca', files.client_ca);
  try {
    createSecureContext({ cert: certificate, key, ca: clientAuthorities });
  } catch (cause) {
    const message = `nbd.tls: certificate, key and client_ca cannot be used: ${messageOf(cause)}`;
    throw new LockstepError('INVALID_ARGUMENT', message, { reason: 'TLS_UNUSABLE', cause });
  }
  return { mode, certificate, key, clientAuthorities };
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
