/** Snapshots of volumes, and what is made from them. A volume is named by itself or by its database. */
import { randomUUID } from 'node:crypto';
import { callUnary } from '../daemon/sys/grpc-unary.ts';
import { invalidField } from '../daemon/sys/errors.ts';
import type {
  CloneSnapshotResponse,
  DiffExtent,
  ListSnapshotsResponse,
  Snapshot,
  SnapshotServiceClient,
} from '../proto/gen/lockstep/v1/snapshot_service.ts';
import { type CallSettings, retried } from './calls.ts';
import { callOptions, type Operation, operationOf } from './operations.ts';
import { volumeName } from './volumes.ts';

export interface CreateSnapshot {
  /** Default: the primary's. */
  readonly host?: string | undefined;
  /** Freeze the file system for that instant, where it is mounted. */
  readonly quiesce?: boolean;
}

/** A snapshot by `volume@snapshot`. */
export interface SnapshotChoice {
  /** Default: the only host that keeps one of that name. */
  readonly host?: string | undefined;
}

/** A file system that is frozen first may have much to write. */
const DISK_MS = 70_000;

export class Snapshots {
  readonly #stub: SnapshotServiceClient;

  constructor(stub: SnapshotServiceClient) {
    this.#stub = stub;
  }

  /** Never tried again by itself: the first may have been taken, and the second would be another instant. */
  create(
    volume: string,
    snapshotId: string,
    { host, quiesce = false }: CreateSnapshot = {},
    settings: CallSettings = {},
  ): Promise<Snapshot> {
    const request = { parent: volumeName(volume), snapshotId, host: hostName(host), quiesce };
    return callUnary(this.#stub.createSnapshot.bind(this.#stub), request, patient(settings));
  }

  list(volume: string, settings: CallSettings = {}): Promise<ListSnapshotsResponse> {
    const request = { parent: volumeName(volume), pageSize: 0, pageToken: '' };
    const call = () => callUnary(this.#stub.listSnapshots.bind(this.#stub), request, patient(settings));
    return retried(call, settings.signal);
  }

  async delete(name: string, { host }: SnapshotChoice = {}, settings: CallSettings = {}): Promise<void> {
    const request = { name: snapshotName('snapshot', name), host: hostName(host) };
    await callUnary(this.#stub.deleteSnapshot.bind(this.#stub), request, patient(settings));
  }

  clone(
    name: string,
    cloneId: string,
    { host }: SnapshotChoice = {},
    settings: CallSettings = {},
  ): Promise<CloneSnapshotResponse> {
    const request = { name: snapshotName('snapshot', name), cloneId, host: hostName(host) };
    return callUnary(this.#stub.cloneSnapshot.bind(this.#stub), request, patient(settings));
  }

  /** What was written since the snapshot is lost. */
  async revert(
    name: string,
    { acceptDataLoss }: { readonly acceptDataLoss: boolean },
    settings: CallSettings = {},
  ): Promise<Operation> {
    const request = {
      name: snapshotName('snapshot', name),
      acceptDataLoss,
      requestId: randomUUID(),
      validateOnly: false,
    };
    return operationOf(
      await callUnary(this.#stub.revertVolume.bind(this.#stub), request, callOptions(settings)),
    );
  }

  /** What may differ between two snapshots; without `to`, between one and the volume as it is now. In order. */
  async *diff(
    from: string,
    to: string | undefined,
    { host }: SnapshotChoice = {},
    settings: CallSettings = {},
  ): AsyncGenerator<DiffExtent> {
    const names = { from: snapshotName('from', from), to: to === undefined ? '' : snapshotName('to', to) };
    let asked = hostName(host);
    let offset = 0n;
    do {
      const request = { ...names, host: asked, offset };
      const call = () => callUnary(this.#stub.diffSnapshots.bind(this.#stub), request, patient(settings));
      const page = await retried(call, settings.signal);
      yield* page.extents;
      // The host that answered first: another one's snapshot of the same name is another one.
      asked = page.host;
      offset = page.nextOffset;
    } while (offset !== 0n);
  }
}

const HOSTS = 'hosts/';

function patient(settings: CallSettings): ReturnType<typeof callOptions> {
  return callOptions({ deadlineMs: DISK_MS, ...settings });
}

function hostName(host = ''): string {
  return host === '' || host.startsWith(HOSTS) ? host : `${HOSTS}${host}`;
}

/** `orders@monday` to `volumes/orders/snapshots/monday`, as the API names it; so named it is left as it is. */
function snapshotName(field: string, name: string): string {
  if (name.includes('/snapshots/')) return name;
  const [, volume, snapshot] = /^([^@]+)@([^@]+)$/.exec(name) ?? [];
  if (volume === undefined || snapshot === undefined) throw invalidField(field, name, 'VOLUME@SNAPSHOT');
  return `${volumeName(volume)}/snapshots/${snapshot}`;
}

/** `volumes/orders/snapshots/monday` to `orders@monday`. */
export function snapshotId(name: string): string {
  return name.replace(/^[^/]+\//, '').replace('/snapshots/', '@');
}
