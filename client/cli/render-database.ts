/** Databases and their events as text. Pure. */
import type { ConnectionInfo, Database } from '../../proto/gen/lockstep/v1/database_service.ts';
import type { Event } from '../../proto/gen/lockstep/v1/event_service.ts';
import { databaseId, hostId } from '../resource-names.ts';
import { multiHostUrl, withPort } from './connection.ts';
import { redundancyName, stateName } from './names.ts';
import { databaseSection } from './render-status.ts';
import { formatSize } from './size.ts';
import { factSheet, formatDuration, formatTime, pairs, type Paint, printable, wrapped } from './text.ts';
import { judgeDatabase } from './verdict.ts';

const WIDTH = 80;

export function renderDatabases(databases: readonly Database[], paint: Paint): string {
  return `${databaseSection(databases, paint).slice(1).join('\n')}\n`;
}

export function renderDatabase(database: Database, paint: Paint): string {
  const finding = judgeDatabase(database);
  const { endpoint } = database;
  const facts: readonly (readonly [string, string])[] = [
    ['state', paint(finding.level, stateName(database.state))],
    ['redundancy', paint(finding.level, redundancyName(database.redundancy))],
    ['meaning', printable(finding.meaning)],
    ['to do', printable(finding.advice)],
    ['safe to fail over', database.safeToFailOver ? 'yes' : 'no'],
    ['primary', replicaText(database.primary)],
    ['secondary', replicaText(database.secondary)],
    ['generation', String(database.generation)],
    ['lag', formatSize(database.lagBytes)],
    ['engine', printable(`${database.engine} ${database.engineVersion}`.trim())],
    ['size', formatSize(database.sizeBytes)],
    ['created', formatTime(database.createTime)],
    ['alias', endpoint === undefined ? '' : printable(withPort(endpoint.alias, endpoint))],
    ['address now', printable(endpoint?.address ?? '')],
    ['alias answered by', printable(endpoint?.dnsServer ?? '')],
    endpoint?.port === 0
      ? ['used over', printable(`NBD: lockstep volume status ${databaseId(database.name)}`)]
      : ['both hosts', endpoint === undefined ? '' : printable(multiHostUrl(endpoint, undefined))],
    ['parameters', pairs(database.parameters)],
    ['after a reboot', printable(database.parametersPendingRestart.join(', '))],
    ['tags', pairs(database.tags)],
    ['protection', database.deletionProtection ? 'a delete is refused' : ''],
    ['brought back until', database.expireTime === undefined ? '' : formatTime(database.expireTime)],
    ['final snapshot', printable(database.finalSnapshot)],
    ['busy with', printable(database.busyWith)],
  ];
  return factSheet(databaseId(database.name), facts, paint);
}

/** One line of `database watch`. */
export function renderDatabaseLine(database: Database, now: Date, paint: Paint): string {
  const { level } = judgeDatabase(database);
  const facts = [
    paint(level, `${stateName(database.state)} ${redundancyName(database.redundancy)}`),
    `primary ${database.primary === undefined ? '-' : printable(hostId(database.primary.host))}`,
    `generation ${String(database.generation)}`,
    ...(database.lagBytes > 0n ? [`lag ${formatSize(database.lagBytes)}`] : []),
    ...(database.busyWith === '' ? [] : [`busy with ${printable(database.busyWith)}`]),
    ...(database.reason === '' ? [] : [printable(database.reason)]),
  ];
  return `${formatTime(now)}  ${facts.join(', ')}\n`;
}

/** `database connection`; `savedIn`: the file that has the password, where this user claimed it. */
export function renderConnection(
  id: string,
  info: ConnectionInfo,
  savedIn: string | undefined,
  paint: Paint,
): string {
  const facts: readonly (readonly [string, string])[] = [
    ['command', info.command],
    ['by alias', info.uri],
    ['both hosts', info.multiHostUri],
    ['alias answered by', info.endpoint?.dnsServer ?? ''],
    ['password', savedIn ?? 'not among those saved here; a new one: lockstep database reset-password ' + id],
  ];
  return factSheet(
    id,
    facts.map(([key, value]) => [key, printable(value)]),
    paint,
  );
}

function replicaText(replica: Database['primary']): string {
  if (replica === undefined || replica.host === '') return '-';
  const state = replica.reachable ? replica.role : 'UNREACHABLE';
  const facts = `zone ${replica.zone}, ${state}, generation ${String(replica.generation)}`;
  return printable(`${hostId(replica.host)} (${facts})`);
}

/** Oldest first, so that the newest stands next to the prompt. */
export function renderEvents(events: readonly Event[], paint: Paint): string {
  if (events.length === 0) return 'No events.\n';
  const lines = events.toReversed().flatMap((event) => {
    const generation = event.generation > 0n ? ` (generation ${String(event.generation)})` : '';
    const head = `${formatTime(event.time)}  ${paint('heading', printable(event.reason))}${generation}`;
    const phases = renderPhases(event);
    const rest = [event.message, phases]
      .filter((text) => text !== '')
      .flatMap((text) => wrapped(printable(text), WIDTH, '    '));
    return [head, ...rest];
  });
  return `${lines.join('\n')}\n`;
}

/** `4.1 s: detect 1.6 s, fence 120 ms, ...`; empty without phases. */
export function renderPhases(event: Event): string {
  if (event.phases.length === 0) return '';
  const total = event.phases.reduce((sum, phase) => sum + phase.durationMs, 0);
  const parts = event.phases.map(
    (phase) => `${phase.phase.replaceAll('_', ' ')} ${formatDuration(phase.durationMs)}`,
  );
  return `${formatDuration(total)}: ${parts.join(', ')}`;
}
