/** The default: from whatever state there is to three daemons and a database, saying what happens. */
import { existsSync, mkdirSync, readdirSync, readFileSync, statfsSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { LockstepError } from '../../daemon/sys/errors.ts';
import { Credentials } from '../cli/credentials.ts';
import { formatSize } from '../cli/size.ts';
import { formatDuration, listed } from '../cli/text.ts';
import { hostId } from '../resource-names.ts';
import { daemonOf, startDaemon, waitUntilServing, writeAtomically, writeConfig } from './daemons.ts';
import { bringUpDatabase } from './database.ts';
import { ensureDebianPackages } from './debian.ts';
import { configText, database as orders, type HostPlan, type Plan, settingsText } from './plan.ts';
import { checkPorts } from './ports.ts';
import { processesOf } from './processes.ts';
import { type Session, withClient } from './session.ts';
import { clear } from './stop.ts';
import { renderSummary } from './summary.ts';

const HOSTS_TIMEOUT_MS = 30_000;
const POLL_MS = 200;
const PASSABLE_FOLDER = 0o755;

export async function start(session: Session): Promise<void> {
  const { plan, say, signal } = session;
  checkFolder(plan.stateDir);
  const daemons = await Promise.all(plan.hosts.map(daemonOf));
  const dead = plan.hosts.filter((_, index) => daemons[index] === undefined);
  checkMachine(plan, dead);
  for (const host of dead) await checkPorts(plan, host, await processesOf(host.folder));
  await ensureDebianPackages(session);
  signal.throwIfAborted();

  mkdirSync(plan.stateDir, { recursive: true, mode: PASSABLE_FOLDER });
  writeAtomically(plan.settingsFile, settingsText(plan));
  await startHosts(session, dead);
  const brought = await withClient(plan, async (client) => {
    await waitForHosts(session, async () => {
      const status = await client.status({ signal });
      return status.hosts.filter((host) => host.reachable).map((host) => hostId(host.name));
    });
    return bringUpDatabase(session, client, new Credentials());
  });
  say(renderSummary(plan, brought, session.paint));
}

/** A folder with other things in it is not taken over, since `--clean` would remove them. */
export function checkFolder(stateDir: string): void {
  if (!existsSync(stateDir)) return;
  const entries = readdirSync(stateDir);
  if (entries.length === 0 || entries.includes('quickstart.json')) return;
  throw new LockstepError(
    'FAILED_PRECONDITION',
    `${stateDir} is not a quick start's folder: it holds ${listed(entries.slice(0, 3))} and no quickstart.json`,
    { reason: 'NOT_OUR_FOLDER', metadata: { next: 'Name one that does not exist yet with --state.' } },
  );
}

/** Found out now, each would else fail in the middle of the workflow. */
function checkMachine(plan: Plan, dead: readonly HostPlan[]): void {
  if (dead.length === 0) return;
  for (const device of ['/dev/fuse', '/dev/loop-control'])
    if (!existsSync(device))
      throw new LockstepError(
        'FAILED_PRECONDITION',
        `${device} does not exist: this machine cannot attach block devices`,
        {
          reason: 'DEVICE_MISSING',
          metadata: { device, next: 'In a container: give it that device. Else: modprobe -a fuse loop' },
        },
      );
  if (existsSync(plan.settingsFile)) return;
  const disk = statfsSync(nearestFolder(plan.stateDir));
  const free = BigInt(disk.bavail) * BigInt(disk.bsize);
  const needed = 2n * orders.sizeBytes;
  if (free < needed)
    throw new LockstepError(
      'RESOURCE_EXHAUSTED',
      `${plan.stateDir} has room for ${formatSize(free)}; two copies of ${formatSize(orders.sizeBytes)} need ` +
        formatSize(needed),
      { reason: 'NO_ROOM', metadata: { next: 'Name another place with --state.' } },
    );
}

function nearestFolder(path: string): string {
  return existsSync(path) ? path : nearestFolder(dirname(path));
}

async function startHosts(session: Session, dead: readonly HostPlan[]): Promise<void> {
  const { plan, say, signal } = session;
  for (const host of plan.hosts)
    if (!dead.includes(host)) {
      const changed = existsSync(host.config) && readFileSync(host.config, 'utf8') !== configText(plan, host);
      const note = changed
        ? '; its config.toml was changed by hand, and is written anew at its next start'
        : '';
      say(`${host.id} (${host.address}) runs already${note}.`);
    }
  const started = [];
  for (const host of dead) {
    signal.throwIfAborted();
    await clearWreck(session, host);
    writeConfig(plan, host);
    started.push({ host, daemon: await startDaemon(host), since: performance.now() });
  }
  for (const { host, daemon, since } of started) {
    await waitUntilServing(host, daemon, signal);
    const zone = host.zone === undefined ? 'decides' : `zone ${host.zone}`;
    say(`${host.id} (${host.address}, ${zone}) is up after ${formatDuration(performance.now() - since)}.`);
  }
}

/**
 * Mounts without one living process of the host are what a crash of the whole host left: they go. Where processes
 * live, only the daemon died; they wait for its restart, which to the engine is a pause.
 */
async function clearWreck(session: Session, host: HostPlan): Promise<void> {
  if ((await processesOf(host.folder)).length > 0) return;
  const cleared = await clear(host);
  if (cleared !== '') session.say(`Cleared what a crash of ${host.id} left: ${cleared}.`);
}

async function waitForHosts(session: Session, reachable: () => Promise<readonly string[]>): Promise<void> {
  const wanted = session.plan.hosts
    .filter((host) => host.zone !== undefined)
    .map((host) => host.id as string);
  const deadline = performance.now() + HOSTS_TIMEOUT_MS;
  for (;;) {
    const present = await reachable();
    const absent = wanted.filter((id) => !present.includes(id));
    if (absent.length === 0) return;
    if (performance.now() > deadline)
      throw new LockstepError('UNAVAILABLE', `control hears nothing of ${listed(absent)}`, {
        reason: 'HOSTS_SILENT',
        metadata: { logs: `${session.plan.stateDir}/*/daemon.log` },
      });
    await sleep(POLL_MS, undefined, { signal: session.signal });
  }
}
