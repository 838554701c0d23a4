/**
 * A file system on a volume that qemu-storage-daemon attaches, while the volume's server is killed and started again.
 * Nothing may be noticed of it but the pause: no error, no file that lost what was synced, nothing for fsck to repair.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Test } from 'tap';
import { HostDrivers } from '../../daemon/host/host.ts';
import { listMounts } from '../../daemon/host/mounts.ts';
import { attempt, output } from './client-command.ts';
import { contentOf } from './file-content.ts';
import { quietLog } from './quiet-log.ts';
import { MIB, VolumeServer } from './volume-server.ts';

export interface FileSystemUnderTest {
  readonly type: string;
  /** Commands that get the device as their last argument. */
  readonly make: readonly [string, ...string[]];
  /** Ends with another status than 0 where it would have something to repair. */
  readonly check: readonly [string, ...string[]];
}

/** mkfs.xfs makes none of less than 300 MiB. */
const SIZE_BYTES = 320 * MIB;
/** How many files are synced between one death of the server and the next. */
const SYNCS_BETWEEN = 40;
/** How long the server stays away: many requests are sent again, and no timeout of the kernel is near. */
const AWAY_MS = 300;
const SYNC_LIMIT_MS = 30_000;
const WRITER = join(import.meta.dirname, 'file-writer.ts');

export async function survivesKills(t: Test, fileSystem: FileSystemUnderTest, kills: number): Promise<void> {
  const server = await VolumeServer.start(t, SIZE_BYTES);
  const { device, mountPoint } = await attached(t, server);
  const [make, ...makeArguments] = fileSystem.make;
  await output(make, ...makeArguments, device);
  await output('mount', '-t', fileSystem.type, device, mountPoint);

  const load = new Load(mountPoint);
  t.teardown(() => load.kill());
  for (let kill = 0; kill < kills; kill++) {
    await load.moreSyncs(SYNCS_BETWEEN);
    await server.kill();
    // What was answered before it died may still be on its way to us.
    await sleep(AWAY_MS / 2);
    const before = load.syncs;
    await sleep(AWAY_MS / 2);
    t.equal(load.syncs, before, 'nothing is synced while the server is away');
    await server.run();
  }
  await load.moreSyncs(SYNCS_BETWEEN);
  t.equal(await load.finish(), 0, 'no write failed');

  await output('umount', mountPoint);
  const [check, ...checkArguments] = fileSystem.check;
  const checked = await attempt(check, ...checkArguments, device);
  t.equal(checked.status, 0, `${check} has nothing to repair`);
  if (checked.status !== 0) t.comment(checked.stdout + checked.stderr);
  await output('mount', '-t', fileSystem.type, '-o', 'ro', device, mountPoint);
  const changed = [...load.synced].filter(
    ([index, version]) => !readFileSync(join(mountPoint, String(index))).equals(contentOf(index, version)),
  );
  t.strictSame(changed, [], `each of ${load.synced.size} files is what was synced last`);
  await output('umount', mountPoint);
}

async function attached(
  t: Test,
  server: VolumeServer,
): Promise<{ readonly device: string; readonly mountPoint: string }> {
  const folder = mkdtempSync(join(tmpdir(), 'lockstep-attached-'));
  const mountPoint = join(folder, 'mounted');
  mkdirSync(mountPoint);
  const drivers = new HostDrivers({
    stateDir: join(folder, 's'),
    host: 'a',
    address: '127.0.0.1',
    nbdSocket: server.socket,
    log: quietLog,
    attach: 'qemu-storage-daemon',
  });
  t.teardown(async () => {
    // It kills the client of the volume first, so that nothing below can hang.
    await drivers.releaseAll({ force: true });
    if ((await listMounts()).some((mount) => mount.mountPoint === mountPoint))
      await output('umount', '--lazy', mountPoint);
    rmSync(folder, { recursive: true, force: true });
  });
  return { device: await drivers.attach('orders', server.sizeBytes), mountPoint };
}

class Load {
  /** The newest version of each file that its sync was answered for. */
  readonly synced = new Map<number, number>();
  syncs = 0;
  readonly #child;
  readonly #ended: Promise<number | null>;
  #wake: () => void = () => undefined;

  constructor(folder: string) {
    const argv = ['--pdeathsig', 'KILL', process.execPath, WRITER, folder];
    const child = spawn('setpriv', argv, { stdio: ['ignore', 'pipe', 'inherit'] });
    this.#child = child;
    this.#ended = once(child, 'close').then(([code]) => code as number | null);
    createInterface(child.stdout).on('line', (line) => {
      const [index = 0, version = 0] = line.split(' ').map(Number);
      this.synced.set(index, version);
      this.syncs++;
      this.#wake();
    });
  }

  async moreSyncs(count: number): Promise<void> {
    const wanted = this.syncs + count;
    const timer = AbortSignal.timeout(SYNC_LIMIT_MS);
    while (this.syncs < wanted) {
      if (timer.aborted) throw new Error(`no ${count} syncs within ${SYNC_LIMIT_MS} ms`);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
        timer.addEventListener('abort', () => resolve(), { once: true });
      });
    }
  }

  /** Its exit code, when every writer has finished its file. */
  async finish(): Promise<number | null> {
    this.#child.kill('SIGTERM');
    return this.#ended;
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }
}
