/** Names as a person writes them, and as the API does: `orders` and `databases/orders` are one. Pure. */
import { invalidField } from '../daemon/sys/errors.ts';

const DATABASES = 'databases/';
const VOLUMES = 'volumes/';
const HOSTS = 'hosts/';
const OPERATIONS = 'operations/';
const WORKFLOWS = 'workflows/';

/** `databases/{id}` of either form. */
export function resourceName(name: string): string {
  return within(DATABASES, name);
}

/** The last part of a database's name. */
export function databaseId(name: string): string {
  return without(DATABASES, name);
}

/** `volumes/{id}` where the collection is not said: a database's name is taken wherever a volume's is. */
export function volumeName(name: string): string {
  return name.includes('/') ? name : `${VOLUMES}${name}`;
}

/** The last part of a volume's name. */
export function volumeId(name: string): string {
  return without(VOLUMES, name);
}

/** `hosts/{id}` of either form; empty stays empty, and lets the server choose. */
export function hostName(name = ''): string {
  return name === '' ? '' : within(HOSTS, name);
}

/** The last part of a host's name. */
export function hostId(name: string): string {
  return without(HOSTS, name);
}

/** `operations/{id}` of either form. */
export function operationName(name: string): string {
  return within(OPERATIONS, name);
}

/** `workflows/{id}` of either form; an operation's name is taken as it is, since both are of the same thing. */
export function workflowName(name: string): string {
  return name.startsWith(OPERATIONS) ? name : within(WORKFLOWS, name);
}

/** The last part of a workflow's or operation's name. */
export function workflowId(name: string): string {
  return without(OPERATIONS, without(WORKFLOWS, name));
}

/** Of an event's list: a database's id, a full name, or `databases/-` and `hosts/-` for all of them; empty: of all. */
export function eventParent(name = ''): string {
  return name === '' || name.includes('/') ? name : resourceName(name);
}

/** `orders@monday` to `volumes/orders/snapshots/monday`, as the API names it; so named it is left as it is. */
export function snapshotName(field: string, name: string): string {
  if (name.includes('/snapshots/')) return name;
  const [, volume, snapshot] = /^([^@]+)@([^@]+)$/.exec(name) ?? [];
  if (volume === undefined || snapshot === undefined) throw invalidField(field, name, 'VOLUME@SNAPSHOT');
  return `${volumeName(volume)}/snapshots/${snapshot}`;
}

/** `volumes/orders/snapshots/monday` to `orders@monday`. */
export function snapshotId(name: string): string {
  return name.replace(/^[^/]+\//, '').replace('/snapshots/', '@');
}

function within(collection: string, name: string): string {
  return name.startsWith(collection) ? name : `${collection}${name}`;
}

function without(collection: string, name: string): string {
  return name.startsWith(collection) ? name.slice(collection.length) : name;
}
