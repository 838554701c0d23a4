/** Steps that end as soon as the primary falls silent: a failover waits for the workflow that holds the database. */
import { LockstepError } from '../../../daemon/sys/errors.ts';
import type { HostActions } from './host-actions.ts';
import { pause, type Surroundings } from './surroundings.ts';

/** For hosts to come back to a control that was just started. */
const UNHEARD_MS = 5000;

/** A control that was just started has heard nobody: its hosts may need longer to come back to it than a silence lasts. */
export async function requireHeard(around: Surroundings, host: string, signal: AbortSignal): Promise<void> {
  const { hosts, pace, nowMs } = around;
  const giveUpAtMs = nowMs() + UNHEARD_MS;
  while (hosts.isGone(host)) {
    if (hosts.incarnation(host) !== undefined || nowMs() >= giveUpAtMs) throw silent(host);
    await pause(pace.copyPollMs, signal);
  }
}

/**
 * Cuts off the calls of `act` to whichever host when `host` falls silent: another one, whose disk hangs, would have them
 * last their deadline. Only for calls that may be cut off and asked for again.
 */
export async function whileHeard(
  around: Surroundings,
  {
    hosts,
    host,
    signal,
  }: { readonly hosts: HostActions; readonly host: string; readonly signal: AbortSignal },
  act: (hosts: HostActions) => Promise<void>,
): Promise<void> {
  await requireHeard(around, host, signal);
  const silence = new AbortController();
  const timer = setInterval(() => {
    if (around.hosts.isGone(host)) silence.abort();
  }, around.pace.copyPollMs);
  try {
    await act(hosts.cutOffBy(silence.signal));
  } catch (error) {
    throw silence.signal.aborted ? silent(host) : error;
  } finally {
    clearInterval(timer);
  }
}

const silent = (host: string): LockstepError =>
  new LockstepError('FAILED_PRECONDITION', `host ${host} fell silent`, { reason: 'HOST_SILENT' });
