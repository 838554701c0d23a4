import { randomBytes } from 'node:crypto';
import t from 'tap';
import type { BlockRequest, BlockResult } from '../../daemon/nbd/block.ts';
import { openVolumes, soloVolume } from '../support/open-volumes.ts';

const MIB = 1024 * 1024;
const REGION = 64 * 1024;

t.test('a large trim under a snapshot leaves turns for everybody else, and the snapshot whole', async (t) => {
  const { volumes } = await openVolumes(t);
  await soloVolume(volumes, 'v', 64 * MIB);
  const volume = volumes.require('v');
  const submit = (request: BlockRequest): Promise<BlockResult> =>
    new Promise((resolve) => {
      volume.submit(request, resolve);
    });
  const data = randomBytes(32 * MIB);
  for (const offset of [0, 32 * MIB]) await submit({ kind: 'write', offset, data, fua: false });
  volume.takeSnapshot('s');
  let turns = 0;
  const counter = setInterval(() => turns++, 0);
  const order: string[] = [];
  const trim = submit({ kind: 'trim', offset: REGION, length: 64 * MIB - REGION, fua: false }).then(
    (result) => {
      order.push('trim');
      return result;
    },
  );
  await submit({ kind: 'read', offset: 0, length: 512 });
  order.push('read');
  t.strictSame(await trim, { ok: true });
  clearInterval(counter);
  t.strictSame(order, ['read', 'trim']);
  t.ok(turns >= 4, `${String(turns)} turns of timers`);
  t.ok(volume.file.read({ offset: 32 * MIB, length: 32 * MIB }).equals(Buffer.alloc(32 * MIB)), 'trimmed');
  const last = volume.file.readRegion(64 * 16 - 1, { from: 'snapshot', digest: false }).data;
  t.ok(last?.equals(data.subarray(-REGION)), 'as it was');
});

t.test('a volume that is closed during a large trim is not touched any more', async (t) => {
  const { volumes } = await openVolumes(t);
  await soloVolume(volumes, 'v', 64 * MIB);
  const volume = volumes.require('v');
  volume.file.write(0, randomBytes(64 * MIB));
  volume.takeSnapshot('s');
  volume.submit({ kind: 'trim', offset: 0, length: 64 * MIB, fua: false }, () => {
    t.fail('nobody is there to be answered');
  });
  await volumes.delete('v');
  await new Promise((resolve) => setTimeout(resolve, 100));
  t.equal(volumes.get('v'), undefined);
});
