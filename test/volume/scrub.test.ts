/** Two hosts that a scrub compares, with real disks and links, while clients write. */
import { randomBytes, randomInt } from 'node:crypto';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { closeSync, openSync, readdirSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import type { ScrubStatus } from '../../daemon/replication/interface.ts';
import type { Store } from '../../daemon/store/store.ts';
import { layered, Pair, type TestHost, write } from '../support/pair.ts';

const MIB = 1024 * 1024;
const SIZE = 16 * MIB;
const REGION = 65_536;
const REGIONS = SIZE / REGION;
const SECTOR = 512;
const WRITERS = 8;
const HEAVY_MS = 3000;
const MAX_TRIES = 5;

function scrubOf(host: TestHost): ScrubStatus {
  const { scrub } = host.volume().status;
  if (scrub === undefined) throw new Error('there is no scrub');
  return scrub;
}

/** To its end: where a busy machine cost the link, it goes on from there. */
async function scrubbed(pair: Pair, host: TestHost): Promise<ScrubStatus> {
  for (let tries = 0; ; tries++) {
    await pair.until(() => host.volume().state === 'SERVING', 20_000);
    host.volume().run({ type: 'scrub', anew: tries === 0 });
    await pair.until(() => scrubOf(host).phase !== 'RUNNING', 20_000);
    if (scrubOf(host).phase !== 'FAILED' || tries === MAX_TRIES) return scrubOf(host);
  }
}

/** What a disk gives out of some regions when it is asked whether they are whole, until they are written as a whole. */
function damaging(damage: Map<number, boolean | undefined>) {
  return (store: Store): Store =>
    layered(store, {
      readRegion: (region, options) => {
        const content = store.readRegion(region, options);
        if (!damage.has(region) || options.verify !== true) return content;
        return { ...content, digest: Buffer.alloc(32, 7), intact: damage.get(region) };
      },
      write: (offset, data) => {
        store.write(offset, data);
        if (data.length === REGION) damage.delete(offset / REGION);
      },
    });
}

async function damagedPair(
  t: Test,
  host: 'a' | 'b',
  damage: Map<number, boolean | undefined>,
): Promise<{ pair: Pair; a: TestHost; b: TestHost }> {
  const pair = new Pair(SIZE);
  t.teardown(() => pair.stop());
  pair.layers.set(host, damaging(damage));
  const { a, b } = await pair.inSync();
  const data = randomBytes(8 * REGION);
  await a.submit(write(0, data));
  return { pair, a, b };
}

t.test('scrubs under heavy writes find nothing, since there is nothing', async (t) => {
  const pair = new Pair(SIZE);
  t.teardown(() => pair.stop());
  const { a, b } = await pair.inSync();
  const until = performance.now() + HEAVY_MS;
  let writes = 0;
  const heavy = async (): Promise<void> => {
    while (performance.now() < until) {
      const sectors = randomInt(1, 257);
      const at = randomInt(SIZE / SECTOR - sectors) * SECTOR;
      const length = sectors * SECTOR;
      const kind = randomInt(10);
      if (kind === 0) await a.submit({ kind: 'trim', offset: at, length, fua: false });
      else if (kind === 1) await a.submit({ kind: 'zero', offset: at, length, mayTrim: false, fua: true });
      else await a.submit(write(at, randomBytes(length)));
      writes++;
    }
  };
  let passes = 0;
  const scrubs = async (): Promise<void> => {
    while (performance.now() < until) {
      const { phase, mismatches, repairedRegions, error } = await scrubbed(pair, a);
      t.strictSame({ phase, mismatches, repairedRegions, error }, whole);
      passes++;
    }
  };
  await Promise.all([scrubs(), ...Array.from({ length: WRITERS }, heavy)]);
  t.comment(`${passes} scrubs of ${REGIONS} regions, ${writes} writes`);
  t.ok(passes >= 1);
  t.ok(writes > 100);
  t.ok(a.data().equals(b.data()));
});

const whole = { phase: 'DONE', mismatches: [], repairedRegions: 0, error: '' };

t.test('a region that is damaged on the secondary is sent to it anew', async (t) => {
  const damage = new Map([[5, false]]);
  const { pair, a, b } = await damagedPair(t, 'b', damage);
  t.match(await scrubbed(pair, a), { phase: 'DONE', repairedRegions: 1, mismatchedRegions: 0 });
  t.equal(damage.size, 0);
  t.ok(a.data().equals(b.data()));
});

t.test('a region that is damaged on the primary is fetched from the secondary', async (t) => {
  const damage = new Map([[5, false]]);
  const { pair, a, b } = await damagedPair(t, 'a', damage);
  t.match(await scrubbed(pair, a), { phase: 'DONE', repairedRegions: 1, mismatchedRegions: 0 });
  t.equal(damage.size, 0);
  t.ok(a.data().equals(b.data()));
});

t.test('a difference that no checksum decides about is told, and left as it is', async (t) => {
  const damage = new Map([[5, undefined]]);
  const { pair, a } = await damagedPair(t, 'b', damage);
  const told: unknown[] = [];
  const listener = (message: unknown): void => {
    told.push(message);
  };
  subscribe('lockstep:replica:mismatch', listener);
  t.teardown(() => unsubscribe('lockstep:replica:mismatch', listener));
  const mismatches = [{ region: 5, differ: ['b'], damaged: [] }];
  t.match(await scrubbed(pair, a), { phase: 'DONE', repairedRegions: 0, mismatchedRegions: 1, mismatches });
  t.equal(damage.size, 1);
  t.strictSame(told, [{ volume: 'v' }]);
});

for (const which of ['a', 'b'] as const)
  t.test(
    `a bit that flipped in a file of ${which === 'a' ? 'the primary' : 'the secondary'} is put right`,
    async (t) => {
      const pair = new Pair(SIZE);
      t.teardown(() => pair.stop());
      const { a, b } = await pair.inSync();
      const data = randomBytes(8 * REGION);
      await a.submit(write(0, data));
      const host = which === 'a' ? a : b;
      await host.volumes.store.snapshot('v', 'before', { quiesced: false, purpose: 'kept' });
      const verify = () =>
        host.volume().file.readRegion(FLIPPED, { from: 'live', digest: false, verify: true }).intact;
      await pair.until(() => verify() === true);
      flip(host.layersFolder, data.subarray(FLIPPED * REGION, (FLIPPED + 1) * REGION));
      t.equal(verify(), false);
      t.match(await scrubbed(pair, a), { phase: 'DONE', repairedRegions: 1, mismatchedRegions: 0 });
      t.ok(a.data().subarray(0, data.length).equals(data));
      t.ok(b.data().subarray(0, data.length).equals(data));
    },
  );

const FLIPPED = 5;

/** One bit of the place in these files where the region is. */
function flip(folder: string, region: Buffer): void {
  for (const name of readdirSync(folder).filter((one) => one.endsWith('.data'))) {
    const path = join(folder, name);
    const at = readFileSync(path).indexOf(region.subarray(0, 512));
    if (at < 0) continue;
    const fd = openSync(path, 'r+');
    writeSync(fd, Buffer.of((region[100] ?? 0) ^ 1), 0, 1, at + 100);
    closeSync(fd);
    return;
  }
  throw new Error('no layer has the region');
}

t.test('the other host goes on where a scrub broke off', async (t) => {
  const pair = new Pair(SIZE);
  t.teardown(() => pair.stop());
  const { a, b } = await pair.inSync();
  // Enough for the rate to make it take a while.
  await a.submit(write(0, randomBytes(SIZE)));
  a.volume().run({ type: 'scrub', anew: true });
  await pair.until(() => scrubOf(a).cursor >= 2);
  a.volume().run({ type: 'stop-scrub' });
  const { cursor } = scrubOf(a);
  await pair.until(() => b.volume().status.scrub?.cursor === cursor);
  await a.stop();
  pair.promote('b');
  await pair.until(() => b.volume().state === 'SOLO');
  t.match(b.volume().status.scrub, { phase: 'STOPPED', cursor });
});
