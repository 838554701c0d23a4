/** nbdsh asks for base:allocation and reads in chunks: data is told from holes, and a trim makes one. */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { nbdsh } from '../support/nbdsh.ts';
import { MIB, VolumeServer } from '../support/volume-server.ts';

const KIB = 1024;
const DATA = 0;
const HOLE_AND_ZERO = 3;
const server = await VolumeServer.start(t, 64 * MIB);
const script = join(import.meta.dirname, 'holes.py');
const found = (await nbdsh(script, { uri: server.overUnix.uri, size: server.sizeBytes })) as Record<
  string,
  unknown
>;

t.test('only contexts that there are were selected', async (t) => {
  t.strictSame(found['contexts'], [true, false]);
});

t.test('the status of the whole volume is its extents, lengths and flags by turns', async (t) => {
  const rest = server.sizeBytes - 256 * KIB;
  t.strictSame(found['whole'], [
    64 * KIB,
    DATA,
    128 * KIB,
    HOLE_AND_ZERO,
    64 * KIB,
    DATA,
    rest,
    HOLE_AND_ZERO,
  ]);
});

t.test('the status of a part begins and ends with it', async (t) => {
  t.strictSame(found['part'], [32 * KIB, DATA, 68 * KIB, HOLE_AND_ZERO]);
  t.strictSame(found['last byte'], [1, HOLE_AND_ZERO]);
});

t.test('REQ_ONE gets one extent', async (t) => {
  t.strictSame(found['one'], [64 * KIB, DATA]);
});

t.test('a read comes as chunks of data and holes', async (t) => {
  t.strictSame(found['read'], [
    [0, 64 * KIB, 'data'],
    [64 * KIB, 128 * KIB, 'hole'],
    [192 * KIB, 64 * KIB, 'data'],
    [256 * KIB, 64 * KIB, 'hole'],
  ]);
});

t.test('a read with DF comes as one chunk of data', async (t) => {
  t.strictSame(found['read with DF'], [[0, 320 * KIB, 'data']]);
});

t.test('what was trimmed is a hole, and takes no space any more', async (t) => {
  t.strictSame(found['trimmed'], [192 * KIB, HOLE_AND_ZERO, 64 * KIB, DATA]);
  const { blocks } = statSync(join(server.folder, 'volumes', 'orders', 'data'));
  t.ok(blocks * 512 <= 128 * KIB, `${blocks} blocks are allocated`);
});
