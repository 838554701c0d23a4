/**
 * What is written and read in the random runs: each sector is the number of the write that its bytes came from, its
 * stamp. The replica only hands bytes on, so that the many that a run moves about need not be there: a payload has its
 * length, its stamps beside it, and one memory of zeroes in common with all others.
 */
import { REGION_BYTES } from '../../../daemon/replication/units.ts';

export const SECTOR_BYTES = 512;

interface Payload extends Uint8Array {
  stamps?: Uint32Array;
}

const zeroes = new ArrayBuffer(REGION_BYTES);

/** `stamps` are the payload's from now on. */
export function payloadOf(stamps: Uint32Array): Uint8Array {
  const length = stamps.length * SECTOR_BYTES;
  const payload: Payload = length > REGION_BYTES ? new Uint8Array(length) : new Uint8Array(zeroes, 0, length);
  payload.stamps = stamps;
  return payload;
}

/** The bytes of a write. */
export function stamped(stamp: number, length: number): Uint8Array {
  return payloadOf(new Uint32Array(length / SECTOR_BYTES).fill(stamp));
}

/** Of real bytes: the number at the head of each sector. */
export function stampsOf(data: Uint8Array): Uint32Array {
  return (data as Payload).stamps ?? headsOf(data);
}

/** A copy whose first bytes are wrong. */
export function damaged(payload: Uint8Array): Uint8Array {
  const { stamps } = payload as Payload;
  const copy: Payload = payload.slice();
  copy.fill(0xa5, 0, Math.min(copy.length, 4));
  if (stamps !== undefined) copy.stamps = stamps.with(0, headsOf(copy)[0] ?? 0);
  return copy;
}

function headsOf(data: Uint8Array): Uint32Array {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const stamps = new Uint32Array(data.length / SECTOR_BYTES);
  for (let at = 0; at < stamps.length; at++) stamps[at] = view.getUint32(at * SECTOR_BYTES, true);
  return stamps;
}
