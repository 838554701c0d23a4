/** A host as the public API shows it: its last report, what people decided about it, and the copies placed on it. Pure. */
import { Host, type Zone } from '../../proto/gen/lockstep/v1/host_service.ts';
import { type Observed, silenceOf } from './observation.ts';
import type { HostAdminRecord, HostRecord, VolumeRecord } from './records.ts';

export interface InstallationFacts {
  readonly hosts: ReadonlyMap<string, HostRecord>;
  readonly admins: ReadonlyMap<string, { readonly value: HostAdminRecord; readonly revision: number }>;
  readonly volumes: readonly VolumeRecord[];
  readonly observed: Observed;
  /** Drains that have not finished, by the host's name. */
  readonly busyWith: ReadonlyMap<string, string>;
  /** The host that control itself runs on: it needs no heartbeat to know that it is there. */
  readonly ownHost: string;
  readonly silenceMs: number;
  readonly controlUpSinceMs: number;
  /** Of the clock that hosts are heard by. */
  readonly nowMs: number;
}

export const STORAGE = 'storage';
const DATABASES = 'databases/';

/** Those that reported and those that were registered, by name. One that was removed is in neither. */
export function hostNames({ hosts, admins }: Pick<InstallationFacts, 'hosts' | 'admins'>): readonly string[] {
  const registered = [...admins.values()].filter(({ value }) => isRegistered(value));
  return [...new Set([...hosts.keys(), ...registered.map(({ value }) => value.host)])].sort();
}

export const isRegistered = (admin: HostAdminRecord): boolean => admin.registerTimeMs > 0 && !admin.removed;

export function viewHost(facts: InstallationFacts, name: string): Host {
  const record = facts.hosts.get(name);
  const entry = facts.admins.get(name);
  const admin = entry?.value;
  const placed = facts.volumes.filter(({ replicas }) => replicas.includes(name));
  const busyWith = facts.busyWith.get(name) ?? '';
  return Host.fromPartial({
    name: `hosts/${name}`,
    zone: record?.zone ?? admin?.zone ?? '',
    address: record?.address ?? admin?.address ?? '',
    roles: [...(record?.roles ?? [])],
    reachable: isHeard(facts, name),
    silenceMs: name === facts.ownHost ? 0 : Math.round(silence(facts, name)),
    capacityBytes: BigInt(record?.capacityBytes ?? 0),
    availableBytes: BigInt(facts.observed.get(name)?.availableBytes ?? 0),
    version: record?.version ?? '',
    metrics: record === undefined ? '' : `${record.address}:${String(record.metricsPort)}`,
    cordoned: admin?.cordoned ?? false,
    cordonReason: admin?.cordonReason ?? '',
    primaries: placed.filter(({ primary }) => primary === name).map(copyName),
    secondaries: placed.filter(({ primary }) => primary !== name).map(copyName),
    busyWith: busyWith === '' ? '' : `operations/${busyWith}`,
    etag: hostEtag(entry?.revision ?? 0),
    awaited: record === undefined,
    ...(admin === undefined || admin.registerTimeMs === 0
      ? {}
      : { registerTime: new Date(admin.registerTimeMs) }),
    placedBytes: BigInt(placed.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)),
  });
}

/** Of whose it is a copy: a volume that is kept for its snapshots alone has no database. */
export const copyName = ({ volume, database }: VolumeRecord): string =>
  database === '' ? `volumes/${volume}` : `${DATABASES}${database}`;

/** Of what people decided; what the host reports changes all the time. */
export const hostEtag = (revision: number): string => String(revision);

export function isHeard(facts: InstallationFacts, name: string): boolean {
  if (name === facts.ownHost) return true;
  return facts.observed.has(name) && silence(facts, name) < facts.silenceMs;
}

const silence = ({ observed, controlUpSinceMs, nowMs }: InstallationFacts, name: string): number =>
  silenceOf(observed.get(name), controlUpSinceMs, nowMs);

/** Of hosts that store, and of those that are awaited. */
export function viewZones(facts: InstallationFacts): readonly Zone[] {
  const hosts = hostNames(facts).map((name) => viewHost(facts, name));
  const storing = hosts.filter(
    ({ zone, roles, awaited }) => zone !== '' && (awaited || roles.includes(STORAGE)),
  );
  const zones = [...new Set(storing.map(({ zone }) => zone))].sort();
  return zones.map((zone) => {
    const its = storing.filter((host) => host.zone === zone);
    const copies = its.flatMap(({ primaries, secondaries }) => [...primaries, ...secondaries]);
    const sum = (of: (host: Host) => bigint): bigint => its.reduce((total, host) => total + of(host), 0n);
    return {
      name: `zones/${zone}`,
      hosts: its.map(({ name }) => name),
      capacityBytes: sum(({ capacityBytes }) => capacityBytes),
      availableBytes: sum(({ availableBytes }) => availableBytes),
      reachableHosts: its.filter(({ reachable }) => reachable).length,
      databases: new Set(copies.filter((name) => name.startsWith(DATABASES))).size,
    };
  });
}
