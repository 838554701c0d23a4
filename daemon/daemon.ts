/**
 * The daemon, put together: the only place where the parts meet.
 *
 * SIGTERM, SIGINT: this process ends; engines and devices stay up, and their I/O waits for the next start.
 * SIGUSR2: engines are stopped, file systems unmounted, devices detached; then this process ends.
 */
import { randomInt } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Server } from '@grpc/grpc-js';
import { pino } from 'pino';
import { Control } from '../control/control.ts';
import { MetricsServer } from './metrics/metrics.ts';
import { StorageHost } from './storage-host.ts';
import { DiskFaults } from './store/fault-layer.ts';
import { serverCredentials } from './sys/api-tls.ts';
import { bootClock } from './sys/clock.ts';
import { type Config, loadConfig } from './sys/config.ts';
import { cannotListen, LockstepError, messageOf } from './sys/errors.ts';
import { ApiServer } from './sys/grpc-server.ts';
import type { Log } from './sys/log.ts';

const VERSION = (
  JSON.parse(readFileSync(join(import.meta.dirname, '..', 'package.json'), 'utf8')) as { version: string }
).version;
const INCARNATION_BELOW = 2 ** 47;
/** A daemon that was told to stop and hangs is worse than one that is gone: its peers know how to go on without it. */
const STOP_LIMIT_MS = 10_000;
const RELEASE_LIMIT_MS = 60_000;

interface Running {
  readonly storage: StorageHost | undefined;
  readonly control: Control | undefined;
  readonly server: ApiServer;
  readonly metrics: MetricsServer;
}

async function run(config: Config, log: Log): Promise<Running> {
  // Engines run as users of their own, who must get through it to the mounted data; what is private lies in folders below.
  mkdirSync(config.host.state_dir, { recursive: true, mode: 0o755 });
  const incarnation = randomInt(1, INCARNATION_BELOW);
  const faults = diskFaults();
  const identity = { incarnation, version: VERSION, bootId: bootId(faults) };
  const server = new ApiServer();
  const control =
    config.control === undefined
      ? undefined
      : await Control.open({
          config,
          folder: join(config.host.state_dir, 'control'),
          log,
          clock: bootClock,
          wallClock: Date.now,
          ...deathAfterLogEntries(process.env['LOCKSTEP_TEST_DEATH_FILE']),
        });
  control?.addServices(server);
  const storage =
    config.storage === undefined
      ? undefined
      : await StorageHost.open({
          config,
          log,
          ...identity,
          faults,
        });
  storage?.addServices(server);
  await storage?.listen();
  await bind(server, config);
  const metrics = new MetricsServer(
    { host: config.host.name, zone: config.host.zone ?? '', version: VERSION },
    storage,
  );
  await metrics.listen(config.host.address, config.ports.metrics);
  await storage?.start();
  for (const service of ['', ...(control?.services ?? [])]) server.health.setStatus(service, 'SERVING');
  return { storage, control, server, metrics };
}

/**
 * For tests alone: control dies, as by a power cut, once so many more entries of workflow logs are durable as the file
 * says; the file goes first, so that the next life is a long one.
 */
function deathAfterLogEntries(path: string | undefined): { afterLog?: () => void } {
  if (path === undefined) return {};
  let left: number | undefined;
  return {
    afterLog: () => {
      if (left === undefined && !existsSync(path)) return;
      left = (left ?? Number(readFileSync(path, 'utf8'))) - 1;
      if (left > 0) return;
      rmSync(path);
      process.kill(process.pid, 'SIGKILL');
    },
  };
}

/** For tests alone: a daemon whose disks can be made to fail, over its own API. */
function diskFaults(): DiskFaults | undefined {
  return process.env['LOCKSTEP_TEST_FAULTS'] === '1' ? new DiskFaults(() => bootClock.nowMs()) : undefined;
}

function bind(server: Server, config: Config): Promise<void> {
  const { host, ports } = config;
  const credentials = serverCredentials(config);
  return new Promise((resolve, reject) => {
    const where = { host: host.address, port: ports.api };
    server.bindAsync(`${where.host}:${String(where.port)}`, credentials, (cause) => {
      if (cause === null) resolve();
      else reject(cannotListen('ports.api', where, cause));
    });
  });
}

async function stop(running: Running, log: Log, options: { readonly release: boolean }): Promise<void> {
  const limitMs = options.release ? RELEASE_LIMIT_MS : STOP_LIMIT_MS;
  setTimeout(() => {
    log.error({}, 'the stop took too long');
    process.exit(1);
  }, limitMs).unref();
  for (const service of ['', ...(running.control?.services ?? [])])
    running.server.health.setStatus(service, 'NOT_SERVING');
  if (options.release) await running.storage?.releaseAll();
  await running.control?.close();
  await running.storage?.close();
  running.server.forceShutdown();
  await running.metrics.close();
  log.info({}, 'stopped');
}

/** A test that has a host lose its power cannot have this machine do so. */
function bootId(faults: DiskFaults | undefined): string {
  const ofTest = faults === undefined ? undefined : process.env['LOCKSTEP_TEST_BOOT_ID'];
  return ofTest ?? readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
}

/** An error of the world is told in one line; a bug of ours with everything there is. */
function giveUp(error: unknown): never {
  const text =
    error instanceof LockstepError ? error.message : error instanceof Error ? error.stack : messageOf(error);
  process.stderr.write(`lockstep daemon: ${text ?? ''}\n`);
  process.exit(1);
}

try {
  const { values } = parseArgs({ options: { config: { type: 'string' } } });
  if (values.config === undefined) throw new LockstepError('INVALID_ARGUMENT', '--config FILE is missing');
  const config = loadConfig(values.config);
  const log = pino({ level: config.log.level, base: { host: config.host.name } });
  const { promise: asked, resolve } = Promise.withResolvers<{ readonly release: boolean }>();
  // From the first instant: a daemon that starts would die of it, and leave behind what it was to take down.
  process.on('SIGUSR2', () => {
    resolve({ release: true });
  });
  const running = await run(config, log);
  for (const signal of ['SIGTERM', 'SIGINT'] as const)
    process.on(signal, () => {
      resolve({ release: false });
    });
  log.info({ address: config.host.address, version: VERSION }, 'ready');
  await stop(running, log, await asked);
  process.exit(0);
} catch (error) {
  giveUp(error);
}
