/** What a life is asked for: writes at overlapping places, flushes, and changes of volumes and snapshots, all at once. */
import { contentProblem, liveProblem, BrokenPromise, readable, stamped } from './check.ts';
import { REGION_BYTES } from './geometry.ts';
import { SECTOR_BYTES } from './image.ts';
import type { Life } from './life.ts';
import type { SnapshotModel } from './model.ts';
import { isSame } from './volume-model.ts';

/** Of which a life may use the first only: the fewer there are, the more is done to each. */
const VOLUMES = ['a', 'b', 'c'];
const SNAPSHOTS = ['s', 't', 'u', 'v', 'w'];
/** Entries of one sector, and of one page, of a map: regions at their borders are in other sectors, and pages. */
const SIZES_REGIONS = [6, 12, 60, 508, 4036];
const BORDERS = [0, 504, 4032];
const MAX_WRITE_SECTORS = 28;
/** Some writes are of so many regions: more than the background copies in one step. */
const LARGE_REGIONS = 40;
/** A log that is written and flushed so often in a row: the store expects the next flush, and begins before it. */
const COMMITS = 6;
/** Begun before others ended. */
const MAX_RUNNING = 6;

type Action = (life: Life) => void;

const actions: readonly (readonly [weight: number, act: Action])[] = [
  [30, write],
  [7, zero],
  [10, flush],
  [3, commit],
  [8, read],
  [9, snapshot],
  [7, deleteSnapshot],
  [6, clone],
  [2, revert],
  [2, grow],
  [1, create],
  [1, deleteVolume],
  [3, diff],
  [20, (life) => life.step()],
  [5, rewrite],
];
const TOTAL = actions.reduce((sum, [weight]) => sum + weight, 0);

/** So many times: something is asked for, or something that waits is let go. */
export async function work(life: Life, actionsCount: number): Promise<void> {
  for (let count = 0; count < actionsCount; count++) {
    const { waiting } = life.host;
    if (life.model.volumes.size === 0 && life.running === 0) {
      create(life);
      await life.quiet();
    } else if (waiting > 0 && (life.running > MAX_RUNNING || life.random.happens(0.45))) await life.turn();
    else pick(life.random.below(TOTAL))(life);
  }
}

function pick(at: number): Action {
  let left = at;
  for (const [weight, act] of actions) {
    left -= weight;
    if (left < 0) return act;
  }
  return write;
}

function write(life: Life): void {
  const volume = freeVolume(life);
  if (volume !== undefined) writeTo(life, volume);
}

function writeTo(life: Life, volume: string): void {
  const { offset, length } = range(life, volume);
  const { writes } = life.model.volume(volume);
  const stamp = writes + 1 + life.random.below(1000) * 10_000;
  const data = Buffer.concat(
    Array.from({ length: length / SECTOR_BYTES }, (_, at) => stamped(stamp, offset / SECTOR_BYTES + at)),
  );
  life.write(volume, offset, data);
}

function zero(life: Life): void {
  const volume = freeVolume(life);
  if (volume !== undefined) life.zero(volume, range(life, volume), life.random.happens(0.4));
}

/** What may be lost is written anew, as a copy does. */
function rewrite(life: Life): void {
  const volume = freeVolume(life);
  if (volume === undefined || life.model.volume(volume).hasFailed) return;
  for (const sector of life.model.volume(volume).doubtful)
    life.write(volume, sector * SECTOR_BYTES, stamped(life.random.below(1_000_000), sector));
}

function flush(life: Life): void {
  const volume = freeVolume(life);
  if (volume !== undefined) life.flush(volume);
}

function commit(life: Life): void {
  const volume = freeVolume(life);
  if (volume === undefined) return;
  for (let count = 0; count < COMMITS; count++) {
    writeTo(life, volume);
    life.flush(volume);
  }
  writeTo(life, volume);
}

