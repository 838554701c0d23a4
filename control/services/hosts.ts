/** HostService and ZoneService: what people decide about hosts. What a host is, its heartbeats say. */
import type { UntypedServiceImplementation } from '@grpc/grpc-js';
import { isIPv4 } from 'node:net';
import { invalidField, LockstepError } from '../../daemon/sys/errors.ts';
import { unary } from '../../daemon/sys/grpc-unary.ts';
import type {
  CordonHostRequest,
  DrainHostRequest,
  GetHostRequest,
  Host,
  HostServiceServer,
  ListHostsRequest,
  ListHostsResponse,
  ListZonesRequest,
  ListZonesResponse,
  RegisterHostRequest,
  RemoveHostRequest,
  RemoveHostResponse,
  ZoneServiceServer,
} from '../../proto/gen/lockstep/v1/host_service.ts';
import { isRegistered, STORAGE, viewHost } from '../model/host-view.ts';
import { hostAdmin, type HostAdminRecord, type HostRecord, keys } from '../model/records.ts';
import { conditionOf, type NewEvent } from '../repository.ts';
import type { Condition, Entry, Mutation } from '../store/store.ts';
import { DNS_LABEL, DNS_LABEL_ALLOWED, hostOf, lastOf, nextOf, pageSizeOf } from './fields.ts';
import { checkHostEtag, type HostsOptions, refused, requireKnown, requireNotDrained } from './host-checks.ts';
import { drainHost, type DrainOptions } from './host-drain.ts';
import { checkHoldsNothing } from './host-holds.ts';

const MAX_CONFLICTS = 20;
const MAX_REASON_CHARACTERS = 200;
const ZONES = 'zones/';

export function hostService(options: DrainOptions): HostServiceServer & UntypedServiceImplementation {
  const { log, hostViews } = options;
  return {
    registerHost: unary(log, (request: RegisterHostRequest) => register(options, request)),
    getHost: unary(log, (request: GetHostRequest) => hostViews.one(hostOf('name', request.name))),
    listHosts: unary(log, (request: ListHostsRequest) => list(options, request)),
    cordonHost: unary(log, (request: CordonHostRequest) => cordon(options, request)),
    drainHost: unary(log, (request: DrainHostRequest) => drainHost(options, request)),
    removeHost: unary(log, (request: RemoveHostRequest) => remove(options, request)),
  };
}

export function zoneService({
  hostViews,
  log,
}: Pick<HostsOptions, 'hostViews' | 'log'>): ZoneServiceServer & UntypedServiceImplementation {
  const listZones = async (request: ListZonesRequest): Promise<ListZonesResponse> => {
    const { page, nextPageToken } = pageOf(ZONES, await hostViews.zones(), request);
    return { zones: page, nextPageToken };
  };
  return { listZones: unary(log, listZones) };
}

async function list({ hostViews }: HostsOptions, request: ListHostsRequest): Promise<ListHostsResponse> {
  const { page, nextPageToken } = pageOf(keys.hosts, await hostViews.all(), request);
  return { hosts: page, nextPageToken };
}

/** Of all, in the order of their names. */
function pageOf<Named extends { readonly name: string }>(
  listName: string,
  all: readonly Named[],
  request: { readonly pageSize: number; readonly pageToken: string },
): { readonly page: Named[]; readonly nextPageToken: string } {
  const pageSize = pageSizeOf(request.pageSize);
  const last = lastOf(listName, request.pageToken);
  const rest = all.filter(({ name }) => last === undefined || name > last);
  const page = rest.slice(0, pageSize);
  const entries = page.map((value) => ({ key: value.name, value, revision: 0 }));
  return { page, nextPageToken: nextOf(listName, entries, rest.length) };
}

async function register(options: HostsOptions, request: RegisterHostRequest): Promise<Host> {
  const { hostId: host, zone, address, cordoned } = request;
  if (!DNS_LABEL.test(host)) throw invalidField('host_id', host, DNS_LABEL_ALLOWED);
  if (!DNS_LABEL.test(zone)) throw invalidField('zone', zone, DNS_LABEL_ALLOWED);
  if (address !== '' && !isIPv4(address))
    throw invalidField('address', address, 'an IPv4 address, or nothing');
  return decide(options, host, { validateOnly: request.validateOnly }, ({ admin, record }) => {
    // The same again: the answer to the first may have been lost.
    if (isRegistered(admin) && admin.zone === zone && admin.address === address) return undefined;
    if (isRegistered(admin)) throw registeredOtherwise(admin);
    if (record !== undefined) checkReported(record, request);
    const events: NewEvent[] = [
      { reason: 'HOST_REGISTERED', message: `for zone ${zone}, by a person`, generation: 0 },
    ];
    if (cordoned) events.push({ reason: 'HOST_CORDONED', message: 'registered so', generation: 0 });
    const registerTimeMs = options.wallClock();
    const before = admin.removed ? hostAdmin(host) : admin;
    const cordon = { cordoned: cordoned || before.cordoned, removed: false };
    return { next: { ...before, zone, address, registerTimeMs, ...cordon }, events };
  });
}

function registeredOtherwise({ host, zone, address }: HostAdminRecord): LockstepError {
  const where = address === '' ? `zone ${zone}` : `zone ${zone}, address ${address}`;
  return new LockstepError('ALREADY_EXISTS', `hosts/${host} is registered for ${where}`, {
    reason: 'HOST_EXISTS',
    metadata: {
      subject: `hosts/${host}`,
      next: `to have it elsewhere: lockstep host remove ${host}, then register it again`,
    },
  });
}

