/** The end of a disk, which is a small tmpfs: client's writes stop at the reserve, and everything else goes on. */
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import type { BlockRequest, BlockResult } from '../../daemon/nbd/block.ts';
import type { SpaceLimits } from '../../daemon/store/space.ts';
import { type OpenVolumes, openVolumes, soloVolume } from '../support/open-volumes.ts';
import { fillUp, smallDisk } from '../support/small-disk.ts';

const KIB = 1024;
const MIB = 1024 ** 2;
const DISK_BYTES = 8 * MIB;
const RESERVE_BYTES = 2 * MIB;
const REGION = 64 * KIB;
const BLOCK = 4 * KIB;
/** Thin: larger than the disk. */
const SIZE = 64 * MIB;

interface Full extends OpenVolumes {
  readonly disk: string;
}

async function onSmallDisk(t: Test, whenFull: SpaceLimits['whenFull']): Promise<Full> {
  const disk = smallDisk(t, DISK_BYTES);
  const limits = { reserveBytes: RESERVE_BYTES, warnPercent: 85, whenFull };
  const open = await openVolumes(t, {}, join(disk, 'state'), limits);
  await soloVolume(open.volumes, 'v', SIZE);
  return { ...open, disk };
}

function submit({ volumes }: OpenVolumes, request: BlockRequest): Promise<BlockResult> {
  return new Promise((resolve) => {
    volumes.require('v').submit(request, resolve);
  });
}

const write = (offset: number, data: Buffer): BlockRequest => ({ kind: 'write', offset, data, fua: false });
const trim = (offset: number, length: number): BlockRequest => ({ kind: 'trim', offset, length, fua: false });
const OK = { ok: true } as const;
const NO_ROOM = { ok: false, failure: 'ENOSPC' } as const;

const rested = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Answers how many regions fitted. */
async function fillVolume(open: OpenVolumes): Promise<number> {
  let blocks = 0;
  while ((await submit(open, write(blocks * BLOCK, randomBytes(BLOCK)))).ok) blocks++;
  return Math.floor((blocks * BLOCK) / REGION);
}

/** Another program takes all but so much; what was measured before is forgotten with the next look. */
async function takeAllBut(leftBytes: number, { volumes, disk }: Full): Promise<string> {
  const path = join(disk, 'filler');
  const { bavail, bsize } = statfsSync(disk);
  writeFileSync(path, Buffer.alloc(bavail * bsize - leftBytes));
  while (volumes.space.status.availableBytes > leftBytes) await rested(20);
  return path;
}

t.test('writes that need room fail at the reserve; writes in place, trims and records go on', async (t) => {
  const open = await onSmallDisk(t, 'fail');
  const regions = await fillVolume(open);
  const { volumes, meta } = open;
  t.ok(regions > 10, `${String(regions)} regions fitted`);
  const { availableBytes, warning } = volumes.space.status;
  t.ok(
    availableBytes >= RESERVE_BYTES - REGION && availableBytes <= RESERVE_BYTES + 2 * REGION,
    String(availableBytes),
  );
  t.match(warning, /full: writes that need room fail/);
  t.strictSame(await submit(open, write(0, randomBytes(REGION))), OK, 'in place');
  t.strictSame(await submit(open, write(SIZE - REGION, randomBytes(512))), NO_ROOM);
  const keep: BlockRequest = {
    kind: 'zero',
    offset: SIZE - REGION,
    length: REGION,
    mayTrim: false,
    fua: false,
  };
  t.strictSame(await submit(open, keep), NO_ROOM, 'zeroes that are to take room');
  t.strictSame(await submit(open, { ...keep, mayTrim: true }), OK);
  t.strictSame(await submit(open, { kind: 'flush' }), OK);
  t.equal(volumes.require('v').state, 'SOLO');
  volumes.tell('v', { generation: 2, primary: 'a', inSync: ['a'] }, { explicit: true });
  while ((await meta.list())[0]?.durable.view.generation !== 2) await rested(5);
  await volumes.store.snapshot('v', 's', { quiesced: false, purpose: 'kept' });
  t.strictSame(await submit(open, write(0, randomBytes(512))), NO_ROOM, 'the snapshot has that region now');
  await volumes.store.deleteSnapshot('v', 's');
  t.strictSame(await submit(open, write(0, randomBytes(512))), OK);
  t.strictSame(await submit(open, trim(0, 4 * REGION)), OK);
  t.strictSame(await submit(open, write(SIZE - REGION, randomBytes(REGION))), OK, 'room that was given back');
});

