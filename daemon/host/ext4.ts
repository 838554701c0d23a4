import { CAP_SYS_RESOURCE } from './capabilities.ts';
import { fileSystem } from './file-system.ts';

/**
 * nodiscard: a new volume is empty, and discarding all of it would be one more pass over the link.
 * lazy_*=0: inode tables and journal are zeroed now, as a few "write zeroes" that cost nothing, rather than by the
 * kernel in the background, as writes in the first minutes of the database. -m 0: nobody but the engine writes here.
 * -b 4096: mke2fs takes 1024 for small volumes, and a page of the engine would be eight blocks.
 * mke2fs writes the superblock last: a device where it was cut off has none and is made again.
 */
const MAKE = ['-q', '-b', '4096', '-m', '0', '-E', 'nodiscard,lazy_itable_init=0,lazy_journal_init=0'];

export const ext4 = fileSystem({
  type: 'ext4',
  packages: { e2fsprogs: 'mkfs.ext4 makes the file system of a database' },
  make: (device) => ['mkfs.ext4', ...MAKE, device],
  /*
   * errors=remount-ro: after a failed write the engine must not go on as if nothing were, and the host must not panic.
   * nodiscard: freed blocks are not discarded one by one in the commit path. Barriers are on by default, and stay on.
   */
  mountOptions: 'noatime,nodiscard,errors=remount-ro,nosuid,nodev',
  grow: (device) => ['resize2fs', device],
  growthCapability: CAP_SYS_RESOURCE,
});
