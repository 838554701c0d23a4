/** A host with a state folder of its own over an nbdkit, taken apart after the test whatever happened in it. */
import { execFileSync } from 'node:child_process';
import { chmod, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import type { Test } from 'tap';
import type { Engine } from '../../daemon/engines/engine.ts';
import type { FileSystemDriver } from '../../daemon/host/drivers.ts';
import { HostDrivers } from '../../daemon/host/host.ts';
import { listLoopDevices, listMounts } from '../../daemon/host/mounts.ts';
import { statOf } from '../../daemon/host/proc.ts';
import type { HostEngine } from '../../daemon/host/records.ts';
import { NbdServer } from './nbd-server.ts';

export const MIB = 1024 * 1024;
export const VOLUME_BYTES = 300 * MIB;
export const PASSWORD = 'correct horse';
export const VOLUME = 'orders-vol';

/** Ports below the ephemeral range, a fresh one for each engine of this test process. */
let nextPort = 20_000 + (process.pid % 10_000);

export interface TestHost {
  readonly folder: string;
  readonly stateDir: string;
  readonly server: NbdServer;
  readonly drivers: HostDrivers;
  readonly engine: HostEngine;
  /** The drivers of a daemon that was started again on the same state folder. */
  readonly again: () => HostDrivers;
}

export async function testHost(
  t: Test,
  options: {
    readonly filters?: readonly string[];
    readonly settings?: readonly string[];
    readonly name?: string;
    readonly engine?: string;
    readonly fileSystem?: FileSystemDriver['type'];
    readonly engines?: readonly Engine[];
  } = {},
): Promise<TestHost> {
  const folder = await mkdtemp(join(tmpdir(), 'ls-'));
  // The engine's user has to pass.
  await chmod(folder, 0o711);
  const stateDir = join(folder, 's');
  const server = await NbdServer.start(folder, VOLUME_BYTES, options);
  const again = (): HostDrivers =>
    new HostDrivers({
      stateDir,
      host: options.name ?? 'a1',
      address: '127.0.0.1',
      nbdSocket: server.socket,
      log: { info: () => undefined, warn: () => undefined },
      ...(options.fileSystem === undefined ? {} : { fileSystem: options.fileSystem }),
      ...(options.engines === undefined ? {} : { engines: options.engines }),
    });
  const drivers = again();
  const port = nextPort++;
  t.teardown(async () => {
    await drivers.releaseAll({ force: true });
    await server.kill();
    await unmountBelow(folder);
    await rm(folder, { recursive: true, force: true });
  });
  const engine = {
    engine: options.engine ?? 'postgresql',
    ...{ database: 'orders', volume: VOLUME, port, user: 'lockstep', parameters: {}, version: '' },
  };
  return { folder, stateDir, server, drivers, engine, again };
}

async function unmountBelow(folder: string): Promise<void> {
  for (const mount of (await listMounts()).toReversed())
    if (mount.mountPoint.startsWith(`${folder}/`)) execFileSync('umount', ['--lazy', mount.mountPoint]);
}

/** Attached, with a file system, mounted. */
export async function mounted(host: TestHost): Promise<string> {
  await host.drivers.attach(VOLUME, VOLUME_BYTES);
  await host.drivers.makeFileSystem(VOLUME);
  return host.drivers.mount(VOLUME);
}

export async function running(host: TestHost): Promise<void> {
  await mounted(host);
  await host.drivers.initializeEngine(host.engine, PASSWORD);
  await host.drivers.startEngine(host.engine);
}

/** As a client of the database: by TCP, with the password. */
export async function query(
  host: TestHost,
  sql: string,
  password = PASSWORD,
): Promise<readonly Record<string, unknown>[]> {
  const { port, user, database } = host.engine;
  const client = new pg.Client({
    host: '127.0.0.1',
    port,
    user,
    database,
    password,
    connectionTimeoutMillis: 5000,
  });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows;
  } finally {
    await client.end();
  }
}

/** Whatever on this machine still points below a folder: mounts, loop devices, processes. */
export async function traces(folder: string): Promise<readonly string[]> {
  const mounts = (await listMounts()).filter((mount) => mount.mountPoint.startsWith(`${folder}/s/`));
  const loops = (await listLoopDevices()).filter((loop) => loop.backingFile.startsWith(`${folder}/s/`));
  const processes = await processesBelow(`${folder}/s/`);
  return [
    ...mounts.map((mount) => `mount ${mount.mountPoint}`),
    ...loops.map((loop) => `loop ${loop.name}`),
    ...processes.map((pid) => `process ${String(pid)}`),
  ];
}

export async function processesBelow(path: string): Promise<readonly number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const hits = await Promise.all(
    pids.map(async (pid) => {
      const line = await readFile(`/proc/${String(pid)}/cmdline`, 'latin1').catch(() => '');
      return line.includes(path);
    }),
  );
  return pids.filter((_, index) => hits[index] === true);
}

/** SIGKILL for the process that serves the attach of the test volume; resolves when it is gone. */
export async function killAttach(host: TestHost): Promise<void> {
  const [pid] = await processesBelow(join(host.stateDir, 'attach', VOLUME));
  if (pid === undefined) throw new Error('no attach process');
  process.kill(pid, 'SIGKILL');
  while ((await statOf(pid)) !== undefined) await sleep(5);
}
