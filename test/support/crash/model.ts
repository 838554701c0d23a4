/**
 * The oracle: what a store may show after a crash, from what was asked of it and what it acknowledged. What was not
 * acknowledged is there as a whole or not at all.
 */
import { assert } from '../../../daemon/sys/errors.ts';
import { type Sector, SECTOR_BYTES } from './image.ts';
import { type Content, type ModelWrite, sectorsOf, VolumeModel } from './volume-model.ts';

export type Op =
  | { readonly type: 'create'; readonly volume: string; readonly sizeBytes: number }
  | { readonly type: 'delete-volume'; readonly volume: string }
  | {
      readonly type: 'snapshot';
      readonly volume: string;
      readonly name: string;
      readonly purpose: 'kept' | 'seed';
    }
  | { readonly type: 'delete-snapshot'; readonly volume: string; readonly name: string }
  | { readonly type: 'clone'; readonly volume: string; readonly name: string; readonly as: string }
  | { readonly type: 'revert'; readonly volume: string; readonly name: string }
  | { readonly type: 'grow'; readonly volume: string; readonly sizeBytes: number };

export type ModelEvent =
  | { readonly type: 'write-begins'; readonly volume: string; readonly write: ModelWrite }
  | { readonly type: 'write-ends'; readonly volume: string }
  /** `there`: the sectors that hold it now; the others hold what they held before. */
  | { readonly type: 'write-fails'; readonly volume: string; readonly there: readonly number[] }
  | { readonly type: 'flush-fails'; readonly id: number }
  /** Without `isDone`: it changed nothing. */
  | { readonly type: 'op-fails'; readonly id: number; readonly isDone: boolean; readonly cut?: number }
  /** An operation on a file of the volume failed; what it meant is not known yet. */
  | { readonly type: 'fault'; readonly volume: string }
  /** The store has got over it. `isLost`: what was not flushed may be lost. */
  | { readonly type: 'sound'; readonly volume: string; readonly isLost: boolean }
  | { readonly type: 'flush-begins'; readonly id: number; readonly volume: string }
  | { readonly type: 'flush-ends'; readonly id: number }
  | { readonly type: 'op-begins'; readonly id: number; readonly op: Op }
  /** `cut`: of a snapshot, after how many of the writes since it was asked for it was taken. */
  | { readonly type: 'op-ends'; readonly id: number; readonly cut?: number };

export interface SnapshotModel {
  readonly volume: string;
  readonly name: string;
  readonly purpose: 'kept' | 'seed';
  readonly sizeBytes: number;
  readonly content: Content;
}

/** A snapshot whose instant is not known yet: it lies between two writes that were made since it was asked for. */
interface Journal {
  readonly before: Content;
  readonly sizeBytes: number;
  readonly writes: ModelWrite[];
}

interface Running {
  readonly op: Op;
  readonly journal: Journal | undefined;
}

/** After a crash there is one of these; undefined: it is not there. */
export interface Expected {
  readonly volumes: ReadonlyMap<string, readonly (VolumeModel | undefined)[]>;
  readonly snapshots: ReadonlyMap<string, Iterable<SnapshotModel | undefined>>;
}

export class Model {
  readonly volumes = new Map<string, VolumeModel>();
  readonly snapshots = new Map<string, SnapshotModel>();
  readonly #running = new Map<number, Running>();
  readonly #flushes = new Map<number, { readonly volume: VolumeModel; readonly writes: number }>();

  volume(name: string): VolumeModel {
    const volume = this.volumes.get(name);
    assert(volume !== undefined, `the model has a volume ${name}`);
    return volume;
  }

  snapshot(volume: string, name: string): SnapshotModel {
    const snapshot = this.snapshots.get(snapshotKey(volume, name));
    assert(snapshot !== undefined, `the model has a snapshot ${volume}@${name}`);
    return snapshot;
  }