t.test('a daemon whose disk is full starts again, and all that was written is there', async (t) => {
  const open = await onSmallDisk(t, 'fail');
  const data = randomBytes(REGION);
  t.strictSame(await submit(open, write(0, data)), OK);
  await fillVolume({ ...open });
  const first = await submit(open, { kind: 'read', offset: 0, length: REGION });
  const again = await open.again();
  again.volumes.tell('v', { generation: 2, primary: 'a', inSync: ['a'] }, { explicit: true });
  while (again.volumes.require('v').state !== 'SOLO') await rested(5);
  t.strictSame(await submit(again, { kind: 'read', offset: 0, length: REGION }), first);
  t.strictSame(await submit(again, write(SIZE - REGION, randomBytes(REGION))), NO_ROOM);
});

t.test('where writes are held they wait for room, and what overlaps them waits behind them', async (t) => {
  const open = await onSmallDisk(t, 'hold');
  const { volumes } = open;
  const filler = await takeAllBut(RESERVE_BYTES / 2, open);
  const order: string[] = [];
  const first = submit(open, write(0, Buffer.alloc(REGION, 1))).then((result) => {
    order.push('first');
    return result;
  });
  const second = submit(open, trim(512, 512)).then((result) => {
    order.push('second');
    return result;
  });
  t.strictSame(await submit(open, trim(REGION, 512)), OK, 'what overlaps nothing goes on');
  t.strictSame(await submit(open, { kind: 'flush' }), OK);
  t.strictSame(await submit(open, { kind: 'read', offset: 0, length: 512 }), {
    ok: true,
    data: Buffer.alloc(512),
  });
  await rested(100);
  t.strictSame(order, []);
  t.match(volumes.space.status.warning, /2 writes of clients wait for room/);
  t.equal(volumes.require('v').state, 'SOLO', 'no stall was counted');
  rmSync(filler);
  t.strictSame(await Promise.all([first, second]), [OK, OK]);
  t.strictSame(order, ['first', 'second']);
  const expected = Buffer.alloc(1024, 1).fill(0, 512);
  t.strictSame(await submit(open, { kind: 'read', offset: 0, length: 1024 }), { ok: true, data: expected });
  t.notMatch(volumes.space.status.warning, /clients wait/);
});

t.test('held writes are refused once this host serves no more', async (t) => {
  const open = await onSmallDisk(t, 'hold');
  await takeAllBut(MIB, open);
  const held = submit(open, write(0, Buffer.alloc(REGION, 1)));
  open.volumes.tell('v', { generation: 2, primary: 'b', inSync: ['b'] }, { explicit: true });
  t.strictSame(await held, { ok: false, failure: 'ESHUTDOWN' });
  t.notMatch(open.volumes.space.status.warning, /clients wait/);
});

t.test('what the primary lets through stops before the records have no room', async (t) => {
  const open = await onSmallDisk(t, 'fail');
  const { file } = open.volumes.require('v');
  const fill = (): void => {
    for (let offset = 0; offset < SIZE; offset += REGION) file.write(offset, randomBytes(REGION));
  };
  t.throws(fill, { code: 'ENOSPC' });
  const { availableBytes } = open.volumes.space.status;
  t.ok(availableBytes >= RESERVE_BYTES / 2, `${String(availableBytes)} are left for records`);
});

t.test('a seed ends where there is no room to keep it, and the write is done', async (t) => {
  const open = await onSmallDisk(t, 'fail');
  const regions = await fillVolume(open);
  const { file } = open.volumes.require('v');
  let lost = 0;
  file.onSeedLost = () => lost++;
  await file.takeSeed('s');
  for (let region = 0; region < regions; region++)
    t.strictSame(await submit(open, write(region * REGION, randomBytes(REGION))), OK);
  t.equal(lost, 1);
  t.equal(file.seed, undefined);
  t.ok(open.volumes.space.status.availableBytes >= RESERVE_BYTES / 2 - REGION);
});

t.test(
  'a disk that others filled to the last byte gives the volume back its place once it has room',
  async (t) => {
    const open = await onSmallDisk(t, 'fail');
    const empty = fillUp(open.disk);
    t.strictSame(await submit(open, write(0, randomBytes(REGION))), NO_ROOM);
    t.equal(open.volumes.require('v').state, 'SOLO');
    empty();
    t.strictSame(await submit(open, write(0, randomBytes(REGION))), OK);
  },
);

t.test('trims and zeroes give space back to the file system', async (t) => {
  const open = await onSmallDisk(t, 'fail');
  const layers = join(open.disk, 'state', 'layers');
  const duKib = (): number =>
    Number(execFileSync('/usr/bin/du', ['-sk', layers], { encoding: 'utf8' }).split('\t')[0]);
  const before = duKib();
  t.strictSame(await submit(open, write(0, randomBytes(2 * MIB))), OK);
  t.ok(duKib() - before >= 2 * KIB);
  t.strictSame(await submit(open, trim(0, MIB)), OK);
  t.ok(duKib() - before <= KIB + 64, 'half of it is back');
  t.strictSame(await submit(open, { kind: 'zero', offset: MIB, length: MIB, mayTrim: true, fua: false }), OK);
  t.ok(duKib() - before <= 64, 'all of it is back');
});
