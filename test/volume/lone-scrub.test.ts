/** A scrub of a volume with one copy: damage at rest is found and told, and not read as if nothing were wrong. */
import { closeSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import t from 'tap';
import { REGION_BYTES } from '../../daemon/replication/units.ts';
import type { BlockRequest, BlockResult } from '../../daemon/nbd/block.ts';
import { loneScrubStatus, startLoneScrub } from '../../daemon/volume/lone-scrub.ts';
import type { Volumes } from '../../daemon/volume/volumes.ts';
import { type OpenVolumes, openVolumes, soloVolume } from '../support/open-volumes.ts';

const LIMIT_MS = 10_000;

async function until(condition: () => boolean): Promise<void> {
  const endMs = performance.now() + LIMIT_MS;
  while (!condition()) {
    if (performance.now() > endMs) throw new Error('it does not come to that');
    await delay(5);
  }
}

const submit = (volumes: Volumes, request: BlockRequest): Promise<BlockResult> =>
  new Promise((resolve) => {
    volumes.require('v').submit(request, resolve);
  });

const statusOf = (volumes: Volumes) => loneScrubStatus(volumes.store, volumes.require('v'), 'a');

/** Four regions in a sealed layer that has its checksums. */
async function sealed(opened: OpenVolumes): Promise<void> {
  const { volumes } = opened;
  await soloVolume(volumes);
  await submit(volumes, { kind: 'write', offset: 0, data: Buffer.alloc(4 * REGION_BYTES, 7), fua: false });
  await volumes.store.snapshot('v', 'monday', { quiesced: false, purpose: 'kept' });
  const { stack } = volumes.store.volume('v');
  await until(() => volumes.store.isIntact(stack, 3) === true);
}

async function scrubbed(volumes: Volumes): Promise<void> {
  await startLoneScrub(volumes.store, 'v');
  await until(() => statusOf(volumes)?.phase === 'DONE');
}

/** In the file of that layer. */
function overwrite({ folder }: OpenVolumes, at: number, byte: number): void {
  const file = openSync(join(folder, 'layers', 'v.1.data'), 'r+');
  writeSync(file, Buffer.of(byte), 0, 1, at);
  closeSync(file);
}

t.test('all that is sealed is looked at, and nothing is found where nothing is wrong', async (t) => {
  const opened = await openVolumes(t);
  await sealed(opened);
  t.equal(statusOf(opened.volumes), undefined);
  await scrubbed(opened.volumes);
  t.match(statusOf(opened.volumes), { cursor: 4, regionsTotal: 4, mismatchedRegions: 0, mismatches: [] });
});

t.test(
  'what is damaged is told, and its bytes are given to nobody, also by a scrub that begins anew',
  async (t) => {
    const opened = await openVolumes(t);
    const { volumes } = opened;
    await sealed(opened);
    overwrite(opened, 2 * REGION_BYTES + 5, 9);
    await scrubbed(volumes);
    const found = { mismatchedRegions: 1, mismatches: [{ region: 2, differ: [], damaged: ['a'] }] };
    t.match(statusOf(volumes), found);
    const read = (region: number) =>
      submit(volumes, { kind: 'read', offset: region * REGION_BYTES, length: 512 });
    t.match(await read(2), { ok: false, failure: 'EIO' });
    t.match(await read(1), { ok: true });
    await startLoneScrub(volumes.store, 'v');
    t.match(await read(2), { ok: false, failure: 'EIO' }, 'while the next one has not come to it');
    await until(() => statusOf(volumes)?.phase === 'DONE');
    t.match(statusOf(volumes), found);
  },
);

t.test('what fits again is not called damaged by the next one', async (t) => {
  const opened = await openVolumes(t);
  await sealed(opened);
  overwrite(opened, REGION_BYTES, 9);
  await scrubbed(opened.volumes);
  t.match(statusOf(opened.volumes), { mismatchedRegions: 1 });
  overwrite(opened, REGION_BYTES, 7);
  await scrubbed(opened.volumes);
  t.match(statusOf(opened.volumes), { mismatchedRegions: 0 });
});
