/**
 * What NBD clients see of a host's volumes, found by name: `VOLUME` while this host is its primary, and
 * `VOLUME@secondary`, read-only, while this host is an in-sync secondary of it. Any other `VOLUME@NAME` is a snapshot,
 * of which the store has none with a name.
 */
import type { Export, ExportEntry, ExportRefusal, Exports, FindResult, OpenExport } from '../nbd/block.ts';
import { isPrimaryState, type ReplicaState } from '../replication/states.ts';
import { ReadOnlyView } from './read-only-view.ts';
import type { Volume } from './volume.ts';

export interface VolumeLookup {
  get(name: string): Volume | undefined;
  all(): readonly Volume[];
}

const SECONDARY_SUFFIX = '@secondary';

export class VolumeExports implements Exports {
  readonly #volumes: VolumeLookup;
  /** Of each export's name: whom to tell that it has ended. */
  readonly #revocations = new Map<string, Set<() => void>>();

  constructor(volumes: VolumeLookup) {
    this.#volumes = volumes;
  }

  list(): readonly ExportEntry[] {
    return this.#volumes.all().flatMap((volume) => {
      if (volume.serves) return [this.#ofPrimary(volume)];
      return isInSync(volume) ? [this.#ofSecondary(volume)] : [];
    });
  }

  find(name: string): FindResult {
    const [volumeName = '', part, ...more] = name.split('@');
    const volume = this.#volumes.get(volumeName);
    if (volume === undefined || more.length > 0)
      return refuse('UNKNOWN', `no volume ${JSON.stringify(volumeName)} on this host`);
    if (part === undefined)
      return volume.serves
        ? { ok: true, found: this.#ofPrimary(volume) }
        : refuse('NOT_SERVING', `the replica on this host is ${volume.state}`);
    if (`@${part}` !== SECONDARY_SUFFIX)
      return refuse('UNKNOWN', `volume ${volumeName} has no snapshot ${JSON.stringify(part)}`);
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
      open: (onRevoke) => this.#open(name, onRevoke, new ReadOnlyView(volume.file, () => isInSync(volume))),
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
function isInSync(volume: Volume): boolean {
  if (volume.state !== 'SECONDARY') return false;
  const { mixed, peerConnected } = volume.status;
  return peerConnected && !mixed;
}

function refuse(reason: ExportRefusal['reason'], message: string): ExportRefusal {
  return { ok: false, reason, message };
}
