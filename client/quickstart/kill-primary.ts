/** `--kill-primary`: what a power cut does to the host of the primary, for a person to see a failover. */
import { LockstepError } from '../../daemon/sys/errors.ts';
import { hostId } from '../resource-names.ts';
import { lockstepCommand, quickstartCommand } from './commands.ts';
import { forgetDaemon } from './daemons.ts';
import { database as orders } from './plan.ts';
import { killProcessesOf } from './processes.ts';
import { type Session, withClient } from './session.ts';

export async function killPrimary(session: Session): Promise<void> {
  const { plan, say } = session;
  const database = await withClient(plan, (client) =>
    client.databases.get(orders.id, { signal: session.signal }),
  );
  const name = hostId(database.primary?.host ?? '');
  const host = plan.hosts.find((candidate) => candidate.id === name);
  if (host === undefined || database.primary?.reachable !== true)
    throw new LockstepError('FAILED_PRECONDITION', `${orders.id} has no primary that runs just now`, {
      reason: 'NO_PRIMARY',
    });
  if (!database.safeToFailOver)
    throw new LockstepError(
      'FAILED_PRECONDITION',
      `${orders.id} is not safe to fail over now (${database.reason}): killing ${name} would only stop it`,
      { reason: 'NOT_SAFE' },
    );
  const killed = await killProcessesOf(host.folder);
  forgetDaemon(host);
  const programs = [...new Set(killed.map((info) => info.program))].toSorted().join(', ');
  say(
    `${new Date().toISOString()}  Killed ${name}: ${String(killed.length)} processes with SIGKILL (${programs}).`,
  );
  say('Control notices, raises the generation, and the other host takes over. Watch it:');
  say(`  ${lockstepCommand(plan, 'status --watch')}`);
  say(`  ${lockstepCommand(plan, `database events ${orders.id}`)}`);
  say(`Bring ${name} back, which is then brought up to date by itself:\n  ${quickstartCommand(plan)}`);
}