/** It reports already: what it is registered for is what it is. */
function checkReported(record: HostRecord, { zone, address }: RegisterHostRequest): void {
  if (!record.roles.includes(STORAGE))
    throw refused('HOST_STORES_NOTHING', record.host, `hosts/${record.host} takes part in control only`, {
      next: 'register hosts that store',
    });
  if (record.zone === zone && (address === '' || record.address === address)) return;
  const { host } = record;
  throw new LockstepError(
    'ALREADY_EXISTS',
    `a host ${host} reports from zone ${record.zone}, address ${record.address}`,
    {
      reason: 'HOST_EXISTS',
      metadata: {
        subject: `hosts/${host}`,
        next: 'register it as it reports, or give the other another name',
      },
    },
  );
}

async function cordon(options: HostsOptions, request: CordonHostRequest): Promise<Host> {
  const host = hostOf('name', request.name);
  const { uncordon, reason } = request;
  if (reason.length > MAX_REASON_CHARACTERS)
    throw invalidField('reason', reason, `at most ${String(MAX_REASON_CHARACTERS)} characters`);
  return decide(options, host, request, async ({ admin, record }) => {
    requireKnown(host, admin, record);
    if (uncordon) await requireNotDrained(options.engine, admin);
    const wanted = { cordoned: !uncordon, cordonReason: uncordon ? '' : reason };
    if (admin.cordoned === wanted.cordoned && admin.cordonReason === wanted.cordonReason) return undefined;
    const why = reason === '' ? 'a person asked for it' : reason;
    const event = uncordon ? ('HOST_UNCORDONED' as const) : ('HOST_CORDONED' as const);
    const events = [{ reason: event, message: why, generation: 0 }];
    return { next: { ...admin, ...wanted }, events: admin.cordoned === wanted.cordoned ? [] : events };
  });
}

async function remove(options: HostsOptions, request: RemoveHostRequest): Promise<RemoveHostResponse> {
  const host = hostOf('name', request.name);
  const { hostViews, engine, observations } = options;
  await decide(options, host, request, async ({ admin, record }) => {
    requireKnown(host, admin, record);
    await requireNotDrained(engine, admin);
    const facts = await hostViews.facts();
    const { reachable } = viewHost(facts, host);
    const subject = `hosts/${host}`;
    if (host === facts.ownHost)
      throw refused('HOST_IS_CONTROL', host, `${subject} is the host that control runs on`, {
        next: 'drain it if it stores; to have control elsewhere, see docs/install.md',
      });
    await checkHoldsNothing(options.repository, facts, host);
    const left = [...(observations.hosts.get(host)?.replicas.keys() ?? [])];
    if (reachable && left.length > 0)
      throw refused('HOST_HOLDS_VOLUMES', host, `${subject} still has ${left.join(', ')} on its disk`, {
        next: 'what is left of a copy that was dropped is deleted in a moment; of the rest see: lockstep doctor',
      });
    const events = [{ reason: 'HOST_REMOVED' as const, message: 'a person asked for it', generation: 0 }];
    return { next: { ...hostAdmin(host), removed: true }, events, isRemoved: true };
  });
  if (!request.validateOnly) observations.forget(host);
  return {};
}

interface Known {
  readonly admin: HostAdminRecord;
  readonly record: HostRecord | undefined;
}

interface Change {
  readonly next: HostAdminRecord;
  readonly events: readonly NewEvent[];
  /** What its heartbeats wrote goes, and what was to be done when it is heard again. */
  readonly isRemoved?: boolean;
}

/**
 * Judged and written at one instant. The host's own record is written too, unchanged: a copy that is being placed there
 * meanwhile is placed anew (definitions/copies.ts). Answers the host as it then is; undefined from `judge`: as it was.
 */
async function decide(
  { repository, hostViews }: HostsOptions,
  host: string,
  request: { readonly etag?: string; readonly validateOnly?: boolean },
  judge: (known: Known) => Change | undefined | Promise<Change | undefined>,
): Promise<Host> {
  for (let conflicts = 0; conflicts < MAX_CONFLICTS; conflicts++) {
    const [entry, record] = await Promise.all([repository.hostAdmin(host), repository.host(host)]);
    const change = await judge({ admin: entry.value, record: record?.value });
    checkHostEtag(entry, request.etag ?? '');
    if (change === undefined) return hostViews.one(host);
    if (request.validateOnly === true) {
      const facts = await hostViews.facts();
      const admins = new Map([...facts.admins, [host, { ...entry, value: change.next }]]);
      return viewHost({ ...facts, admins }, host);
    }
    const events = await repository.eventWrites({ host }, change.events);
    const isRemoved = change.isRemoved === true;
    const { conditions, mutations } = recordWrites(record, isRemoved);
    // Nobody waits for it any more; the audit finds what is there, should it come back.
    const left = isRemoved ? await repository.store.list(keys.leftSnapshotsOn(host)) : [];
    const forgotten = left.map(({ key }): Mutation => ({ key, deleted: true }));
    const result = await repository.store.transact(
      [conditionOf(entry), ...conditions, ...events.conditions],
      [{ key: entry.key, value: change.next }, ...mutations, ...forgotten, ...events.mutations],
    );
    if (!result.ok) continue;
    const facts = await hostViews.facts();
    return viewHost(facts, host);
  }
  throw new LockstepError('ABORTED', `the records of hosts/${host} change all the time; try again`, {
    reason: 'CONTENTION',
  });
}

function recordWrites(
  record: Entry<HostRecord> | undefined,
  isForgotten: boolean,
): { readonly conditions: readonly Condition[]; readonly mutations: readonly Mutation[] } {
  if (record === undefined) return { conditions: [], mutations: [] };
  const { key, revision, value } = record;
  return {
    conditions: [{ key, revision }],
    mutations: [isForgotten ? { key, deleted: true } : { key, value }],
  };
}
