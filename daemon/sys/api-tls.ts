/**
 * TLS of the API port, `[api.tls]`. The same port serves people, control and hosts, and each daemon calls others on
 * theirs: so one certificate is shown both to who calls and to who is called, and every daemon of an installation has
 * the same mode. TLS 1.2 and later.
 */
import { createSecureContext } from 'node:tls';
import { type ChannelCredentials, credentials, ServerCredentials } from '@grpc/grpc-js';
import type { Config } from './config.ts';
import { LockstepError, messageOf } from './errors.ts';
import { readPem } from './pem.ts';

type ApiConfig = Pick<Config, 'api'>;

interface ApiTls {
  readonly certificate: Buffer;
  readonly key: Buffer;
  /** Of the servers that are called. */
  readonly authorities: Buffer;
  /** Of the clients that call; undefined: they need no certificate. */
  readonly clientAuthorities: Buffer | undefined;
}

/** What every call of this daemon to another goes with. */
export function channelCredentials(config: ApiConfig): ChannelCredentials {
  const tls = loadTls(config);
  return tls === undefined
    ? credentials.createInsecure()
    : credentials.createSsl(tls.authorities, tls.key, tls.certificate);
}

/** What the API is served with. */
export function serverCredentials(config: ApiConfig): ServerCredentials {
  const tls = loadTls(config);
  if (tls === undefined) return ServerCredentials.createInsecure();
  const { certificate, key, clientAuthorities } = tls;
  const needsCertificate = clientAuthorities !== undefined;
  const pair = { private_key: key, cert_chain: certificate };
  return ServerCredentials.createSsl(clientAuthorities ?? null, [pair], needsCertificate);
}

/** Reads them and checks that they belong together, so that a mistake shows at the start and not at the first call. */
function loadTls({ api: { tls } }: ApiConfig): ApiTls | undefined {
  if (tls.mode === 'off') return undefined;
  const certificate = readPem('api.tls.certificate', tls.certificate);
  const key = readPem('api.tls.key', tls.key);
  const authorities = readPem('api.tls.ca', tls.ca);
  const clientAuthorities =
    tls.client_ca === undefined ? undefined : readPem('api.tls.client_ca', tls.client_ca);
  try {
    createSecureContext({ cert: certificate, key, ca: authorities });
    createSecureContext({ ca: clientAuthorities });
  } catch (cause) {
    const message = `api.tls: certificate, key, ca and client_ca cannot be used: ${messageOf(cause)}`;
    throw new LockstepError('INVALID_ARGUMENT', message, {
      reason: 'TLS_UNUSABLE',
      metadata: {
        next: 'Give a certificate with the key that belongs to it, and authorities, all of them PEM.',
      },
      cause,
    });
  }
  return { certificate, key, authorities, clientAuthorities };
}
