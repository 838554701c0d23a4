/** Sizes of volumes, and the engine of those that have none. */

const MIB = 1024 * 1024;

/**
 * The engine of a volume that is used over NBD alone: nothing is attached, mounted or started for it. Everything that
 * looks after a database looks after it. It is made by CreateVolume and CloneSnapshot, never by CreateDatabase.
 */
export const NO_ENGINE = 'none';

/** Volumes are tracked and copied in regions of this size. */
export const REGION_BYTES = 64 * 1024;
/** What one file of the store can hold on ext4, and what one number counts exactly. */
export const MAX_SIZE_BYTES = 8 * 1024 * 1024 * MIB;

const MULTIPLE = `a multiple of ${String(REGION_BYTES)} bytes (64 KiB)`;
const AT_MOST = `at most ${String(MAX_SIZE_BYTES)} (8 TiB)`;

export const VOLUME_SIZES = `${MULTIPLE}, not 0, ${AT_MOST}`;

export const describeSizes = (engine: string, minimumBytes: number): string =>
  `${MULTIPLE}, at least ${String(minimumBytes)} (${String(minimumBytes / MIB)} MiB) for ${engine}, ${AT_MOST}`;
