/** `lockstep status`: one screen, the verdict first. Pure: the same status gives the same text. */
import type { ClusterStatus } from '../../proto/gen/lockstep/v1/cluster_service.ts';
import type { Database, Replica } from '../../proto/gen/lockstep/v1/database_service.ts';
import type { Host } from '../../proto/gen/lockstep/v1/host_service.ts';
import { databaseId, hostId } from '../resource-names.ts';
import { operationOf } from '../operations.ts';
import { redundancyName, stateName } from './names.ts';
import { renderOperationLine } from './render-operation.ts';
import { withPort } from './connection.ts';
import { formatSize } from './size.ts';
import { formatDuration, formatTime, type Paint, printable, table, wrapped } from './text.ts';
import { type Finding, judgeDatabase, verdictOf } from './verdict.ts';

export interface StatusView {
  readonly server: string;
  readonly paint: Paint;
}

const WIDTH = 80;

export function renderStatus(status: ClusterStatus, view: StatusView): string {
  const { paint } = view;
  const verdict = verdictOf(status);
  const lines = [
    ...wrapped(verdict.headline, WIDTH, '').map((line) => paint(verdict.level, line)),
    paint('faint', `control ${view.server}, ${formatTime(status.time)}`),
    ...databaseSection(status.databases, paint),
    ...section('', hostTable(status.hosts, paint)),
    ...operationSection(status, paint),
    ...findingSection(verdict.findings, paint),
  ];
  return `${lines.join('\n')}\n`;
}

export function databaseSection(databases: readonly Database[], paint: Paint): readonly string[] {
  if (databases.length === 0)
    return ['', 'No databases. Create one: lockstep database create NAME --size 1GiB'];
  return [...section('', databaseTable(databases, paint)), ...section('', aliasTable(databases, paint))];
}

function databaseTable(databases: readonly Database[], paint: Paint): readonly string[] {
  const columns = [
    { title: 'DATABASE' },
    { title: 'STATE' },
    { title: 'REDUNDANCY' },
    { title: 'PRIMARY' },
    { title: 'SECONDARY' },
    { title: 'GEN', align: 'right' },
    { title: 'LAG', align: 'right' },
  ] as const;
  const rows = databases.map((database) => {
    const { level } = judgeDatabase(database);
    return [
      paint('heading', printable(databaseId(database.name))),
      paint(level, words(stateName(database.state))),
      paint(level, words(redundancyName(database.redundancy))),
      replicaCell(database.primary),
      replicaCell(database.secondary),
      String(database.generation),
      formatSize(database.lagBytes),
    ];
  });
  return table(columns, rows, paint);
}

/** The mark says what the colour says to those who see colours: a copy on a silent host is no copy. */
function replicaCell(replica: Replica | undefined): string {
  if (replica === undefined || replica.host === '') return '-';
  return printable(`${hostId(replica.host)} (${replica.zone})${replica.reachable ? '' : ' !'}`);
}

function aliasTable(databases: readonly Database[], paint: Paint): readonly string[] {
  const rows = databases.map((database) => {
    const { endpoint } = database;
    const id = printable(databaseId(database.name));
    if (endpoint === undefined || endpoint.alias === '') return [id, 'not handed out yet'];
    const address = endpoint.address === '' ? 'no address yet' : withPort(endpoint.address, endpoint);
    return [id, printable(`${endpoint.alias} -> ${address}`)];
  });
  return table([{ title: 'DATABASE' }, { title: 'ALIAS -> ADDRESS NOW' }], rows, paint);
}

function hostTable(hosts: readonly Host[], paint: Paint): readonly string[] {
  if (hosts.length === 0) return ['No host has reported yet.'];
  const columns = [
    { title: 'HOST' },
    { title: 'ZONE' },
    { title: 'ROLES' },
    { title: 'ADDRESS' },
    { title: 'STATE' },
    { title: 'LAST HEARD', align: 'right' },
    { title: 'FREE', align: 'right' },
  ] as const;
  const rows = hosts.map((host) => [
    printable(hostId(host.name)),
    host.zone === '' ? '-' : printable(host.zone),
    printable(host.roles.join(',')),
    printable(host.address),
    host.reachable ? paint('good', 'up') : paint('danger', 'SILENT'),
    `${formatDuration(host.silenceMs)} ago`,
    host.roles.includes('storage') ? formatSize(host.availableBytes) : '-',
  ]);
  return table(columns, rows, paint);
}

function operationSection(status: ClusterStatus, paint: Paint): readonly string[] {
  if (status.operations.length === 0) return [];
  const lines = status.operations.map((raw) => `  ${renderOperationLine(operationOf(raw))}`);
  return section(paint('faint', 'RUNNING'), lines);
}

function findingSection(findings: readonly Finding[], paint: Paint): readonly string[] {
  return findings.flatMap((finding) => [
    '',
    paint(finding.level, `${printable(finding.subject)}:`),
    ...wrapped(printable(finding.meaning), WIDTH, '  '),
    ...(finding.advice === '' ? [] : wrapped(`-> ${printable(finding.advice)}`, WIDTH, '  ')),
  ]);
}

function section(title: string, lines: readonly string[]): readonly string[] {
  return title === '' ? ['', ...lines] : ['', title, ...lines];
}

function words(name: string): string {
  return name.replaceAll('_', ' ');
}
