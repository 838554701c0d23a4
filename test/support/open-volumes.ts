/** The volumes of one host on real files and a real level database, in a folder of their own. No peer, no control. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Test } from 'tap';
import { HostMeta } from '../../daemon/meta/host-meta.ts';
import { bootClock } from '../../daemon/sys/clock.ts';
import type { SpaceLimits } from '../../daemon/store/space.ts';
import { Volumes, type VolumesOptions } from '../../daemon/volume/volumes.ts';
import { quietLog } from './quiet-log.ts';

export const SIZE = 1024 * 1024;
/** The disk may be filled to its end. */
export const NO_LIMITS: SpaceLimits = { reserveBytes: 0, warnPercent: 100, whenFull: 'fail' };

export interface OpenVolumes {
  readonly folder: string;
  readonly volumes: Volumes;
  readonly meta: HostMeta;
  /** As after a restart of the daemon. */
  readonly again: () => Promise<OpenVolumes>;
}

export async function openVolumes(
  t: Test,
  world: Partial<VolumesOptions['world']> = {},
  folder = mkdtempSync(join(tmpdir(), 'lockstep-volumes-')),
  space: SpaceLimits = NO_LIMITS,
): Promise<OpenVolumes> {
  const meta = await HostMeta.open(join(folder, 'meta'));
  const volumes = new Volumes({
    stateDir: folder,
    host: 'a',
    incarnation: 1,
    bootId: 'one boot',
    leaseMs: 400,
    heartbeatMs: 50,
    silenceMs: 300,
    stallMs: 1000,
    stateChanged: () => undefined,
    answersUntil: () => undefined,
    space,
    world: {
      clock: bootClock,
      log: quietLog,
      meta,
      dial: () => Promise.reject(new Error('nobody is there')),
      propose: () => Promise.reject(new Error('control is down')),
      fatal: (why) => {
        throw new Error(why);
      },
      ...world,
    },
  });
  await volumes.openAll();
  let closed = false;
  const close = async (): Promise<void> => {
    if (closed) return;
    closed = true;
    await volumes.closeAll();
    await meta.close();
  };
  t.teardown(async () => {
    await close();
    rmSync(folder, { recursive: true, force: true });
  });
  const again = async (): Promise<OpenVolumes> => {
    await close();
    return openVolumes(t, world, folder, space);
  };
  return { folder, volumes, meta, again };
}

/** A volume that this host is alone the primary of, by the first generation. */
export async function soloVolume(volumes: Volumes, volume = 'v', sizeBytes = SIZE): Promise<void> {
  await volumes.create(volume, sizeBytes);
  volumes.tell(volume, { generation: 1, primary: 'a', inSync: ['a'] }, { explicit: true });
  while (volumes.require(volume).state !== 'SOLO') await new Promise((resolve) => setTimeout(resolve, 5));
}
