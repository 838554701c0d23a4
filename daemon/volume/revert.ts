/**
 * A volume goes back to a snapshot by being written, as a client would write it: what differs gets the snapshot's bytes.
 * So every replica gets them, and maps, generations and leases hold as for any write.
 *
 * Until it has ended the volume is a mixture, which nobody may use: a file says so from before the first write to
 * after the flush, also to a process that comes later, and the same revert finds what is left to do.
 */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { BlockRequest, BlockResult } from '../nbd/block.ts';
import type { ByteRange } from '../replication/units.ts';
import { REGION_BYTES } from '../replication/units.ts';
import type { SnapshotView } from '../store/layers/snapshot-view.ts';
import { readFrom } from '../store/store.ts';
import { syncFolder } from '../store/sync-folder.ts';
import { LockstepError } from '../sys/errors.ts';
import type { Volume } from './volume.ts';
import type { Volumes } from './volumes.ts';

/** Written at once, in one request. */
const PIECE_BYTES = 1024 * 1024;
/** Between two looks at what is next, so that what else the daemon does goes on: a turn is a millisecond or two. */
const IN_FLIGHT = 4;
const WINDOW_REGIONS = 64 * 1024;

/** Answers how many bytes were other than in the snapshot. */
export async function revertVolume(volumes: Volumes, name: string, snapshot: string): Promise<number> {
  const volume = volumes.require(name);
  const { exports, store } = volumes;
  const view = store.openSnapshot(name, snapshot, () => 'a revert to it');
  try {
    check(volumes, volume);
    const mark = volumes.revertMark(name);
    exports.hold(name, `it is being reverted to snapshot ${snapshot}`);
    try {
      await writeMark(mark, snapshot);
      const changed = await writeBack({ volume, volumes, view });
      await submitted(volume, { kind: 'flush' });
      rmSync(mark, { force: true });
      await syncFolder(dirname(mark));
      return changed;
    } finally {
      exports.release(name);
    }
  } finally {
    view.close();
  }
}

/** The snapshot that a revert, which was cut off, goes back to; undefined: there is none. */
export function revertUnderWay(mark: string): string | undefined {
  return existsSync(mark) ? readFileSync(mark, 'utf8') : undefined;
}

function check(volumes: Volumes, volume: Volume): void {
  const { name } = volume;
  if (volume.state !== 'SERVING' && volume.state !== 'SOLO')
    throw new LockstepError(
      'FAILED_PRECONDITION',
      `the replica is ${volume.state}; a revert is done where the volume is served`,
      { reason: 'NOT_SERVING', metadata: { volume: name } },
    );
  const clients = volumes.exports.clientsOf(name);
  if (clients > 0)
    throw new LockstepError(
      'FAILED_PRECONDITION',
      `${String(clients)} NBD client${clients === 1 ? '' : 's'} of volume ${name} would see it change under them; disconnect first`,
      { reason: 'CLIENTS_CONNECTED', metadata: { volume: name } },
    );
  if (volumes.exports.isHeld(name))
    throw new LockstepError('ABORTED', `a revert of volume ${name} is under way`, {
      reason: 'REVERT_UNDER_WAY',
    });
}

async function writeMark(mark: string, snapshot: string): Promise<void> {
  mkdirSync(dirname(mark), { recursive: true, mode: 0o700 });
  writeFileSync(mark, snapshot, { mode: 0o600, flush: true });
  await syncFolder(dirname(mark));
}

interface Reverting {
  readonly volume: Volume;
  readonly volumes: Volumes;
  readonly view: SnapshotView;
}

async function writeBack(reverting: Reverting): Promise<number> {
  const { volume, volumes, view } = reverting;
  const regions = volume.sizeBytes / REGION_BYTES;
  const underWay = new Set<Promise<void>>();
  let changed = 0;
  let failure: Error | undefined;
  for (let first = 0; first < regions && failure === undefined; first += WINDOW_REGIONS) {
    const within = { first, count: Math.min(WINDOW_REGIONS, regions - first) };
    for await (const request of requestsOf(
      reverting,
      volumes.store.diff(view.record.volume, view.record.name, undefined, within),
    )) {
      changed += 'data' in request ? request.data.length : 'length' in request ? request.length : 0;
      const one = submitted(volume, request)
        .catch((error: unknown) => {
          failure = error instanceof Error ? error : new Error(String(error));
        })
        .finally(() => underWay.delete(one));
      underWay.add(one);
      if (underWay.size >= IN_FLIGHT) await Promise.race(underWay);
      if (failure !== undefined) break;
    }
  }
  await Promise.all(underWay);
  if (failure !== undefined) throw failure;
  return changed;
}

/** Nothing for what is equal already: an interrupted revert that goes on writes only what is left. */
async function* requestsOf(
  { volume, view }: Reverting,
  runs: Iterable<{ readonly first: number; readonly count: number }>,
): AsyncGenerator<BlockRequest> {
  for (const { first, count } of runs) {
    const end = (first + count) * REGION_BYTES;
    for (let offset = first * REGION_BYTES; offset < end; offset += PIECE_BYTES) {
      const range = { offset, length: Math.min(PIECE_BYTES, end - offset) };
      const request = await requestOf({ volume, view }, range);
      if (request !== undefined) yield request;
    }
  }
}

/** Undefined: nothing is to be done. */
async function requestOf(
  { volume, view }: Pick<Reverting, 'volume' | 'view'>,
  { offset, length }: ByteRange,
): Promise<BlockRequest | undefined> {
  const isHole = (extents: Iterable<{ readonly kind: string }>): boolean =>
    [...extents].every(({ kind }) => kind === 'hole');
  const range = { offset, length };
  if (isHole(view.extents(range))) {
    return isHole(volume.extents(range)) ? undefined : { kind: 'trim', ...range, fua: false };
  }
  const data = await readFrom(view, range);
  const isThere = data.equals(await readFrom(volume.file, range));
  return isThere ? undefined : { kind: 'write', offset, data, fua: false };
}

function submitted(volume: Volume, request: BlockRequest): Promise<void> {
  return new Promise((resolve, reject) => {
    volume.submit(request, (result: BlockResult) => {
      if (result.ok) resolve();
      else reject(failed(volume, result.failure));
    });
  });
}

function failed(volume: Volume, failure: string): LockstepError {
  return new LockstepError(
    failure === 'ESHUTDOWN' ? 'UNAVAILABLE' : 'INTERNAL',
    `the revert of volume ${volume.name} was cut off by ${failure}; the replica is ${volume.state}. Revert again`,
    { reason: 'REVERT_CUT_OFF', metadata: { volume: volume.name } },
  );
}
