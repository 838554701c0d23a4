/** On which hosts copies of a volume go. Pure. */
import type { HostRecord, VolumeRecord } from '../model/records.ts';
import type { Observed } from '../model/observation.ts';

export interface HostRoom {
  readonly host: string;
  readonly zone: string;
  readonly reachable: boolean;
  /** A person wants nothing new on it. */
  readonly cordoned: boolean;
  readonly roomBytes: number;
}

/** Where one copy is to go; nothing named: control chooses. */
export interface Place {
  readonly zone?: string;
  readonly host?: string;
}

export interface CopyWish {
  readonly sizeBytes: number;
  readonly place: Place;
  /** Zones of the copies that stay: two in one zone are lost together. */
  readonly zonesTaken: readonly string[];
  /** Hosts that have a copy, or are still to be rid of one. */
  readonly hostsTaken: readonly string[];
  /** Where there is a choice: so that a copy which moves stays in its zone. */
  readonly preferredZone?: string;
}

export type Choice =
  | { readonly ok: true; readonly host: HostRoom }
  | { readonly ok: false; readonly reason: 'NO_FITTING_HOST'; readonly message: string };

export type Placement =
  | { readonly ok: true; readonly primary: HostRoom; readonly secondary: HostRoom }
  | { readonly ok: false; readonly reason: 'NOT_ENOUGH_ZONES'; readonly message: string };

const COPIES = 2;
const MIB = 1024 * 1024;

/** `zones` empty: any two. Else the first named gets the primary, so that a person can say where the work is done. */
export function chooseHosts(
  hosts: readonly HostRoom[],
  sizeBytes: number,
  zones: readonly string[],
): Placement {
  const fitting = hosts.filter((host) => whyNot(host, sizeBytes) === undefined);
  const wanted = zones.length === 0 ? zonesByRoom(fitting) : zones;
  const chosen = wanted.map((zone) => roomiest(fitting.filter((host) => host.zone === zone)));
  const [primary, secondary] = chosen;
  if (primary === undefined || secondary === undefined)
    return { ok: false, reason: 'NOT_ENOUGH_ZONES', message: shortage(hosts, sizeBytes, zones) };
  return { ok: true, primary, secondary };
}

export interface NewVolume {
  readonly sizeBytes: number;
  /** As many as copies; empty: any. */
  readonly zones: readonly string[];
  /** 1 or 2. */
  readonly copies: number;
}

/** Of a volume that is made: the primary's host first. */
export function chooseCopies(
  hosts: readonly HostRoom[],
  { sizeBytes, zones, copies }: NewVolume,
):
  | { readonly ok: true; readonly hosts: readonly string[] }
  | { readonly ok: false; readonly reason: string; readonly message: string } {
  if (copies === 1) {
    const [zone] = zones;
    const place = zone === undefined ? {} : { zone };
    const choice = chooseHost(hosts, { sizeBytes, place, zonesTaken: [], hostsTaken: [] });
    return choice.ok ? { ok: true, hosts: [choice.host.host] } : choice;
  }
  const placement = chooseHosts(hosts, sizeBytes, zones);
  return placement.ok ? { ok: true, hosts: [placement.primary.host, placement.secondary.host] } : placement;
}

/** For a single copy, a second one, or one in the place of another. */
export function chooseHost(hosts: readonly HostRoom[], wish: CopyWish): Choice {
  const fitting = hosts.filter((host) => whyNotHere(host, wish) === undefined);
  const preferred = fitting.filter((host) => host.zone === wish.preferredZone);
  const host = roomiest(preferred.length > 0 ? preferred : fitting);
  if (host !== undefined) return { ok: true, host };
  return { ok: false, reason: 'NO_FITTING_HOST', message: noHost(hosts, wish) };
}

/**
 * A host's room is what it promised to hold less what it holds by name: volumes are thin, so what is free on its disk
 * today is already promised. Where the disk has even less, that counts.
 */
export function roomOf(host: HostRecord, volumes: readonly VolumeRecord[], observed: Observed): number {
  const promised = volumes
    .filter((volume) => volume.replicas.includes(host.host))
    .reduce((sum, volume) => sum + volume.sizeBytes, 0);
  const free = observed.get(host.host)?.availableBytes ?? 0;
  return Math.max(0, Math.min(host.capacityBytes - promised, free));
}

function zonesByRoom(hosts: readonly HostRoom[]): readonly string[] {
  const zones = [...new Set(hosts.map((host) => host.zone))];
  const room = (zone: string): number => roomiest(hosts.filter((host) => host.zone === zone))?.roomBytes ?? 0;
  return zones.sort((a, b) => room(b) - room(a) || a.localeCompare(b)).slice(0, COPIES);
}

function roomiest(hosts: readonly HostRoom[]): HostRoom | undefined {
  return [...hosts].sort((a, b) => b.roomBytes - a.roomBytes || a.host.localeCompare(b.host))[0];
}

function whyNot(host: HostRoom, sizeBytes: number): string | undefined {
  if (!host.reachable) return 'not reachable';
  if (host.cordoned) return 'cordoned';
  return host.roomBytes >= sizeBytes ? undefined : `${mebibytes(host.roomBytes)} free`;
}

function whyNotHere(host: HostRoom, wish: CopyWish): string | undefined {
  const { place, zonesTaken, hostsTaken, sizeBytes } = wish;
  if (place.host !== undefined && place.host !== host.host) return `not ${place.host}`;
  if (place.zone !== undefined && place.zone !== host.zone) return `not in zone ${place.zone}`;
  if (hostsTaken.includes(host.host)) return 'has or had a copy';
  if (zonesTaken.includes(host.zone)) return 'in the zone of the other copy';
  return whyNot(host, sizeBytes);
}

function noHost(hosts: readonly HostRoom[], wish: CopyWish): string {
  const { place, zonesTaken, sizeBytes } = wish;
  const other = zonesTaken.length === 0 ? '' : ` outside of zone ${zonesTaken.join(' and ')}`;
  const where =
    place.host === undefined
      ? `on a host${place.zone === undefined ? '' : ` in zone ${place.zone}`}${other}`
      : `on host ${place.host}${other}`;
  // What the wish itself rules out is of no help to the reader, unless that is all there is.
  const asked = hosts.filter(
    ({ host, zone }) => (place.host ?? host) === host && (place.zone ?? zone) === zone,
  );
  const there = asked.map((host) => describe(host, whyNotHere(host, wish)));
  return `${mebibytes(sizeBytes)} are needed ${where}; there is ${there.join('; ') || 'no such host that stores'}`;
}

function shortage(hosts: readonly HostRoom[], sizeBytes: number, zones: readonly string[]): string {
  const where = zones.length === 0 ? 'two zones' : `zones ${zones.join(' and ')}`;
  const there = hosts.map((host) => describe(host, whyNot(host, sizeBytes)));
  return `${mebibytes(sizeBytes)} are needed in ${where}; there is ${there.join('; ') || 'no host that stores'}`;
}

const describe = (host: HostRoom, refusal: string | undefined): string =>
  `zone ${host.zone}: host ${host.host}, ${refusal ?? `${mebibytes(host.roomBytes)} free`}`;

const mebibytes = (bytes: number): string => `${String(Math.floor(bytes / MIB))} MiB`;