  /** Before anything was asked of it in this life of the process. */
  copy(): Model {
    assert(this.#running.size + this.#flushes.size === 0, 'a model is copied when nothing is under way');
    const copy = new Model();
    for (const [name, volume] of this.volumes) copy.volumes.set(name, volume.copy());
    for (const [key, snapshot] of this.snapshots) copy.snapshots.set(key, snapshot);
    return copy;
  }

  apply(event: ModelEvent): void {
    switch (event.type) {
      case 'write-begins':
        for (const { op, journal } of this.#running.values())
          if (op.volume === event.volume) journal?.writes.push(event.write);
        {
          this.volume(event.volume).writeBegins(event.write);
          return;
        }
      case 'write-ends': {
        this.volume(event.volume).writeEnds();
        return;
      }
      case 'write-fails': {
        this.#writeFailed(event.volume, new Set(event.there));
        return;
      }
      case 'fault': {
        this.volume(event.volume).hasFailed = true;
        return;
      }
      case 'sound': {
        const volume = this.volume(event.volume);
        volume.hasFailed = false;
        if (event.isLost) volume.doubt();
        return;
      }
      case 'flush-fails': {
        this.#flushes.delete(event.id);
        return;
      }
      case 'flush-begins': {
        const volume = this.volume(event.volume);
        this.#flushes.set(event.id, { volume, writes: volume.writes });
        return;
      }
      case 'flush-ends': {
        const flush = this.#flushes.get(event.id);
        flush?.volume.flushed(flush.writes);
        this.#flushes.delete(event.id);
        return;
      }
      case 'op-begins':
        this.#running.set(event.id, { op: event.op, journal: this.#journal(event.op) });
        return;
      case 'op-ends':
      case 'op-fails': {
        const running = this.#running.get(event.id);
        assert(running !== undefined, `operation ${event.id} was begun`);
        this.#running.delete(event.id);
        if (event.type === 'op-ends' || event.isDone) this.#done(running, event.cut);
        return;
      }
    }
  }

  /** What a snapshot under way may have caught, from the oldest instant on, with its cut. */
  *cuts(id: number): Generator<readonly [cut: number, snapshot: SnapshotModel]> {
    const running = this.#running.get(id);
    if (running?.op.type !== 'snapshot' || running.journal === undefined) return;
    const { writes } = running.journal;
    for (let count = 0; count <= writes.length; count++) yield [count, snapshotAt(running, count)];
  }

  #writeFailed(name: string, there: ReadonlySet<number>): void {
    for (const { op, journal } of this.#running.values()) {
      const write = op.volume === name ? journal?.writes.pop() : undefined;
      if (write === undefined) continue;
      for (const [sector, data] of sectorsOf(write))
        if (there.has(sector))
          journal?.writes.push({ offset: sector * SECTOR_BYTES, length: SECTOR_BYTES, data });
    }
    this.volume(name).writeFailed((sector) => there.has(sector));
  }

  expected(): Expected {
    const volumes = new Map<string, readonly (VolumeModel | undefined)[]>();
    const snapshots = new Map<string, Iterable<SnapshotModel | undefined>>();
    for (const [name, volume] of this.volumes) volumes.set(name, [volume]);
    for (const [key, snapshot] of this.snapshots)
      snapshots.set(key, [snapshot.purpose === 'kept' ? snapshot : undefined]);
    for (const [id, { op }] of this.#running) {
      const volume = this.volumes.get(op.volume);
      switch (op.type) {
        case 'create':
          volumes.set(op.volume, [undefined, new VolumeModel(op.sizeBytes)]);
          break;
        case 'delete-volume':
          volumes.set(op.volume, [volume, undefined]);
          for (const [key, snapshot] of this.snapshots)
            if (snapshot.volume === op.volume && snapshot.purpose === 'kept')
              snapshots.set(key, [snapshot, undefined]);
          break;
        case 'snapshot':
          if (op.purpose === 'kept')
            snapshots.set(snapshotKey(op.volume, op.name), this.#possibleSnapshots(id));
          break;
        case 'delete-snapshot': {
          const key = snapshotKey(op.volume, op.name);
          snapshots.set(key, [...(snapshots.get(key) ?? []), undefined]);
          break;
        }
        case 'clone':
          volumes.set(op.as, [undefined, this.#shownBy(op)]);
          break;
        case 'revert':
          volumes.set(op.volume, [volume, this.#shownBy(op, volume?.sizeBytes)]);
          break;
        case 'grow':
          volumes.set(op.volume, [volume, volume?.withSize(op.sizeBytes)]);
          break;
      }
    }
    return { volumes, snapshots };
  }

  *#possibleSnapshots(id: number): Generator<SnapshotModel | undefined> {
    yield undefined;
    for (const [, snapshot] of this.cuts(id)) yield snapshot;
  }

  /** A volume that has grown keeps its size when it is reverted. */
  #shownBy(
    { volume, name }: { readonly volume: string; readonly name: string },
    sizeBytes = this.snapshot(volume, name).sizeBytes,
  ): VolumeModel {
    const { content } = this.snapshot(volume, name);
    return new VolumeModel(sizeBytes, content);
  }

  #journal(op: Op): Journal | undefined {
    if (op.type !== 'snapshot') return undefined;
    const volume = this.volume(op.volume);
    return { before: volume.content(), sizeBytes: volume.sizeBytes, writes: [] };
  }

  #done(running: Running, cut: number | undefined): void {
    const { op } = running;
    switch (op.type) {
      case 'create':
        this.volumes.set(op.volume, new VolumeModel(op.sizeBytes));
        return;
      case 'delete-volume':
        this.volumes.delete(op.volume);
        for (const [key, { volume }] of this.snapshots) if (volume === op.volume) this.snapshots.delete(key);
        return;
      case 'snapshot':
        assert(cut !== undefined, 'the instant of a snapshot is known');
        this.snapshots.set(snapshotKey(op.volume, op.name), snapshotAt(running, cut));
        return;
      case 'delete-snapshot':
        this.snapshots.delete(snapshotKey(op.volume, op.name));
        return;
      case 'clone':
        this.volumes.set(op.as, this.#shownBy(op));
        return;
      case 'revert':
        this.volumes.set(op.volume, this.#shownBy(op, this.volume(op.volume).sizeBytes));
        return;
      case 'grow':
        this.volume(op.volume).sizeBytes = op.sizeBytes;
        return;
    }
  }
}

export function snapshotKey(volume: string, name: string): string {
  return `${volume}@${name}`;
}

function snapshotAt({ op, journal }: Running, cut: number): SnapshotModel {
  assert(op.type === 'snapshot' && journal !== undefined, 'a snapshot has a journal');
  const content = new Map<number, Sector>(journal.before);
  for (const write of journal.writes.slice(0, cut))
    for (const [sector, value] of sectorsOf(write)) content.set(sector, value);
  const { volume, name, purpose } = op;
  return { volume, name, purpose, sizeBytes: journal.sizeBytes, content };
}
