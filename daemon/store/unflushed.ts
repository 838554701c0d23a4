/**
 * What was written to a volume and is not on stable storage yet, with what the sectors held before: enough to take it
 * back, as the loss of power does. For the fault layer alone: it reads whatever is about to be overwritten.
 */
import type { ByteRange } from '../replication/units.ts';
import type { Store } from './store.ts';

export const SECTOR_BYTES = 512;

/** Written between two flushes: what each sector held before the first of these writes. */
type Round = Map<number, Buffer>;

export class UnflushedSectors {
  readonly #store: Pick<Store, 'read' | 'write'>;
  /** Oldest first; the last takes what is written now. */
  #rounds: Round[] = [new Map<number, Buffer>()];

  constructor(store: Pick<Store, 'read' | 'write'>) {
    this.#store = store;
  }

  /** Said before the write. */
  aboutToWrite({ offset, length }: ByteRange): void {
    const round = this.#rounds.at(-1);
    const first = Math.floor(offset / SECTOR_BYTES);
    const count = Math.ceil((offset + length) / SECTOR_BYTES) - first;
    if (round === undefined || count === 0) return;
    const before = this.#store.read({ offset: first * SECTOR_BYTES, length: count * SECTOR_BYTES });
    for (let at = 0; at < count; at++)
      if (!round.has(first + at))
        round.set(first + at, before.subarray(at * SECTOR_BYTES, (at + 1) * SECTOR_BYTES));
  }

  /** A flush begins: answers what it will make stable. */
  seal(): object {
    const sealed = this.#rounds.at(-1) ?? new Map<number, Buffer>();
    this.#rounds.push(new Map<number, Buffer>());
    return sealed;
  }

  /** It succeeded: what was sealed with it, and before, is there for good. */
  stable(sealed: object): void {
    const at = this.#rounds.findIndex((round) => round === sealed);
    this.#rounds.splice(0, at + 1);
  }

  /**
   * Sectors that `isLost` picks hold again what they held on stable storage. `upTo`: only of what was sealed by then,
   * and not written since.
   */
  lose(isLost: (sector: number) => boolean, upTo?: object): void {
    const at = this.#rounds.findIndex((round) => round === upTo);
    const lost = this.#rounds.slice(0, upTo === undefined ? undefined : at + 1);
    const later = upTo === undefined ? [] : this.#rounds.slice(at + 1);
    const stable: Round = new Map<number, Buffer>();
    for (const round of lost.toReversed()) for (const [sector, bytes] of round) stable.set(sector, bytes);
    for (const [sector, bytes] of stable) {
      if (!isLost(sector) || later.some((round) => round.has(sector))) continue;
      this.#store.write(sector * SECTOR_BYTES, bytes);
      for (const round of lost) round.delete(sector);
    }
  }
}
