/**
 * What NBD clients see of a host's volumes, found by name: `VOLUME` while this host is its primary, and
 * `VOLUME@secondary`, read-only, while this host is an in-sync secondary of it. Any other `VOLUME@NAME` is a snapshot
 * that this host keeps, whatever its replica is.
 */
import type { Export, ExportEntry, ExportRefusal, Exports, FindResult, OpenExport } from '../nbd/block.ts';
import { isPrimaryState, type ReplicaState } from '../replication/states.ts';
import type { LayerStore } from '../store/layers/layer-store.ts';
import { ReadOnlyView } from './read-only-view.ts';
import { SnapshotExports } from './snapshot-exports.ts';
import type { Volume } from './volume.ts';

export interface VolumeLookup {
  get(name: string): Volume | undefined;
  all(): readonly Volume[];
  readonly store: LayerStore;
  /** The snapshot that a revert of the volume, which was cut off, goes back to. */
  revertUnderWay(volume: string): string | undefined;
}

const SECONDARY_SUFFIX = '@secondary';

export class VolumeExports implements Exports {
  readonly #volumes: VolumeLookup;
  readonly #snapshots: SnapshotExports;
  /** Of each export's name: whom to tell that it has ended. */
  readonly #revocations = new Map<string, Set<() => void>>();
  /** By volume: why nobody may use it for now. */
  readonly #held = new Map<string, string>();

  constructor(volumes: VolumeLookup) {
    this.#volumes = volumes;
    this.#snapshots = new SnapshotExports(() => volumes.store);
  }

  list(): readonly ExportEntry[] {
    return this.#volumes.all().flatMap((volume) => {
      const snapshots = this.#snapshots.list(volume.name);
      if (volume.serves) return [this.#ofPrimary(volume), ...snapshots];
      return isInSync(volume) ? [this.#ofSecondary(volume), ...snapshots] : snapshots;
    });
  }

  find(name: string): FindResult {
    const [volumeName = '', part, ...more] = name.split('@');
    const volume = this.#volumes.get(volumeName);
    if (volume === undefined || more.length > 0)
      return refuse('UNKNOWN', `no volume ${JSON.stringify(volumeName)} on this host`);
    if (part === undefined) {
      const why = this.#whyNotServed(volume);
      return why === undefined ? { ok: true, found: this.#ofPrimary(volume) } : refuse('NOT_SERVING', why);
    }
    if (`@${part}` !== SECONDARY_SUFFIX) {
      const found = this.#snapshots.find(volumeName, part);
      if (found !== undefined) return this.#snapshots.whyUnusable(volumeName, part) ?? { ok: true, found };
      return refuse('UNKNOWN', `volume ${volumeName} has no snapshot ${JSON.stringify(part)} on this host`);
    }
    if (isInSync(volume)) return { ok: true, found: this.#ofSecondary(volume) };
    return refuse('NOT_IN_SYNC', `the replica on this host is ${volume.state}, and no secondary in sync`);
  }

  /** Behind each change of a volume's state: clients of what is served no more are cut off. */
  stateChanged(volume: string, from: ReplicaState, to: ReplicaState): void {
    if (isPrimaryState(from) && !isPrimaryState(to)) this.#revoke(volume);
    if (from === 'SECONDARY' && to !== 'SECONDARY') this.#revoke(`${volume}${SECONDARY_SUFFIX}`);
  }

  /** The volume is about to be deleted. */
  revokeAll(volume: string): void {
    this.#revoke(volume);
    this.#revoke(`${volume}${SECONDARY_SUFFIX}`);
    this.#snapshots.revokeAll(volume);
  }

  /** Nobody gets to the volume until `release`; who uses it already goes on. */
  hold(volume: string, why: string): void {
    this.#held.set(volume, why);
  }

  release(volume: string): void {
    this.#held.delete(volume);
  }

  isHeld(volume: string): boolean {
    return this.#held.has(volume);
  }

  /** Of the volume itself, not of its snapshots. */
  clientsOf(volume: string): number {
    return this.#revocations.get(volume)?.size ?? 0;
  }

  #whyNotServed({ name, serves, state }: Volume): string | undefined {
    if (!serves) return `the replica on this host is ${state}`;
    const held = this.#held.get(name);
    if (held !== undefined) return held;
    const snapshot = this.#volumes.revertUnderWay(name);
    return snapshot === undefined
      ? undefined
      : `a revert to snapshot ${snapshot} was cut off, and what it is now is a mixture: revert again`;
  }

  #ofPrimary(volume: Volume): Export {
    const { name, sizeBytes, offersFastZero } = volume;
    return {
      name,
      description: `generation ${String(volume.view.generation)}`,
      sizeBytes,
      isReadOnly: false,
      offersFastZero,
      differences: volume.differenceSources,
      open: (onRevoke) => this.#open(name, onRevoke, volume),
    };
  }

  #ofSecondary(volume: Volume): Export {
    const name = `${volume.name}${SECONDARY_SUFFIX}`;
    return {
      name,
      description: `read-only, secondary in generation ${String(volume.view.generation)}`,
      sizeBytes: volume.sizeBytes,
      isReadOnly: true,
      offersFastZero: false,
      differences: [],
      open: (onRevoke) =>
        this.#open(name, onRevoke, new ReadOnlyView(volume.file, { mayRead: () => isInSync(volume) })),
    };
  }

  #open(name: string, onRevoke: () => void, backend: OpenExport['backend']): OpenExport {
    const revocations = this.#revocations.get(name) ?? new Set();
    this.#revocations.set(name, revocations.add(onRevoke));
    return { backend, close: () => this.#revocations.get(name)?.delete(onRevoke) };
  }

  #revoke(name: string): void {
    const revocations = this.#revocations.get(name) ?? [];
    this.#revocations.delete(name);
    for (const revoke of revocations) revoke();
  }
}

/**
 * What it holds is what clients wrote, and not a mixture of it with what a copy has not reached. With the link gone, the
 * primary may have gone on without it.
 */
export function isInSync(volume: Volume): boolean {
  if (volume.state !== 'SECONDARY') return false;
  const { mixed, peerConnected } = volume.status;
  return peerConnected && !mixed;
}

function refuse(reason: ExportRefusal['reason'], message: string): ExportRefusal {
  return { ok: false, reason, message };
}
