/** What people do with snapshots of this host's volumes: take, list, delete, clone, compare and go back. */
import type { SnapshotRecord } from '../store/layers/catalogue.ts';
import type { RegionRun } from '../store/layers/layer-map.ts';
import type { SnapshotLineage } from '../store/layers/lineage.ts';
import { REGION_BYTES } from '../replication/units.ts';
import { LockstepError } from '../sys/errors.ts';
import { isInSync } from './exports.ts';
import { revertVolume } from './revert.ts';
import { checkSnapshotName } from './snapshot-names.ts';
import type { Volume } from './volume.ts';
import type { Volumes } from './volumes.ts';

/** Does the work while the file system of a volume is frozen; `isQuiet` false: there is none that could be. */
export type WhileQuiet = <Value>(
  volume: string,
  work: (isQuiet: boolean) => Promise<Value>,
) => Promise<Value>;

/** Of one volume. Each takes two open files, and a look at its map where its regions are first touched. */
const MAX_SNAPSHOTS = 4096;
/** Heartbeats come several times a second. */
const HEARD_POLL_MS = 10;
/** Looked at in one turn: 64 GiB, some milliseconds. */
const DIFF_REGIONS = 1024 * 1024;
/** Primaries of these states have every acknowledged write, and go on having it. */
const WHOLE: ReadonlySet<string> = new Set(['SERVING', 'SOLO', 'HOLDING']);

export class VolumeSnapshots {
  readonly #volumes: Volumes;
  readonly #whileQuiet: WhileQuiet;

  constructor(volumes: Volumes, whileQuiet: WhileQuiet) {
    this.#volumes = volumes;
    this.#whileQuiet = whileQuiet;
  }

  list(volume: string): readonly SnapshotLineage[] {
    this.#volumes.require(volume);
    return this.#volumes.store.lineage(volume);
  }

  /**
   * A primary has every acknowledged write at every instant, and so has a secondary as long as it is in sync: that its
   * primary had not gone on without it is known once the primary is heard after that instant, in the same generation.
   * Of one that stopped being in sync meanwhile nobody knows what the snapshot shows: it goes again.
   */
  async take(name: string, snapshot: string, { quiesce }: { readonly quiesce: boolean }): Promise<void> {
    checkSnapshotName('snapshot', snapshot);
    const volume = this.#volumes.require(name);
    const { store } = this.#volumes;
    if (store.snapshots(name).length >= MAX_SNAPSHOTS)
      throw new LockstepError(
        'RESOURCE_EXHAUSTED',
        `volume ${name} has ${String(MAX_SNAPSHOTS)} snapshots, the most there can be`,
        { reason: 'TOO_MANY_SNAPSHOTS' },
      );
    const before = wholeness(volume);
    const take = (quiesced: boolean): Promise<SnapshotRecord> =>
      store.snapshot(name, snapshot, { quiesced, purpose: 'kept' });
    await (quiesce ? this.#whileQuiet(name, take) : take(false));
    if (before.role === 'secondary') await untilHeard(volume);
    if (isSame(before, volume)) return;
    await store.deleteSnapshot(name, snapshot);
    throw new LockstepError('ABORTED', `the replica changed to ${volume.state} meanwhile; try again`, {
      reason: 'REPLICA_CHANGED',
    });
  }

  async remove(volume: string, snapshot: string): Promise<void> {
    checkSnapshotName('snapshot', snapshot);
    await this.#volumes.store.deleteSnapshot(volume, snapshot);
  }

  /** Answers the size of the new volume. */
  clone(volume: string, snapshot: string, clone: string): Promise<number> {
    checkSnapshotName('snapshot', snapshot);
    return this.#volumes.clone(volume, snapshot, clone);
  }

  /** Answers how many bytes were other than in the snapshot. */
  revert(volume: string, snapshot: string): Promise<number> {
    checkSnapshotName('snapshot', snapshot);
    return revertVolume(this.#volumes, volume, snapshot);
  }

  /** Runs from region `first` on, at most `limit`; `next`: where to go on, if there is more. */
  diff(
    volume: string,
    { from, to, first, limit }: DiffQuestion,
  ): { readonly runs: readonly RegionRun[]; readonly next: number | undefined } {
    const { store } = this.#volumes;
    const regions = Math.ceil(this.#volumes.require(volume).sizeBytes / REGION_BYTES);
    const runs: RegionRun[] = [];
    for (let at = first; at < regions; at += DIFF_REGIONS) {
      const within = { first: at, count: Math.min(DIFF_REGIONS, regions - at) };
      for (const run of store.diff(volume, from, to, within)) {
        if (runs.length === limit) return { runs, next: run.first };
        runs.push(run);
      }
      // One turn is long enough: the caller asks on.
      const next = at + DIFF_REGIONS;
      if (next < regions) return { runs, next };
    }
    return { runs, next: undefined };
  }
}

export interface DiffQuestion {
  readonly from: string;
  /** Undefined: the volume as it is now. */
  readonly to: string | undefined;
  readonly first: number;
  readonly limit: number;
}

type Wholeness = { readonly role: 'primary' } | { readonly role: 'secondary'; readonly generation: number };

function wholeness(volume: Volume): Wholeness {
  if (WHOLE.has(volume.state)) return { role: 'primary' };
  if (isInSync(volume)) return { role: 'secondary', generation: volume.view.generation };
  const why = volume.status.mixed ? 'a copy to it is under way' : volume.status.reason;
  throw new LockstepError(
    'FAILED_PRECONDITION',
    `the replica is ${volume.state} and may lack acknowledged writes${why === '' ? '' : `: ${why}`}`,
    { reason: 'REPLICA_NOT_WHOLE', metadata: { volume: volume.name } },
  );
}

/** Of a secondary in the same generation nothing was acknowledged that it has not. */
function isSame(before: Wholeness, volume: Volume): boolean {
  if (before.role === 'primary') return volume.serves;
  return (isInSync(volume) && volume.view.generation === before.generation) || volume.serves;
}

/** Until a frame of the primary came in after this call, or the replica is not in sync any more. */
async function untilHeard(volume: Volume): Promise<void> {
  const fromMs = performance.now();
  const isSilent = (): boolean => volume.status.peerSilenceMs >= performance.now() - fromMs;
  while (isInSync(volume) && isSilent()) await new Promise((resolve) => setTimeout(resolve, HEARD_POLL_MS));
}
