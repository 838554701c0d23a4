/** Where the two copies of a new volume go. Pure. */
import type { HostRecord, VolumeRecord } from '../model/records.ts';
import type { Observed } from '../model/observation.ts';

export interface HostRoom {
  readonly host: string;
  readonly zone: string;
  readonly reachable: boolean;
  readonly roomBytes: number;
}

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
  const fitting = hosts.filter((host) => host.reachable && host.roomBytes >= sizeBytes);
  const wanted = zones.length === 0 ? zonesByRoom(fitting) : zones;
  const chosen = wanted.map((zone) => roomiest(fitting.filter((host) => host.zone === zone)));
  const [primary, secondary] = chosen;
  if (primary === undefined || secondary === undefined)
    return { ok: false, reason: 'NOT_ENOUGH_ZONES', message: shortage(hosts, sizeBytes, zones) };
  return { ok: true, primary, secondary };
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

function shortage(hosts: readonly HostRoom[], sizeBytes: number, zones: readonly string[]): string {
  const where = zones.length === 0 ? 'two zones' : `zones ${zones.join(' and ')}`;
  const there = hosts.map((host) => {
    const room = host.reachable ? `${mebibytes(host.roomBytes)} free` : 'not reachable';
    return `zone ${host.zone}: host ${host.host}, ${room}`;
  });
  return `${mebibytes(sizeBytes)} are needed in ${where}; there is ${there.join('; ') || 'no host that stores'}`;
}

const mebibytes = (bytes: number): string => `${String(Math.floor(bytes / MIB))} MiB`;
