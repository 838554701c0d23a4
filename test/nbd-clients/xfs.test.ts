/**
 * XFS on a loop device over the FUSE export of qemu-storage-daemon. NBD_CLIENTS_KILLS has the server die more often.
 */
import t from 'tap';
import { survivesKills } from '../support/file-system-load.ts';

const KILLS = Number(process.env['NBD_CLIENTS_KILLS'] ?? '3');
const SECONDS_PER_KILL = 30;
t.setTimeout((60 + KILLS * SECONDS_PER_KILL) * 1000);

t.test('a server that is killed under load is a pause to XFS, and nothing more', (t) =>
  survivesKills(t, { type: 'xfs', make: ['mkfs.xfs', '-q'], check: ['xfs_repair', '-n'] }, KILLS),
);
