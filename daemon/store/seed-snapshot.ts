/**
 * A snapshot to seed a replica from, by copy before write: the first change of a region after the snapshot puts the
 * old bytes into a file beside the volume. It costs nothing to take, and the regions that it holds are exactly those
 * that changed since, which is what the seeded replica lacks.
 *
 * It lives as long as the process: the file is unlinked while open, so that a crash leaves nothing behind. A seed
 * whose snapshot is gone takes a new one, and only what differs is sent again.
 */
import { closeSync, ftruncateSync, openSync, readSync, unlinkSync, writeSync } from 'node:fs';
import { assert } from '../sys/errors.ts';
import { REGION_BYTES, type Region } from '../replication/units.ts';

export class SeedSnapshot {
  readonly id: string;
  /** Regions that may hold anything but zeroes. */
  readonly allocated: readonly Region[];
  readonly #fd: number;
  readonly #changed: Uint8Array;

  constructor(
    id: string,
    path: string,
    volume: { readonly regions: number; readonly allocated: readonly Region[] },
  ) {
    this.id = id;
    this.allocated = volume.allocated;
    this.#changed = new Uint8Array(volume.regions);
    this.#fd = openSync(path, 'w+', 0o600);
    unlinkSync(path);
    ftruncateSync(this.#fd, volume.regions * REGION_BYTES);
  }

  get allocatedBytes(): number {
    return this.allocated.length * REGION_BYTES;
  }

  hasChanged(region: Region): boolean {
    return this.#changed[region] === 1;
  }

  changedRegions(): Region[] {
    const regions: Region[] = [];
    this.#changed.forEach((changed, region) => {
      if (changed === 1) regions.push(region);
    });
    return regions;
  }

  /**
   * Keeps the bytes that the region had; undefined for zeroes, which the sparse file shows by itself. After it has
   * thrown, for want of room, the snapshot is of no use any more.
   */
  preserve(region: Region, data: Uint8Array | undefined): void {
    let written = 0;
    while (data !== undefined && written < data.length)
      written += writeSync(this.#fd, data, written, data.length - written, region * REGION_BYTES + written);
    this.#changed[region] = 1;
  }

  /** False: the region did not change, and is to be read from the volume. */
  readPreserved(region: Region, into: Buffer): boolean {
    if (!this.hasChanged(region)) return false;
    const got = readSync(this.#fd, into, 0, REGION_BYTES, region * REGION_BYTES);
    assert(got === REGION_BYTES, 'a preserved region is read whole');
    return true;
  }

  close(): void {
    closeSync(this.#fd);
  }
}
