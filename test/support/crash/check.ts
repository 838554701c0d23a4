/**
 * A store that was opened after a crash, against the model: each volume and snapshot is one of those that may be there,
 * with bytes that may be there, and the folder holds what the catalogue knows and nothing else.
 */
import { messageOf } from '../../../daemon/sys/errors.ts';
import type { LayerStore } from '../../../daemon/store/layers/layer-store.ts';
import type { LayeredVolume } from '../../../daemon/store/layers/layered-volume.ts';
import { REGION_BYTES } from './geometry.ts';
import type { StoreHost } from './host.ts';
import { type Sector, SECTOR_BYTES } from './image.ts';
import { Model, snapshotKey, type SnapshotModel } from './model.ts';
import { type CrashKind, isSame, VolumeModel } from './volume-model.ts';

const SECTORS_PER_REGION = REGION_BYTES / SECTOR_BYTES;

/** What breaks a promise. */
export class BrokenPromise extends Error {}

/** What is read, by region; of others nothing is known, and they should be zeroes. */
type Found = ReadonlyMap<number, Buffer>;

interface Readable {
  readonly sizeBytes: number;
  read(range: { readonly offset: number; readonly length: number }): Buffer;
  extents(range: { readonly offset: number; readonly length: number }): Iterable<{
    readonly kind: 'data' | 'hole';
    readonly offset: number;
    readonly length: number;
  }>;
}

export function readable(volume: LayeredVolume): Readable {
  return {
    sizeBytes: volume.sizeBytes,
    read: (range) => volume.read(range),
    extents: (range) => volume.stack.extents(range),
  };
}

/**
 * Answers what tells the model of what is there now. `isSkipped`: whether what a snapshot shows is left out, where it
 * has to be there and no other.
 */
export function checkRecovered(
  store: LayerStore,
  model: Model,
  kind: CrashKind,
  isSkipped: () => boolean = () => false,
): () => Model {
  const { volumes, snapshots } = model.expected();
  const foundVolumes = new Map<string, () => VolumeModel>();
  const foundSnapshots = new Map<string, SnapshotModel>();
  for (const name of new Set([...volumes.keys(), ...store.volumes.map(({ volume }) => volume)])) {
    const volume = checkVolume(store, name, volumes.get(name) ?? [undefined], kind);
    if (volume !== undefined) foundVolumes.set(name, volume);
  }
  const shown = store.volumes.flatMap(({ volume }) =>
    store.snapshots(volume).map(({ name }) => snapshotKey(volume, name)),
  );
  for (const key of new Set([...snapshots.keys(), ...shown])) {
    const snapshot = checkSnapshot(store, key, snapshots.get(key) ?? [undefined], isSkipped);
    if (snapshot !== undefined) foundSnapshots.set(key, snapshot);
  }
  return () => {
    const after = new Model();
    for (const [name, volume] of foundVolumes) after.volumes.set(name, volume());
    for (const [key, snapshot] of foundSnapshots) after.snapshots.set(key, snapshot);
    return after;
  };
}

/** As the store shows it now. */
export function modelOf(store: LayerStore): Model {
  const model = new Model();
  const contentOf = (source: Readable): Map<number, Sector> => {
    const found = readAll(source, []);
    return new Map([...sectorsIn(found)].map((sector) => [sector, sectorOf(found, sector)]));
  };
  for (const { volume, sizeBytes } of store.volumes) {
    model.volumes.set(volume, new VolumeModel(sizeBytes, contentOf(readable(store.volume(volume)))));
    for (const { name, purpose } of store.snapshots(volume)) {
      const view = store.openSnapshot(volume, name);
      const snapshot = { volume, name, purpose, sizeBytes: view.sizeBytes, content: contentOf(view) };
      model.snapshots.set(snapshotKey(volume, name), snapshot);
      view.close();
    }
  }
  return model;
}

