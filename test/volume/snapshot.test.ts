import { randomBytes } from 'node:crypto';
import t from 'tap';
import type { BlockRequest, BlockResult } from '../../daemon/nbd/block.ts';
import { openVolumes, soloVolume } from '../support/open-volumes.ts';

const MIB = 1024 * 1024;
const GIB = 1024 * MIB;
const REGION = 64 * 1024;
/** The longest that NBD can ask for, in whole regions. */
const TRIMMED = 4 * GIB - REGION;
/** To copy what is trimmed takes many times as long. */
const ONE_TURN_MS = 500;

t.test('the largest trim under a snapshot copies nothing, and leaves the snapshot whole', async (t) => {
  const { volumes } = await openVolumes(t);
  await soloVolume(volumes, 'v', 4 * GIB);
  const volume = volumes.require('v');
  const submit = (request: BlockRequest): Promise<BlockResult> =>
    new Promise((resolve) => {
      volume.submit(request, resolve);
    });
  const data = randomBytes(16 * MIB);
  for (const offset of [0, 4 * GIB - 16 * MIB]) await submit({ kind: 'write', offset, data, fua: false });
  const seed = await volume.takeSeed('s');
  const { allocatedBytes } = volume.file;
  const { user, system } = process.cpuUsage();
  t.strictSame(await submit({ kind: 'trim', offset: REGION, length: TRIMMED, fua: false }), { ok: true });
  const used = process.cpuUsage();
  const tookMs = (used.user - user + used.system - system) / 1000;
  t.ok(tookMs < ONE_TURN_MS, `${String(tookMs)} ms of a processor`);
  t.ok(volume.file.allocatedBytes - allocatedBytes < MIB, 'for the map, at most');
  t.ok(volume.file.read({ offset: 4 * GIB - 16 * MIB, length: 16 * MIB }).equals(Buffer.alloc(16 * MIB)));
  t.ok(volume.file.read({ offset: 0, length: REGION }).equals(data.subarray(0, REGION)), 'not trimmed');
  const last = volume.file.readRegion(4 * 16_384 - 1, { from: 'snapshot', digest: false }).data;
  t.ok(last?.equals(data.subarray(-REGION)), 'as it was');
  const changed = new Set(seed.changedRegions());
  t.ok(
    seed.allocated.every((region) => region === 0 || changed.has(region)),
    'a copy learns of what it has to send again',
  );
});
