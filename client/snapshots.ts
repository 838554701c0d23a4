/** Snapshots of volumes, and what is made from them. A volume is named by itself or by its database. */
import type { RedundancyMode } from '../proto/gen/lockstep/v1/database_service.ts';
import {
  type CloneSnapshotResponse,
  type DiffExtent,
  type ListSnapshotsResponse,
  type Snapshot,
  SnapshotServiceService as methods,
} from '../proto/gen/lockstep/v1/snapshot_service.ts';
import { type CallSettings, patient, requestFields, type RequestSettings } from './calls.ts';
import { Listing, PAGE_SIZE } from './listing.ts';
import { type Operation, operationOf } from './operations.ts';
import { hostName, snapshotName, volumeName } from './resource-names.ts';
import type { Transport } from './transport.ts';

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

export interface RestoreSnapshot extends SnapshotChoice {
  /** A DNS label, the last part of the new database's name. */
  readonly id: string;
  /** Replicated if absent. */
  readonly redundancyMode?: RedundancyMode;
  readonly tags?: Readonly<Record<string, string>>;
}

/** A snapshot is named `volume@snapshot`, where the volume is named by itself or by its database. */
export class Snapshots {
  readonly #transport: Transport;

  /** @internal */
  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** Never tried again by itself: the first may have been taken, and the second would be another instant. */
  create(
    volume: string,
    snapshotId: string,
    { host, quiesce = false }: CreateSnapshot = {},
    settings: CallSettings = {},
  ): Promise<Snapshot> {
    const request = { parent: volumeName(volume), snapshotId, host: hostName(host), quiesce };
    return this.#transport.once(methods.createSnapshot, request, patient(settings));
  }

  get(name: string, { host }: SnapshotChoice = {}, settings: CallSettings = {}): Promise<Snapshot> {
    const request = { name: snapshotName('snapshot', name), host: hostName(host) };
    return this.#transport.repeated(methods.getSnapshot, request, patient(settings));
  }

  /**
   * The snapshots of a volume, or of all where none is given, as far as the hosts could be asked; `survey` also says
   * which could not.
   */
  list(volume?: string, settings: CallSettings = {}): Listing<Snapshot> {
    return new Listing(async (pageToken) => {
      const answer = await this.#page(volume, pageToken, settings);
      return { items: answer.snapshots, nextPageToken: answer.nextPageToken };
    });
  }

  /** All snapshots of a volume, or of every volume, with the hosts that could not be asked and a revert that has not ended. */
  async survey(volume?: string, settings: CallSettings = {}): Promise<ListSnapshotsResponse> {
    const first = await this.#page(volume, '', settings);
    const snapshots = [...first.snapshots];
    const unreachable = new Set(first.unreachable);
    for (let pageToken = first.nextPageToken; pageToken !== '';) {
      const page = await this.#page(volume, pageToken, settings);
      snapshots.push(...page.snapshots);
      for (const host of page.unreachable) unreachable.add(host);
      pageToken = page.nextPageToken;
    }
    return { ...first, snapshots, unreachable: [...unreachable], nextPageToken: '' };
  }

  /** Never tried again by itself: what is gone cannot be told from what never was. */
  async delete(name: string, { host }: SnapshotChoice = {}, settings: CallSettings = {}): Promise<void> {
    const request = { name: snapshotName('snapshot', name), host: hostName(host) };
    await this.#transport.once(methods.deleteSnapshot, request, patient(settings));
  }

  /** A new volume without an engine, on the snapshot's host alone. Never tried again by itself. */
  clone(
    name: string,
    cloneId: string,
    { host }: SnapshotChoice = {},
    settings: CallSettings = {},
  ): Promise<CloneSnapshotResponse> {
    const request = { name: snapshotName('snapshot', name), cloneId, host: hostName(host) };
    return this.#transport.once(methods.cloneSnapshot, request, patient(settings));
  }

  /** A new database that begins as the snapshot. The operation answers it. */
  async restore(
    name: string,
    { id, host, tags = {}, ...rest }: RestoreSnapshot,
    settings: RequestSettings = {},
  ): Promise<Operation> {
    const request = {
      ...rest,
      name: snapshotName('snapshot', name),
      databaseId: id,
      host: hostName(host),
      tags: { ...tags },
      ...requestFields(settings),
    };
    return operationOf(await this.#transport.repeated(methods.restoreSnapshot, request, settings));
  }

  /** What was written since the snapshot is lost; what is written after this call's revert is not, however often it is sent. */
  async revert(
    name: string,
    { acceptDataLoss }: { readonly acceptDataLoss: boolean },
    settings: RequestSettings = {},
  ): Promise<Operation> {
    const request = { name: snapshotName('snapshot', name), acceptDataLoss, ...requestFields(settings) };
    return operationOf(await this.#transport.repeated(methods.revertVolume, request, settings));
  }

  /** What may differ between two snapshots; without `to`, between one and the volume as it is now. In order. */
  async *diff(
    from: string,
    to: string | undefined,
    { host }: SnapshotChoice = {},
    settings: CallSettings = {},
  ): AsyncGenerator<DiffExtent, void> {
    const names = { from: snapshotName('from', from), to: to === undefined ? '' : snapshotName('to', to) };
    let asked = hostName(host);
    let offset = 0n;
    do {
      const request = { ...names, host: asked, offset };
      const page = await this.#transport.repeated(methods.diffSnapshots, request, patient(settings));
      yield* page.extents;
      // The host that answered first: another one's snapshot of the same name is another one.
      asked = page.host;
      offset = page.nextOffset;
    } while (offset !== 0n);
  }

  #page(
    volume: string | undefined,
    pageToken: string,
    settings: CallSettings,
  ): Promise<ListSnapshotsResponse> {
    const parent = volume === undefined ? '' : volumeName(volume);
    const request = { parent, pageSize: PAGE_SIZE, pageToken };
    return this.#transport.repeated(methods.listSnapshots, request, patient(settings));
  }
}
