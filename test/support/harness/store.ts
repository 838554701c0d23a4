/** What a replica keeps on stable storage beside its data: its durable state and its dirty maps, changed as one. */
import type { DurableState, KeptState, MapChange } from '../../../daemon/replication/interface.ts';
import type { HostName, Region } from '../../../daemon/replication/units.ts';
import { CHUNK_REGIONS } from '../../../daemon/replication/units.ts';

export type Chunks = ReadonlyMap<number, Uint8Array>;

export const blankState: DurableState = {
  view: { generation: 0, primary: '', inSync: [] },
  complete: false,
  blank: true,
  candidateFor: 0,
  flushFailedIn: '',
  pulledFrom: '',
  scrubbedTo: 0,
  asking: '',
  promoting: false,
  bootId: 'boot 1',
  consistentAt: 0,
  mixed: false,
  copyFrom: { host: '', generation: 0 },
  tracked: [],
};

export class KeptStore {
  durable: DurableState;
  #maps: ReadonlyMap<HostName, Chunks> = new Map();

  constructor(durable: DurableState) {
    this.durable = durable;
  }

  get maps(): ReadonlyMap<HostName, Chunks> {
    return this.#maps;
  }

  apply(durable: DurableState, changes: readonly MapChange[]): void {
    this.durable = durable;
    this.#maps = changed(this.#maps, changes);
  }

  copy(): KeptStore {
    const copy = new KeptStore(this.durable);
    copy.#maps = this.#maps;
    return copy;
  }

  kept(preserved: readonly Region[]): KeptState {
    const maps = new Map(
      [...this.#maps].map(([host, chunks]) => [
        host,
        [...chunks].map(([at, bits]) => ({ at, bits: bits.slice() })),
      ]),
    );
    return { durable: this.durable, maps, preserved };
  }
}

/** The maps as they are after the changes. Pure. */
export function changed(
  maps: ReadonlyMap<HostName, Chunks>,
  changes: readonly MapChange[],
): ReadonlyMap<HostName, Chunks> {
  if (changes.length === 0) return maps;
  const after = new Map(maps);
  for (const { host, anew, chunks } of changes) {
    const map = new Map(anew ? [] : after.get(host));
    for (const { at, bits } of chunks) map.set(at, bits.slice());
    if (map.size === 0) after.delete(host);
    else after.set(host, map);
  }
  return after;
}

export function isMarked(chunks: Chunks | undefined, region: Region): boolean {
  const bits = chunks?.get(Math.floor(region / CHUNK_REGIONS));
  const bit = region % CHUNK_REGIONS;
  return bits !== undefined && ((bits[bit >> 3] ?? 0) & (1 << (bit & 7))) !== 0;
}
