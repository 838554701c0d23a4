import { closeSync, ftruncateSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { dataExtents } from '../../daemon/sys/libc.ts';

const MIB = 1024 * 1024;

t.test('extents of a sparse file are those that hold data', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'lockstep-libc-'));
  const fd = openSync(join(folder, 'sparse'), 'w+');
  t.teardown(() => {
    closeSync(fd);
    rmSync(folder, { recursive: true });
  });
  ftruncateSync(fd, 4 * MIB);
  t.strictSame([...dataExtents(fd, 4 * MIB)], [], 'nothing but a hole');
  writeSync(fd, Buffer.alloc(4096, 1), 0, 4096, MIB);
  const [extent, ...others] = [...dataExtents(fd, 4 * MIB)];
  t.strictSame(others, []);
  t.ok(extent !== undefined && extent.start <= MIB && extent.end >= MIB + 4096);
  t.end();
});

t.test('a file whose extents cannot be told is not taken for an empty one', (t) => {
  t.throws(() => [...dataExtents(-1, MIB)], { message: /errno 9/ });
  t.end();
});
