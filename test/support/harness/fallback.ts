/** What a replica held before a copy to it began, region by region, on stable storage of its own. */
import type { Region } from '../../../daemon/replication/units.ts';
import { type Below, SECTORS_PER_REGION, type VirtualDisk } from './disk.ts';

/** So long after it was dropped a crash may bring it back: that its end is on stable storage is not waited for. */
const DROP_MS = 30;

export class Fallback {
  #kept = new Map<Region, Uint32Array>();
  #dropped = new Map<Region, Uint32Array>();
  #droppedAtMs = -Infinity;

  get regions(): readonly Region[] {
    return [...this.#kept.keys()].sort((a, b) => a - b);
  }

  get isEmpty(): boolean {
    return this.#kept.size === 0;
  }

  has(region: Region): boolean {
    return this.#kept.has(region);
  }

  /** A region that is kept already stays as it is. */
  preserve(disk: VirtualDisk, regions: readonly Region[]): void {
    this.#dropped = new Map();
    for (const region of regions)
      if (!this.#kept.has(region)) this.#kept.set(region, disk.regionStamps(region));
  }

  /** To the disk, and on its stable storage. `regions`: of a process that dies meanwhile only some. */
  revert(disk: VirtualDisk, regions = this.#kept.size): void {
    for (const [region, stamps] of [...this.#kept].slice(0, regions))
      disk.writeStamps(region * SECTORS_PER_REGION, stamps);
  }

  drop(nowMs: number): void {
    this.#dropped = this.#kept;
    this.#droppedAtMs = nowMs;
    this.#kept = new Map();
  }

  crash(nowMs: number, below: Below): void {
    if (nowMs - this.#droppedAtMs < DROP_MS && this.#dropped.size > 0 && below(2) === 0)
      this.#kept = new Map([...this.#dropped].slice(0, below(this.#dropped.size + 1)));
    this.#dropped = new Map();
  }
}
