import { fileSystem } from './file-system.ts';

/** Can be grown without a capability that containers lack; wants 300 MiB, of which 64 MiB are its log. */
export const xfs = fileSystem({
  type: 'xfs',
  packages: { xfsprogs: 'mkfs.xfs makes the file system of a database' },
  // -K: as of ext4's nodiscard. The superblock is marked as being made until it is complete.
  make: (device) => ['mkfs.xfs', '-q', '-K', device],
  // nouuid: a database and its clone on one host have the same identifier. XFS shuts down after an error of its log.
  mountOptions: 'noatime,nodiscard,nouuid,nosuid,nodev',
  grow: (_device, mountPoint) => ['xfs_growfs', '-d', mountPoint],
});
