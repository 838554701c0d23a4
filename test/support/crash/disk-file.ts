/**
 * One file as the kernel has it, and as it may be found after a loss of power: of each sector what was synced last or
 * any value that was written since, one sector whatever the other; likewise its size.
 */
import { Image, type Sector, SECTOR_BYTES } from './image.ts';
import type { Inode, LostSector } from './steps.ts';

interface Version<Value> {
  /** The step that made it. */
  readonly at: number;
  readonly value: Value;
}

/** Something of which a loss of power leaves one of several: the first is what is on stable storage. */
export interface Unit {
  readonly kind: 'sector' | 'size' | 'name' | 'commits';
  readonly inode: Inode;
  readonly what: string;
}
/** One of so many. */
export type Chooser = (options: number, unit: Unit) => number;

export class DiskFile {
  readonly inode: Inode;
  /** What a read gets. */
  readonly cache: Image;
  sizeBytes: number;
  readonly #stable: Image;
  #stableSize: number;
  readonly #sectors = new Map<number, Version<Sector>[]>();
  #sizes: Version<number>[] = [];

  private constructor(inode: Inode, { content, sizeBytes }: { content: Image; sizeBytes: number }) {
    this.inode = inode;
    this.cache = content;
    this.#stable = content.copy();
    this.sizeBytes = sizeBytes;
    this.#stableSize = sizeBytes;
  }

  static create(inode: Inode, sizeBytes: number, at: number): DiskFile {
    const file = new DiskFile(inode, { content: Image.empty(), sizeBytes: 0 });
    file.grow(sizeBytes, at);
    return file;
  }

  /** As the kernel has it now, and all of it on stable storage. */
  settled(): DiskFile {
    return new DiskFile(this.inode, { content: this.cache.copy(), sizeBytes: this.sizeBytes });
  }

  /** With what is not on stable storage yet. */
  copy(): DiskFile {
    const copy = new DiskFile(this.inode, { content: this.#stable.copy(), sizeBytes: this.#stableSize });
    for (const [sector, versions] of this.#sectors) {
      copy.#sectors.set(sector, [...versions]);
      copy.cache.set(sector, versions.at(-1)?.value);
    }
    copy.#sizes = [...this.#sizes];
    copy.sizeBytes = this.sizeBytes;
    return copy;
  }

  /** What the loss of power leaves. */
  crashed(choose: Chooser): DiskFile {
    const content = this.#stable.copy();
    for (const [sector, versions] of this.#sectors) {
      const unit: Unit = { kind: 'sector', inode: this.inode, what: `sector ${sector}` };
      const chosen = choose(versions.length + 1, unit);
      if (chosen > 0) content.set(sector, versions[chosen - 1]?.value);
    }
    let sizeBytes = this.#stableSize;
    if (this.#sizes.length > 0) {
      const chosen = choose(this.#sizes.length + 1, { kind: 'size', inode: this.inode, what: 'size' });
      sizeBytes = this.#sizes[chosen - 1]?.value ?? sizeBytes;
      cutOff(content, sizeBytes);
    }
    return new DiskFile(this.inode, { content, sizeBytes });
  }

  write(data: Uint8Array, offset: number, at: number): void {
    for (let done = 0; done < data.length;) {
      const skipped = (offset + done) % SECTOR_BYTES;
      const length = Math.min(SECTOR_BYTES - skipped, data.length - done);
      const sector = (offset + done - skipped) / SECTOR_BYTES;
      let content = data.subarray(done, done + length);
      if (length < SECTOR_BYTES) {
        const whole = Buffer.alloc(SECTOR_BYTES);
        whole.set(this.cache.get(sector) ?? []);
        whole.set(content, skipped);
        content = whole;
      }
      this.#put(sector, content, at);
      done += length;
    }
  }

  zero(offset: number, length: number, at: number): void {
    for (let done = 0; done < length;) {
      const skipped = (offset + done) % SECTOR_BYTES;
      const piece = Math.min(SECTOR_BYTES - skipped, length - done);
      if (piece === SECTOR_BYTES) this.#put((offset + done) / SECTOR_BYTES, undefined, at);
      else this.write(new Uint8Array(piece), offset + done, at);
      done += piece;
    }
  }

  grow(sizeBytes: number, at: number): void {
    this.sizeBytes = sizeBytes;
    this.#sizes.push({ at, value: sizeBytes });
  }

  /** A sync that began before the step `upTo` is over. */
  synced(upTo: number): void {
    for (const [sector, versions] of this.#sectors) {
      const covered = versions.findLastIndex(({ at }) => at < upTo);
      if (covered < 0) continue;
      this.#stable.set(sector, versions[covered]?.value);
      if (covered === versions.length - 1) this.#sectors.delete(sector);
      else versions.splice(0, covered + 1);
    }
    const covered = this.#sizes.findLastIndex(({ at }) => at < upTo);
    this.#stableSize = this.#sizes[covered]?.value ?? this.#stableSize;
    this.#sizes.splice(0, covered + 1);
  }

  /** Sectors that a sync that begins now would write; zeroes are holes, which the journal keeps. */
  dirty(upTo: number): number[] {
    const sectors: number[] = [];
    for (const [sector, versions] of this.#sectors) {
      const covered = versions.findLast(({ at }) => at < upTo);
      if (covered?.value !== undefined) sectors.push(sector);
    }
    return sectors;
  }

  /**
   * A sync that began before the step `upTo` failed. What is lost may have got to the disk, or not, and no sync writes
   * it any more; a write to the same sector after it does. What is not lost stays as it was.
   */
  syncFailed(lost: readonly LostSector[], upTo: number): void {
    for (const { sector, isDropped } of lost) {
      const versions = this.#sectors.get(sector) ?? [];
      const covered = versions.findLastIndex(({ at }) => at < upTo);
      const isNewest = covered === versions.length - 1;
      for (let at = 0; at <= covered; at++) {
        const version = versions[at];
        if (version !== undefined) versions[at] = { ...version, at: Infinity };
      }
      if (!isDropped || !isNewest) continue;
      this.#sectors.delete(sector);
      this.cache.set(sector, this.#stable.get(sector));
    }
  }

  #put(sector: number, value: Sector, at: number): void {
    const versions = this.#sectors.get(sector);
    if (versions === undefined) this.#sectors.set(sector, [{ at, value }]);
    else versions.push({ at, value });
    this.cache.set(sector, value);
  }
}

/** What lay behind the end is zeroes if the file gets longer again. */
function cutOff(content: Image, sizeBytes: number): void {
  const inside = sizeBytes % SECTOR_BYTES;
  const first = (sizeBytes - inside) / SECTOR_BYTES;
  const last = content.get(first);
  for (const { start, end } of [...content.extents(first * SECTOR_BYTES, Infinity)])
    for (let sector = start / SECTOR_BYTES; sector * SECTOR_BYTES < end; sector++)
      content.set(sector, undefined);
  if (inside > 0 && last !== undefined)
    content.set(first, Buffer.concat([last.subarray(0, inside), Buffer.alloc(SECTOR_BYTES - inside)]));
}
