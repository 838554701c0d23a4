import t from 'tap';
import { parseMountInfo } from '../../daemon/host/mounts.ts';
import { maxWalMib, settingsText } from '../../daemon/engines/postgresql.ts';
import { type ProcessStat, parseStat, withDescendants } from '../../daemon/host/proc.ts';
import { containsPath } from '../../daemon/host/processes.ts';

t.test('a process whose name holds spaces and parentheses is parsed', async (t) => {
  const fields = ['S', '7', ...Array.from({ length: 17 }, () => '0'), '4242', '0'];
  t.strictSame(parseStat(`12 (a) b (c)) ${fields.join(' ')}\n`), {
    pid: 12,
    parent: 7,
    command: 'a) b (c)',
    state: 'S',
    startTicks: 4242,
  });
});

t.test('a stat line that is cut off is refused', async (t) => {
  t.equal(parseStat('12 (a'), undefined);
  t.equal(parseStat('12 (a) S 7 1'), undefined);
});

t.test('descendants of descendants are found in any order', async (t) => {
  const process = (pid: number, parent: number): ProcessStat => ({
    pid,
    parent,
    command: 'x',
    state: 'S',
    startTicks: 1,
  });
  const all = [process(4, 3), process(3, 2), process(2, 1), process(9, 8)];
  t.strictSame(
    withDescendants([2], all).map((stat) => stat.pid),
    [4, 3, 2],
  );
});

t.test('a mount point with a space and optional fields is parsed', async (t) => {
  const line = '44 27 7:0 / /mnt/a\\040b rw,noatime shared:5 master:2 - ext4 /dev/loop0 rw,errors=remount-ro';
  t.strictSame(parseMountInfo(`${line}\n`), [
    {
      device: '7:0',
      mountPoint: '/mnt/a b',
      type: 'ext4',
      source: '/dev/loop0',
      superOptions: ['rw', 'errors=remount-ro'],
    },
  ]);
});

t.test('a path is found in an argument only as a whole', async (t) => {
  t.equal(containsPath('type=fuse,mountpoint=/s/attach/orders,writable=on', '/s/attach/orders'), true);
  t.equal(containsPath('mountpoint=/s/attach/orders-2', '/s/attach/orders'), false);
  t.equal(containsPath('/s/attach/orders-2 /s/attach/orders', '/s/attach/orders'), true);
});

t.test('WAL between checkpoints grows with the volume between two bounds', async (t) => {
  const gib = 1024 ** 3;
  t.equal(maxWalMib(gib / 4), 64);
  t.equal(maxWalMib(gib), 256);
  t.equal(maxWalMib(100 * gib), 512);
  t.match(settingsText(gib, {}), "max_wal_size = '256MB'");
});
