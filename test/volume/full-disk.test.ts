/** A disk without room, which is a small tmpfs: who is told of it, and who goes on. */
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import type { BlockRequest, BlockResult } from '../../daemon/nbd/block.ts';
import type { Volumes, VolumesOptions } from '../../daemon/volume/volumes.ts';
import { Fallback } from '../../daemon/store/fallback.ts';
import { helloAnswer } from '../support/harness/lone.ts';
import { openVolumes, SIZE, soloVolume } from '../support/open-volumes.ts';

/** Of the links that a replica dials. */
const FIRST_LINK = -1;

async function onSmallDisk(
  t: Test,
  sizeBytes: number,
  world: Partial<VolumesOptions['world']> = {},
): Promise<{ readonly volumes: Volumes; readonly folder: string }> {
  const folder = mkdtempSync(join(tmpdir(), 'lockstep-full-'));
  execFileSync('/usr/bin/mount', ['-t', 'tmpfs', '-o', `size=${String(sizeBytes)}`, 'lockstep-test', folder]);
  // Teardowns run in the order last to first: the volumes are closed before.
  t.teardown(() => {
    execFileSync('umount', ['--lazy', folder]);
    rmdirSync(folder);
  });
  const { volumes } = await openVolumes(t, world, join(folder, 'state'));
  await soloVolume(volumes);
  return { volumes, folder };
}

function submit(volumes: Volumes, request: BlockRequest): Promise<BlockResult> {
  return new Promise((resolve) => {
    volumes.require('v').submit(request, resolve);
  });
}

const write = (offset: number, data: Buffer): BlockRequest => ({ kind: 'write', offset, data, fua: false });

t.test('a snapshot that cannot be kept ends, and the write that ended it is done', async (t) => {
  // A link that never stands: what its other end says is said here.
  const dial = (): Promise<never> => new Promise(() => undefined);
  const { volumes } = await onSmallDisk(t, SIZE + SIZE / 2, { dial });
  const volume = volumes.require('v');
  t.strictSame(await submit(volumes, write(0, randomBytes(SIZE))), { ok: true });
  volume.run({ type: 'seed', target: 'b', snapshot: 's' });
  volume.run({ type: 'link-opened', link: FIRST_LINK, peer: 'b' });
  const message = helloAnswer('b', 1, { blank: true });
  volume.run({ type: 'frame', link: FIRST_LINK, message, payload: undefined, intact: true });
  t.equal(volume.status.join?.phase, 'SEEDING');
  t.equal(volume.file.snapshot?.id, 's');
  const data = randomBytes(SIZE);
  t.strictSame(await submit(volumes, write(0, data)), { ok: true }, 'the client is told of nothing');
  t.strictSame(await submit(volumes, { kind: 'read', offset: 0, length: SIZE }), { ok: true, data });
  t.equal(volume.file.snapshot, undefined);
  t.match(
    volume.status.join,
    { phase: 'FAILED', error: /snapshot/ },
    'the copy does not go on from later data',
  );
  t.throws(() => volume.file.readRegion(0, { from: 'snapshot', digest: false }), /no snapshot/);
});

t.test('a client whose write finds no room is told ENOSPC, and the volume serves on', async (t) => {
  const { volumes } = await onSmallDisk(t, SIZE / 2);
  t.strictSame(await submit(volumes, write(0, randomBytes(SIZE))), { ok: false, failure: 'ENOSPC' });
  t.equal(volumes.require('v').state, 'SOLO');
  t.strictSame(await submit(volumes, { kind: 'trim', offset: 0, length: SIZE, fua: false }), { ok: true });
  t.strictSame(await submit(volumes, write(0, randomBytes(4096))), { ok: true });
});

t.test(
  'a fallback without room keeps all of what was asked or nothing, and what it kept before',
  async (t) => {
    const { volumes, folder } = await onSmallDisk(t, SIZE + SIZE / 2);
    const { file } = volumes.require('v');
    t.strictSame(await submit(volumes, write(0, randomBytes(SIZE))), { ok: true });
    const fallback = new Fallback(join(folder, 'fallback'), file);
    t.teardown(() => {
      fallback.close();
    });
    const preserve = (regions: readonly number[]): Promise<unknown> =>
      new Promise((resolve) => {
        fallback.preserve(regions, resolve);
      });
    t.equal(await preserve([0, 1]), undefined);
    t.equal(await preserve([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]), 'ENOSPC');
    t.strictSame(fallback.regions, [0, 1]);
    t.equal(await preserve([2]), undefined, 'what it took is given back');
    t.strictSame(fallback.regions, [0, 1, 2]);
  },
);