function checkVolume(
  store: LayerStore,
  name: string,
  expected: readonly (VolumeModel | undefined)[],
  kind: CrashKind,
): (() => VolumeModel) | undefined {
  if (!store.volumes.some(({ volume }) => volume === name)) {
    if (expected.includes(undefined)) return undefined;
    throw new BrokenPromise(`volume ${name} is gone`);
  }
  const volume = usable(() => readable(store.volume(name)), `volume ${name}`);
  const models = expected.filter((one) => one !== undefined);
  const found = readAll(
    volume,
    models.flatMap(({ sectors }) => [...sectors]),
  );
  const problems: string[] = [];
  for (const one of models) {
    const problem = volumeProblem(volume.sizeBytes, found, one, kind);
    if (problem === undefined) return () => one.recovered(kind, (sector) => sectorOf(found, sector));
    problems.push(problem);
  }
  throw new BrokenPromise(`volume ${name} ${problems.join('; or ') || 'should not be there'}`);
}

/** Why a volume in use shows what it must not. */
export function liveProblem(volume: Readable, model: VolumeModel): string | undefined {
  return volumeProblem(volume.sizeBytes, readAll(volume, model.sectors), model, 'killed');
}

function volumeProblem(
  sizeBytes: number,
  found: Found,
  model: VolumeModel,
  kind: CrashKind,
): string | undefined {
  if (sizeBytes !== model.sizeBytes) return `has ${sizeBytes} bytes instead of ${model.sizeBytes}`;
  for (const [region, bytes] of found)
    for (let at = 0; at < SECTORS_PER_REGION; at++) {
      const sector = region * SECTORS_PER_REGION + at;
      if (model.accepts(sector, kind, (value) => holdsAt(bytes, at, value))) continue;
      const acceptable = model.acceptable(sector, kind).map(describe).join(', ');
      return `sector ${sector} holds ${describe(sectorOf(found, sector))}, and may hold ${acceptable}`;
    }
  return undefined;
}

function checkSnapshot(
  store: LayerStore,
  key: string,
  expected: Iterable<SnapshotModel | undefined>,
  isSkipped: () => boolean,
): SnapshotModel | undefined {
  const [volume = '', name = ''] = key.split('@');
  if (!store.snapshots(volume).some((snapshot) => snapshot.name === name)) {
    for (const one of expected) if (one === undefined) return undefined;
    throw new BrokenPromise(`snapshot ${key} is gone`);
  }
  const problems: string[] = [];
  const [only, ...others] = Array.isArray(expected) ? (expected as (SnapshotModel | undefined)[]) : [];
  if (only !== undefined && others.length === 0 && isSkipped()) return only;
  const view = usable(() => store.openSnapshot(volume, name), `snapshot ${key}`);
  try {
    for (const one of expected) {
      const problem = one === undefined ? undefined : contentProblem(view, one);
      if (one !== undefined && problem === undefined) return one;
      if (problem !== undefined) problems.push(problem);
    }
  } finally {
    view.close();
  }
  throw new BrokenPromise(`snapshot ${key} ${problems.join('; or ') || 'should not be there'}`);
}

/** Why the snapshot shows anything else. */
export function contentProblem(
  view: Readable,
  { sizeBytes, content }: Pick<SnapshotModel, 'sizeBytes' | 'content'>,
): string | undefined {
  if (view.sizeBytes !== sizeBytes) return `has ${view.sizeBytes} bytes instead of ${sizeBytes}`;
  const found = readAll(view, content.keys());
  for (const [region, bytes] of found)
    for (let at = 0; at < SECTORS_PER_REGION; at++) {
      const sector = region * SECTORS_PER_REGION + at;
      const value = content.get(sector);
      if (!holdsAt(bytes, at, value))
        return `sector ${sector} holds ${describe(sectorOf(found, sector))} instead of ${describe(value)}`;
    }
  return undefined;
}

/** The regions of these sectors, and all that are said to hold data. */
function readAll(source: Readable, sectors: Iterable<number>): Found {
  const regions = new Set<number>();
  for (const sector of sectors) regions.add(Math.floor(sector / SECTORS_PER_REGION));
  for (const { kind, offset, length } of source.extents({ offset: 0, length: source.sizeBytes }))
    for (
      let at = offset - (offset % REGION_BYTES);
      kind === 'data' && at < offset + length;
      at += REGION_BYTES
    )
      regions.add(at / REGION_BYTES);
  const found = new Map<number, Buffer>();
  for (const region of regions) {
    const offset = region * REGION_BYTES;
    if (offset < source.sizeBytes) found.set(region, source.read({ offset, length: REGION_BYTES }));
  }
  return found;
}

