/** What the tests of the metadata put. */
import type { DurableState, MapChange, MapChunk } from '../../daemon/replication/interface.ts';
import { CHUNK_REGIONS } from '../../daemon/replication/units.ts';
import type { ReplicaRecord } from '../../daemon/meta/host-meta.ts';

export function record(volume: string, generation: number, more: Partial<DurableState> = {}): ReplicaRecord {
  const durable: DurableState = {
    view: { generation, primary: 'a', inSync: ['a', 'b'] },
    complete: false,
    blank: true,
    candidateFor: 0,
    flushFailedIn: '',
    pulledFrom: '',
    scrubbedTo: 0,
    asking: '',
    promoting: false,
    bootId: 'one boot',
    consistentAt: 0,
    mixed: false,
    copyFrom: { host: '', generation: 0 },
    tracked: [],
    ...more,
  };
  return { volume, sizeBytes: 65_536, durable };
}

/** All of its bits are those of `byte`. */
export function chunk(at: number, byte: number): MapChunk {
  return { at, bits: new Uint8Array(CHUNK_REGIONS / 8).fill(byte) };
}

export function changed(host: string, ...chunks: MapChunk[]): MapChange {
  return { host, anew: false, chunks };
}

export function anew(host: string, ...chunks: MapChunk[]): MapChange {
  return { host, anew: true, chunks };
}
