/** The connection to the control daemon: where it is, and whether it is encrypted. */
import { type ChannelCredentials, type ChannelOptions, credentials } from '@grpc/grpc-js';
import { invalidField, LockstepError, messageOf } from '../daemon/sys/errors.ts';

/** All of them PEM, as a file has them. */
export interface TlsOptions {
  /** The authorities that may have signed the server's certificate; absent: those that Node.js comes with. */
  readonly ca?: string | Buffer;
  /** The client's own, where the server wants one; with it goes its key. */
  readonly certificate?: string | Buffer;
  readonly key?: string | Buffer;
  /** The name that the server's certificate is for, where that is not the host of `server`. */
  readonly serverName?: string;
}

/**
 * The reconnect backoff of gRPC grows to two minutes by default, which is longer than a control daemon's restart;
 * and control is reached inside one's own network, where a proxy meant for the web is in the way.
 */
const CHANNEL: ChannelOptions = {
  'grpc.initial_reconnect_backoff_ms': 100,
  'grpc.max_reconnect_backoff_ms': 1000,
  'grpc.keepalive_time_ms': 10_000,
  'grpc.keepalive_timeout_ms': 5000,
  'grpc.enable_http_proxy': 0,
  // Clients of one process would else share a connection, and with it the backoff of a server that just came back.
  'grpc.use_local_subchannel_pool': 1,
};

export function channelOptions(tls: TlsOptions | undefined): ChannelOptions {
  const serverName = tls?.serverName;
  if (serverName === undefined) return CHANNEL;
  return {
    ...CHANNEL,
    'grpc.ssl_target_name_override': serverName,
    'grpc.default_authority': serverName,
  };
}

export function channelCredentials(tls: TlsOptions | undefined): ChannelCredentials {
  if (tls === undefined) return credentials.createInsecure();
  const { ca, certificate, key } = tls;
  if ((certificate === undefined) !== (key === undefined))
    throw invalidField(
      certificate === undefined ? 'tls.certificate' : 'tls.key',
      '',
      'PEM: a certificate and its key go together',
    );
  try {
    return credentials.createSsl(pem(ca), pem(key), pem(certificate));
  } catch (cause) {
    const message = `tls: ca, certificate and key cannot be used: ${messageOf(cause)}`;
    throw new LockstepError('INVALID_ARGUMENT', message, {
      reason: 'TLS_UNUSABLE',
      metadata: { next: 'Give PEM files: an authority, and a certificate with the key that belongs to it.' },
      cause,
    });
  }
}

function pem(given: string | Buffer | undefined): Buffer | null {
  return given === undefined ? null : Buffer.from(given);
}

const HIGHEST_PORT = 65_535;

export function checkedServer(server: string): string {
  const parts = /^[^:/\s]+:(\d{1,5})$/.exec(server);
  const port = Number(parts?.[1] ?? 0);
  if (port < 1 || port > HIGHEST_PORT)
    throw invalidField('server', server, 'host:port of the control daemon, such as 127.0.0.10:7400');
  return server;
}
