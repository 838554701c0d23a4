/** The rules for fields that several requests share. A refusal names the field, the value and what is allowed. */
import { createHash } from 'node:crypto';
import { invalidField } from '../../daemon/sys/errors.ts';
import { NAME_SERVER_LABEL } from '../dns/answer.ts';
import type { Entry } from '../store/store.ts';

export const DNS_LABEL = /^[a-z]([a-z0-9-]{0,38}[a-z0-9])?$/;
export const DNS_LABEL_ALLOWED = '1 to 40 of a-z, 0-9 and "-", starting with a letter, not ending with "-"';

const VOLUME_OR_DATABASE = /^(volumes|databases)\/([A-Za-z0-9][A-Za-z0-9_.-]{0,62})$/;
/** Of a snapshot, as hosts take them. */
const SNAPSHOT = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$/;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
/** Of keys of the store, which page tokens carry. */
const KEY = /^[\x21-\x7e ]{1,512}$/;
const DEFAULT_PAGE_SIZE = 50;
const MAX_PAGE_SIZE = 500;

/** Of a database or a volume; what its engine has already is refused beside it. */
export function checkNewDatabaseId(id: string, field = 'database_id'): void {
  if (!DNS_LABEL.test(id)) throw invalidField(field, id, DNS_LABEL_ALLOWED);
  if (id === NAME_SERVER_LABEL)
    throw invalidField(field, id, `a name that is not reserved; ${id} is the name server of the zone`);
}

/** `databases/orders` to `orders`. */
export function databaseIdOf(field: string, name: string): string {
  const id = /^databases\/([^/]+)$/.exec(name)?.[1];
  if (id === undefined || !DNS_LABEL.test(id)) throw invalidField(field, name, 'databases/{database}');
  return id;
}

/** `volumes/orders-1` to `orders-1`, `databases/orders` to `orders`. */
export function volumeOrDatabaseOf(field: string, name: string): string {
  const [, collection, id] = VOLUME_OR_DATABASE.exec(name) ?? [];
  if (id === undefined || (collection === 'databases' && !DNS_LABEL.test(id)))
    throw invalidField(field, name, 'volumes/{volume} or databases/{database}');
  return id;
}

/** `volumes/orders-1/snapshots/monday` to its volume's name and its own. */
export function snapshotOf(
  field: string,
  name: string,
): { readonly parent: string; readonly snapshot: string } {
  const [, parent = '', snapshot = ''] = /^([^/]+\/[^/]+)\/snapshots\/([^/]+)$/.exec(name) ?? [];
  const isVolume = VOLUME_OR_DATABASE.test(parent);
  if (!isVolume || !SNAPSHOT.test(snapshot))
    throw invalidField(
      field,
      name,
      'volumes/{volume}/snapshots/{snapshot} or databases/{database}/snapshots/{snapshot}',
    );
  return { parent, snapshot };
}

/** What a person may call a snapshot; `secondary` is another export of a volume. */
export function checkSnapshotId(field: string, id: string): void {
  if (/^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$/.test(id) && id !== 'secondary') return;
  throw invalidField(
    field,
    id,
    '1 to 63 of letters, digits, "_", "." and "-", beginning with a letter or a digit, and not "secondary"',
  );
}

/** `hosts/host-a` to `host-a`. */
export function hostOf(field: string, name: string): string {
  const host = /^hosts\/([^/]+)$/.exec(name)?.[1];
  if (host === undefined || !DNS_LABEL.test(host)) throw invalidField(field, name, 'hosts/{host}');
  return host;
}

export function workflowIdOf(field: string, name: string): string {
  const id = /^operations\/([a-z0-9-]{1,120})$/.exec(name)?.[1];
  if (id === undefined) throw invalidField(field, name, 'operations/{operation}');
  return id;
}

export function pageSizeOf(pageSize: number): number {
  if (pageSize < 0)
    throw invalidField(
      'page_size',
      String(pageSize),
      `0 for ${String(DEFAULT_PAGE_SIZE)}, or 1 to ${String(MAX_PAGE_SIZE)}`,
    );
  return pageSize === 0 ? DEFAULT_PAGE_SIZE : Math.min(pageSize, MAX_PAGE_SIZE);
}

/** A token is the last key of the page, bound to the list that it came from. */
export function pageToken(list: string, last: string): string {
  return Buffer.from(JSON.stringify([list, last])).toString('base64url');
}

/** Of a page that was cut out of `found` entries of a list; empty: it was the last. */
export function nextOf(list: string, page: readonly Entry[], found: number): string {
  const end = page.at(-1);
  return end === undefined || found === page.length ? '' : pageToken(list, end.key);
}

export function lastOf(list: string, token: string): string | undefined {
  if (token === '') return undefined;
  const refusal = invalidField(
    'page_token',
    token,
    'the next_page_token of the page before, of the same list',
  );
  try {
    const parsed: unknown = JSON.parse(Buffer.from(token, 'base64url').toString('utf8'));
    if (Array.isArray(parsed) && parsed[0] === list && typeof parsed[1] === 'string' && KEY.test(parsed[1]))
      return parsed[1];
  } catch {
    throw refusal;
  }
  throw refusal;
}

/** proto3 passes on numbers that the enum does not have: of a client that is newer than this server, or broken. */
export function checkEnum(field: string, value: number, values: Readonly<Record<string, number>>): void {
  if (!Object.values(values).includes(value))
    throw invalidField(field, String(value), Object.keys(values).join(', '));
}

export function checkRequestId(requestId: string): void {
  if (requestId !== '' && !UUID.test(requestId))
    throw invalidField('request_id', requestId, 'a UUID, or nothing');
}

/** Of everything in the request but its id: the same id for another request is a mistake of the caller. */
export function fingerprintOf(method: string, request: object): string {
  const facts = Object.entries(request)
    .filter(([key]) => key !== 'requestId')
    .sort(([a], [b]) => (a < b ? -1 : 1));
  const text = JSON.stringify([method, facts], (_key, value: unknown) => plainOf(value));
  return createHash('sha256').update(text).digest('hex');
}

/** The entries of a map come in the order in which a client happened to send them. */
function plainOf(value: unknown): unknown {
  if (typeof value === 'bigint') return value.toString();
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}
