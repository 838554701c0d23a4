/** A scrub of a volume with one copy: damage at rest is found and told, and not read as if nothing were wrong. */
import { closeSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import t from 'tap';
import { REGION_BYTES } from '../../daemon/replication/units.ts';
import type { BlockRequest, BlockResult } from '../../daemon/nbd/block.ts';
import { isAlone, loneScrubStatus, startLoneScrub } from '../../daemon/volume/lone-scrub.ts';
import type { Volumes } from '../../daemon/volume/volumes.ts';
import { type OpenVolumes, openVolumes, soloVolume } from '../support/open-volumes.ts';
import { Pair } from '../support/pair.ts';

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

const filled = (at: number, byte: number): BlockRequest => ({
  kind: 'write',
  offset: at * REGION_BYTES,
  data: Buffer.alloc(REGION_BYTES, byte),
  fua: false,
});
const first = (at: number): BlockRequest => ({ kind: 'read', offset: at * REGION_BYTES, length: 512 });

/** Region 2 of the snapshot does not fit its checksum, and a scrub has found it. */
async function damaged(opened: OpenVolumes): Promise<void> {
  await sealed(opened);
  overwrite(opened, 2 * REGION_BYTES + 5, 9);
  await scrubbed(opened.volumes);
}

t.test('what is damaged is given to nobody when the snapshot that has it is deleted, either', async (t) => {
  const opened = await openVolumes(t);
  await damaged(opened);
  await opened.volumes.store.deleteSnapshot('v', 'monday');
  t.match(await submit(opened.volumes, first(2)), { ok: false, failure: 'EIO' });
  const again = await opened.again();
  t.match(await submit(again.volumes, first(2)), { ok: false, failure: 'EIO' }, 'after a start');
});

t.test('what was written over damage is read, also after another scrub and another start', async (t) => {
  const opened = await openVolumes(t);
  const { volumes } = opened;
  await damaged(opened);
  await volumes.store.deleteSnapshot('v', 'monday');
  const good = { ok: true, data: Buffer.alloc(512, 8) };
  await submit(volumes, filled(2, 8));
  t.strictSame(await submit(volumes, first(2)), good);
  await scrubbed(volumes);
  t.strictSame(await submit(volumes, first(2)), good, 'after a scrub');
  const again = await opened.again();
  t.strictSame(await submit(again.volumes, first(2)), good, 'after a start');
});

t.test('damage that went with its layer is not told of the volume for ever', async (t) => {
  const opened = await openVolumes(t);
  const { volumes } = opened;
  await damaged(opened);
  // Larger than what is below, so that it takes that in.
  for (let at = 0; at < 6; at++) await submit(volumes, filled(at, 8));
  await volumes.store.snapshot('v', 'tuesday', { quiesced: false, purpose: 'kept' });
  await volumes.store.deleteSnapshot('v', 'monday');
  await until(() => [...volumes.store.volume('v').stack.layers()].length === 2);
  t.match(statusOf(volumes), { mismatchedRegions: 0 });
  await scrubbed(volumes);
  t.match(statusOf(volumes), { mismatchedRegions: 0 });
});

t.test(
  'what the scrub of a clone found in layers that are shared is known when the clone is deleted',
  async (t) => {
    const opened = await openVolumes(t);
    const { volumes } = opened;
    await sealed(opened);
    await volumes.clone('v', 'monday', 'w');
    overwrite(opened, 2 * REGION_BYTES + 5, 9);
    await startLoneScrub(volumes.store, 'w');
    await until(() => volumes.store.scrub('w')?.finishedAtMs !== 0);
    await volumes.delete('w');
    const again = await opened.again();
    t.match(await submit(again.volumes, first(2)), { ok: false, failure: 'EIO' });
    t.match(statusOf(again.volumes), { phase: 'DONE', mismatchedRegions: 1 });
  },
);

t.test('a primary whose secondary is gone is a single copy, until it copies to another', async (t) => {
  const pair = new Pair(4 * REGION_BYTES);
  t.teardown(() => pair.stop());
  const { a, b } = await pair.inSync();
  t.notOk(isAlone(a.volume()));
  await b.stop();
  await pair.until(() => a.volume().state === 'SOLO');
  t.ok(isAlone(a.volume()), 'the copy that once was has ended');
  a.volume().run({ type: 'seed', target: 'b', snapshot: 's' });
  t.notOk(isAlone(a.volume()));
  await pair.until(() => a.volume().status.join?.phase === 'FAILED');
  t.ok(isAlone(a.volume()), 'the copy failed');
});
