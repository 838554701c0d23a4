/**
 * The content of a file in memory, in sectors of 512 bytes that are never changed but replaced: a copy of an image
 * shares all of them. Eight sectors are a page, and a page without any is a hole.
 */

export const SECTOR_BYTES = 512;
const PAGE_SECTORS = 8;
export const PAGE_BYTES = PAGE_SECTORS * SECTOR_BYTES;

/** Undefined: zeroes, and no room taken up. */
export type Sector = Uint8Array | undefined;

type Page = readonly Sector[];
const HOLE: Page = Array.from({ length: PAGE_SECTORS }, () => undefined);

export class Image {
  #pages: Map<number, Page>;
  /** Another image has the same map of pages: it is copied before the next change. */
  #isShared: boolean;

  private constructor(pages: Map<number, Page>, isShared: boolean) {
    this.#pages = pages;
    this.#isShared = isShared;
  }

  static empty(): Image {
    return new Image(new Map(), false);
  }

  copy(): Image {
    this.#isShared = true;
    return new Image(this.#pages, true);
  }

  get allocatedBytes(): number {
    return this.#pages.size * PAGE_BYTES;
  }

  get(sector: number): Sector {
    return this.#pages.get(Math.floor(sector / PAGE_SECTORS))?.[sector % PAGE_SECTORS];
  }

  set(sector: number, content: Sector): void {
    const number = Math.floor(sector / PAGE_SECTORS);
    const old = this.#pages.get(number);
    if (content === undefined && old === undefined) return;
    if (this.#isShared) this.#pages = new Map(this.#pages);
    this.#isShared = false;
    const page = (old ?? HOLE).with(sector % PAGE_SECTORS, content);
    if (page.some((one) => one !== undefined)) this.#pages.set(number, page);
    else this.#pages.delete(number);
  }

  read(into: Uint8Array, offset: number): void {
    for (let done = 0; done < into.length;) {
      const at = offset + done;
      const skipped = at % SECTOR_BYTES;
      const length = Math.min(SECTOR_BYTES - skipped, into.length - done);
      const sector = this.get((at - skipped) / SECTOR_BYTES);
      if (sector === undefined) into.fill(0, done, done + length);
      else into.set(length === SECTOR_BYTES ? sector : sector.subarray(skipped, skipped + length), done);
      done += length;
    }
  }

  /** What is not zeroes, in pages, in order. */
  *extents(from: number, end: number): Generator<{ readonly start: number; readonly end: number }> {
    const numbers = [...this.#pages.keys()]
      .filter((page) => (page + 1) * PAGE_BYTES > from)
      .sort((a, b) => a - b);
    for (let at = 0; at < numbers.length;) {
      const first = numbers[at] ?? 0;
      let count = 1;
      while (numbers[at + count] === first + count) count++;
      at += count;
      const start = Math.max(from, first * PAGE_BYTES);
      if (start < end) yield { start, end: Math.min(end, (first + count) * PAGE_BYTES) };
    }
  }

  holdsData(offset: number, length: number): boolean {
    const last = Math.floor((offset + length - 1) / PAGE_BYTES);
    for (let page = Math.floor(offset / PAGE_BYTES); page <= last; page++)
      if (this.#pages.has(page)) return true;
    return false;
  }
}