const ZEROES = Buffer.alloc(SECTOR_BYTES);

function holdsAt(bytes: Buffer, sector: number, value: Sector): boolean {
  const from = sector * SECTOR_BYTES;
  return bytes.compare(value ?? ZEROES, 0, SECTOR_BYTES, from, from + SECTOR_BYTES) === 0;
}

function* sectorsIn(found: Found): Generator<number> {
  for (const region of found.keys())
    for (let at = 0; at < SECTORS_PER_REGION; at++) yield region * SECTORS_PER_REGION + at;
}

function sectorOf(found: Found, sector: number): Sector {
  const from = (sector % SECTORS_PER_REGION) * SECTOR_BYTES;
  return found.get(Math.floor(sector / SECTORS_PER_REGION))?.subarray(from, from + SECTOR_BYTES);
}

/** Each file belongs to a layer of the catalogue, each layer has its files, and each layer is needed. */
export async function checkFiles({ catalogue, files, folder }: StoreHost): Promise<void> {
  const { layers } = await catalogue.load();
  const allowed = new Set(layers.flatMap(({ id }) => [`${id}.data`, `${id}.map`, `${id}.sums`]));
  for (const name of files.list(folder))
    if (!allowed.has(name)) throw new BrokenPromise(`file ${name} belongs to no layer`);
  for (const { id, parent } of layers)
    for (const name of parent === '' ? [`${id}.data`] : [`${id}.data`, `${id}.map`])
      if (!files.exists(`${folder}/${name}`)) throw new BrokenPromise(`file ${name} is missing`);
}

/** With nothing left to do in the background, layers that nobody needs to tell apart are one. */
export async function checkMerged({ catalogue }: StoreHost): Promise<void> {
  const { layers, volumes, snapshots } = await catalogue.load();
  const named = new Set([...volumes.map(({ head }) => head), ...snapshots.map(({ layer }) => layer)]);
  for (const { id, sealed, summed } of layers) {
    const children = layers.filter(({ parent }) => parent === id).length;
    if (!named.has(id) && children < 2) throw new BrokenPromise(`layer ${id} should be part of another`);
    if (sealed && !summed) throw new BrokenPromise(`layer ${id} has no checksums`);
  }
}

const MAX_STEPS = 1000;

/** Of all that waits in the background. */
export async function untilDone(store: LayerStore): Promise<void> {
  for (let steps = 0; await store.step(); steps++)
    if (steps > MAX_STEPS) throw new BrokenPromise('the background never comes to an end');
}

/** No checksum says that anything is damaged, since nothing is. */
export async function checkSums(store: LayerStore): Promise<void> {
  for (const { volume } of store.volumes) await store.startScrub(volume);
  await untilDone(store);
  for (const { volume } of store.volumes) {
    const damaged = store.scrub(volume)?.damaged ?? [];
    if (damaged.length > 0)
      throw new BrokenPromise(`volume ${volume} is said to be damaged: ${JSON.stringify(damaged)}`);
  }
}

function usable<Value>(get: () => Value, what: string): Value {
  try {
    return get();
  } catch (error) {
    throw new BrokenPromise(`${what} cannot be used: ${messageOf(error)}`, { cause: error });
  }
}

function describe(value: Sector): string {
  if (value === undefined || isSame(value, undefined)) return 'zeroes';
  const words = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  const [stamp, sector] = [words.readUInt32LE(0), words.readUInt32LE(4)];
  const isWhole = isSame(value, stamped(stamp, sector));
  return isWhole ? `write ${stamp} of sector ${sector}` : 'bytes of no write';
}

/** A sector whose bytes say which write it is of, and where it belongs. */
export function stamped(stamp: number, sector: number): Buffer {
  const bytes = Buffer.alloc(SECTOR_BYTES);
  for (let at = 0; at < SECTOR_BYTES; at += 8) {
    bytes.writeUInt32LE(stamp, at);
    bytes.writeUInt32LE(sector, at + 4);
  }
  return bytes;
}