/** A process reads what it wrote last, flushed or not. */
function read(life: Life): void {
  const volume = freeVolume(life);
  if (volume !== undefined) {
    const model = life.model.volume(volume);
    // What a sync that failed made of the page cache is seen until the volume is healed.
    const problem = model.hasFailed
      ? undefined
      : life.host.sparing(() => liveProblem(readable(life.store.volume(volume)), model));
    if (problem !== undefined) throw new BrokenPromise(`volume ${volume} ${problem}`);
  }
  const snapshot = freeSnapshot(life);
  if (snapshot !== undefined) checkSnapshotNow(life, snapshot.volume, snapshot.name);
}

function snapshot(life: Life): void {
  const volume = freeVolume(life);
  const name = life.random.pick(
    SNAPSHOTS.slice(0, life.most.snapshots).filter(
      (one) => !life.model.snapshots.has(`${String(volume)}@${one}`),
    ),
  );
  if (volume === undefined || name === undefined || life.isLocked(`${volume}@`)) return;
  // Nobody takes one of a replica that may lack something.
  if (life.model.volume(volume).doubtful.length > 0) return;
  const purpose = !hasSeed(life, volume) && life.random.happens(0.15) ? 'seed' : 'kept';
  life.begin(
    { type: 'snapshot', volume, name, purpose },
    // Writes go on meanwhile.
    [`${volume}@`],
    () => life.store.snapshot(volume, name, { quiesced: false, purpose }),
    (id) => cutOf(life, id),
  );
}

/** Which of the instants that it may have been taken at it shows. */
function cutOf(life: Life, id: number): number {
  const problems: string[] = [];
  for (const [cut, model] of life.model.cuts(id)) {
    const view = life.store.openSnapshot(model.volume, model.name);
    const problem = contentProblem(view, model);
    view.close();
    if (problem === undefined) return cut;
    problems.push(problem);
  }
  throw new BrokenPromise(`a new snapshot ${problems.join('; or ')}`);
}

function deleteSnapshot(life: Life): void {
  const found = freeSnapshot(life);
  if (found === undefined) return;
  const { volume, name } = found;
  life.begin({ type: 'delete-snapshot', volume, name }, [`${volume}@`], () =>
    life.store.deleteSnapshot(volume, name),
  );
}

/** Nothing else may stand on a seed: it ends with its process. */
function clone(life: Life): void {
  const found = freeSnapshot(life);
  const as = newVolume(life);
  if (found === undefined || as === undefined) return;
  const { volume, name, purpose } = found;
  const locks = [`${volume}@`, as];
  const act = (): Promise<unknown> => life.store.clone(volume, name, as);
  if (purpose === 'seed') life.refused('a clone of a seed', locks, act);
  else life.begin({ type: 'clone', volume, name, as }, locks, act);
}

/** Not of a volume that has a seed. */
function revert(life: Life): void {
  const found = freeSnapshot(life);
  if (found === undefined || life.isLocked(found.volume)) return;
  const { volume, name } = found;
  const locks = [volume, `${volume}@`];
  const act = (): Promise<unknown> => life.store.revert(volume, name);
  if (hasSeed(life, volume)) life.refused('to revert a volume that is copied', locks, act);
  else life.begin({ type: 'revert', volume, name }, locks, act);
}

function grow(life: Life): void {
  const volume = freeVolume(life);
  if (volume === undefined || life.isLocked(`${volume}@`)) return;
  const sizeBytes = life.model.volume(volume).sizeBytes + (1 + life.random.below(4)) * REGION_BYTES;
  life.begin({ type: 'grow', volume, sizeBytes }, [`${volume}@`], () => life.store.resize(volume, sizeBytes));
}

function create(life: Life): void {
  const volume = newVolume(life);
  const regions = life.random.pick(SIZES_REGIONS);
  if (volume === undefined || regions === undefined) return;
  const sizeBytes = regions * REGION_BYTES;
  life.begin({ type: 'create', volume, sizeBytes }, [volume, `${volume}@`], () =>
    life.store.create(volume, sizeBytes),
  );
}

