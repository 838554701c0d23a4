/** `--stop` keeps the data and `--clean` does not; both work from any half state. */
import { existsSync, rmSync } from 'node:fs';
import { Credentials } from '../cli/credentials.ts';
import { counted, listed } from '../cli/text.ts';
import { quickstartCommand } from './commands.ts';
import { daemonOf, forgetDaemon } from './daemons.ts';
import type { HostPlan } from './plan.ts';
import { killProcessesOf, type ProcessInfo, processesOf, signalProcess, waitUntilGone } from './processes.ts';
import type { Session } from './session.ts';
import { sweep, tracesOf } from './traces.ts';

/** A little longer than the daemon itself gives its engines before it gives up. */
const RELEASE_TIMEOUT_MS = 65_000;
const CONTROL_STOP_TIMEOUT_MS = 12_000;

/**
 * The order keeps both copies equal, so that a later start finds them in sync:
 *
 * Control goes first: it would see the stopping hosts as lost, and fail over.
 * Then the host with the engine: it stops the engine, whose last writes still need the other host.
 * Where both hosts have an engine, the second one's last writes meet a peer that is gone, and without control nobody
 * lets it go on alone; so then control goes last, and the copies are made equal again at the next start.
 */
export async function stop(session: Session): Promise<void> {
  const { plan, say } = session;
  const [control, a, b] = plan.hosts;
  const attached = await Promise.all(
    [a, b].map(async (host) => (await tracesOf(host.folder)).loops.length > 0),
  );
  const withEngine = [a, b].filter((_, index) => attached[index]);
  const without = [a, b].filter((_, index) => !attached[index]);
  const order =
    withEngine.length > 1 ? [...withEngine, ...without, control] : [control, ...withEngine, ...without];
  let stopped = 0;
  for (const host of order) if (await stopHost(session, host)) stopped += 1;
  if (stopped === 0) say('Nothing was running.');
  const kept = existsSync(plan.settingsFile) ? ` The data is kept in ${plan.stateDir}.` : '';
  say(`Stopped.${kept} Start again: ${quickstartCommand(plan)}`);
}

async function stopHost(session: Session, host: HostPlan): Promise<boolean> {
  const { say } = session;
  const daemon = (await daemonOf(host)) ?? (await strayDaemon(host));
  if (daemon !== undefined) {
    const release = host.zone !== undefined;
    say(`Stopping ${host.id}${release ? ': engine, file system, device, daemon' : ''} ...`);
    await signalProcess(daemon, release ? 'SIGUSR2' : 'SIGTERM');
    const timeoutMs = release ? RELEASE_TIMEOUT_MS : CONTROL_STOP_TIMEOUT_MS;
    const inTime = await waitUntilGone([daemon], { timeoutMs, signal: session.signal });
    if (!inTime) say(`${host.id} did not stop in time: it is killed, as a crash would.`);
  }
  const cleared = await clear(host);
  if (daemon !== undefined && cleared !== '') say(`Cleared what ${host.id} left: ${cleared}.`);
  else if (cleared !== '') say(`Cleared what a crashed ${host.id} left: ${cleared}.`);
  return daemon !== undefined || cleared !== '';
}

/** A daemon whose pid file was not yet written, or is lost. */
async function strayDaemon(host: HostPlan): Promise<ProcessInfo | undefined> {
  return (await processesOf(host.folder)).find((info) => info.argv.includes(host.config));
}

/** Takes away what there is of the host but its files; answers what that was, in words. */
export async function clear(host: HostPlan): Promise<string> {
  const killed = await killProcessesOf(host.folder);
  const swept = await sweep(host.folder);
  forgetDaemon(host);
  const parts = [
    ...(killed.length === 0 ? [] : [counted(killed.length, 'process').replace('processs', 'processes')]),
    ...swept,
  ];
  return listed(parts);
}

/** Everything at once and by force: the data goes too. */
export async function clean(session: Session): Promise<void> {
  const { plan, say } = session;
  for (const host of plan.hosts) {
    const cleared = await clear(host);
    if (cleared !== '') say(`${host.id}: removed ${cleared}.`);
  }
  // Whatever named the folder as a whole, or lay in it under another name.
  await killProcessesOf(plan.stateDir);
  await sweep(plan.stateDir);
  const existed = existsSync(plan.stateDir);
  rmSync(plan.stateDir, { recursive: true, force: true });
  await new Credentials().forgetServer(plan.server);
  say(
    existed
      ? `Removed ${plan.stateDir} and the saved passwords of ${plan.server}. Debian packages are left installed.`
      : `Nothing was left of a quick start in ${plan.stateDir}.`,
  );
}
