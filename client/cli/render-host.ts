/** Hosts and zones as text. Pure. */
import type { Host, Zone } from '../../proto/gen/lockstep/v1/host_service.ts';
import { databaseId, hostId } from '../resource-names.ts';
import { integer, type Json } from './json.ts';
import { formatSize } from './size.ts';
import { factSheet, formatDuration, formatTime, type Paint, printable, table } from './text.ts';

const HOSTS = [
  { title: 'HOST' },
  { title: 'ZONE' },
  { title: 'ROLES' },
  { title: 'ADDRESS' },
  { title: 'STATE' },
  { title: 'LAST HEARD', align: 'right' },
  { title: 'PRIMARIES', align: 'right' },
  { title: 'SECONDARIES', align: 'right' },
  { title: 'FREE', align: 'right' },
] as const;

export function renderHosts(hosts: readonly Host[], paint: Paint): string {
  if (hosts.length === 0) return 'No host has reported yet: docs/install.md says how one is set up.\n';
  const rows = hosts.map((host) => [
    paint('heading', printable(hostId(host.name))),
    printable(host.zone === '' ? '-' : host.zone),
    printable(host.roles.join(',') || '-'),
    printable(host.address === '' ? '-' : host.address),
    stateOf(host, paint),
    heard(host),
    String(host.primaries.length),
    String(host.secondaries.length),
    host.roles.includes('storage') ? formatSize(host.availableBytes) : '-',
  ]);
  return `${table(HOSTS, rows, paint).join('\n')}\n`;
}

function heard(host: Host): string {
  return host.awaited ? 'never' : `${formatDuration(host.silenceMs)} ago`;
}

function stateOf(host: Host, paint: Paint): string {
  const state = host.awaited
    ? paint('busy', 'awaited')
    : host.reachable
      ? paint('good', 'up')
      : paint('danger', 'SILENT');
  return host.cordoned ? `${state}, ${paint('warning', 'cordoned')}` : state;
}

export function renderHost(host: Host, paint: Paint): string {
  const storage = host.roles.includes('storage');
  const facts: readonly (readonly [string, string])[] = [
    ['state', stateOf(host, paint)],
    ['last heard', heard(host)],
    ['cordoned because', printable(host.cordonReason)],
    ['zone', printable(host.zone)],
    ['address', printable(host.address)],
    ['roles', printable(host.roles.join(', '))],
    ['version', printable(host.version)],
    ['capacity', storage ? formatSize(host.capacityBytes) : ''],
    ['placed', storage ? formatSize(host.placedBytes) : ''],
    ['free', storage ? formatSize(host.availableBytes) : ''],
    ['primaries', printable(host.primaries.map(databaseId).join(', '))],
    ['secondaries', printable(host.secondaries.map(databaseId).join(', '))],
    ['metrics', printable(host.metrics)],
    ['registered', host.registerTime === undefined ? '' : formatTime(host.registerTime)],
    ['busy with', printable(host.busyWith)],
    ['etag', printable(host.etag)],
  ];
  return factSheet(hostId(host.name), facts, paint);
}

const ZONES = [
  { title: 'ZONE' },
  { title: 'HOSTS' },
  { title: 'ANSWER', align: 'right' },
  { title: 'DATABASES', align: 'right' },
  { title: 'CAPACITY', align: 'right' },
  { title: 'FREE', align: 'right' },
] as const;

export function renderZones(zones: readonly Zone[], paint: Paint): string {
  if (zones.length === 0) return 'No host that stores has reported yet.\n';
  const rows = zones.map((zone) => [
    paint('heading', printable(zoneId(zone.name))),
    printable(zone.hosts.map(hostId).join(', ')),
    `${String(zone.reachableHosts)} of ${String(zone.hosts.length)}`,
    String(zone.databases),
    formatSize(zone.capacityBytes),
    formatSize(zone.availableBytes),
  ]);
  return `${table(ZONES, rows, paint).join('\n')}\n`;
}

export function zoneJson(zone: Zone): Json {
  return {
    name: zone.name,
    id: zoneId(zone.name),
    hosts: zone.hosts.map(hostId),
    reachableHosts: zone.reachableHosts,
    databases: zone.databases,
    capacityBytes: integer(zone.capacityBytes),
    availableBytes: integer(zone.availableBytes),
  };
}

function zoneId(name: string): string {
  return name.replace(/^zones\//, '');
}
