/** Connection strings and the alias: what a client of a database has to know. Pure but for `resolveAlias`. */
import { Resolver } from 'node:dns/promises';
import { LockstepError, messageOf } from '../../daemon/sys/errors.ts';
import type { Endpoint } from '../../proto/gen/lockstep/v1/database_service.ts';

const DNS_TIMEOUT_MS = 1000;
const DNS_TRIES = 4;

/**
 * Works from anywhere that reaches the hosts, without a resolver that knows the alias: libpq tries each address until
 * it finds the one that takes writes, again after a failover.
 */
export function multiHostUrl(endpoint: Endpoint, password: string | undefined): string {
  return `postgresql://${userInfo(endpoint, password)}@${endpoint.multiHost}/${encodeURIComponent(endpoint.database)}?target_session_attrs=read-write`;
}

/** For machines whose resolver asks Lockstep's. */
export function aliasUrl(endpoint: Endpoint, password: string | undefined): string {
  const authority = `${userInfo(endpoint, password)}@${endpoint.alias}:${String(endpoint.port)}`;
  return `postgresql://${authority}/${encodeURIComponent(endpoint.database)}`;
}

function userInfo(endpoint: Endpoint, password: string | undefined): string {
  const user = encodeURIComponent(endpoint.user);
  return password === undefined ? user : `${user}:${encodeURIComponent(password)}`;
}

/** The query that shows the alias to a person. */
export function digCommand(endpoint: Endpoint): string {
  const { host, port } = hostAndPort(endpoint.dnsServer);
  return `dig @${host}${port === '53' ? '' : ` -p ${port}`} ${endpoint.alias} +short`;
}

/** `host` is the alias, so that certificates and messages name it; `hostaddr` saves libpq the question. */
export function connectionInfo(endpoint: Endpoint, address: string): string {
  const values: Readonly<Record<string, string>> = {
    host: endpoint.alias,
    hostaddr: address,
    port: String(endpoint.port),
    user: endpoint.user,
    dbname: endpoint.database,
  };
  return Object.entries(values)
    .map(([key, value]) => `${key}=${quoted(value)}`)
    .join(' ');
}

function quoted(value: string): string {
  return /^[\w.:-]+$/.test(value) ? value : `'${value.replace(/['\\]/g, '\\$&')}'`;
}

/** Asks Lockstep's own responder, since the system's resolver need not know the zone. */
export async function resolveAlias(endpoint: Endpoint): Promise<string> {
  const resolver = new Resolver({ timeout: DNS_TIMEOUT_MS, tries: DNS_TRIES });
  resolver.setServers([endpoint.dnsServer]);
  const [address] = await resolver.resolve4(endpoint.alias).catch((cause: unknown) => {
    throw new LockstepError(
      'UNAVAILABLE',
      `${endpoint.alias} has no address just now, says the DNS responder at ${endpoint.dnsServer}: ${messageOf(cause)}`,
      { reason: 'ALIAS_UNRESOLVED', cause },
    );
  });
  if (address === undefined)
    throw new LockstepError('UNAVAILABLE', `${endpoint.alias} has no address just now`, {
      reason: 'ALIAS_UNRESOLVED',
    });
  return address;
}

function hostAndPort(hostPort: string): { readonly host: string; readonly port: string } {
  const colon = hostPort.lastIndexOf(':');
  return colon < 0
    ? { host: hostPort, port: '53' }
    : { host: hostPort.slice(0, colon), port: hostPort.slice(colon + 1) };
}

/** A volume without an engine has an alias, and no port that an engine would listen on. */
export function withPort(host: string, { port }: Endpoint): string {
  return port === 0 ? host : `${host}:${String(port)}`;
}
