/** The last words of a quick start, which a person copies from. Pure. */
import { type Database, Redundancy } from '../../proto/gen/lockstep/v1/database_service.ts';
import { digCommand, multiHostUrl } from '../cli/connection.ts';
import type { Paint } from '../cli/text.ts';
import { judgeDatabase } from '../cli/verdict.ts';
import { lockstepCommand, quickstartCommand } from './commands.ts';
import { database as orders, type Plan, PORTS } from './plan.ts';

export interface SummaryFacts {
  readonly database: Database;
  readonly password: string | undefined;
  readonly credentialsPath: string;
  /** How long the database took to create; undefined where it was there before. */
  readonly createdInMs: number | undefined;
}

export function renderSummary(plan: Plan, facts: SummaryFacts, paint: Paint): string {
  const { database, password } = facts;
  const { endpoint } = database;
  if (endpoint === undefined) return '';
  const passwordWords =
    password === undefined
      ? 'claimed by somebody else before: not known here'
      : `saved in ${facts.credentialsPath}`;
  return [
    '',
    paint(isInSync(database) ? 'good' : 'warning', headline(facts)),
    '',
    `  Alias     ${endpoint.alias}, now ${endpoint.address}: it follows the primary`,
    `            ${digCommand(endpoint)}`,
    `  Connect   psql '${multiHostUrl(endpoint, password)}'`,
    `  Password  ${passwordWords}`,
    ...plan.hosts.map(
      (host, index) =>
        `  ${index === 0 ? 'Metrics ' : '        '}  http://${host.address}:${String(PORTS.metrics)}/metrics  (${host.id})`,
    ),
    `  Logs      ${plan.stateDir}/{control,a,b}/daemon.log`,
    '',
    paint('heading', 'Try next:'),
    `  ${lockstepCommand(plan, 'status')}`,
    `  ${lockstepCommand(plan, `connect ${orders.id}`)}`,
    `  ${quickstartCommand(plan, '--kill-primary')}    kills the primary's host: see the alias move`,
    '',
    `Everything is left running. Stop it and keep the data: ${quickstartCommand(plan, '--stop')}`,
    `Remove every trace:                                    ${quickstartCommand(plan, '--clean')}`,
    '',
  ].join('\n');
}

function isInSync(database: Database): boolean {
  return judgeDatabase(database).level === 'good' && database.redundancy === Redundancy.REDUNDANCY_IN_SYNC;
}

function headline(facts: SummaryFacts): string {
  const { database } = facts;
  const engine = `PostgreSQL ${database.engineVersion}`.trim();
  const took =
    facts.createdInMs === undefined ? '' : `, created in ${(facts.createdInMs / 1000).toFixed(1)} s`;
  if (!isInSync(database)) {
    const { meaning, advice } = judgeDatabase(database);
    return `orders runs (${engine}), but not as it should: ${meaning} ${advice}`.trimEnd();
  }
  const zones = [database.primary?.zone, database.secondary?.zone].join(' and ');
  return `orders is ready: ${engine}, in sync in zones ${zones}${took}.`;
}