function deleteVolume(life: Life): void {
  const volume = freeVolume(life);
  if (volume === undefined || life.isLocked(`${volume}@`)) return;
  life.begin({ type: 'delete-volume', volume }, [volume, `${volume}@`], () =>
    life.store.deleteVolume(volume),
  );
}

/** All that differs between a snapshot and its volume, or another snapshot, is told. */
function diff(life: Life): void {
  const from = freeSnapshot(life);
  if (from === undefined || life.isLocked(from.volume)) return;
  const { volume } = from;
  const to = freeSnapshot(life);
  const other = to?.volume === volume ? to : undefined;
  const isUnknown = life.model.volume(volume).hasFailed || life.model.volume(volume).doubtful.length > 0;
  if (other === undefined && isUnknown) return;
  const before = life.model.snapshot(volume, from.name).content;
  const after =
    other === undefined
      ? life.model.volume(volume).content()
      : life.model.snapshot(volume, other.name).content;
  const told = life.host.sparing(() => life.store.diff(volume, from.name, other?.name));
  const isTold = (region: number): boolean =>
    told.some(({ first, count }) => region >= first && region < first + count);
  for (const sector of new Set([...before.keys(), ...after.keys()])) {
    const region = Math.floor((sector * SECTOR_BYTES) / REGION_BYTES);
    if (!isSame(before.get(sector), after.get(sector)) && !isTold(region))
      throw new BrokenPromise(
        `region ${region} of ${volume} differs from ${from.name}, and the diff does not tell`,
      );
  }
}

export function checkSnapshotNow(life: Life, volume: string, name: string): void {
  const problem = life.host.sparing(() => {
    const view = life.store.openSnapshot(volume, name);
    const found = contentProblem(view, life.model.snapshot(volume, name));
    view.close();
    return found;
  });
  if (problem !== undefined) throw new BrokenPromise(`snapshot ${volume}@${name} ${problem}`);
}

function freeVolume(life: Life): string | undefined {
  return life.random.pick([...life.model.volumes.keys()].filter((name) => !life.isLocked(name)));
}

/** There is one at a time. */
function hasSeed(life: Life, volume: string): boolean {
  return [...life.model.snapshots.values()].some((one) => one.volume === volume && one.purpose === 'seed');
}

function freeSnapshot(life: Life): SnapshotModel | undefined {
  return life.random.pick(
    [...life.model.snapshots.values()].filter(({ volume }) => !life.isLocked(`${volume}@`)),
  );
}

function newVolume(life: Life): string | undefined {
  return life.random.pick(
    VOLUMES.slice(0, life.most.volumes).filter(
      (name) => !life.model.volumes.has(name) && !life.isLocked(name),
    ),
  );
}

/** Near the beginning or near a border of the map, so that they meet; some are whole regions. */
function range(life: Life, volume: string): { readonly offset: number; readonly length: number } {
  const { random } = life;
  const { sizeBytes } = life.model.volume(volume);
  const borders = BORDERS.map((region) => region * REGION_BYTES).filter((offset) => offset < sizeBytes);
  const around = (random.pick(borders) ?? 0) / SECTOR_BYTES;
  const isAligned = random.happens(0.3);
  const sectors = REGION_BYTES / SECTOR_BYTES;
  const low = Math.max(0, around - 3 * sectors);
  const first = Math.min(low + random.below(9 * sectors), sizeBytes / SECTOR_BYTES - 1);
  const start = isAligned ? first - (first % sectors) : first;
  const count = isAligned
    ? sectors * (1 + random.below(random.happens(0.15) ? LARGE_REGIONS : 4))
    : 1 + random.below(random.happens(0.5) ? 4 : MAX_WRITE_SECTORS);
  return {
    offset: start * SECTOR_BYTES,
    length: Math.min(count * SECTOR_BYTES, sizeBytes - start * SECTOR_BYTES),
  };
}
